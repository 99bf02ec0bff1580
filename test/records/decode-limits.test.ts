// What a call may make of compressed bytes is bounded over all of its batches, in bytes and in objects;
// and what is refused says where it is.

import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { DecodeError, InvalidArgumentError } from '../../src/errors.ts'
import { decodeBatch, decodeBatches } from '../../src/records/decode-batch.ts'
import { encodeBatch, type RecordInput } from '../../src/records/encode-batch.ts'
import { decodeMessageSet } from '../../src/records/legacy-messages.ts'
import { batchOffsets, writeCrc } from '../../src/records/record-batch.ts'
import { rawSource } from '../../src/records/record-context.ts'
import { RecordsReader } from '../../src/records/records-reader.ts'

const mebibyte = 1024 * 1024

function header(attributes: number, records: readonly RecordInput[]) {
  return {
    baseOffset: 0n,
    partitionLeaderEpoch: 0,
    attributes,
    lastOffsetDelta: Math.max(0, records.length - 1),
    baseTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    records,
  }
}

const empty = { timestampDelta: 0n, offsetDelta: 0, key: null, value: null, headers: [] }

/** A batch of `count` empty records, seven bytes each, in a few KB of gzip. */
function manyRecords(count: number): Buffer {
  const records = Buffer.alloc(7 * count, Buffer.from('0c000000010100', 'hex'))
  return gzipped(count, records)
}

function gzipped(count: number, records: Buffer): Buffer {
  const compressed = gzipSync(records)
  const batch = Buffer.concat([encodeBatch(header(0, [])) as Buffer, compressed])
  batch.writeInt32BE(batch.length - 12, batchOffsets.batchLength)
  batch.writeInt16BE(1, batchOffsets.attributes)
  batch.writeInt32BE(count - 1, batchOffsets.lastOffsetDelta)
  batch.writeInt32BE(count, batchOffsets.recordCount)
  writeCrc(batch, 0)
  return batch
}

async function refusal(run: () => unknown): Promise<DecodeError> {
  const error = await Promise.resolve()
    .then(run)
    .catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(DecodeError)
  return error as DecodeError
}

describe('the memory of one call', () => {
  test('is bounded by default, before objects are made', async () => {
    const bomb = manyRecords(5_000_000)
    expect(bomb.length).toBeLessThan(64 * 1024)
    const before = process.memoryUsage().heapUsed
    const error = await refusal(() => decodeBatch(bomb))
    expect(error.message).toMatch(/more than maxDecodedBytes \(134217728 bytes\) allows/)
    expect(error.message).toMatch(/Raise maxDecodedBytes, or read record by record/)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 * mebibyte)
  })

  test('is that of all its batches', async () => {
    const batch = manyRecords(1000)
    const three = Buffer.concat([batch, batch, batch])
    const limit = { maxDecodedBytes: 2 * 1000 * 400 }
    expect(await decodeBatches(three.subarray(0, 2 * batch.length), limit)).toHaveLength(2)
    expect((await refusal(() => decodeBatches(three, limit))).message).toMatch('maxDecodedBytes')
  })

  test('counts headers', async () => {
    const headers = Array.from({ length: 1000 }, () => ({ key: 'k', value: null }))
    const batch = await encodeBatch(header(0, [{ ...empty, headers }]))
    expect((await decodeBatch(batch, 0, { maxDecodedBytes: 400 + 150_000 })).records).toHaveLength(
      1,
    )
    await refusal(() => decodeBatch(batch, 0, { maxDecodedBytes: 400 + 149_999 }))
  })

  test('bounds what all batches decompress to', async () => {
    const value = Buffer.alloc(mebibyte)
    const batch = await encodeBatch(header(1, [{ ...empty, value }]))
    const three = Buffer.concat([batch, batch, batch])
    const limit = 2 * (mebibyte + 32)
    const two = three.subarray(0, 2 * batch.length)
    expect(await decodeBatches(two, { maxDecompressedBytes: limit })).toHaveLength(2)
    const error = await refusal(() => decodeBatches(three, { maxDecompressedBytes: limit }))
    expect(error.message).toMatch('would decompress to more than')
    expect(error.position).toBe(2 * batch.length + 61)
  })

  test('does not bound batches that are not compressed by their bytes', async () => {
    const batch = await encodeBatch(header(0, [{ ...empty, value: Buffer.alloc(1000) }]))
    expect((await decodeBatch(batch, 0, { maxDecompressedBytes: 1 })).records).toHaveLength(1)
  })

  test('holds for message sets too', async () => {
    // Magic 1: offset, size, CRC, magic, attributes, timestamp, key, value; without CRC checks.
    const message = (attributes: number, value: Buffer | null): Buffer => {
      const bytes = Buffer.alloc(34 + (value?.length ?? 0))
      bytes.writeInt32BE(bytes.length - 12, 8)
      bytes[16] = 1
      bytes[17] = attributes
      bytes.writeInt32BE(-1, 26)
      bytes.writeInt32BE(value?.length ?? -1, 30)
      value?.copy(bytes, 34)
      return bytes
    }
    const wrapped = Buffer.concat(Array.from({ length: 1000 }, () => message(0, null)))
    const wrapper = message(1, gzipSync(wrapped))
    const [found] = decodeMessageSet(wrapper, false)
    expect(found.records).toHaveLength(1000)
    expect(decodeMessageSet(wrapper, false, wrapped.length, 1001 * 400)).toHaveLength(1)
    expect(() => decodeMessageSet(wrapper, false, wrapped.length, 1001 * 400 - 1)).toThrow(
      'maxDecodedBytes',
    )
    const two = Buffer.concat([wrapper, wrapper])
    const error = await refusal(() => decodeMessageSet(two, false, wrapped.length * 2 - 1))
    expect(error.position).toBe(wrapper.length)
    const reader = new RecordsReader(wrapper, rawSource('t', 0), {
      checkCrcs: false,
      maxDecompressedBytes: mebibyte,
    })
    expect(reader.nextBatch()?.recordCount).toBe(1000)
  })

  test.each([
    { maxDecodedBytes: 0 },
    { maxDecompressedBytes: -1 },
    { maxDecodedBytes: Number.NaN },
    { maxDecompressedBytes: '1' as never },
  ])('%j is refused', async (limits) => {
    const batch = manyRecords(1)
    expect(() => decodeBatch(batch, 0, limits)).toThrow(InvalidArgumentError)
    await expect(decodeBatches(batch, limits)).rejects.toThrow(InvalidArgumentError)
  })
})

