// The consumer's view of fetched batches: lazy records, hostile bytes, limits.

import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compressionTypes, defaultMaxDecompressedBytes } from '../../src/compression/codec.ts'
import { DecodeError } from '../../src/errors.ts'
import { encodeEndTransactionMarker } from '../../src/records/control-record.ts'
import { decodeBatch } from '../../src/records/decode-batch.ts'
import {
  encodeBatch,
  type RecordBatchInput,
  type RecordInput,
} from '../../src/records/encode-batch.ts'
import { batchOffsets, setOffsetAndEpoch, writeCrc } from '../../src/records/record-batch.ts'
import { type RecordSource, rawSource } from '../../src/records/record-context.ts'
import { RecordsReader } from '../../src/records/records-reader.ts'

const options = { checkCrcs: true, maxDecompressedBytes: defaultMaxDecompressedBytes }

function recordOf(offsetDelta: number, part: Partial<RecordInput> = {}): RecordInput {
  return { timestampDelta: 0n, offsetDelta, key: null, value: null, headers: [], ...part }
}

function batchOf(records: RecordInput[], part: Partial<RecordBatchInput> = {}): RecordBatchInput {
  return {
    baseOffset: 100n,
    partitionLeaderEpoch: 7,
    attributes: 0,
    lastOffsetDelta: Math.max(0, ...records.map(({ offsetDelta }) => offsetDelta)),
    baseTimestamp: 1000n,
    maxTimestamp: 2000n,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    records,
    ...part,
  }
}

async function open<K, V>(bytes: Buffer, source: RecordSource<K, V>, part = {}) {
  const batch = new RecordsReader(bytes, source, { ...options, ...part }).nextBatch()
  if (batch === null) throw new Error('no batch')
  await batch.open()
  return batch
}

const orders = rawSource('orders', 3)

describe('ConsumerRecord', () => {
  test('shows what it is made of', async () => {
    const headers = [
      { key: 'a', value: 'first' },
      { key: 'b', value: null },
      { key: 'a', value: Buffer.from([0xff]) },
    ]
    const bytes = await encodeBatch(
      batchOf([
        recordOf(5, { key: 'k', value: Buffer.from([0xfe]), headers, timestampDelta: -3n }),
      ]),
    )
    const record = (await open(bytes, orders)).next()
    expect(record?.topic).toBe('orders')
    expect(record?.partition).toBe(3)
    expect(record?.offset).toBe(105n)
    expect(record?.timestamp).toBe(997)
    expect(record?.leaderEpoch).toBe(7)
    expect(record?.headers.size).toBe(3)
    expect(record?.headers.get('a')).toEqual(Buffer.from([0xff]))
    expect(record?.headers.getAll('a')).toEqual([Buffer.from('first'), Buffer.from([0xff])])
    expect(record?.headers.get('b')).toBeNull()
    expect(record?.headers.get('c')).toBeUndefined()
    expect([record?.headers.has('b'), record?.headers.has('c')]).toEqual([true, false])
    expect([record?.keySize, record?.valueSize]).toEqual([1, 1])
    expect(JSON.parse(JSON.stringify(record))).toEqual({
      topic: 'orders',
      partition: 3,
      offset: '105',
      timestamp: 997,
      timestampType: 'CreateTime',
      leaderEpoch: 7,
      key: 'k',
      value: { base64: '/g==' },
      headers: [
        { key: 'a', value: 'first' },
        { key: 'b', value: null },
        { key: 'a', value: { base64: '/w==' } },
      ],
    })
    expect(inspect(record)).toContain('offset: 105n')
    expect(inspect(record)).not.toContain('keyStart')
  })

  test('null is not empty; what was read stays the same object', async () => {
    const bytes = await encodeBatch(batchOf([recordOf(0, { key: '', value: null })]))
    const record = (await open(bytes, orders)).next()
    expect(record?.key).toEqual(Buffer.alloc(0))
    expect(record?.key).toBe(record?.key)
    expect(record?.value).toBeNull()
    expect([record?.keySize, record?.valueSize]).toEqual([0, -1])
  })

  test('key and value go through the deserializers of the source, once each', async () => {
    const calls: string[] = []
    const source: RecordSource<string | null, number> = {
      topic: 't',
      partition: 0,
      decodeKey: (key, record) => {
        calls.push(`key at ${record.offset}`)
        return key === null ? null : key.toString()
      },
      decodeValue: (value, record) => {
        calls.push(`value of ${record.topic}`)
        return value === null ? Number.NaN : value[0]
      },
    }
    const bytes = await encodeBatch(
      batchOf([recordOf(1, { key: 'k', value: Buffer.from([9]) }), recordOf(2)]),
    )
    const batch = await open(bytes, source)
    const [first, second] = [...batch]
    expect(calls).toEqual([])
    expect([first.key, first.key, first.value, first.value]).toEqual(['k', 'k', 9, 9])
    expect([second.key, second.key]).toEqual([null, null])
    expect(calls).toEqual(['key at 101', 'value of t', 'key at 102'])
    expect(first.rawValue).toEqual(Buffer.from([9]))
  })

  test('an earlier record is not changed by reading on', async () => {
    const bytes = await encodeBatch(
      batchOf([recordOf(0, { value: 'a' }), recordOf(1, { value: 'bb' })]),
    )
    const batch = await open(bytes, orders)
    const first = batch.next()
    const second = batch.next()
    expect([first?.offset, `${first?.value}`]).toEqual([100n, 'a'])
    expect([second?.offset, `${second?.value}`]).toEqual([101n, 'bb'])
  })
})

