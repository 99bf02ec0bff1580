import { expect, test } from 'vitest'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { batch, fetchFrom, fetchPartition, metadataOf, produceTo } from './requests.ts'
import { connectTo, startCluster } from './with-cluster.ts'

const member = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }

test('requests sent at once are answered in their order', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const ids = Array.from({ length: 50 }, () =>
    client.send(produce, 12, produceTo('t', 0, batch(['a']))),
  )
  for (const [i, id] of ids.entries()) {
    const { responses } = await client.receive(produce, 12, id)
    expect(responses[0].partitionResponses[0].baseOffset).toBe(BigInt(i))
  }
})

test('a request that waits holds up its own connection and no other', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const waits = fetchFrom('t', [fetchPartition(0, 0n)], { maxWaitMs: 60_000 })
  const first = client.send(fetch, 12, waits)
  const second = client.send(heartbeat, 4, member)
  await cluster.waitFor(() => cluster.requests(fetch).length === 1)
  const other = await connectTo(cluster)
  await other.request(metadata, 12, metadataOf(null))
  expect(cluster.requests(heartbeat).length).toBe(0)
  await other.request(produce, 12, produceTo('t', 0, batch(['a'])))
  const { responses } = await client.receive(fetch, 12, first)
  expect(responses[0].partitions[0].highWatermark).toBe(1n)
  expect((await client.receive(heartbeat, 4, second)).errorCode).toBe(25)
})

test('a request may come byte by byte', async () => {
  const cluster = await startCluster()
  const client = await connectTo(cluster)
  const frame = Buffer.from('00000019000c00000000002affff00016700000001' + '00016d', 'hex')
  frame.writeInt32BE(frame.length - 4, 0)
  for (const byte of frame) {
    client.socket.write(Buffer.of(byte))
    await new Promise(setImmediate)
  }
  expect((await client.receive(heartbeat, 0, 42)).errorCode).toBe(25)
})

test.each([
  ['a size above the limit', Buffer.from('7fffffff', 'hex'), /2147483647/],
  ['a negative size', Buffer.from('ffffffff', 'hex'), /-1/],
  ['less than a header', Buffer.from('00000004000c0000', 'hex'), /4 bytes is less than a header/],
  ['an API nobody knows', Buffer.from('0000000a7fff000000000001ffff', 'hex'), /API 32767 v0/],
  ['a body cut off', Buffer.from('0000000a000c000000000001ffff', 'hex'), /Heartbeat v0: int16/],
])('%s ends the connection, and the test can see why', async (_, bytes, message) => {
  const cluster = await startCluster()
  const client = await connectTo(cluster)
  client.socket.write(bytes)
  await client.closed
  expect(cluster.protocolErrors.length).toBe(1)
  expect(cluster.protocolErrors[0].message).toMatch(message)
})

test('a request at the limit is taken, a byte more is not', async () => {
  const cluster = await startCluster({
    topics: { t: 1 },
    properties: { socketRequestMaxBytes: 1000 },
  })
  const client = await connectTo(cluster)
  const overhead = 1000 - 100
  await client.request(produce, 12, produceTo('t', 0, batch(['x'.repeat(overhead - 200)])))
  client.send(produce, 12, produceTo('t', 0, batch(['x'.repeat(overhead + 200)])))
  await client.closed
  expect(cluster.partition('t', 0).logEndOffset).toBe(1n)
})

test('a client that does not read holds up its own answers alone', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const value = 'x'.repeat(900_000)
  for (let i = 0; i < 20; i++) cluster.partition('t', 0).append(batch([value]))
  const lazy = await connectTo(cluster)
  lazy.socket.pause()
  const request = fetchFrom('t', [fetchPartition(0, 0n, { partitionMaxBytes: 50_000_000 })])
  const ids = Array.from({ length: 20 }, () => lazy.send(fetch, 12, request))
  const busy = await connectTo(cluster)
  expect((await busy.request(heartbeat, 4, member)).errorCode).toBe(25)
  // It is not asked for more than what its socket takes: the rest of the requests wait unread.
  expect(cluster.requests(fetch).length).toBeLessThan(5)
  lazy.socket.resume()
  for (const id of ids) {
    const { responses } = await lazy.receive(fetch, 12, id)
    expect(responses[0].partitions[0].records?.length).toBeGreaterThan(18_000_000)
  }
}, 60_000)

test('bytes behind a request are ignored', async () => {
  const cluster = await startCluster()
  const client = await connectTo(cluster)
  // Metadata v1 with an empty array and three bytes too many, as librdkafka asks for all topics.
  const frame = Buffer.from('000000110003000100000007ffff00000000000000', 'hex')
  client.socket.write(frame)
  const response = await client.receive(metadata, 1, 7)
  expect(response.topics).toEqual([])
  expect(cluster.protocolErrors).toEqual([])
})

test('refusals are counted, kept up to a bound, and told to the observer', async () => {
  const told: Error[] = []
  const cluster = await startCluster({ onProtocolError: (error) => told.push(error) })
  for (let i = 0; i < 3; i++) {
    const client = await connectTo(cluster)
    client.socket.write(Buffer.from('0000000800ff000000000001', 'hex'))
    await client.closed
  }
  expect(cluster.protocolErrorCount).toBe(3)
  expect(told).toEqual(cluster.protocolErrors)
})
