import { afterEach, expect, test, vi } from 'vitest'
import {
  ClosedError,
  ConnectionError,
  DecodeError,
  KafkaError,
  TimeoutError,
} from '../../src/errors.ts'
import type { Connection } from '../../src/network/connection.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { type OpenOptions, openTo } from './open.ts'
import {
  bodyOf,
  frameOf,
  type ReceivedRequest,
  ScriptedServer,
  type ServerSide,
} from './scripted-server.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A connection that is ready, and the server's end of it. */
async function pair(options: OpenOptions = {}): Promise<{
  connection: Connection
  side: ServerSide
  server: ScriptedServer
}> {
  const server = await ScriptedServer.start((side) => side.handshake())
  closers.push(() => server.close())
  const connection = await openTo(server.port, options)
  closers.push(async () => {
    connection.close()
    await connection.released
  })
  return { connection, side: server.connections[0], server }
}

const body = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
const ok = { throttleTimeMs: 0, errorCode: 0 }
const everyTopic = {
  topics: null,
  allowAutoTopicCreation: true,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

const largeTopic = {
  name: 'n'.repeat(30_000),
  topicId: ZERO_UUID,
}

function beat(connection: Connection, timeoutMs = 5000, signal?: AbortSignal) {
  return connection.send(heartbeat, 4, body, signal ? { timeoutMs, signal } : { timeoutMs })
}

/** A Heartbeat answer that can be told from others. */
function answerWith(errorCode: number, request: ReceivedRequest): Buffer {
  return frameOf(request, heartbeat, { throttleTimeMs: 0, errorCode })
}

test('answers find their requests in order, two in one segment', async () => {
  const { connection, side } = await pair()
  const answers = [beat(connection), beat(connection), beat(connection)]
  expect(connection.inFlight).toBe(3)
  const requests = [await side.next(), await side.next(), await side.next()]
  expect(requests[1].correlationId).toBe(requests[0].correlationId + 1)
  expect(requests[0].clientId).toBe('test')
  side.write(Buffer.concat(requests.map((request, i) => answerWith(i, request))))
  expect((await Promise.all(answers)).map(({ errorCode }) => errorCode)).toEqual([0, 1, 2])
  expect(connection.inFlight).toBe(0)
})

test('requests of one turn leave in one segment', async () => {
  const { connection, side } = await pair()
  const chunks: number[] = []
  side.socket.on('data', (chunk: Buffer) => chunks.push(chunk.length))
  const answers = Promise.all([beat(connection), beat(connection), beat(connection)])
  for (let i = 0; i < 3; i++) side.answer(await side.next(), heartbeat, ok)
  await answers
  expect(chunks.length).toBe(1)
})

test('one answer may come in a thousand segments', async () => {
  const { connection, side } = await pair()
  const pending = connection.send(metadata, 12, everyTopic, { timeoutMs: 5000 })
  const brokers = Array.from({ length: 40 }, (_, nodeId) => ({
    nodeId,
    host: `broker-${nodeId}`,
    port: 9092,
    rack: null,
  }))
  const frame = frameOf(await side.next(), metadata, {
    throttleTimeMs: 0,
    brokers,
    clusterId: 'c',
    controllerId: 1,
    topics: [],
    clusterAuthorizedOperations: -2147483648,
    errorCode: 0,
  })
  for (const byte of frame) {
    side.write(Uint8Array.of(byte))
    await new Promise(setImmediate)
  }
  expect((await pending).brokers).toEqual(brokers)
})

test.each(['general', 'coordinator', 'slow'] as const)(
  'a caller on %s whose own time is up costs the others nothing',
  async (kind) => {
    const { connection, side } = await pair({ kind })
    const impatient = beat(connection, 50)
    const other = beat(connection, 5000)
    const [first, second] = [await side.next(), await side.next()]
    await expect(impatient).rejects.toMatchObject({ name: 'TimeoutError', wasSent: true })
    await expect(impatient).rejects.toThrow(
      /Heartbeat v4 to node 1 \(127\.0\.0\.1:\d+\) timed out: no response within 50 ms$/,
    )
    expect(connection.isClosed).toBe(false)
    // Its response comes late, and is taken for no other.
    side.write(Buffer.concat([answerWith(1, first), answerWith(2, second)]))
    expect((await other).errorCode).toBe(2)
    expect(connection.inFlight).toBe(0)
    const later = beat(connection)
    side.write(answerWith(3, await side.next()))
    expect((await later).errorCode).toBe(3)
  },
)

test('an aborted request with little time does not end the connection when that is over', async () => {
  const { connection, side } = await pair()
  const abort = new AbortController()
  const aborted = beat(connection, 50, abort.signal)
  const request = await side.next()
  abort.abort('enough')
  await expect(aborted).rejects.toBe('enough')
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(connection.isClosed).toBe(false)
  side.write(answerWith(1, request))
  await vi.waitFor(() => expect(connection.inFlight).toBe(0))
})

test('a broker that stays silent for requestTimeoutMs loses the connection, whoever asked', async () => {
  const { connection, side } = await pair({ requestTimeoutMs: 600 })
  const impatient = beat(connection, 20)
  const other = beat(connection, 5000)
  for (const sent of [impatient, other]) sent.catch(() => {})
  await side.next()
  await expect(impatient).rejects.toThrow(/no response within 20 ms$/)
  expect(connection.isClosed).toBe(false)
  await expect(other).rejects.toMatchObject({ name: 'ConnectionError', wasSent: true })
  expect(connection.isClosed).toBe(true)
  await expect(beat(connection)).rejects.toMatchObject({ name: 'ConnectionError', wasSent: false })
})

test('a producer, and a fetcher, has its connection closed when its time is up', async () => {
  const { connection, side } = await pair({ kind: 'produce' })
  const late = beat(connection, 50)
  const other = beat(connection, 5000)
  await side.next()
  await expect(late).rejects.toThrow(/no response within 50 ms; the connection is closed/)
  await expect(other).rejects.toMatchObject({ name: 'ConnectionError', wasSent: true })
  expect(connection.isClosed).toBe(true)
})

test('an answer that drips in must be whole before the deadline', async () => {
  const { connection, side } = await pair()
  const pending = beat(connection, 100)
  const dripping = (async () => {
    for (const byte of answerWith(0, await side.next())) {
      side.write(Uint8Array.of(byte))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  await expect(pending).rejects.toThrow(/no response within 100 ms/)
  await dripping
})

test('whatever bytes come as an answer, the request ends with an error of the family', async () => {
  let seed = 1
  const random = (below: number): number => {
    seed = (seed * 48271) % 0x7fffffff
    return seed % below
  }
  for (let round = 0; round < 60; round++) {
    const { connection, side } = await pair()
    const pending = connection.send(metadata, 13, everyTopic, { timeoutMs: 2000 })
    const request = await side.next()
    const body = Buffer.from(Array.from({ length: 6 + random(60) }, () => random(256)))
    body.writeInt32BE(request.correlationId)
    const size = Buffer.alloc(4)
    size.writeInt32BE(body.length)
    side.write(Buffer.concat([size, body]))
    const error = await pending.catch((reason: unknown) => reason)
    // A few are by chance an answer; most are not.
    if (!isAnswer(error)) expect(error).toBeInstanceOf(KafkaError)
    connection.close()
  }
})

function isAnswer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'brokers' in value
}

test('an answer that came while the event loop stood still counts', async () => {
  const { connection, side } = await pair()
  const pending = beat(connection, 100)
  const request = await side.next()
  side.answer(request, heartbeat, ok)
  await new Promise<void>((resolve) => side.socket.write('', () => resolve()))
  const until = performance.now() + 200
  while (performance.now() < until);
  expect(await pending).toEqual(ok)
})

test('an aborted call is free at once, and its answer still takes its turn', async () => {
  const { connection, side } = await pair()
  const abort = new AbortController()
  const first = beat(connection, 5000, abort.signal)
  const second = beat(connection)
  abort.abort(new Error('never mind'))
  await expect(first).rejects.toThrow('never mind')
  const requests = [await side.next(), await side.next()]
  side.write(answerWith(7, requests[0]))
  side.write(answerWith(8, requests[1]))
  expect((await second).errorCode).toBe(8)
  await expect(beat(connection, 5000, abort.signal)).rejects.toThrow('never mind')
})

test('a request that cannot be encoded harms nobody', async () => {
  const { connection, side } = await pair()
  const unsupported = { ...body, groupInstanceId: 'static' }
  await expect(
    connection.send(heartbeat, 2, unsupported, { timeoutMs: 1000 }),
  ).rejects.toMatchObject({ name: 'UnsupportedVersionError' })
  const pending = beat(connection)
  side.answer(await side.next(), heartbeat, ok)
  expect(await pending).toEqual(ok)
})

test.each([
  [
    'a wrong correlation id',
    (r: ReceivedRequest) => answerWith(0, { ...r, correlationId: 99 }),
    /expected.*out of step/,
  ],
  [
    'a body that is cut',
    () => Buffer.from([0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0]),
    /Heartbeat v4.*node 1/,
  ],
  ['a size of 2 GiB', () => Buffer.from([0x7f, 0xff, 0xff, 0xff]), /maxResponseSize/],
])(
  '%s ends the connection: the request is told why, the next one is disconnected',
  async (_, bytes, text) => {
    const { connection, side } = await pair()
    const settled = Promise.allSettled([beat(connection), beat(connection)])
    side.write(bytes(await side.next()))
    const [first, second] = await settled
    expect(first).toMatchObject({ reason: expect.any(DecodeError) })
    expect(String(first.status === 'rejected' && first.reason)).toMatch(text)
    expect(second).toMatchObject({ reason: { name: 'ConnectionError', wasSent: true } })
    expect(connection.isClosed).toBe(true)
  },
)

test('an answer that nobody asked for ends the connection', async () => {
  const { connection, side } = await pair()
  side.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 9]))
  await connection.released
  expect(String(connection.closing.reason)).toMatch(/no request asked for/)
})

