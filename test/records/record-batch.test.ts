import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import {
  batchOffsets,
  decodeBatchHeader,
  encodeBatchHeader,
  recordBatchOverhead,
} from '../../src/records/record-batch.ts'

const wide = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

const header = {
  baseOffset: 0n,
  batchLength: recordBatchOverhead - 12,
  partitionLeaderEpoch: -1,
  magic: 2,
  crc: 0xfedcba98,
  attributes: 0x10,
  lastOffsetDelta: 0,
  baseTimestamp: -1n,
  maxTimestamp: -1n,
  producerId: -1n,
  producerEpoch: -1,
  baseSequence: -1,
  recordCount: 0,
}

test('a header is written in all its 64 bits, and read back', () => {
  fc.assert(
    fc.property(wide, wide, wide, wide, (baseOffset, baseTimestamp, maxTimestamp, producerId) => {
      const given = { ...header, baseOffset, baseTimestamp, maxTimestamp, producerId }
      const bytes = Buffer.alloc(recordBatchOverhead)
      encodeBatchHeader(bytes, 0, given)
      expect(decodeBatchHeader(bytes, 0)).toEqual(given)
      expect(bytes.readBigInt64BE(batchOffsets.producerId)).toBe(producerId)
    }),
  )
})

test('what needs more than 64 bits is refused rather than cut', () => {
  const bytes = Buffer.alloc(recordBatchOverhead)
  expect(() => encodeBatchHeader(bytes, 0, { ...header, producerId: 2n ** 63n })).toThrow(
    InvalidArgumentError,
  )
})
