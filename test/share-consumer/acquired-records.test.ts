// What of a ShareFetch response was acquired.

import { expect, test } from 'vitest'
import { readAcquired } from '../../src/share-consumer/acquired-records.ts'
import { Acquisition, SessionHold } from '../../src/share-consumer/acquisition.ts'
import { batch } from '../testing/requests.ts'

const place = { topic: 't', topicId: 'id', partition: 0 }
const source = {
  topic: 't',
  partition: 0,
  decodeKey: (bytes: Buffer | null) => bytes,
  decodeValue: (bytes: Buffer | null) => bytes,
}

async function acquired(
  offsets: readonly number[],
  ranges: readonly (readonly [first: number, last: number])[],
): Promise<{ offsets: number[]; gaps: string[] }> {
  // What a batch's CRC covers begins behind its offset.
  const one = batch(['v'])
  const bytes = Buffer.concat(offsets.map(() => one))
  for (const [i, offset] of offsets.entries()) {
    bytes.writeBigInt64BE(BigInt(offset), i * one.length)
  }
  const { records, gaps } = await readAcquired(
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
  return {
    offsets: records.map(({ offset }) => Number(offset)),
    gaps: gaps.map(({ first, last }) => `${first}-${last}`),
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
  ).toEqual({ offsets: [2, 3, 5], gaps: ['1-1', '6-6', '8-8'] })
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