test.each([
  ['cut in the middle and reset', (side: ServerSide) => side.reset()],
  ['cut in the middle and ended', (side: ServerSide) => side.socket.end()],
])('a frame that is %s disconnects its request', async (_, cut) => {
  const { connection, side } = await pair()
  const pending = beat(connection)
  side.socket.write(Buffer.from([0, 0, 0, 11, 0, 0]), () => cut(side))
  await expect(pending).rejects.toMatchObject({ name: 'ConnectionError', wasSent: true })
  await connection.released
})

test('bytes behind what is understood are left alone', async () => {
  const { connection, side } = await pair()
  const answers = [beat(connection), beat(connection)]
  for (let i = 0; i < 2; i++) {
    const frame = Buffer.concat([answerWith(i, await side.next()), Buffer.from([1, 2, 3])])
    frame.writeInt32BE(frame.length - 4)
    side.write(frame)
  }
  expect((await Promise.all(answers)).map(({ errorCode }) => errorCode)).toEqual([0, 1])
})

test('a throttled connection keeps silent until it may speak', async () => {
  const { connection, side } = await pair()
  const first = beat(connection)
  side.answer(await side.next(), heartbeat, { throttleTimeMs: 150, errorCode: 0 })
  await first
  expect(connection.throttledUntil).toBeGreaterThan(performance.now() + 50)
  const askedAt = performance.now()
  const second = beat(connection)
  side.answer(await side.next(), heartbeat, ok)
  expect(performance.now() - askedAt).toBeGreaterThan(100)
  expect(await second).toEqual(ok)
  expect(connection.throttledUntil).toBe(0)
})

