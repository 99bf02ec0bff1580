// Record batches as Apache Kafka's own classes write and read them.

import { describe, expect, test } from 'vitest'
import { compressionTypes } from '../../src/compression/codec.ts'
import { DecodeError } from '../../src/errors.ts'
import { BatchReader } from '../../src/records/batch-reader.ts'
import { decodeControlRecord } from '../../src/records/control-record.ts'
import { decodeBatch, decodeBatches, type RecordBatch } from '../../src/records/decode-batch.ts'
import { encodeBatch } from '../../src/records/encode-batch.ts'
import {
  compressionOf,
  hasDeleteHorizon,
  isControl,
  isTransactional,
  timestampTypeOf,
} from '../../src/records/record-batch.ts'
import { rawSource } from '../../src/records/record-context.ts'
import { RecordsReader } from '../../src/records/records-reader.ts'
import { loadVectors } from '../vectors/load.ts'

interface RecordJson {
  attributes: number
  timestampDelta: string
  offsetDelta: number
  offset: string
  timestamp: string
  sequence: number
  key: string | null
  value: string | null
  headers: { key: string; value: string | null }[]
  control?: {
    type: string
    version: number
    typeId: number
    coordinatorEpoch?: number
    data?: unknown
  }
}

interface BatchJson {
  baseOffset: string
  partitionLeaderEpoch: number
  attributes: number
  lastOffsetDelta: number
  baseTimestamp: string
  maxTimestamp: string
  producerId: string
  producerEpoch: number
  baseSequence: number
  recordCount: number
  derived: { lastOffset: string; nextOffset: string; lastSequence: number }
  records: RecordJson[]
}

type Vector = { name: string; hex: string } & (
  | { kind: 'batch'; direction: 'both' | 'decode'; json: BatchJson }
  | { kind: 'batches'; json: BatchJson[]; incompleteTrailingBytes: number }
  | { kind: 'invalid'; reason: string }
)

const vectors = loadVectors<Vector>('records')

function base64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64')
}

function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64')
}

/** A batch as the vectors write it. */
function toJson(batch: RecordBatch): unknown {
  const { attributes, baseOffset, baseSequence, lastOffsetDelta } = batch
  const sequence = (delta: number): number =>
    baseSequence < 0 ? -1 : (baseSequence + delta) % 2 ** 31
  const lastOffset = baseOffset + BigInt(lastOffsetDelta)
  return {
    ...batch,
    baseOffset: `${baseOffset}`,
    baseTimestamp: `${batch.baseTimestamp}`,
    maxTimestamp: `${batch.maxTimestamp}`,
    producerId: `${batch.producerId}`,
    compression: compressionOf(attributes),
    timestampType: timestampTypeOf(attributes),
    isTransactional: isTransactional(attributes),
    isControl: isControl(attributes),
    hasDeleteHorizon: hasDeleteHorizon(attributes),
    derived: {
      lastOffset: `${lastOffset}`,
      nextOffset: `${lastOffset + 1n}`,
      lastSequence: sequence(lastOffsetDelta),
      ...(hasDeleteHorizon(attributes) && { deleteHorizonMs: `${batch.baseTimestamp}` }),
    },
    records: batch.records.map((record) => ({
      ...record,
      timestampDelta: `${record.timestampDelta}`,
      offset: `${record.offset}`,
      timestamp: `${record.timestamp}`,
      sequence: sequence(record.offsetDelta),
      key: base64(record.key),
      value: base64(record.value),
      headers: record.headers.map(({ key, value }) => ({ key, value: base64(value) })),
      ...(isControl(attributes) && { control: control(record.key, record.value) }),
    })),
  }
}

function control(key: Buffer | null, value: Buffer | null): unknown {
  return decodeControlRecord(key, value)
}

async function encode(json: BatchJson): Promise<Buffer> {
  return await encodeBatch({
    ...pick(json),
    records: json.records.map((record) => ({
      attributes: record.attributes,
      timestampDelta: BigInt(record.timestampDelta),
      offsetDelta: record.offsetDelta,
      key: bytes(record.key),
      value: bytes(record.value),
      headers: record.headers.map(({ key, value }) => ({ key, value: bytes(value) })),
    })),
  })
}

function pick(json: BatchJson) {
  return {
    baseOffset: BigInt(json.baseOffset),
    partitionLeaderEpoch: json.partitionLeaderEpoch,
    attributes: json.attributes,
    lastOffsetDelta: json.lastOffsetDelta,
    baseTimestamp: BigInt(json.baseTimestamp),
    maxTimestamp: BigInt(json.maxTimestamp),
    producerId: BigInt(json.producerId),
    producerEpoch: json.producerEpoch,
    baseSequence: json.baseSequence,
  }
}

