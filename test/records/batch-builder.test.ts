// The producer's batches: what goes in comes out, sizes hold, bytes handed out never change.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CompressionType, compressionTypes } from '../../src/compression/codec.ts'
import { ConfigError, InvalidArgumentError } from '../../src/errors.ts'
import { BatchBuilder, noProducer } from '../../src/records/batch-builder.ts'
import { decodeBatch, type RecordBatch } from '../../src/records/decode-batch.ts'
import type { HeaderInput } from '../../src/records/headers.ts'
import { recordBatchOverhead } from '../../src/records/record-batch.ts'
import { recordSizeUpperBound } from '../../src/records/record-encoder.ts'
import type { RecordData } from '../../src/types.ts'

interface Input {
  key: RecordData
  value: RecordData
  headers: HeaderInput[]
  timestamp: number
}

const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ minLength: 60, maxLength: 70 }),
  fc.integer({ min: 250, max: 260 }).map((length) => '€'.repeat(length)),
)
const content: fc.Arbitrary<RecordData> = fc.oneof(
  fc.constant(null),
  text,
  fc.uint8Array({ maxLength: 100 }),
  fc.integer({ min: 60, max: 70 }).map((length) => new Uint8Array(length).fill(7)),
  // Around the length whose varint takes a third byte, in characters and in bytes.
  fc.integer({ min: 8180, max: 8200 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 4085, max: 4100 }).map((length) => 'é'.repeat(length)),
)
const input: fc.Arbitrary<Input> = fc.record({
  key: content,
  value: content,
  headers: fc.array(fc.record({ key: text, value: content }), { maxLength: 3 }),
  timestamp: fc.oneof(
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_001_000 }),
    fc.integer({ min: 0, max: 2 ** 52 }),
    fc.constantFrom(-1, 0, 2 ** 53 - 1),
  ),
})

// In base64, as comparing long Buffers takes a test runner long.
function base64(bytes: RecordData): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64')
}

/** What a decoder found. */
function found(batch: RecordBatch) {
  return batch.records.map((record) => ({
    ...record,
    key: base64(record.key),
    value: base64(record.value),
    headers: record.headers.map(({ key, value }) => ({ key, value: base64(value) })),
  }))
}

/** What a decoder must find. */
function expected(inputs: readonly Input[]) {
  return inputs.map(({ key, value, headers, timestamp }, index) => ({
    attributes: 0,
    offsetDelta: index,
    offset: BigInt(index),
    timestamp: BigInt(timestamp),
    timestampDelta: BigInt(timestamp) - BigInt(inputs[0].timestamp),
    key: base64(key),
    value: base64(value),
    headers: headers.map((header) => ({
      key: Buffer.from(header.key).toString(),
      value: base64(header.value),
    })),
  }))
}

function fill(builder: BatchBuilder, inputs: readonly Input[]): void {
  for (const { key, value, headers, timestamp } of inputs) {
    const bound = recordSizeUpperBound(key, value, headers)
    const before = builder.sizeInBytes
    const size = builder.append(key, value, headers, timestamp)
    expect(size).toBeLessThanOrEqual(bound)
    expect(builder.sizeInBytes).toBe(before + size)
  }
}

function record(value: RecordData, timestamp: number = 1000): Input {
  return { key: null, value, headers: [], timestamp }
}

