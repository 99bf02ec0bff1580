// What does not fit its place in a batch is refused by name. Nothing is cut, wrapped or left out.

import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import { BatchBuilder, noProducer } from '../../src/records/batch-builder.ts'
import { decodeBatch } from '../../src/records/decode-batch.ts'
import { encodeBatch, type RecordBatchInput } from '../../src/records/encode-batch.ts'
import {
  encodeBatchHeader,
  hasValidCrc,
  setOffsetAndEpoch,
  writeCrc,
} from '../../src/records/record-batch.ts'
import { recordSizeUpperBound } from '../../src/records/record-encoder.ts'

const record = {
  attributes: 0,
  timestampDelta: 0n,
  offsetDelta: 0,
  key: null,
  value: 'v',
  headers: [],
}
const batch = {
  baseOffset: 0n,
  partitionLeaderEpoch: 0,
  attributes: 0,
  lastOffsetDelta: 0,
  baseTimestamp: 0n,
  maxTimestamp: 0n,
  producerId: -1n,
  producerEpoch: -1,
  baseSequence: -1,
  records: [record],
}

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError)
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

const int32 = [2 ** 31, -(2 ** 31) - 1, 1.5, Number.NaN, Infinity, '1', 1n, null, undefined]
const int16 = [2 ** 15, -(2 ** 15) - 1, ...int32.slice(2)]
const int8 = [128, -129, 255, ...int32.slice(2).filter((value) => value !== undefined)]
const int64 = [2n ** 63n, -(2n ** 63n) - 1n, 1, '1', null, undefined]

describe('encodeBatch refuses', () => {
  test.each([
    ['baseOffset', int64],
    ['partitionLeaderEpoch', int32],
    ['attributes', int16],
    ['lastOffsetDelta', int32],
    ['baseTimestamp', int64],
    ['maxTimestamp', int64],
    ['producerId', int64],
    ['producerEpoch', int16],
    ['baseSequence', int32],
    ['records', [null, undefined, 'records', {}]],
  ])('a %s that does not fit', (field, values) => {
    for (const value of values) {
      const wrong = { ...batch, [field]: value } as RecordBatchInput
      expect(refusal(() => encodeBatch(wrong))).toMatch(`${field} is not valid: expected `)
    }
  })

  test.each([
    ['attributes', int8],
    ['timestampDelta', int64],
    ['offsetDelta', int32],
    ['headers', [null, undefined, {}, 'x']],
  ])('a record whose %s does not fit', (field, values) => {
    for (const value of values) {
      const wrong = { ...batch, records: [record, { ...record, [field]: value }] }
      expect(refusal(() => encodeBatch(wrong as RecordBatchInput))).toMatch(
        `records[1].${field} is not valid: expected `,
      )
    }
  })

  test.each([
    [{ key: 5 }, 'records[0].key must be'],
    [{ value: undefined }, 'records[0].value must be'],
    [{ value: {} }, 'records[0].value must be'],
    [{ headers: [{ key: null, value: null }] }, 'records[0].headers[0].key must be'],
    [{ headers: [null] }, 'records[0].headers[0].key must be'],
    [{ headers: [{ key: 'a', value: 5 }] }, 'records[0].headers[0].value must be'],
  ])('a record with %j', (wrong, message) => {
    const input = { ...batch, records: [{ ...record, ...wrong }] } as unknown as RecordBatchInput
    expect(refusal(() => encodeBatch(input))).toMatch(message)
  })

  test.each([null, undefined, 5, 'x'])('%s in place of a record', (wrong) => {
    const input = { ...batch, records: [wrong] } as unknown as RecordBatchInput
    expect(refusal(() => encodeBatch(input))).toMatch('records[0] is not valid: expected a record')
  })

  test('nothing that is at the ends of its range', async () => {
    for (const end of ['min', 'max'] as const) {
      const [i8, i16, i32, i64] = [8n, 16n, 32n, 64n].map((bits) =>
        end === 'min' ? -(2n ** (bits - 1n)) : 2n ** (bits - 1n) - 1n,
      )
      const input = {
        ...batch,
        baseOffset: i64,
        partitionLeaderEpoch: Number(i32),
        // The low bits are the compression: none.
        attributes: Number(i16) & ~7,
        lastOffsetDelta: 2 ** 31 - 1,
        baseTimestamp: i64,
        maxTimestamp: i64,
        producerId: i64,
        producerEpoch: Number(i16),
        baseSequence: Number(i32),
        records: [
          { ...record, attributes: Number(i8), timestampDelta: i64, offsetDelta: 2 ** 31 - 1 },
        ],
      }
      const { records, ...header } = await decodeBatch(await encodeBatch(input))
      const { records: _, ...expected } = input
      expect(header).toMatchObject(expected)
      expect(records).toMatchObject([{ attributes: Number(i8), timestampDelta: i64 }])
    }
  })
})

