// What fetched records hold of memory beside the bytes of their response is counted, for as long as it is held.

import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { CompletedFetch } from '../../../src/consumer/buffer/completed-fetch.ts'
import { FetchedMemory, HeldBytes } from '../../../src/consumer/buffer/fetched-memory.ts'
import { RecordBuffer } from '../../../src/consumer/buffer/record-buffer.ts'
import type { RecordSlice } from '../../../src/consumer/buffer/record-slice.ts'
import { BatchBuilder, noProducer } from '../../../src/records/batch-builder.ts'
import { ConsumerRecord } from '../../../src/records/consumer-record.ts'
import { crc32 } from '../../../src/records/crc32.ts'
import { rawSource } from '../../../src/records/record-context.ts'

type Raw = Buffer | null

const SIZE = 100_000

interface Buffered {
  readonly held: HeldBytes
  readonly buffer: RecordBuffer<Raw, Raw>
  take(): RecordSlice<Raw, Raw>
}

/** What of one partition is buffered; the bytes of the response itself are not counted here. */
function buffered(records: Buffer): Buffered {
  const held = new HeldBytes()
  const buffer = new RecordBuffer<Raw, Raw>()
  const fetch = new CompletedFetch<Raw, Raw>(
    records,
    rawSource('t', 0),
    { checkCrcs: true, maxDecompressedBytes: 1_000_000, isReadCommitted: false },
    { fetchOffset: 0n, fetchEpoch: -1 },
    null,
    new FetchedMemory(0, held),
  )
  buffer.addFetch(fetch)
  const take = (): RecordSlice<Raw, Raw> => {
    const slice = fetch.take(1)
    if (slice === null || slice instanceof Promise) throw new Error('there is a record')
    buffer.append(slice)
    return slice
  }
  return { held, buffer, take }
}

/** A message of magic 1. */
function message(offset: bigint, attributes: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(34 + value.length)
  bytes.writeBigInt64BE(offset, 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes[16] = 1
  bytes[17] = attributes
  bytes.writeInt32BE(-1, 26)
  bytes.writeInt32BE(value.length, 30)
  value.copy(bytes, 34)
  bytes.writeUInt32BE(crc32(bytes, 16), 12)
  return bytes
}

async function batchAt(offset: number, compressionType: 'none' | 'gzip'): Promise<Buffer> {
  const builder = new BatchBuilder(10_000_000)
  builder.append(null, Buffer.alloc(SIZE), [], 1)
  const batch = await builder.finish({ ...noProducer, compressionType })
  batch.writeBigInt64BE(BigInt(offset), 0)
  return batch
}

test('messages of before Kafka 0.11 that were converted', () => {
  const inner = message(0n, 0, Buffer.alloc(SIZE))
  const { held, buffer, take } = buffered(message(0n, 1, gzipSync(inner)))
  take()
  expect(held.bytes).toBeGreaterThan(SIZE)
  buffer.put(null)
  expect(held.bytes).toBe(0)
})

test('copies that are kept for handlers that fail', async () => {
  const two = Buffer.concat([await batchAt(0, 'none'), await batchAt(1, 'none')])
  const { held, buffer, take } = buffered(two)
  for (let i = 0; i < 2; i++) {
    ConsumerRecord.preserve(take().records[0])
    expect(held.bytes).toBeGreaterThan(SIZE)
    expect(held.bytes).toBeLessThan(1.1 * SIZE)
    // Done: the next slice takes its place.
    buffer.put(null)
    expect(held.bytes).toBe(0)
  }
})

test('a copy that is made when its partition is lost is not', async () => {
  const { held, buffer, take } = buffered(await batchAt(0, 'none'))
  const [record] = take().records
  buffer.clear(false)
  ConsumerRecord.preserve(record)
  expect(held.bytes).toBe(0)
})

test('batches of which records are gathered', async () => {
  const batches = await Promise.all(Array.from({ length: 5 }, (_, i) => batchAt(i, 'gzip')))
  const { held, buffer, take } = buffered(Buffer.concat(batches))
  for (let i = 1; i <= 5; i++) {
    take()
    expect(held.bytes).toBeGreaterThan(i * SIZE)
  }
  buffer.put(null)
  expect(held.bytes).toBe(0)
})

test('a record leads to its batch, and to nothing else that was fetched', async () => {
  const { take } = buffered(Buffer.concat([await batchAt(0, 'none'), await batchAt(1, 'gzip')]))
  for (let i = 0; i < 2; i++) {
    const reached: object[] = [Reflect.get(take().records[0], 'batch')]
    for (const at of reached) {
      for (const [name, value] of Object.entries(at)) {
        // What is shared by all fetches of a partition, and bytes, may be led to.
        if (name === 'source' || ArrayBuffer.isView(value)) continue
        // A function may hold on to anything.
        expect([name, typeof value]).not.toEqual([name, 'function'])
        expect(value).not.toBeInstanceOf(CompletedFetch)
        if (typeof value === 'object' && value !== null && !reached.includes(value)) {
          reached.push(value)
        }
      }
    }
  }
})