describe('BatchBuilder', () => {
  test.each(compressionTypes)('what goes in comes out: %s', async (compressionType) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(input, { minLength: 1, maxLength: 8 }),
        fc.nat(400),
        async (inputs, capacity) => {
          const builder = new BatchBuilder(16_384, capacity)
          fill(builder, inputs)
          const stamp = {
            producerId: 77n,
            producerEpoch: 3,
            baseSequence: 5,
            isTransactional: true,
          }
          const bytes = await builder.finish({ ...stamp, compressionType })
          const batch = await decodeBatch(bytes)
          expect(found(batch)).toEqual(expected(inputs))
          const isSmaller = builder.compressedSizeInBytes < builder.sizeInBytes
          expect(batch).toMatchObject({
            baseOffset: 0n,
            partitionLeaderEpoch: -1,
            producerId: 77n,
            producerEpoch: 3,
            baseSequence: 5,
            attributes: 0x10 | (isSmaller ? compressionTypes.indexOf(compressionType) : 0),
            lastOffsetDelta: inputs.length - 1,
            recordCount: inputs.length,
            baseTimestamp: BigInt(inputs[0].timestamp),
            maxTimestamp: BigInt(Math.max(...inputs.map(({ timestamp }) => timestamp))),
          })
          expect(bytes.length).toBe(builder.compressedSizeInBytes)
          if (!isSmaller) expect(bytes.length).toBe(builder.sizeInBytes)
          expect(builder.maxTimestamp).toBe(Number(batch.maxTimestamp))
          expect(builder.baseTimestamp).toBe(inputs[0].timestamp)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('splits into children of at most the size, in order, and stays as it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(input, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 62, max: 4000 }),
        fc.boolean(),
        async (inputs, maxBytes, isSealed) => {
          const parent = new BatchBuilder(1 << 20)
          fill(parent, inputs)
          if (isSealed) await parent.seal('zstd')
          const children = parent.split(maxBytes)
          expect(children.reduce((sum, { count }) => sum + count, 0)).toBe(inputs.length)
          let first = 0
          for (const child of children) {
            if (child.count > 1) expect(child.sizeInBytes).toBeLessThanOrEqual(maxBytes)
            const own = inputs.slice(first, first + child.count)
            const batch = await decodeBatch(
              await child.finish({ ...noProducer, compressionType: 'none' }),
            )
            expect(found(batch)).toEqual(expected(own))
            expect(child.maxTimestamp).toBe(Math.max(...own.map(({ timestamp }) => timestamp)))
            first += child.count
          }
          const whole = await decodeBatch(
            await parent.finish({ ...noProducer, compressionType: 'zstd' }),
          )
          expect(found(whole)).toEqual(expected(inputs))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('half of a batch and its largest record are enough to split it', () => {
    const parent = new BatchBuilder(10_000)
    for (let index = 0; index < 9; index++) parent.append(null, Buffer.alloc(1000), [], 1)
    expect(parent.largestRecord).toBe((parent.sizeInBytes - recordBatchOverhead) / 9)
    const half = Math.max(recordBatchOverhead + parent.largestRecord, parent.sizeInBytes / 2)
    expect(parent.split(half).length).toBeGreaterThan(1)
  })

  test('a batch of one record fits any size; a full one has no room', () => {
    const builder = new BatchBuilder(500)
    expect(builder.hasRoomFor(10_000)).toBe(true)
    builder.append(null, Buffer.alloc(300), [], 1)
    expect(builder.hasRoomFor(500 - builder.sizeInBytes)).toBe(true)
    expect(builder.hasRoomFor(500 - builder.sizeInBytes + 1)).toBe(false)
  })

  test('the buffer grows with what is in it, and stops at the batch size', () => {
    const small = new BatchBuilder(1 << 20)
    small.append(null, 'x', [], 1)
    expect(backingBytes(small)).toBeLessThan(1024)
    const full = new BatchBuilder(10_000)
    while (full.hasRoomFor(recordSizeUpperBound(null, Buffer.alloc(100), []))) {
      full.append(null, Buffer.alloc(100), [], 1)
    }
    expect(backingBytes(full)).toBe(10_000)
  })

  test('the same stamp gives the same bytes, another one leaves the earlier bytes alone', async () => {
    for (const compressionType of ['none', 'lz4'] as const) {
      const builder = new BatchBuilder(1000)
      builder.append('k', 'v'.repeat(100), [], 1)
      builder.seal(compressionType)
      const first = { producerId: 1n, producerEpoch: 0, baseSequence: 10, isTransactional: false }
      const sent = builder.stamp(first)
      const copy = Buffer.from(sent)
      expect(builder.stamp({ ...first })).toBe(sent)
      const bumped = builder.stamp({ ...first, producerEpoch: 1, baseSequence: 0 })
      expect(bumped.buffer).not.toBe(sent.buffer)
      expect(sent.equals(copy)).toBe(true)
      expect(await decodeBatch(bumped)).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
      expect(await decodeBatch(sent)).toMatchObject({ producerEpoch: 0, baseSequence: 10 })
      const third = builder.stamp(first)
      expect(third.equals(copy)).toBe(true)
      expect((await decodeBatch(bumped)).producerEpoch).toBe(1)
    }
  })

  test('sealing twice while the codec works is one compression', async () => {
    const builder = new BatchBuilder(1 << 20)
    for (let index = 0; index < 200; index++) builder.append(null, Buffer.alloc(1000, index), [], 1)
    const first = builder.seal('gzip')
    expect(first).toBeInstanceOf(Promise)
    expect(builder.isSealed).toBe(true)
    expect(builder.seal('gzip')).toBe(first)
    expect(() => builder.append(null, 'x', [], 1)).toThrow(InvalidArgumentError)
    expect(() => builder.stamp(noProducer)).toThrow(InvalidArgumentError)
    await first
    expect(builder.seal('gzip')).toBeUndefined()
    expect((await decodeBatch(builder.stamp(noProducer))).recordCount).toBe(200)
  })

  test('refuses what cannot be sent', () => {
    const builder = new BatchBuilder(1000)
    expect(() => builder.seal('none')).toThrow(InvalidArgumentError)
    fill(builder, [record('x')])
    expect(() => builder.seal('brotli' as CompressionType)).toThrow(ConfigError)
    builder.seal('none')
    expect(() => builder.append(null, 'x', [], 1)).toThrow(InvalidArgumentError)
  })
})

describe('recordSizeUpperBound', () => {
  const wrong: [string, () => number][] = [
    ['value', () => recordSizeUpperBound(null, 12 as never, [])],
    ['value', () => recordSizeUpperBound(null, undefined as never, [])],
    ['value', () => recordSizeUpperBound(null, { a: 1 } as never, [])],
    ['value', () => recordSizeUpperBound(null, new Uint16Array(2) as never, [])],
    ['value', () => recordSizeUpperBound(null, new DataView(new ArrayBuffer(2)) as never, [])],
    ['value', () => recordSizeUpperBound(null, { length: 3, BYTES_PER_ELEMENT: 1 } as never, [])],
    ['key', () => recordSizeUpperBound(new Date() as never, null, [])],
    ['headers[0].key', () => recordSizeUpperBound(null, null, [{ key: 1, value: null } as never])],
    ['headers[0].key', () => recordSizeUpperBound(null, null, [null as never])],
    [
      'headers[1].value',
      () =>
        recordSizeUpperBound(null, null, [
          { key: 'a', value: null },
          { key: 'b', value: 1 as never },
        ]),
    ],
  ]
  test.each(wrong)('names the wrong part: %s', (name, call) => {
    expect(call).toThrow(InvalidArgumentError)
    expect(call).toThrow(`${name} must be`)
  })

  test('is close for bytes, and for long strings', () => {
    expect(recordSizeUpperBound(Buffer.alloc(8), Buffer.alloc(100), [])).toBeLessThan(150)
    expect(recordSizeUpperBound(null, 'x'.repeat(1_000_000), [])).toBeLessThan(1_000_050)
    expect(recordSizeUpperBound(null, '€'.repeat(1000), [])).toBeGreaterThanOrEqual(3000)
  })
})

function backingBytes(builder: BatchBuilder): number {
  const [child] = [builder]
  child.seal('none')
  return child.stamp(noProducer).buffer.byteLength
}

test('a buffer that is shorter than asked for is refused', () => {
  const short = (bytes: number): Buffer => Buffer.alloc(Math.max(61, bytes - 1))
  const builder = new BatchBuilder(16_384, 61, short)
  expect(() => builder.append(null, 'value', [], 0)).toThrow(InvalidArgumentError)
  expect(builder.count).toBe(0)
  expect(builder.sizeInBytes).toBe(61)
})

describe('a record that changes while it is encoded', () => {
  /** Gives a short value when it is measured and a long one when it is written. */
  function growing(long: string | Buffer): { key: string; value: string | Buffer } {
    let reads = 0
    return {
      key: 'h',
      get value() {
        return ++reads < 2 ? 'short' : long
      },
    }
  }

  test.each([
    ['string', 'x'.repeat(5000)],
    ['string of two-byte characters', 'ü'.repeat(5000)],
    ['buffer', Buffer.alloc(5000)],
  ])('is refused (%s)', (_, long) => {
    for (const capacity of [61, 512, 100_000]) {
      const builder = new BatchBuilder(100_000, capacity)
      builder.append(null, 'before', [], 0)
      const size = builder.sizeInBytes
      expect(() => builder.append(null, 'v', [growing(long)], 0)).toThrow()
      expect(builder.count).toBe(1)
      expect(builder.sizeInBytes).toBe(size)
      builder.append(null, 'after', [], 0)
      const batch = decodeBatch(
        builder.finish({ ...noProducer, compressionType: 'none' }) as Buffer,
      )
      expect((batch as RecordBatch).records.map(({ value }) => String(value))).toEqual([
        'before',
        'after',
      ])
    }
  })
})

test('a detached key, value or header value is refused, an empty one is not', () => {
  const bytes = new Uint8Array(8).subarray(2, 6)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] })
  expect(() => recordSizeUpperBound(bytes, null, [])).toThrow(/^key is a view of a detached/)
  expect(() => recordSizeUpperBound(null, bytes, [])).toThrow(/^value is a view of a detached/)
  expect(() => recordSizeUpperBound(null, null, [{ key: 'k', value: bytes }])).toThrow(
    /headers\[0\].value is a view of a detached/,
  )
  for (const empty of [Buffer.alloc(0), new Uint8Array(0), new Uint8Array(8).subarray(3, 3)]) {
    expect(recordSizeUpperBound(empty, empty, [{ key: 'k', value: empty }])).toBeGreaterThan(0)
  }
})