test('an old version throttles by waiting itself: no silence', async () => {
  const { connection, side } = await pair()
  const first = connection.send(heartbeat, 1, body, { timeoutMs: 1000 })
  side.answer(await side.next(), heartbeat, { throttleTimeMs: 60_000, errorCode: 0 })
  await first
  expect(connection.throttledUntil).toBe(0)
})

test('what waits behind a throttle ends at its own deadline, unwritten', async () => {
  const { connection, side } = await pair()
  const first = beat(connection)
  side.answer(await side.next(), heartbeat, { throttleTimeMs: 60_000, errorCode: 0 })
  await first
  await expect(beat(connection, 50)).rejects.toMatchObject({
    name: 'TimeoutError',
    wasSent: false,
    message: expect.stringMatching(/throttles/),
  })
  expect(connection.isClosed).toBe(false)
})

test('a general connection has five requests under way, and any number waiting', async () => {
  const { connection, side } = await pair()
  const all = Promise.all(Array.from({ length: 5000 }, () => beat(connection)))
  await vi.waitFor(() => expect(side.requests.length).toBe(5))
  for (let i = 0; i < 5000; i++) side.answer(await side.next(), heartbeat, ok)
  expect((await all).length).toBe(5000)
})

test('close rejects what is under way, and what waits, at once', async () => {
  const { connection, side } = await pair({ kind: 'join' })
  const written = beat(connection)
  const waiting = beat(connection)
  await side.next()
  connection.close(new ClosedError('done'))
  await expect(written).rejects.toThrow(ClosedError)
  await expect(waiting).rejects.toThrow(ClosedError)
  await connection.released
})

