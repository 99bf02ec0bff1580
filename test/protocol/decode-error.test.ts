// A message that cannot be read is refused with its API, version, position, and the path of the field:
// what an operator needs to tell a broken proxy from a broken client.

import { expect, test } from 'vitest'
import { DecodeError } from '../../src/errors.ts'
import {
  type AnyApi,
  type Api,
  decodeRequest,
  decodeResponse,
  encodeResponse,
} from '../../src/protocol/api.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import type { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'

function failure(run: () => unknown): DecodeError {
  try {
    run()
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const partition = (index: number) => ({
  index,
  errorCode: 0,
  baseOffset: 1n,
  logAppendTimeMs: -1n,
  logStartOffset: 0n,
  recordErrors: [{ batchIndex: 7, batchIndexErrorMessage: 'bad' }],
  errorMessage: null,
  currentLeader: { leaderId: 3, leaderEpoch: 9 },
})
const produced = encodeResponse(produce, 10, {
  responses: [
    { name: 'orders', topicId: '', partitionResponses: [partition(0)] },
    { name: 'b', topicId: '', partitionResponses: [partition(1), partition(2)] },
  ],
  throttleTimeMs: 0,
  nodeEndpoints: [{ nodeId: 3, host: 'h', port: 9092, rack: null }],
})

test('each cut of a message names the field that was to be read, in the order of the wire', () => {
  const fields: string[] = []
  for (let length = 0; length < produced.length; length++) {
    const error = failure(() => decodeResponse(produce, 10, produced.subarray(0, length)))
    expect(error).toMatchObject({ api: 'Produce', version: 10 })
    expect(error.message).toMatch(/^Produce v10: .* \(byte \d+\)/)
    expect(error.position).toBeLessThanOrEqual(length)
    expect(error.message.endsWith(error.field === '' ? ')' : ` in ${error.field}`)).toBe(true)
    if (error.field !== fields.at(-1)) fields.push(error.field)
  }
  const of = (path: string) => [
    `${path}.index`,
    `${path}.errorCode`,
    `${path}.baseOffset`,
    `${path}.logAppendTimeMs`,
    `${path}.logStartOffset`,
    `${path}.recordErrors`,
    `${path}.recordErrors[0].batchIndex`,
    `${path}.recordErrors[0].batchIndexErrorMessage`,
    `${path}.recordErrors[0]`,
    `${path}.errorMessage`,
    path,
  ]
  expect(fields).toEqual([
    'responses',
    'responses[0].name',
    'responses[0].partitionResponses',
    ...of('responses[0].partitionResponses[0]'),
    'responses[0]',
    'responses[1].name',
    'responses[1].partitionResponses',
    ...of('responses[1].partitionResponses[0]'),
    ...of('responses[1].partitionResponses[1]'),
    'responses[1]',
    'throttleTimeMs',
    '',
  ])
})

test('a field within a tagged field is named too', () => {
  const bytes = Buffer.from(produced)
  const endpoints = bytes.lastIndexOf(Buffer.from('0000000302', 'hex'))
  bytes[endpoints + 4] = 0 // the host of the first endpoint becomes null
  const error = failure(() => decodeResponse(produce, 10, bytes))
  expect(error.field).toBe('nodeEndpoints[0].host')
  expect(error.position).toBe(endpoints + 4)
  expect(error.message).toBe(
    `Produce v10: a string that may not be null is null (byte ${endpoints + 4}) in nodeEndpoints[0].host`,
  )
})

test('a tagged field that is sent again does not cover up the one that failed', () => {
  const empty = `${'00'.repeat(12)}${'00'.repeat(9)}010101`
  const cut = Buffer.from(`${empty}02000105000100`, 'hex')
  const error = failure(() => decodeRequest(fetch, 15, cut))
  expect(error.field).toBe('clusterId')
})

test('positions count from the start of the buffer, not of the message', () => {
  const bytes = Buffer.concat([Buffer.alloc(5), produced.subarray(0, 8)])
  const error = failure(() => decodeResponse(produce, 10, bytes, 5))
  expect(error.position).toBe(13)
  expect(error.field).toBe('responses[0].partitionResponses')
})

test('the error that was first thrown is kept as its cause', () => {
  const error = failure(() => decodeResponse(produce, 10, Buffer.alloc(0)))
  expect(error.cause).toBeInstanceOf(DecodeError)
})

// Once a read has failed, lengths that were read before it must not be believed any more.
test('naming the field takes no longer than reading, whatever lengths a message claims', () => {
  const started = process.cpuUsage()
  const manyTopics = Buffer.alloc(2_000_004, 0xff)
  manyTopics.writeInt32BE(2_000_000, 0)
  const topics = failure(() => decodeRequest(metadata, 4, manyTopics))
  expect(topics.field).toBe('topics[0].name')
  const partition = `${'00'.repeat(30)}00${'00'.repeat(4)}00`
  const manyTags = `${'00'.repeat(10)}020102${partition}ffffffff0f0001ff`
  const tag = failure(() => decodeResponse(fetch, 12, Buffer.from(manyTags, 'hex')))
  expect(tag.field).toBe('responses[0].partitions[0].divergingEpoch.epoch')
  const { user } = process.cpuUsage(started)
  expect(user).toBeLessThan(1_000_000)
})

// bench: 1.0 to 1.3 times as long as reading a message of a thousand elements, and 16 µs for the error itself.
test('refusing a cut message reads only the element that failed once more', () => {
  let elements = 0
  const counting: Api<unknown, { items: { id: number; name: string }[] }> = {
    ...(metadata as AnyApi),
    decodeResponse: (r: Reader) => ({
      items: r.array((r) => {
        elements++
        return { id: r.int32(), name: r.string() }
      }),
    }),
  }
  const count = 1000
  const w = new Writer(metadata, 1)
  w.int32(count)
  for (let id = 0; id < count; id++) {
    w.int32(id)
    w.string('a name')
  }
  const bytes = w.finishToBuffer()
  const cut = bytes.subarray(0, bytes.length - 3)
  expect(failure(() => decodeResponse(counting, 1, cut)).field).toBe('items[999].name')
  expect(elements).toBe(count + 1)
})

test('an error that is no DecodeError is a mistake of ours and goes through as it is', () => {
  const broken: Api<unknown, unknown> = {
    ...(produce as AnyApi),
    decodeResponse: (_: Reader) => {
      throw new TypeError('ours')
    },
  }
  expect(() => decodeResponse(broken, 10, produced)).toThrow(TypeError)
})