describe('BatchReader', () => {
  test('leaves out records below an offset', async () => {
    const records = [0, 3, 4, 9].map((delta) => recordOf(delta))
    const bytes = await encodeBatch(batchOf(records, { lastOffsetDelta: 12 }))
    for (const [wanted, offsets] of [
      [100n, [100n, 103n, 104n, 109n]],
      [0n, [100n, 103n, 104n, 109n]],
      [104n, [104n, 109n]],
      [105n, [109n]],
      [110n, []],
    ] as const) {
      const batch = await open(bytes, orders)
      batch.skipTo(wanted)
      expect([...batch].map(({ offset }) => offset)).toEqual(offsets)
      expect(batch.nextOffset).toBe(113n)
    }
  })

  test('a batch that compaction emptied still says where it ends', async () => {
    const bytes = await encodeBatch(batchOf([], { lastOffsetDelta: 41 }))
    const batch = await open(bytes, orders)
    expect(batch.next()).toBeNull()
    expect([batch.lastOffset, batch.nextOffset]).toEqual([141n, 142n])
  })

  test('with LogAppendTime every record has the time of the batch', async () => {
    const bytes = await encodeBatch(
      batchOf([recordOf(0, { timestampDelta: 5n })], { attributes: 8 }),
    )
    const record = (await open(bytes, orders)).next()
    expect([record?.timestamp, record?.timestampType]).toEqual([2000, 'LogAppendTime'])
  })

  test('a marker says how its transaction ended', async () => {
    const { key, value } = encodeEndTransactionMarker('ABORT', 12)
    const bytes = await encodeBatch(
      batchOf([recordOf(0, { key, value })], {
        attributes: 0x30,
        producerId: 9n,
        producerEpoch: 2,
      }),
    )
    const batch = await open(bytes, orders)
    expect([batch.isControl, batch.isTransactional, batch.producerId]).toEqual([true, true, 9n])
    expect(batch.controlRecord()).toMatchObject({ type: 'ABORT', coordinatorEpoch: 12 })
    const short = await encodeBatch(
      batchOf([recordOf(0, { key, value: Buffer.alloc(5) })], { attributes: 0x30 }),
    )
    const broken = await open(short, orders)
    expect(() => broken.controlRecord()).toThrow(DecodeError)
  })

  test('reading before open is refused', async () => {
    const bytes = await encodeBatch(batchOf([recordOf(0)]))
    const batch = new RecordsReader(bytes, orders, options).nextBatch()
    expect(() => batch?.next()).toThrow(DecodeError)
  })

  test('a broker gives a batch its place without touching its CRC', async () => {
    const bytes = await encodeBatch(batchOf([recordOf(0, { value: 'x' })]))
    setOffsetAndEpoch(bytes, 0, 5_000_000_000n, 11)
    const record = (await open(bytes, orders)).next()
    expect([record?.offset, record?.leaderEpoch]).toEqual([5_000_000_000n, 11])
  })

  test('the CRC is checked when asked for only', async () => {
    const bytes = await encodeBatch(batchOf([recordOf(0, { value: 'x' })]))
    bytes[bytes.length - 2] ^= 1
    await expect(open(bytes, orders)).rejects.toMatchObject({
      message: expect.stringContaining('CRC'),
      field: 'crc',
    })
    const batch = await open(bytes, orders, { checkCrcs: false })
    expect(`${batch.next()?.value}`).toBe('y')
  })

  test('decompression is bounded', async () => {
    const value = Buffer.alloc(200_000)
    for (const attributes of [1, 2, 3, 4]) {
      const bytes = await encodeBatch(batchOf([recordOf(0, { value })], { attributes }))
      await expect(open(bytes, orders, { maxDecompressedBytes: 100_000 })).rejects.toThrow(
        /orders-3, batch at offset 100.*more than the 100000 bytes/,
      )
      expect((await open(bytes, orders)).next()?.valueSize).toBe(200_000)
    }
  })

  const lies: [string, field: string, (bytes: Buffer) => void][] = [
    [
      'more records than bytes',
      'recordCount',
      (b) => b.writeInt32BE(1_000_000, batchOffsets.recordCount),
    ],
    ['fewer records than there are', 'records', (b) => b.writeInt32BE(1, batchOffsets.recordCount)],
    ['negative record count', 'recordCount', (b) => b.writeInt32BE(-1, batchOffsets.recordCount)],
    [
      'negative last offset delta',
      'lastOffsetDelta',
      (b) => b.writeInt32BE(-1, batchOffsets.lastOffsetDelta),
    ],
    ['unknown compression', 'attributes', (b) => b.writeInt16BE(5, batchOffsets.attributes)],
    ['no gzip', 'records', (b) => b.writeInt16BE(1, batchOffsets.attributes)],
    ['record length beyond the batch', 'records[0].length', (b) => b.writeUInt8(0x7e, 61)],
    ['record length shorter than its fields', 'records[0]', (b) => b.writeUInt8(b[61] - 2, 61)],
    ['negative record length', 'records[0].length', (b) => b.writeUInt8(0x01, 61)],
    ['negative offset delta', 'records[0].offsetDelta', (b) => b.writeUInt8(0x01, 64)],
    ['key beyond the record', 'records[0].key', (b) => b.writeUInt8(0x7e, 65)],
    ['value beyond the record', 'records[0].value', (b) => b.writeUInt8(0x7e, 67)],
    ['more headers than bytes', 'records[0].headers', (b) => b.writeUInt8(0x7e, 68)],
    ['varint that never ends', 'records[0].length', (b) => b.fill(0xff, 61)],
    ['key length that never ends', 'records[0].key', (b) => b.fill(0xff, 65)],
  ]
  test.each(lies)('refused: %s, in %s', async (_, field, lie) => {
    const bytes = await encodeBatch(batchOf([recordOf(0, { key: 'k' }), recordOf(1, { key: 'l' })]))
    lie(bytes)
    writeCrc(bytes, 0)
    const error = await open(bytes, orders)
      .then((batch) => [...batch])
      .catch((thrown: unknown) => thrown)
    if (!(error instanceof DecodeError)) throw error
    expect(error.message).toMatch(/orders-3, batch at offset 100/)
    expect(error).toMatchObject({ api: 'RecordBatch', version: 2, field })
    expect(error.position).toBeGreaterThanOrEqual(0)
  })

  test('a negative batch length is refused', async () => {
    const bytes = await encodeBatch(batchOf([recordOf(0)]))
    bytes.writeInt32BE(-1, batchOffsets.batchLength)
    expect(() => new RecordsReader(bytes, orders, options).nextBatch()).toThrow(DecodeError)
  })
})