test('disconnected, a request that was not written says so', async () => {
  const { connection, side } = await pair({ kind: 'join' })
  const settled = Promise.allSettled([beat(connection), beat(connection)])
  await side.next()
  side.reset()
  const [written, waiting] = await settled
  expect(written).toMatchObject({ reason: { wasSent: true } })
  expect(waiting).toMatchObject({ reason: { wasSent: false } })
  expect(written.status === 'rejected' && written.reason).toBeInstanceOf(ConnectionError)
})

test('a request without an answer settles when it is written', async () => {
  const { connection, side } = await pair()
  await connection.sendWithoutResponse(heartbeat, 4, body)
  const request = await side.next()
  expect(request.apiKey).toBe(12)
  expect(connection.inFlight).toBe(0)
  const pending = beat(connection)
  const next = await side.next()
  expect(next.correlationId).toBe(request.correlationId + 1)
  side.answer(next, heartbeat, ok)
  expect(await pending).toEqual(ok)
  connection.close()
  await expect(connection.sendWithoutResponse(heartbeat, 4, body)).rejects.toThrow(ConnectionError)
})

test('a broker that reads nothing: congested, and ended by the deadline', async () => {
  const { connection, side } = await pair({ requestTimeoutMs: 300 })
  side.socket.pause()
  const large = { ...body, memberId: 'm'.repeat(30_000) }
  const sent: Promise<void>[] = []
  while (!connection.isCongested && sent.length < 2000) {
    sent.push(connection.sendWithoutResponse(heartbeat, 4, large))
    if (sent.length % 20 === 0) await new Promise(setImmediate)
  }
  expect(connection.isCongested).toBe(true)
  const queued = beat(connection, 50)
  await expect(queued).rejects.toMatchObject({ name: 'TimeoutError', wasSent: false })
  const results = await Promise.allSettled(sent)
  const lost = results.filter(({ status }) => status === 'rejected')
  expect(lost.length).toBeGreaterThan(0)
  expect(lost[0]).toMatchObject({ reason: expect.any(TimeoutError) })
})

test('a request is released when the kernel has all its bytes, not before, and never without', async () => {
  const { connection, side } = await pair()
  let released = 0
  const large = { ...everyTopic, topics: Array.from({ length: 500 }, () => largeTopic) }
  const onReleased = () => released++
  const first = connection.send(heartbeat, 4, body, { timeoutMs: 5000, onReleased })
  side.answer(await side.next(), heartbeat, ok)
  await first
  expect(released).toBe(1)
  side.socket.pause()
  // 15 MB: more than the buffers of both sockets take.
  const lost = connection.send(metadata, 1, large, { timeoutMs: 5000, onReleased })
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  expect(connection.isCongested).toBe(true)
  connection.close()
  await expect(lost).rejects.toThrow(ConnectionError)
  await connection.released
  expect(released).toBe(1)
})

test('an idle connection is closed, a used one is not', async () => {
  const { connection, side } = await pair({ maxIdleMs: 150 })
  const answering = expect(
    (async () => {
      for (;;) side.answer(await side.next(), heartbeat, ok)
    })(),
  ).rejects.toThrow('the client closed')
  for (const until = performance.now() + 400; performance.now() < until; ) await beat(connection)
  expect(connection.isClosed).toBe(false)
  await connection.released
  expect(connection.wasIdle).toBe(true)
  await answering
})

test('a request without a response waits while the connection is held, in its place', async () => {
  const { connection, side } = await pair({ kind: 'produce' })
  await connection.hold()
  const before = beat(connection)
  const unanswered = connection.sendWithoutResponse(heartbeat, 4, { ...body, memberId: 'silent' })
  const after = beat(connection)
  // Only what the connection is held for goes out: a broker takes nothing else during SASL.
  const held = connection.sendHeld(metadata, 13, everyTopic, 1000)
  const first = await side.next()
  expect(first.apiKey).toBe(metadata.key)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(side.requests).toEqual([])
  side.answer(first, metadata, {
    throttleTimeMs: 0,
    brokers: [],
    clusterId: 'c',
    controllerId: 1,
    topics: [],
    clusterAuthorizedOperations: -2147483648,
    errorCode: 0,
  })
  await held
  connection.resume()
  const requests = [await side.next(), await side.next(), await side.next()]
  expect(requests.map((request) => bodyOf(request, heartbeat).memberId)).toEqual([
    'm',
    'silent',
    'm',
  ])
  await unanswered
  side.write(Buffer.concat([answerWith(1, requests[0]), answerWith(2, requests[2])]))
  expect((await Promise.all([before, after])).map(({ errorCode }) => errorCode)).toEqual([1, 2])
})