describe('record batches of the Java client', () => {
  const batches = vectors.filter((vector) => vector.kind === 'batch')

  test('every compression is among them', () => {
    const seen = new Set(batches.map(({ json }) => compressionOf(json.attributes)))
    expect([...seen].sort()).toEqual([...compressionTypes].sort())
  })

  test.each(batches.map((vector) => [vector.name, vector] as const))('%s', async (_, vector) => {
    const wire = Buffer.from(vector.hex, 'hex')
    // The content of a raft record is no business of a client's.
    for (const { control } of vector.json.records) delete control?.data
    expect(toJson(await decodeBatch(wire))).toEqual(vector.json)
    if (vector.direction === 'both') {
      expect((await encode(vector.json)).toString('hex')).toBe(vector.hex)
    }
    // Other bytes, the same content.
    const again = await decodeBatch(await encode(vector.json))
    expect(again.records).toEqual((await decodeBatch(wire)).records)
  })

  test.each(batches.map((vector) => [vector.name, vector] as const))(
    'as a consumer reads them: %s',
    async (_, { json, hex }) => {
      const wire = Buffer.from(hex, 'hex')
      const reader = new RecordsReader(wire, rawSource('orders', 3), {
        checkCrcs: true,
        maxDecompressedBytes: 1 << 26,
      })
      const batch = reader.nextBatch()
      expect(batch).toBeInstanceOf(BatchReader)
      if (batch === null) return
      await batch.open()
      expect([batch.lastOffset, batch.nextOffset, batch.producerId]).toEqual([
        BigInt(json.derived.lastOffset),
        BigInt(json.derived.nextOffset),
        BigInt(json.producerId),
      ])
      expect([batch.producerEpoch, batch.baseSequence, batch.partitionLeaderEpoch]).toEqual([
        json.producerEpoch,
        json.baseSequence,
        json.partitionLeaderEpoch,
      ])
      expect([batch.isControl, batch.isTransactional]).toEqual([
        isControl(json.attributes),
        isTransactional(json.attributes),
      ])
      const records = [...batch]
      expect(
        records.map((record) => ({
          offset: `${record.offset}`,
          timestamp: record.timestamp,
          timestampType: record.timestampType,
          leaderEpoch: record.leaderEpoch,
          key: base64(record.key),
          value: base64(record.value),
          headers: [...record.headers].map(({ key, value }) => ({ key, value: base64(value) })),
        })),
      ).toEqual(
        json.records.map(({ offset, timestamp, key, value, headers }) => ({
          offset,
          timestamp: Number(timestamp),
          timestampType: timestampTypeOf(json.attributes),
          leaderEpoch: json.partitionLeaderEpoch,
          key,
          value,
          headers,
        })),
      )
      expect(batch.next()).toBeNull()
      expect(batch.remaining).toBe(0)
      expect(reader.nextBatch()).toBeNull()
      expect(reader.isTruncated).toBe(false)
    },
  )

  test.each(
    vectors
      .filter((vector) => vector.kind === 'batches')
      .map((vector) => [vector.name, vector] as const),
  )('%s', async (_, vector) => {
    const wire = Buffer.from(vector.hex, 'hex')
    expect((await decodeBatches(wire)).map(toJson)).toEqual(vector.json)
    const reader = new RecordsReader(wire, rawSource('orders', 3), {
      checkCrcs: true,
      maxDecompressedBytes: 1 << 26,
    })
    let count = 0
    while (reader.nextBatch() !== null) count++
    expect(count).toBe(vector.json.length)
    expect(wire.length - reader.position).toBe(vector.incompleteTrailingBytes)
    expect(reader.isTruncated).toBe(vector.incompleteTrailingBytes > 0)
  })

  const invalid = vectors.filter((vector) => vector.kind === 'invalid')

  test.each(invalid.map((vector) => [vector.reason, vector.hex] as const))(
    'refused: %s',
    async (_, hex) => {
      const wire = Buffer.from(hex, 'hex')
      await expect(async () => await decodeBatch(wire)).rejects.toThrow(DecodeError)
      const reader = new RecordsReader(wire, rawSource('orders', 3), {
        checkCrcs: true,
        maxDecompressedBytes: 1 << 26,
      })
      expect(() => reader.nextBatch()).toThrow(/orders-3, batch at offset \d+/)
      // A consumer that asks again is told again, and the position stays where it was.
      expect(() => reader.nextBatch()).toThrow(DecodeError)
      expect(reader.position).toBe(0)
    },
  )
})