describe('any bytes are records or a DecodeError', () => {
  const headers = [
    { key: 'h', value: 'x' },
    { key: 'i', value: null },
  ]
  const records = [
    recordOf(0, { key: 'key', value: 'v'.repeat(70), headers }),
    recordOf(1, { value: Buffer.alloc(40, 3), timestampDelta: -5_000_000_000n }),
    recordOf(300, { key: null, value: null, headers }),
  ]

  async function readAll(bytes: Buffer): Promise<void> {
    const readers = { ...options, checkCrcs: false, maxDecompressedBytes: 1 << 20 }
    try {
      const reader = new RecordsReader(bytes, orders, readers)
      for (let batch = reader.nextBatch(); batch !== null; batch = reader.nextBatch()) {
        await batch.open()
        for (const record of batch) JSON.stringify(record)
      }
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError)
    }
    try {
      await decodeBatch(bytes, 0, { checkCrc: false, maxDecompressedBytes: 1 << 20 })
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError)
    }
  }

  test.each(compressionTypes)('cut off anywhere or any byte changed: %s', async (type) => {
    const attributes = compressionTypes.indexOf(type)
    const whole = await encodeBatch(batchOf(records, { attributes }))
    for (let end = 0; end < whole.length; end++) await readAll(whole.subarray(0, end))
    for (let index = 0; index < whole.length; index++) {
      for (const mask of [0x01, 0x02, 0x40, 0x80, 0xff]) {
        const changed = Buffer.from(whole)
        changed[index] ^= mask
        await readAll(changed)
      }
    }
  })

  test('random records behind a sound header', async () => {
    const header = await encodeBatch(batchOf([]))
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 120 }),
        fc.nat(8),
        fc.nat(15),
        async (bytes, recordCount, attributes) => {
          const batch = Buffer.concat([header, bytes])
          batch.writeInt32BE(batch.length - 12, batchOffsets.batchLength)
          batch.writeInt32BE(recordCount, batchOffsets.recordCount)
          batch.writeInt16BE(attributes, batchOffsets.attributes)
          await readAll(batch)
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await readAll(Buffer.from(bytes))
      }),
      { numRuns: 1000 },
    )
  })
})
