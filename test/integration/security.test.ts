// TLS and SASL against a real broker: each mechanism, what a user is told who is refused, and sessions
// that are renewed under load (KIP-368).

import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { AuthenticationError, ConnectionError } from '../../src/errors.ts'
import { type KafkaOptions, resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import type { SaslOptions } from '../../src/options/sasl-options.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { describeReal, type RealCluster, startCluster } from '../harness/real.ts'

function pem(name: string): string {
  return readFileSync(new URL(`../network/certificates/${name}`, import.meta.url), 'utf8')
}

const ca = pem('ca.pem')
/** The broker's certificate is for this name, and it listens on 127.0.0.1. */
const tls = { ca, servername: 'broker.test' }
const SESSION_MS = 2000

function jaas(module: string, settings: string): string {
  return `org.apache.kafka.common.security.${module} required ${settings};`
}

const everyTopic = {
  topics: null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

describeReal('a broker that asks who is there', () => {
  let real: RealCluster
  const open: Cluster[] = []

  beforeAll(async () => {
    real = await startCluster({
      version: '4.4.0',
      listeners: {
        PASSWORD: 'SASL_PLAINTEXT',
        SECURE: 'SASL_SSL',
        MUTUAL: 'SSL',
        RENEWED: 'SASL_PLAINTEXT',
      },
      scramUsers: [
        'SCRAM-SHA-256=[name=ann,password=secret]',
        'SCRAM-SHA-512=[name=ann,password=secret]',
      ],
      properties: {
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        ...Object.fromEntries(
          ['password', 'secure', 'renewed'].flatMap((name) => [
            [
              `listener.name.${name}.plain.sasl.jaas.config`,
              jaas('plain.PlainLoginModule', 'user_ann="secret"'),
            ],
            ...['scram-sha-256', 'scram-sha-512'].map((mechanism) => [
              `listener.name.${name}.${mechanism}.sasl.jaas.config`,
              jaas('scram.ScramLoginModule', ''),
            ]),
          ]),
        ),
        'listener.name.password.sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.renewed.connections.max.reauth.ms': SESSION_MS,
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.key': pkcs8(),
        'ssl.keystore.certificate.chain': pem('broker.pem'),
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.certificates': ca,
        'listener.name.mutual.ssl.client.auth': 'required',
      },
    })
  })
  afterAll(async () => {
    for (const cluster of open) await cluster.close()
    await real?.stop()
  })

  function connect(listener: string, options: Partial<KafkaOptions>): Cluster {
    const bootstrapServers = real.bootstrapOf(listener)
    const cluster = new Cluster(resolveKafkaOptions({ bootstrapServers, ...options }))
    open.push(cluster)
    return cluster
  }

  const plain = {
    mechanism: 'PLAIN',
    username: 'ann',
    password: 'secret',
    allowUnencrypted: true,
  } as const

  test.each<[string, SaslOptions, KafkaOptions['ssl']]>([
    ['PASSWORD', plain, false],
    ['SECURE', plain, tls],
    ['SECURE', { ...plain, mechanism: 'SCRAM-SHA-256' }, tls],
    ['SECURE', { ...plain, mechanism: 'SCRAM-SHA-512' }, () => tls],
  ])('%s %j', async (listener, sasl, ssl = false) => {
    const cluster = connect(listener, { sasl, ssl })
    const { brokers } = await cluster.refresh({ timeoutMs: 20_000 })
    expect([...brokers.keys()]).toEqual([1])
    expect((await cluster.connection(1, 'produce')).nodeId).toBe(1)
  })

  test('a client certificate', async () => {
    const known = { ...tls, cert: pem('client.pem'), key: pem('client.key') }
    const cluster = connect('MUTUAL', { ssl: known })
    expect((await cluster.refresh({ timeoutMs: 20_000 })).brokers.size).toBe(1)
    const unknown = connect('MUTUAL', { ssl: tls })
    await expect(unknown.refresh({ timeoutMs: 20_000 })).rejects.toThrow(AuthenticationError)
    await expect(unknown.refresh({ timeoutMs: 20_000 })).rejects.toThrow(/client certificate/)
  })

  test.each<[string, Partial<KafkaOptions>, RegExp]>([
    [
      'PASSWORD',
      { sasl: { ...plain, password: 'wrong' } },
      /PLAIN.*'ann'.*\[58\].*Invalid username/,
    ],
    [
      'SECURE',
      { sasl: { ...plain, mechanism: 'SCRAM-SHA-256', password: 'wrong' }, ssl: tls },
      /SCRAM-SHA-256.*'ann'.*\[58\]/,
    ],
    [
      'PASSWORD',
      { sasl: { ...plain, mechanism: 'SCRAM-SHA-256' } },
      /does not offer SASL SCRAM-SHA-256: it offers PLAIN/,
    ],
    [
      'MUTUAL',
      { sasl: plain, ssl: { ...tls, cert: pem('client.pem'), key: pem('client.key') } },
      /SASL/,
    ],
  ])('refused at %s: told at once, and why', async (listener, options, text) => {
    const cluster = connect(listener, options)
    const startedAt = performance.now()
    const refused = cluster.refresh({ timeoutMs: 60_000 })
    await expect(refused).rejects.toThrow(AuthenticationError)
    await expect(refused).rejects.toThrow(text)
    expect(performance.now() - startedAt).toBeLessThan(20_000)
  })

  test.each<[string, string, Partial<KafkaOptions>, RegExp]>([
    ['plaintext to TLS', 'SECURE', {}, /may require TLS|speaks TLS/],
    [
      'TLS to plaintext',
      'PASSWORD',
      { ssl: { ca } },
      /may be plaintext on this port|did not respond with TLS/,
    ],
    [
      'an authority that is not known',
      'SECURE',
      { ssl: true },
      /certificate was not accepted.*ssl\.ca/,
    ],
    ['another name', 'SECURE', { ssl: { ca } }, /not for '127\.0\.0\.1'.*broker\.test/],
  ])('%s is explained', async (_, listener, options, text) => {
    const cluster = connect(listener, options)
    const refused = cluster.refresh({ timeoutMs: 60_000 })
    await expect(refused).rejects.toThrow(ConnectionError)
    await expect(refused).rejects.toThrow(text)
  })

  test('a SASL listener without SASL: the first request is cut off, and the option is named', async () => {
    const cluster = connect('PASSWORD', {})
    await expect(cluster.request(metadata, everyTopic, 'any')).rejects.toThrow(/option 'sasl'/)
  })

  test.each(['PLAIN', 'SCRAM-SHA-512'] as const)(
    '%s sessions of two seconds: renewed under load, on the same connection, without an error',
    async (mechanism) => {
      const cluster = connect('RENEWED', { sasl: { ...plain, mechanism } })
      await cluster.refresh({ timeoutMs: 20_000 })
      const connection = await cluster.connection(1, 'general')
      const version = connection.version(metadata)
      const lost: (Error | null)[] = []
      cluster.onConnection((event) => {
        if (event.connection === null) lost.push(event.error)
      })
      let answers = 0
      const until = performance.now() + 3 * SESSION_MS
      const load = Array.from({ length: 5 }, async () => {
        while (performance.now() < until) {
          await connection.send(metadata, version, everyTopic, { timeoutMs: 10_000 })
          answers++
        }
      })
      await Promise.all(load)
      expect(answers).toBeGreaterThan(100)
      expect(connection.isClosed).toBe(false)
      expect(lost).toEqual([])
    },
  )
})

/** The broker's key in the form that Java reads. */
function pkcs8(): string {
  return createPrivateKey(pem('broker.key')).export({ type: 'pkcs8', format: 'pem' }).toString()
}
