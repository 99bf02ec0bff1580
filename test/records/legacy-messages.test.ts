// Message sets of before Kafka 0.11, as Apache Kafka's own classes write and read them.

import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/errors.ts'
import { decodeMessageSet } from '../../src/records/legacy-messages.ts'
import { rawSource } from '../../src/records/record-context.ts'
import { RecordsReader } from '../../src/records/records-reader.ts'
import { loadVectors } from '../vectors/load.ts'

interface Vector {
  name: string
  hex: string
  json: {
    entries: {
      offset: string
      size: number
      crc: number
      magic: number
      attributes: number
      compression: string
      timestamp: string | null
    }[]
    records: {
      offset: string
      timestamp: string
      timestampType: string
      key: string | null
      value: string | null
    }[]
  }
}

const vectors = loadVectors<Vector>('records-legacy').map(
  (vector) => [vector.name, vector] as const,
)
const limit = 1 << 26

function base64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64')
}

describe('message sets of the Java client', () => {
  test.each(vectors)('%s', (_, { hex, json }) => {
    const messages = decodeMessageSet(Buffer.from(hex, 'hex'), true, limit)
    expect(
      messages.map(({ records, offset, timestamp, ...rest }) => ({
        ...rest,
        offset: `${offset}`,
        timestamp: timestamp === null ? null : `${timestamp}`,
      })),
    ).toEqual(json.entries)
    expect(
      messages
        .flatMap(({ records }) => records)
        .map(({ offset, timestamp, timestampType, key, value }) => ({
          offset: `${offset}`,
          timestamp: `${timestamp}`,
          timestampType,
          key: base64(key),
          value: base64(value),
        })),
    ).toEqual(json.records)
  })

  test.each(vectors)('as a consumer reads them: %s', (_, { hex, json }) => {
    const reader = new RecordsReader(Buffer.from(hex, 'hex'), rawSource('old', 0), {
      checkCrcs: true,
      maxDecompressedBytes: limit,
    })
    const records: Vector['json']['records'] = []
    let nextOffset = 0n
    for (let batch = reader.nextBatch(); batch !== null; batch = reader.nextBatch()) {
      expect(batch.open()).toBeUndefined()
      for (const record of batch) {
        records.push({
          offset: `${record.offset}`,
          timestamp: `${record.timestamp}`,
          timestampType: record.timestampType,
          key: base64(record.key),
          value: base64(record.value),
        })
      }
      nextOffset = batch.nextOffset
      expect([batch.producerId, batch.isControl, batch.isTransactional]).toEqual([
        -1n,
        false,
        false,
      ])
    }
    expect(records).toEqual(json.records)
    const last = json.records.at(-1)
    if (last !== undefined) expect(nextOffset).toBe(BigInt(last.offset) + 1n)
  })

  test.each(vectors)('cut off anywhere or with a byte changed: %s', (_, { hex }) => {
    const whole = Buffer.from(hex, 'hex')
    const step = Math.max(1, Math.floor(whole.length / 400))
    for (let end = 0; end < whole.length; end += step) {
      expectValueOrDecodeError(whole.subarray(0, end))
    }
    for (let index = 0; index < whole.length; index += step) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(whole)
        changed[index] ^= mask
        expectValueOrDecodeError(changed)
      }
    }
  })

  test.each(vectors)('offsets that no log has are refused: %s', (_, { hex }) => {
    const bytes = Buffer.from(hex, 'hex')
    for (const offset of [2n ** 63n - 1n, -(2n ** 63n)]) {
      bytes.writeBigInt64BE(offset, 0)
      const reader = new RecordsReader(bytes, rawSource('t', 0), {
        checkCrcs: false,
        maxDecompressedBytes: limit,
      })
      try {
        // A wrapper of magic 0 leaves the offsets to the messages in it.
        for (const record of reader.nextBatch() ?? []) {
          expect(record.offset).toBeGreaterThan(-(2n ** 63n))
          expect(record.offset).toBeLessThan(2n ** 63n - 1n)
        }
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError)
      }
    }
  })

  test('a changed byte is found by the CRC', () => {
    const [, { hex }] = vectors[0]
    const changed = Buffer.from(hex, 'hex')
    changed[changed.length - 1] ^= 1
    expect(() => decodeMessageSet(changed, true, limit)).toThrow(DecodeError)
  })
})

function expectValueOrDecodeError(bytes: Buffer): void {
  try {
    decodeMessageSet(bytes, false, limit)
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
  }
}
