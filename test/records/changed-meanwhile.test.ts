// What a caller does with a batch, or with its bytes, while a codec works off the main thread.

import { expect, test } from 'vitest'
import { compressionTypes } from '../../src/compression/codec.ts'
import { DecodeError } from '../../src/errors.ts'
import { decodeBatch, decodeBatches } from '../../src/records/decode-batch.ts'
import { encodeBatch, type RecordBatchInput } from '../../src/records/encode-batch.ts'

/** Bytes that no codec makes smaller. */
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let i = 0, state = size; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[i] = state >>> 24
  }
  return bytes
}

function batchOf(attributes: number, baseOffset: bigint): RecordBatchInput {
  const record = { timestampDelta: 0n, key: 'k', value: noise(300_000), headers: [] }
  return {
    baseOffset,
    partitionLeaderEpoch: 0,
    attributes,
    lastOffsetDelta: 1,
    baseTimestamp: 5n,
    maxTimestamp: 5n,
    producerId: 1n,
    producerEpoch: 2,
    baseSequence: 3,
    records: [0, 1].map((offsetDelta) => ({ ...record, offsetDelta })),
  }
}

test.each(compressionTypes.map((name, id) => [name, id] as const))(
  'a batch that is changed after encodeBatch() was called is written as it was (%s)',
  async (_, id) => {
    const expected = Buffer.from(await encodeBatch(batchOf(id, 7n)))
    const batch = batchOf(id, 7n)
    const encoding = encodeBatch(batch)
    for (const { value } of batch.records) (value as Buffer).fill(0)
    ;(batch.records as unknown[]).pop()
    Object.assign(batch, { baseOffset: 8n, attributes: 0, lastOffsetDelta: 0, baseSequence: 9 })
    const bytes = await encoding
    expect(bytes.equals(expected)).toBe(true)
    expect(await decodeBatch(bytes)).toMatchObject({ baseOffset: 7n, recordCount: 2 })
  },
)

test('decodeBatches() of bytes that are transferred meanwhile does not end as if there were no more', async () => {
  const batches = await Promise.all([0n, 2n].map((offset) => encodeBatch(batchOf(1, offset))))
  const own = Buffer.allocUnsafeSlow(batches[0].length + batches[1].length)
  own.set(batches[0])
  own.set(batches[1], batches[0].length)
  expect(await decodeBatches(own)).toHaveLength(2)
  const decoding = decodeBatches(own)
  // The copy keeps the memory alive that the codec reads.
  const kept = structuredClone(own.buffer, { transfer: [own.buffer as ArrayBuffer] })
  const error = await decoding.catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(DecodeError)
  expect(error).toMatchObject({ position: batches[0].length })
  expect(kept.byteLength).toBeGreaterThan(own.length)
})
