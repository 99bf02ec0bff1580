// The proxy between a client made by hand and a server that answers with what it was sent.

import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeResponse } from '../../src/protocol/api.ts'
import { encodeRequestFrame, encodeResponseFrame } from '../../src/protocol/header.ts'
import { type MetadataResponse, metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { changeMetadata, Frames, produceError, toRequest } from './frames.ts'
import { FaultProxy } from './proxy.ts'

let server: Server
let proxy: FaultProxy
/** What the broker received, whole frames. */
let received: Buffer[]
let brokerBytes: number
let client: Socket
let answers: Buffer[]
let clientEnd: Promise<string>

function frame(correlationId: number, apiKey = 0): Buffer {
  const bytes = Buffer.alloc(40)
  bytes.writeInt32BE(36, 0)
  bytes.writeInt16BE(apiKey, 4)
  bytes.writeInt16BE(9, 6)
  bytes.writeInt32BE(correlationId, 8)
  return bytes
}

function open(): Promise<void> {
  answers = []
  client = connect(proxy.address)
  const frames = new Frames()
  client.on('data', (chunk) => answers.push(...frames.push(chunk)))
  clientEnd = new Promise((resolve) => {
    client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    client.once('close', () => resolve('closed'))
  })
  return new Promise((resolve) => client.once('connect', () => resolve()))
}

const answerIds = (): number[] => answers.map((answer) => answer.readInt32BE(8))

beforeEach(async () => {
  received = []
  brokerBytes = 0
  server = createServer((socket) => {
    const frames = new Frames()
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      brokerBytes += chunk.length
      for (const bytes of frames.push(chunk)) {
        received.push(bytes)
        socket.write(bytes)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  proxy = await FaultProxy.listen({ host: '127.0.0.1', port })
  await open()
})

afterEach(async () => {
  client.destroy()
  await proxy.close()
  await new Promise((resolve) => server.close(resolve))
})

describe('a proxy', () => {
  test('passes frames on, however they are cut into chunks', async () => {
    const bytes = Buffer.concat([frame(1), frame(2), frame(3)])
    for (const byte of bytes) client.write(Buffer.from([byte]))
    await waitUntil('three answers', () => answers.length === 3)
    expect(Buffer.concat(received)).toEqual(bytes)
    expect(Buffer.concat(answers)).toEqual(bytes)
  })

  test('swallows an answer that the broker gave, and closes', async () => {
    const eaten = 2
    proxy.rules = {
      onRequest: ({ correlationId }) => ({
        do: correlationId === eaten ? 'eatAnswer' : 'forward',
      }),
    }
    client.write(Buffer.concat([frame(1), frame(2), frame(3)]))
    await clientEnd
    expect(received.length).toBeGreaterThanOrEqual(2)
    expect(answerIds()).toEqual([1])
  })

  test('gives the client no answer any more, while the broker goes on', async () => {
    proxy.rules = {
      onRequest: ({ correlationId }) => ({ do: correlationId === 2 ? 'mute' : 'forward' }),
    }
    client.write(frame(1))
    await waitUntil('the first answer', () => answers.length === 1)
    client.write(Buffer.concat([frame(2), frame(3)]))
    await waitUntil('all requests', () => received.length === 3)
    client.end()
    await clientEnd
    expect(answerIds()).toEqual([1])
  })

  test('loses a request for which the client waits', async () => {
    proxy.rules = {
      onRequest: ({ correlationId }) => ({ do: correlationId === 2 ? 'lose' : 'forward' }),
    }
    client.write(frame(1))
    await waitUntil('the first answer', () => answers.length === 1)
    client.write(Buffer.concat([frame(2), frame(3)]))
    await waitUntil('the last request', () => received.length === 2)
    expect(received.map((bytes) => bytes.readInt32BE(8))).toEqual([1, 3])
    client.end()
    await clientEnd
    expect(answerIds()).toEqual([1])
  })

  test('cuts a request at a byte and resets', async () => {
    proxy.rules = { onRequest: () => ({ do: 'cut', bytes: 17 }) }
    client.write(frame(1))
    expect(await clientEnd).toBe('ECONNRESET')
    await waitUntil('the part before the cut', () => brokerBytes === 17)
    expect(received).toEqual([])
  })

  test('keeps a request back that the client has given up, and brings it late', async () => {
    proxy.rules = {
      onRequest: ({ correlationId }) => {
        return correlationId === 1 ? { do: 'late', afterMs: 100 } : { do: 'forward' }
      },
    }
    client.write(frame(1))
    expect(await clientEnd).toBe('ECONNRESET')
    expect(received).toEqual([])
    await open()
    client.write(frame(2))
    await waitUntil('both came', () => received.length === 2)
    expect(received).toEqual([frame(2), frame(1)])
    expect(answerIds()).toEqual([2])
    client.destroy()
  })

  test('answers by itself, in the order of the requests', async () => {
    const own = frame(2)
    own[20] = 99
    proxy.rules = {
      onRequest: ({ correlationId }) =>
        correlationId === 2
          ? { do: 'answer', answer: own, forward: false }
          : correlationId === 4
            ? { do: 'answer', answer: frame(4), forward: true }
            : { do: 'forward' },
    }
    client.write(Buffer.concat([1, 2, 3, 4, 5].map((id) => frame(id))))
    await waitUntil('five answers', () => answers.length === 5)
    expect(answerIds()).toEqual([1, 2, 3, 4, 5])
    expect(answers[1][20]).toBe(99)
    expect(received.map((bytes) => bytes.readInt32BE(8))).toEqual([1, 3, 4, 5])
  })

  test('answers late, and what comes after it waits', async () => {
    proxy.rules = {
      onRequest: ({ correlationId }) =>
        correlationId === 1
          ? { do: 'answer', answer: frame(1), forward: false, delayMs: 50 }
          : { do: 'forward' },
    }
    const start = performance.now()
    client.write(Buffer.concat([1, 2].map((id) => frame(id))))
    await waitUntil('the broker has the second one', () => received.length === 1)
    await waitUntil('two answers', () => answers.length === 2)
    expect(answerIds()).toEqual([1, 2])
    expect(performance.now() - start).toBeGreaterThan(48)
  })

  test('changes an answer on its way', async () => {
    proxy.rules = {
      onAnswer: (answer, { apiKey }) => (apiKey === 3 ? frame(77) : answer),
    }
    client.write(Buffer.concat([frame(1, 0), frame(2, 3)]))
    await waitUntil('two answers', () => answers.length === 2)
    expect(answerIds()).toEqual([1, 77])
  })

  test('is silent without ending a connection, old or new, until it heals', async () => {
    proxy.silence()
    client.write(frame(1))
    await open()
    client.write(frame(2))
    await proxy.heal()
    client.write(frame(3))
    const silent = client
    await open()
    client.write(frame(4))
    await waitUntil('an answer on the new connection', () => answers.length === 1)
    expect(received.map((bytes) => bytes.readInt32BE(8))).toEqual([4])
    expect(silent.destroyed).toBe(false)
    silent.destroy()
  })

  test('refuses, ends what is there, and listens again on the same port', async () => {
    proxy.refuse()
    expect(await clientEnd).toBe('ECONNRESET')
    void open()
    expect(await clientEnd).toBe('ECONNREFUSED')
    await proxy.heal()
    await open()
    client.write(frame(1))
    await waitUntil('an answer', () => answers.length === 1)
  })

  test('counts attempts while it resets them', async () => {
    proxy.resetAll()
    await clientEnd
    void open()
    expect(await clientEnd).toMatch(/ECONNRESET|closed/)
    expect(proxy.connects).toHaveLength(2)
    expect(proxy.connectionCount).toBe(0)
  })

  test('ends connections after their lifetime', async () => {
    proxy.rules = { lifetimeMs: () => 30 }
    await open()
    await clientEnd
    await waitUntil('one connection is left', () => proxy.connectionCount === 1)
  })

  test('drips single bytes, and gives the rest when the rule has gone', async () => {
    proxy.rules = { bytesPerSecond: 500 }
    client.write(Buffer.concat(Array.from({ length: 50 }, (_, id) => frame(id))))
    await waitUntil('some bytes', () => brokerBytes >= 20)
    expect(brokerBytes).toBeLessThan(1000)
    proxy.rules = {}
    await waitUntil('all', () => answers.length === 50)
  })
})

describe('messages that are changed', () => {
  test('a Produce error for each partition of the request', () => {
    const topicId = 'AQIDBAUGBwgJCgsMDQ4PEA'
    for (const version of [3, 9, 13]) {
      const partitionData = [0, 4].map((index) => ({ index, records: Buffer.from('x') }))
      const topic = version >= 13 ? { name: '', topicId } : { name: 't', topicId: ZERO_UUID }
      const topicData = [{ ...topic, partitionData }]
      const body = { transactionalId: null, acks: -1, timeoutMs: 1, topicData }
      const request = toRequest(Buffer.concat(encodeRequestFrame(produce, version, 5, 'me', body)))
      const answer = produceError(request, 6)
      const { message } = decodeResponse(produce, version, answer, version >= 9 ? 9 : 8)
      expect(answer.readInt32BE(4)).toBe(5)
      expect(message.responses).toMatchObject([topic])
      expect(message.responses[0].partitionResponses).toMatchObject([
        { index: 0, errorCode: 6 },
        { index: 4, errorCode: 6 },
      ])
    }
  })

  test('a Metadata answer without a topic', () => {
    const topics = [{ topicId: ZERO_UUID, name: 't' }]
    const asked = {
      topics,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }
    const request = toRequest(Buffer.concat(encodeRequestFrame(metadata, 12, 8, 'me', asked)))
    const topic = { errorCode: 0, topicId: ZERO_UUID, isInternal: false, partitions: [] }
    const response: MetadataResponse = {
      throttleTimeMs: 0,
      brokers: [],
      clusterId: 'c',
      controllerId: 1,
      topics: ['a', 'b'].map((name) => ({
        ...topic,
        name,
        topicAuthorizedOperations: -2_147_483_648,
      })),
      clusterAuthorizedOperations: -2_147_483_648,
      errorCode: 0,
    }
    const full = changeMetadata(
      request,
      Buffer.concat(encodeResponseFrame(metadata, 12, 8, response)),
      () => {},
    )
    const less = changeMetadata(request, full, (response) => {
      response.topics = response.topics.filter(({ name }) => name !== 'a')
    })
    const { message } = decodeResponse(metadata, 12, less, 9)
    expect(less.readInt32BE(4)).toBe(8)
    expect(message.topics.map(({ name }) => name)).toEqual(['b'])
  })
})