describe('the functions on single headers refuse', () => {
  const header = {
    ...batch,
    records: undefined,
    batchLength: 49,
    magic: 2,
    crc: 0,
    recordCount: 0,
  }

  test.each([
    ['batchLength', int32],
    ['magic', int8],
    ['crc', [-1, 2 ** 32, 0.5, '0', null]],
    ['recordCount', int32],
  ])('a %s that does not fit', (field, values) => {
    for (const value of values) {
      const bytes = Buffer.alloc(61)
      expect(
        refusal(() => encodeBatchHeader(bytes, 0, { ...header, [field]: value } as never)),
      ).toMatch(`${field} is not valid: expected `)
      expect(bytes.equals(Buffer.alloc(61))).toBe(true)
    }
  })

  test('a buffer without room for one', () => {
    for (const position of [1, -1, 0.5, Number.NaN]) {
      const message = 'needs 61 bytes there: the buffer has 61'
      expect(refusal(() => encodeBatchHeader(Buffer.alloc(61), position, header))).toMatch(message)
      expect(refusal(() => setOffsetAndEpoch(Buffer.alloc(61), position, 0n, 0))).toMatch(message)
    }
  })

  test('a batch that is not there whole', () => {
    const bytes = Buffer.alloc(61)
    encodeBatchHeader(bytes, 0, { ...header, batchLength: 50 })
    expect(refusal(() => writeCrc(bytes, 0))).toMatch('needs 62 bytes there: the buffer has 61')
    expect(refusal(() => hasValidCrc(bytes, 0))).toMatch('needs 62 bytes')
    expect(refusal(() => hasValidCrc(bytes.subarray(0, 60), 0))).toMatch('needs 61 bytes')
  })

  test('an offset and an epoch that do not fit', () => {
    expect(refusal(() => setOffsetAndEpoch(Buffer.alloc(61), 0, 5 as never, 0))).toMatch(
      'baseOffset is not valid: expected an int64 (a bigint from -2^63 to 2^63-1, such as 5n), got 5 (number)',
    )
    expect(refusal(() => setOffsetAndEpoch(Buffer.alloc(61), 0, 5n, 2 ** 31))).toMatch(
      'partitionLeaderEpoch is not valid',
    )
  })
})

describe('a BatchBuilder refuses', () => {
  test('an allocation that gives less than it was asked for', () => {
    const less = (bytes: number): Buffer => Buffer.alloc(bytes - 1)
    expect(refusal(() => new BatchBuilder(1024, 512, less))).toBe(
      'allocate(512) must give at least 512 bytes: it gave 511',
    )
    let isFirst = true
    const growing = new BatchBuilder(4096, 512, (bytes) => {
      const buffer = Buffer.alloc(isFirst ? bytes : bytes - 1)
      isFirst = false
      return buffer
    })
    expect(refusal(() => growing.append(null, 'x'.repeat(2000), [], 0))).toMatch('it gave 2096')
    expect(growing.count).toBe(0)
  })

  test('an allocation that gives too little for the compressed batch', () => {
    let calls = 0
    const builder = new BatchBuilder(1024, 1024, (bytes) => Buffer.alloc(calls++ ? 3 : bytes))
    builder.append(null, 'x'.repeat(200), [], 0)
    expect(refusal(() => builder.seal('gzip'))).toMatch('must give at least')
  })

  // A string that does not fit into what is left of a buffer is cut there without an error.
  test.each([
    ['key', ['x'.repeat(100), null, []]],
    ['value', [null, 'x'.repeat(100), []]],
    ['value of two-byte characters', [null, 'é'.repeat(100), []]],
    ['value of bytes', [null, Buffer.alloc(100), []]],
    ['header value', [null, null, [{ key: 'k', value: 'x'.repeat(100) }]]],
    ['header value of three-byte characters', [null, null, [{ key: 'k', value: '€'.repeat(100) }]]],
    ['short header value', [null, null, [{ key: 'k', value: 'x'.repeat(20) }]]],
  ] as const)('an upper bound that is too low for its %s', (_, [key, value, headers]) => {
    const needed = new BatchBuilder(1 << 20).append(key, value, headers, 0)
    const given = recordSizeUpperBound(key, value, headers)
    for (let bound = 1; bound < needed; bound++) {
      const builder = new BatchBuilder(1 << 20, 61)
      const message = refusal(() => builder.append(key, value, headers, 0, bound))
      expect(message).toMatch(`it takes more than the upper bound of ${bound} bytes given for it`)
      expect(builder.count).toBe(0)
      expect(builder.sizeInBytes).toBe(61)
    }
    const builder = new BatchBuilder(1 << 20, 61)
    expect(builder.append(key, value, headers, 0, given)).toBe(needed)
  })

  test.each([1.5, Number.NaN, Infinity, 2 ** 53, '1', 1n, null, undefined])(
    'the timestamp %s',
    (timestamp) => {
      const builder = new BatchBuilder(1024)
      builder.append(null, 'a', [], 5)
      expect(refusal(() => builder.append(null, 'b', [], timestamp as number))).toMatch(
        'timestamp is not valid: expected an integer of milliseconds',
      )
      expect(builder.count).toBe(1)
      builder.seal('none')
      expect(decodeBatch(builder.stamp(noProducer))).toMatchObject({ recordCount: 1 })
    },
  )

  test.each([
    ['producerId', int64],
    ['producerEpoch', int16],
    ['baseSequence', int32],
  ])('a stamp whose %s does not fit', (field, values) => {
    const builder = new BatchBuilder(1024)
    builder.append(null, 'a', [], 5)
    builder.seal('none')
    for (const value of values) {
      const stamp = { ...noProducer, [field]: value }
      expect(refusal(() => builder.stamp(stamp as never))).toMatch(`${field} is not valid`)
    }
  })
})