test('what is not bytes, or not a position, is refused by name', async () => {
  expect(() => decodeBatch('x' as never)).toThrow('buffer is not valid: expected a Buffer')
  await expect(decodeBatches(null as never)).rejects.toThrow('buffer is not valid')
  expect(() => decodeMessageSet({} as never)).toThrow('buffer is not valid')
  const batch = manyRecords(1)
  for (const position of [-1, 0.5, Number.NaN, '0', null]) {
    expect(() => decodeBatch(batch, position as never)).toThrow('position is not valid')
  }
  const view = new Uint8Array(batch)
  expect(await decodeBatch(view as Buffer)).toMatchObject({ recordCount: 1 })
})

test('a record of more headers than anything sends is refused before they are made', async () => {
  const count = 3_000_000
  const content = Buffer.concat([
    Buffer.from('000000' + '0101', 'hex'),
    // Its count as a zig-zag varint: 6,000,000.
    Buffer.from([0x80, 0x9b, 0xee, 0x02]),
    Buffer.alloc(count * 2, Buffer.from('0001', 'hex')),
  ])
  let length = content.length * 2
  const prefix: number[] = []
  for (; length > 127; length = Math.floor(length / 128)) prefix.push((length & 127) | 128)
  const bomb = gzipped(1, Buffer.concat([Buffer.from([...prefix, length]), content]))
  const reader = new RecordsReader(bomb, rawSource('t', 0), {
    checkCrcs: true,
    maxDecompressedBytes: 512 * mebibyte,
  })
  const batch = reader.nextBatch()
  await batch?.open()
  const error = await refusal(() => batch?.next())
  expect(error.message).toMatch(`${count} headers, more than 262144`)
  expect(error.field).toBe('records[0].headers')
})

describe('positions in errors count from the start of what the caller gave', () => {
  const plain = encodeBatch(header(0, [empty, { ...empty, offsetDelta: 1 }])) as Buffer
  const prefix = Buffer.alloc(1000)

  function broken(at: number, byte: number, batch: Buffer = plain): Buffer {
    const bytes = Buffer.concat([prefix, batch])
    bytes[1000 + at] = byte
    return bytes
  }

  test.each([
    ['its magic', batchOffsets.magic, 3, 1000, 'magic'],
    ['the length of a record', 61, 0x7e, 1062, 'records[0].length'],
    ['the timestamp delta of a record', 63, 0x80, 1066, 'records[0].offsetDelta'],
    ['the key of a record', 65, 0x81, 1069, 'records[0].headers'],
  ])('when %s is wrong', async (_, at, byte, position, field) => {
    const error = await refusal(() => decodeBatch(broken(at, byte), 1000, { checkCrc: false }))
    expect([error.position, error.field]).toEqual([position, field])
    expect(error.message).toContain(`byte ${error.position}`)
  })

  test('when a record of the second batch is cut', async () => {
    const two = Buffer.concat([plain, plain])
    two[plain.length + 71] = 0x81
    const error = await refusal(() => decodeBatches(two, { checkCrc: false }))
    expect(error.position).toBeGreaterThan(plain.length + 61)
    expect(error.message).toMatch(/^batch at offset 0, record 1 of 2: /)
    expect(error.field).toMatch(/^records\[1\]/)
  })

  test('when the CRC is wrong', async () => {
    const error = await refusal(() => decodeBatch(broken(70, 1), 1000))
    expect(error).toMatchObject({ position: 1000, field: 'crc' })
  })

  test('when compressed bytes are corrupt', async () => {
    const batch = gzipped(1, Buffer.from('0c000000010100', 'hex'))
    const bytes = broken(64, 0xff, batch)
    const error = await refusal(() => decodeBatch(bytes, 1000, { checkCrc: false }))
    expect(error.position).toBe(1061)
    expect(error.message).toMatch(/^batch at offset 0: corrupt gzip data/)
  })

  test('when decompressed records are, with the byte in those', async () => {
    const batch = gzipped(2, Buffer.from('0c0000000101000c000000010102', 'hex'))
    const bytes = Buffer.concat([prefix, batch])
    const error = await refusal(() => decodeBatch(bytes, 1000))
    expect(error.position).toBe(1061)
    expect(error.message).toMatch(
      /^batch at offset 0, record 1 of 2: 1 headers \(byte 14 of its decompressed records\) in records\[1\]\.headers/,
    )
  })
})
