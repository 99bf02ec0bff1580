// What of a ShareFetch response was acquired.

import { expect, test } from 'vitest'
import { AcquiredReader, type OffsetRange } from '../../src/share-consumer/acquired-records.ts'
import { Acquisition, SessionHold } from '../../src/share-consumer/acquisition.ts'
import { batch } from '../testing/requests.ts'

const place = { topic: 't', topicId: 'id', partition: 0 }
const source = {
  topic: 't',
  partition: 0,
  decodeKey: (bytes: Buffer | null) => bytes,
  decodeValue: (bytes: Buffer | null) => bytes,
}

function rangeText({ first, last }: OffsetRange): string {
  return `${first}-${last}`
}

function readerOf(
  bytes: Buffer,
  ranges: readonly (readonly [first: number, last: number])[],
): AcquiredReader<Buffer | null, Buffer | null> {
  return new AcquiredReader(
    bytes,
    ranges.map(([first, last]) => ({
      firstOffset: BigInt(first),
      lastOffset: BigInt(last),
      deliveryCount: 1,
    })),
    source,
    new Acquisition(place, new SessionHold(1), 0, 30_000),
    { acknowledge: () => {}, renew: async () => {} },
    { checkCrcs: true, maxDecompressedBytes: 1_000_000 },
  )
}

async function acquired(
  offsets: readonly number[],
  ranges: readonly (readonly [first: number, last: number])[],
  damage: (bytes: Buffer, batchSize: number) => void = () => {},
): Promise<{ offsets: number[]; gaps: string[]; unread: string[]; errors: string[] }> {
  // What a batch's CRC covers begins behind its offset.
  const one = batch(['v'])
  const bytes = Buffer.concat(offsets.map(() => one))
  for (const [i, offset] of offsets.entries()) {
    bytes.writeBigInt64BE(BigInt(offset), i * one.length)
  }
  damage(bytes, one.length)
  const reader = readerOf(bytes, ranges)
  const everything = { bytes: Number.POSITIVE_INFINITY, records: Number.POSITIVE_INFINITY }
  const { records, gaps, unread, errors } = await reader.read(everything)
  expect(reader.isDone).toBe(true)
  return {
    offsets: records.map(({ offset }) => Number(offset)),
    gaps: gaps.map(rangeText),
    unread: unread.map(rangeText),
    errors: errors.map(({ message }) => message),
  }
}

test('records of acquired offsets are given, and offsets without one are gaps', async () => {
  expect(
    await acquired(
      [0, 2, 3, 5, 9],
      [
        [1, 3],
        [5, 6],
        [8, 8],
      ],
    ),
  ).toEqual({ offsets: [2, 3, 5], gaps: ['1-1', '6-6', '8-8'], unread: [], errors: [] })
})

test('a batch that cannot be read takes none behind it along', async () => {
  const damage = (bytes: Buffer, size: number): void => {
    bytes[2 * size - 1] ^= 1
  }
  expect(await acquired([0, 2, 5], [[0, 6]], damage)).toEqual({
    offsets: [0, 5],
    gaps: ['6-6'],
    unread: ['1-4'],
    errors: [expect.stringMatching(/batch at offset 2.*CRC/)],
  })
})

test('behind a batch whose length cannot be, nothing is read', async () => {
  const damage = (bytes: Buffer, size: number): void => {
    bytes.writeInt32BE(-1, size + 8)
  }
  expect(await acquired([0, 2, 5], [[0, 6]], damage)).toEqual({
    offsets: [0],
    gaps: [],
    unread: ['1-6'],
    errors: [expect.stringMatching(/length -1/)],
  })
})

test('no more is read at once than was asked for', async () => {
  const count = 10
  const values = Array.from({ length: count }, (_, i) => `${i}`)
  const reader = readerOf(batch(values), [[0, count - 1]])
  const parts: string[][] = []
  while (!reader.isDone) {
    const { records } = await reader.read({ bytes: Number.POSITIVE_INFINITY, records: 4 })
    parts.push(records.map(({ rawValue }) => String(rawValue)))
  }
  expect(parts).toEqual([values.slice(0, 4), values.slice(4, 8), values.slice(8)])
})

// With a look at all ranges for each batch: more than 30 s of CPU time.
test('batches between very many acquired ranges take time in proportion', async () => {
  const started = process.cpuUsage()
  const ranges = Array.from({ length: 400_000 }, (_, i) => [2 * i, 2 * i] as const)
  const offsets = Array.from({ length: 20_000 }, (_, i) => 2 * i + 1)
  expect((await acquired(offsets, ranges)).offsets).toEqual([])
  const { user } = process.cpuUsage(started)
  expect(user).toBeLessThan(10_000_000)
}, 60_000)
