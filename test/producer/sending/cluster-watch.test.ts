// What keeps records from the cluster is told within some seconds, although send() waits much longer: by
// onError, by health(), and in the log. The limits are upper bounds; nothing here measures speed.

import { afterAll, describe, expect, test } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import type { KafkaOptions } from '../../../src/options/kafka-options.ts'
import { ScriptedServer, type ServerSide } from '../../network/scripted-server.ts'

// The rows wait more than they work: they run side by side, and share the end.
const closers: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

async function serve(script: (side: ServerSide) => unknown, options = {}): Promise<KafkaOptions> {
  const server = await ScriptedServer.start(script)
  closers.push(() => server.close())
  return { bootstrapServers: server.address, ...options }
}

const rows: [string, () => Promise<KafkaOptions>, RegExp][] = [
  [
    'TLS to a port that closes upon it',
    () => serve((side) => side.socket.once('data', () => side.socket.end()), { ssl: true }),
    /closed the connection during the TLS handshake: it may be plaintext on this port/,
  ],
  [
    'plaintext to a port that closes upon it',
    () => serve((side) => side.socket.once('data', () => side.socket.end())),
    /closed the connection during ApiVersions: it may require TLS/,
  ],
  [
    'a listener that expects a login',
    () =>
      serve(async (side) => {
        await side.handshake()
        await side.next()
        side.socket.end()
      }),
    /upon its first request: it may require SASL \(option 'sasl'\)/,
  ],
  [
    'a server that accepts and says nothing',
    () => serve(() => {}),
    /TCP is connected, but the broker did not respond to ApiVersions/,
  ],
  [
    'the same with TLS',
    () => serve(() => {}, { ssl: true }),
    /TCP is connected, but the TLS handshake did not end/,
  ],
  [
    'a port that refuses',
    async () => {
      const server = await ScriptedServer.start(() => {})
      const { address } = server
      await server.close()
      return { bootstrapServers: address }
    },
    /connect ECONNREFUSED/,
  ],
  [
    'a name that does not resolve',
    async () => ({ bootstrapServers: 'no-such-name.invalid:9092' }),
    /getaddrinfo/,
  ],
]

describe.concurrent('told while send() waits', () => {
  test.each(rows)('%s', async (_, begin, text) => {
    const told: Error[] = []
    const lines: string[] = []
    const note = (line: string): void => void lines.push(line)
    const kafka = new Kafka({
      ...(await begin()),
      logger: { debug: () => {}, info: () => {}, warn: note, error: note },
    })
    const startedAt = performance.now()
    const producer = kafka.producer({ onError: (error) => told.push(error) })
    let isOver = false
    const sent = producer.send({ topic: 't', value: 'v' }).finally(() => {
      isOver = true
    })
    sent.catch(() => {})
    await expect.poll(() => told.length, { timeout: 9000 }).toBeGreaterThan(0)
    expect(performance.now() - startedAt).toBeGreaterThan(4900)
    expect(isOver).toBe(false)
    expect(told[0].message).toMatch(text)
    expect(producer.health().problems.map(({ reason }) => reason)).toContainEqual(
      expect.stringMatching(text),
    )
    expect(lines).toContainEqual(expect.stringMatching(text))
    // Once a minute.
    await new Promise((resolve) => setTimeout(resolve, 1200))
    expect(told.length).toBe(1)
    await kafka.close({ timeoutMs: 0 })
    await expect(sent).rejects.toMatchObject({ persisted: 'no' })
  })
})
