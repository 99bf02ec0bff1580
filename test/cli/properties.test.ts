// Java's properties: the file format, what each means to this client, and what is said of those that
// mean nothing here.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/cli/failures.ts'
import { optionsFromJava } from '../../src/cli/java-options.ts'
import { readProfile } from '../../src/cli/profiles.ts'
import { parseProperties } from '../../src/cli/properties.ts'

const parsed = (text: string): Record<string, string> =>
  Object.fromEntries(parseProperties(text, 'client.properties'))

describe('the file format', () => {
  test.each([
    ['a=b', { a: 'b' }],
    ['a = b ', { a: 'b ' }],
    ['a:b', { a: 'b' }],
    ['a b', { a: 'b' }],
    ['a', { a: '' }],
    ['a=', { a: '' }],
    ['# c\n! c\n\n  a=b', { a: 'b' }],
    ['a=b\\\n   c', { a: 'bc' }],
    ['a=b\\\\\nc=d', { a: 'b\\', c: 'd' }],
    ['a=1\na=2', { a: '2' }],
    ['a\\=b=c', { 'a=b': 'c' }],
    ['a\\ b=c', { 'a b': 'c' }],
    ['a=\\u00e9\\t\\n', { a: 'é\t\n' }],
    ['a=b\r\nc=d\r\n', { a: 'b', c: 'd' }],
    ['\ufeffa=b', { a: 'b' }],
    ['a=b=c', { a: 'b=c' }],
    ['a=b\\', { a: 'b' }],
  ])('%j', (text, expected) => {
    expect(parsed(text)).toEqual(expected)
  })

  test('a wrong escape is named with its line', () => {
    expect(() => parsed('a=b\nc=\\u12')).toThrow(/client\.properties, line 2: \\u must be followed/)
  })

  test('a line without a key is named', () => {
    expect(() => parsed('=b')).toThrow('client.properties, line 1 has no key')
  })
})

const options = (text: string): ReturnType<typeof optionsFromJava> =>
  optionsFromJava(parseProperties(text, 'file'))

describe('what properties mean', () => {
  test('to the connection, to producers, to consumers', () => {
    const { connection, producer, consumer, unknown } = options(`
      bootstrap.servers=a:1,b:2
      client.id=shop
      request.timeout.ms=5000
      acks=all
      linger.ms=5
      compression.type=zstd
      enable.idempotence=True
      max.in.flight.requests.per.connection=2
      group.id=g
      auto.offset.reset=earliest
      isolation.level=read_committed
      partition.assignment.strategy=org.apache.kafka.clients.consumer.RangeAssignor
      key.serializer=org.apache.kafka.common.serialization.StringSerializer`)
    expect(connection).toMatchObject({
      bootstrapServers: 'a:1,b:2',
      clientId: 'shop',
      requestTimeoutMs: 5000,
    })
    expect(producer).toMatchObject({
      acks: -1,
      lingerMs: 5,
      compressionType: 'zstd',
      enableIdempotence: true,
      maxInFlightRequestsPerConnection: 2,
      requestTimeoutMs: 5000,
    })
    expect(consumer).toMatchObject({
      groupId: 'g',
      autoOffsetReset: 'earliest',
      isolationLevel: 'read_committed',
      partitionAssignors: ['range'],
    })
    expect(unknown).toEqual([])
  })

  test('those that are not known are named', () => {
    expect(options('acs=all\nbatch.sise=5').unknown).toEqual(['acs', 'batch.sise'])
  })

  test.each([
    ['acks=2', 'acks=2: expected all, -1, 0 or 1.'],
    ['linger.ms=soon', 'linger.ms=soon: expected a number.'],
    ['enable.idempotence=yes', 'enable.idempotence=yes: expected true or false.'],
    ['security.protocol=TLS', 'expected PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL'],
    ['security.protocol=SASL_SSL\nsasl.mechanism=NTLM', 'sasl.mechanism=NTLM is not supported'],
    ['security.protocol=SASL_SSL\nsasl.mechanism=PLAIN', 'needs a user name and a password'],
    ['security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=secret', 'not valid'],
    ['security.protocol=SSL\nssl.truststore.location=/x.jks', 'must be PEM'],
    ['security.protocol=SSL\nssl.keystore.location=/no/such.pem', 'cannot be read'],
  ])('%s is refused', (text, message) => {
    expect(() => options(text)).toThrow(UsageError)
    expect(() => options(text)).toThrow(message)
    expect(() => options(text)).not.toThrow(/=secret|"secret"/)
  })
})

describe('security', () => {
  const jaas =
    'org.apache.kafka.common.security.scram.ScramLoginModule required username="al\\"ice" password=\'p w\' tokenauth=true;'

  test('SCRAM over TLS', () => {
    const { connection } = options(
      `security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=${jaas.replaceAll('\\', '\\\\')}`,
    )
    expect(connection.ssl).toEqual({})
    expect(connection.sasl).toEqual({
      mechanism: 'SCRAM-SHA-512',
      username: 'al"ice',
      password: 'p w',
      tokenAuth: true,
    })
  })

  test('PLAIN without TLS is what SASL_PLAINTEXT says', () => {
    const { connection } = options(
      'security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=org.x.PlainLoginModule required username="a" password="b";',
    )
    expect(connection.sasl).toMatchObject({ mechanism: 'PLAIN', allowUnencrypted: true })
    expect(connection.ssl).toBeUndefined()
  })

  test('PEM certificates, and a host name that is not checked', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kafkawire-test-'))
    writeFileSync(join(folder, 'ca.pem'), 'CA')
    writeFileSync(join(folder, 'key.p12'), 'P12')
    const { connection } = options(`security.protocol=SSL
      ssl.truststore.location=${join(folder, 'ca.pem')}
      ssl.keystore.location=${join(folder, 'key.p12')}
      ssl.keystore.password=pw
      ssl.endpoint.identification.algorithm=`)
    expect(connection.ssl).toMatchObject({
      ca: Buffer.from('CA'),
      pfx: Buffer.from('P12'),
      passphrase: 'pw',
      checkServerIdentity: expect.any(Function) as unknown,
    })
  })
})

describe('profiles', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kafkawire-test-'))
  const path = join(folder, 'config')
  writeFileSync(
    path,
    'client.id=all\n[default]\nbootstrap.servers=d:1\n[prod]\nbootstrap.servers=p:1\nclient.id=own\n',
  )

  test('a section, and what holds for all', () => {
    expect(Object.fromEntries(readProfile('prod', path))).toEqual({
      'client.id': 'own',
      'bootstrap.servers': 'p:1',
    })
    expect(Object.fromEntries(readProfile(undefined, path))).toEqual({
      'client.id': 'all',
      'bootstrap.servers': 'd:1',
    })
  })

  test('one that does not exist is refused with the names that do', () => {
    expect(() => readProfile('stage', path)).toThrow('no section [stage]; it has default, prod')
    expect(() => readProfile('stage', join(folder, 'none'))).toThrow('no configuration file')
    expect(readProfile(undefined, join(folder, 'none')).size).toBe(0)
  })
})
