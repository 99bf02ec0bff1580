import { expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { type KafkaOptions, resolveKafkaOptions } from '../../src/options/kafka-options.ts'

test('defaults are complete and frozen', () => {
  const options = resolveKafkaOptions({ bootstrapServers: 'localhost:9092' })
  expect(options).toEqual({
    bootstrapServers: {
      endpoints: [{ host: 'localhost', port: 9092 }],
      srvNames: [],
      provider: null,
    },
    clientId: 'kafkawire',
    requestTimeoutMs: 30_000,
    socketConnectionSetupTimeoutMs: 10_000,
    socketConnectionSetupTimeoutMaxMs: 30_000,
    reconnectBackoffMs: 50,
    reconnectBackoffMaxMs: 1000,
    retryBackoffMs: 100,
    retryBackoffMaxMs: 1000,
    metadataMaxAgeMs: 300_000,
    metadataRecoveryStrategy: 'rebootstrap',
    metadataRecoveryRebootstrapTriggerMs: 300_000,
    connectionsMaxIdleMs: 540_000,
    maxResponseSize: 134_217_728,
    ssl: null,
    usesControllers: false,
    sasl: null,
    lookup: null,
    clientDnsLookup: 'use_all_dns_ips',
    mapAddress: null,
    connect: null,
    logger: expect.any(Object),
    givenLogger: null,
  })
  expect(Object.isFrozen(options)).toBe(true)
})

const addresses: [string | string[], [string, number][]][] = [
  [
    'a:1,b:2',
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
  [
    ' a:1 , ,b:2 ,',
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
  [
    ['a:1,b:2', 'c:3', 'a:1'],
    [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ],
  ],
  ['[::1]:9092', [['::1', 9092]]],
  ['[fe80::1%eth0]:65535', [['fe80::1%eth0', 65535]]],
  ['PLAINTEXT://a.example.com:9092', [['a.example.com', 9092]]],
]

test.each(addresses)('bootstrapServers %j', (bootstrapServers, expected) => {
  const options = resolveKafkaOptions({ bootstrapServers })
  expect(options.bootstrapServers.endpoints.map(({ host, port }) => [host, port])).toEqual(expected)
})

const wrong: [object, RegExp][] = [
  [{}, /'bootstrapServers' is needed/],
  [{ bootstrapServers: '' }, /'bootstrapServers' is needed/],
  [{ bootstrapServers: [] }, /'bootstrapServers' is needed/],
  [{ bootstrapServers: 'srv://' }, /'srv:\/\/' is not the name of an SRV record/],
  [{ bootstrapServers: 'srv://a.test:9092' }, /SRV record.*without a port/],
  [{ bootstrapServers: 'a:1', mapAddress: {} }, /'mapAddress' must be a function/],
  [{ bootstrapServers: 'a:1', connect: 'tcp' }, /'connect' must be a function/],
  [{ bootstrapServers: 'a:1', clientDnsLookup: 'all' }, /'clientDnsLookup' must be one of/],
  [
    { bootstrapServers: 'a:1', connect: () => {}, lookup: () => {} },
    /'lookup' has no effect with 'connect'/,
  ],
  [{ bootstrapServers: 9092 }, /bootstrapServers.*host:port/],
  [{ bootstrapServers: 'localhost' }, /'localhost' has no port.*localhost:9092/],
  [{ bootstrapServers: 'localhost:' }, /has the port ''/],
  [{ bootstrapServers: 'localhost:port' }, /has the port 'port'/],
  [{ bootstrapServers: 'localhost:0' }, /1 to 65535/],
  [{ bootstrapServers: 'localhost:65536' }, /1 to 65535/],
  [{ bootstrapServers: '::1:9092' }, /brackets/],
  [{ bootstrapServers: ':9092' }, /is not 'host:port'/],
  [{ bootstrapServers: 'http://a/b:1' }, /has the port '\/\/a\/b:1'/],
  [{ bootstrapServers: 'a:1', requestTimeoutMs: 0 }, /requestTimeoutMs/],
  [
    { bootstrapServers: 'a:1', requestTimeout: 5 },
    /unknown option 'requestTimeout'.*requestTimeoutMs/,
  ],
  [{ bootstrapServers: 'a:1', brokers: [] }, /unknown option 'brokers': it is 'bootstrapServers'/],
  [
    { bootstrapServers: 'a:1', retryBackoffMs: 5000 },
    /retryBackoffMaxMs.*1000.*retryBackoffMs.*5000/,
  ],
  [{ bootstrapServers: 'a:1', reconnectBackoffMaxMs: 10 }, /reconnectBackoffMaxMs/],
  [{ bootstrapServers: 'a:1', socketConnectionSetupTimeoutMaxMs: 10 }, /SetupTimeoutMaxMs/],
  [{ bootstrapServers: 'a:1', metadataRecoveryStrategy: 'never' }, /'rebootstrap', 'none'/],
  [{ bootstrapServers: 'a:1', ssl: 'yes' }, /'ssl' must be true, false/],
  [{ bootstrapServers: 'a:1', ssl: null }, /'ssl'/],
  [{ bootstrapServers: 'a:1', lookup: 'dns' }, /'lookup' must be a function/],
  [{ bootstrapServers: 'a:1', logger: { info: () => {} } }, /debug, info, warn, error/],
  [{ bootstrapServers: 'a:1', maxResponseSize: 10 }, /maxResponseSize/],
]

test.each(wrong)('%j is refused', (options, text) => {
  const resolve = (): unknown => resolveKafkaOptions(options as KafkaOptions)
  expect(resolve).toThrow(ConfigError)
  expect(resolve).toThrow(text)
})

function withSasl(sasl: object, ssl = true): () => unknown {
  const options = { bootstrapServers: 'a:1', ssl, sasl }
  return () => resolveKafkaOptions(options as KafkaOptions)
}

const wrongSasl: [object, RegExp][] = [
  [{}, /'mechanism' is needed: PLAIN, SCRAM/],
  [{ mechanism: 'NTLM' }, /'mechanism' must be one of 'PLAIN'/],
  [{ mechanism: 'GSSAPI', serviceName: 'k' }, /unknown option 'serviceName'.*kerberosServiceName/],
  [{ mechanism: 'GSSAPI', kerberosServiceName: 5 }, /'kerberosServiceName' must be a string/],
  [{ mechanism: 'PLAIN', username: 'u' }, /either 'username' and 'password', or 'credentials'/],
  [{ mechanism: 'PLAIN', user: 'u', password: 'p' }, /unknown option 'user'/],
  [{ mechanism: 'PLAIN', username: 'u', password: 'p', credentials: () => {} }, /either/],
  [{ mechanism: 'SCRAM-SHA-256', username: 'u', password: '' }, /'password' must be a string/],
  [{ mechanism: 'OAUTHBEARER' }, /needs 'token', a function/],
  [{ mechanism: 'OAUTHBEARER', token: 'eyJ' }, /'token' must be a function/],
]

test.each(wrongSasl)('sasl %j is refused', (sasl, text) => {
  expect(withSasl(sasl)).toThrow(ConfigError)
  expect(withSasl(sasl)).toThrow(text)
})

test('sasl: the built-in mechanisms, one of your own, and no password in the clear', async () => {
  const plain = { mechanism: 'PLAIN', username: 'u', password: 'p' }
  expect(withSasl(plain)()).toMatchObject({ sasl: { kind: 'password', mechanism: 'PLAIN' } })
  expect(withSasl(plain, false)).toThrow(/SASL PLAIN without TLS.*allowUnencrypted/)
  expect(withSasl({ ...plain, allowUnencrypted: true }, false)).not.toThrow()
  expect(withSasl({ ...plain, mechanism: 'SCRAM-SHA-512' }, false)).not.toThrow()
  const token = { mechanism: 'OAUTHBEARER', token: () => ({ token: 'eyJ' }) }
  expect(withSasl(token)()).toMatchObject({ sasl: { kind: 'token', token: token.token } })
  const own = { name: 'GSSAPI', begin: () => {} }
  expect(withSasl(own)()).toMatchObject({ sasl: { kind: 'own', mechanism: { name: 'GSSAPI' } } })
})

test('console is a logger', () => {
  const options = resolveKafkaOptions({ bootstrapServers: 'a:1', logger: console })
  expect(options.givenLogger).toBe(console)
})
