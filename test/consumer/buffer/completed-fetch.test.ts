import { describe, expect, it } from 'vitest'
import { CompletedFetch, findBlockEnd } from '../../../src/consumer/buffer/completed-fetch.ts'
import { FetchedMemory, HeldBytes } from '../../../src/consumer/buffer/fetched-memory.ts'
import type { RecordSlice } from '../../../src/consumer/buffer/record-slice.ts'
import { DecodeError } from '../../../src/errors.ts'
import { encodeEndTransactionMarker } from '../../../src/records/control-record.ts'
import { encodeBatch } from '../../../src/records/encode-batch.ts'
import { attributeBits } from '../../../src/records/record-batch.ts'
import { rawSource } from '../../../src/records/record-context.ts'

type Raw = Buffer | null

interface Made {
  at: number
  deltas?: number[]
  lastDelta?: number
  pid?: number
  attributes?: number
  epoch?: number
  marker?: 'ABORT' | 'COMMIT'
}

async function batch({
  at,
  deltas = [0],
  lastDelta,
  pid = -1,
  attributes = 0,
  epoch = 3,
  marker,
}: Made): Promise<Buffer> {
  const { transactional, control } = attributeBits
  const records = deltas.map((offsetDelta) => ({
    timestampDelta: 0n,
    offsetDelta,
    headers: [],
    ...(marker === undefined
      ? { key: null, value: `v${at + offsetDelta}` }
      : encodeEndTransactionMarker(marker, 0)),
  }))
  return encodeBatch({
    baseOffset: BigInt(at),
    partitionLeaderEpoch: epoch,
    attributes: marker === undefined ? attributes : attributes | transactional | control,
    lastOffsetDelta: lastDelta ?? deltas.at(-1) ?? 0,
    baseTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: BigInt(pid),
    producerEpoch: 0,
    baseSequence: 0,
    records,
  })
}

const transactional = attributeBits.transactional

async function block(
  made: Made[],
  options: {
    from?: number
    committed?: boolean
    aborted?: [pid: number, first: number][]
    cut?: number
    corrupt?: number
  } = {},
): Promise<CompletedFetch<Raw, Raw>> {
  const all = Buffer.concat(await Promise.all(made.map(batch)))
  const bytes = all.subarray(0, all.length - (options.cut ?? 0))
  if (options.corrupt !== undefined) bytes[options.corrupt] ^= 1
  return new CompletedFetch(
    bytes,
    rawSource('t', 0),
    {
      checkCrcs: true,
      maxDecompressedBytes: 1_000_000,
      isReadCommitted: options.committed ?? false,
    },
    { fetchOffset: BigInt(options.from ?? made[0].at), fetchEpoch: 1 },
    (options.aborted ?? []).map(([pid, first]) => ({
      producerId: BigInt(pid),
      firstOffset: BigInt(first),
    })),
    new FetchedMemory(bytes.length, new HeldBytes()),
  )
}

function all(from: CompletedFetch<Raw, Raw>, most = 100): number[] {
  const offsets: number[] = []
  for (;;) {
    const chunk = from.take(most)
    if (chunk === null) return offsets
    if (chunk instanceof Promise) throw new Error('nothing here is compressed')
    offsets.push(...chunk.records.map(({ offset }) => Number(offset)))
  }
}

function chunkOf(from: CompletedFetch<Raw, Raw>, most = 100): RecordSlice<Raw, Raw> {
  const chunk = from.take(most)
  if (chunk === null || chunk instanceof Promise) throw new Error('no chunk')
  return chunk
}

describe('a fetched block', () => {
  it('is handed out in chunks, across batches, with the positions between them', async () => {
    const from = await block([
      { at: 10, deltas: [0, 1, 2] },
      { at: 13, deltas: [0, 1, 2], epoch: 4 },
    ])
    const chunk = chunkOf(from, 4)
    expect(chunk.place).toEqual({ startOffset: 10n, startEpoch: 1, nextOffset: 14n, nextEpoch: 4 })
    expect([0, 1, 2, 3, 4].map((count) => chunk.offsetAfter(count))).toEqual([
      10n,
      11n,
      12n,
      13n,
      14n,
    ])
    expect([0, 1, 3, 4].map((count) => chunk.epochAfter(count))).toEqual([1, 3, 3, 4])
    expect(chunkOf(from).place).toMatchObject({ startOffset: 14n, nextOffset: 16n })
    expect(from.take(10)).toBe(null)
  })

  it('begins at the wanted offset, though its batch begins earlier', async () => {
    expect(all(await block([{ at: 10, deltas: [0, 1, 2, 3] }, { at: 14 }], { from: 12 }))).toEqual([
      12, 13, 14,
    ])
  })

  it('goes by the end of a batch, not by its last record: compaction leaves holes', async () => {
    const from = await block([
      { at: 10, deltas: [1, 4], lastDelta: 9 },
      { at: 20, lastDelta: 5 },
    ])
    const chunk = chunkOf(from, 2)
    expect(chunk.place.nextOffset).toBe(20n)
    expect(chunkOf(from).place.nextOffset).toBe(26n)
  })

  it('passes a batch that compaction has emptied', async () => {
    const from = await block([{ at: 10, deltas: [], lastDelta: 9 }])
    expect(from.take(10)).toBe(null)
    expect(from.position).toBe(20n)
  })

  it('ends at a batch that is cut off', async () => {
    const from = await block([{ at: 10 }, { at: 11 }], { cut: 5 })
    expect(all(from)).toEqual([10])
    expect(from.position).toBe(11n)
  })

  it('delivers what stands before damaged bytes, then fails with the position before them', async () => {
    const size = (await batch({ at: 10 })).length
    const from = await block([{ at: 10 }, { at: 11 }, { at: 12 }], { corrupt: size + 65 })
    expect(chunkOf(from).records.map(({ offset }) => offset)).toEqual([10n])
    expect(() => from.take(10)).toThrow(DecodeError)
    expect(() => from.take(10)).toThrow(/t-0.*11/)
    expect(from.position).toBe(11n)
  })

  it('never delivers control batches, and passes them', async () => {
    const from = await block([
      { at: 0, pid: 1, attributes: transactional },
      { at: 1, pid: 1, marker: 'COMMIT' },
    ])
    expect(all(from)).toEqual([0])
    expect(from.position).toBe(2n)
  })

  describe('under read_committed', () => {
    const committed = true

    it('leaves out what was aborted, up to the marker', async () => {
      const from = await block(
        [
          { at: 0, pid: 1, attributes: transactional },
          { at: 1, pid: 2, attributes: transactional },
          { at: 2, pid: 1, marker: 'ABORT' },
          { at: 3, pid: 1, attributes: transactional },
          { at: 4, pid: 1, marker: 'COMMIT' },
          { at: 5, pid: 2, marker: 'COMMIT' },
          { at: 6 },
        ],
        { committed, aborted: [[1, 0]] },
      )
      expect(all(from)).toEqual([1, 3, 6])
      expect(from.position).toBe(7n)
    })

    it('sorts a list that the broker did not sort', async () => {
      const made = [
        { at: 0, pid: 1, attributes: transactional },
        { at: 1, pid: 2, attributes: transactional },
        { at: 2, pid: 1, marker: 'ABORT' as const },
        { at: 3, pid: 2, marker: 'ABORT' as const },
        { at: 4, pid: 1, attributes: transactional },
        { at: 5, pid: 1, marker: 'ABORT' as const },
      ]
      const aborted: [number, number][] = [
        [1, 4],
        [2, 1],
        [1, 0],
      ]
      expect(all(await block(made, { committed, aborted }))).toEqual([])
    })

    it('takes a marker without an entry, or without data, for nothing', async () => {
      const made = [
        { at: 0, pid: 1, marker: 'ABORT' as const },
        { at: 1, pid: 1, attributes: transactional },
        { at: 2, pid: 1, marker: 'COMMIT' as const },
        { at: 3, pid: 1, attributes: transactional },
        { at: 4, pid: 1, marker: 'ABORT' as const },
      ]
      expect(all(await block(made, { committed, aborted: [[1, 3]] }))).toEqual([1])
    })

    it('keeps records of the same producer that are in no transaction', async () => {
      const made = [
        { at: 0, pid: 1 },
        { at: 1, pid: 1, attributes: transactional },
      ]
      expect(all(await block(made, { committed, aborted: [[1, 0]] }))).toEqual([0])
    })

    it('counts markers that stand before the wanted offset', async () => {
      const made = [
        { at: 0, pid: 1, attributes: transactional },
        { at: 1, pid: 1, marker: 'ABORT' as const },
        { at: 2, pid: 1, attributes: transactional },
        { at: 3, pid: 1, marker: 'COMMIT' as const },
      ]
      expect(all(await block(made, { from: 2, committed, aborted: [[1, 0]] }))).toEqual([2])
    })
  })

  it('under read_uncommitted ignores the list, whatever the broker sent', async () => {
    const made = [
      { at: 0, pid: 1, attributes: transactional },
      { at: 1, pid: 1, marker: 'ABORT' as const },
    ]
    expect(all(await block(made, { aborted: [[1, 0]] }))).toEqual([0])
  })
})

describe('the end of a block', () => {
  it('is that of its last whole batch', async () => {
    const bytes = Buffer.concat([
      await batch({ at: 5, lastDelta: 4 }),
      await batch({ at: 10, lastDelta: 7, epoch: 9 }),
    ])
    expect(findBlockEnd(bytes)).toEqual({ nextOffset: 18n, leaderEpoch: 9, isDamaged: false })
    expect(findBlockEnd(bytes.subarray(0, bytes.length - 1))).toEqual({
      nextOffset: 10n,
      leaderEpoch: 3,
      isDamaged: false,
    })
    expect(findBlockEnd(bytes.subarray(0, 30)).nextOffset).toBe(null)
  })

  it('is not looked for behind a header that cannot be', async () => {
    const bytes = Buffer.concat([await batch({ at: 5 }), await batch({ at: 6 })])
    bytes.writeInt32BE(-1, bytes.length / 2 + 8)
    expect(findBlockEnd(bytes)).toMatchObject({ nextOffset: 6n, isDamaged: true })
  })
})

describe('a block whose memory a user has transferred', () => {
  /** Detaches the memory behind a value, as `ArrayBuffer.prototype.transfer()` does. */
  function detach(value: Buffer | null): void {
    const memory = value?.buffer
    if (!(memory instanceof ArrayBuffer)) throw new Error('a value has memory')
    structuredClone(memory, { transfer: [memory] })
  }

  async function detachedBlock(made: Made[], take: number) {
    const bytes = Buffer.concat(await Promise.all(made.map(batch)))
    const own = Buffer.allocUnsafeSlow(bytes.length)
    bytes.copy(own)
    const options = { checkCrcs: true, maxDecompressedBytes: 1_000_000, isReadCommitted: false }
    const place = { fetchOffset: BigInt(made[0].at), fetchEpoch: 1 }
    const memory = new FetchedMemory(own.length, new HeldBytes())
    const fetched = new CompletedFetch(own, rawSource('t', 0), options, place, null, memory)
    const slice = fetched.take(take)
    if (slice === null || slice instanceof Promise) throw new Error('a slice is expected')
    detach(slice.records[0].rawValue)
    return { fetched, slice }
  }

  it.each([
    ['within a batch', [{ at: 0, deltas: [0, 1, 2] }]],
    ['between two batches', [{ at: 0 }, { at: 1 }, { at: 2 }]],
  ])('says so %s, and passes nothing', async (_, made) => {
    const { fetched, slice } = await detachedBlock(made, 1)
    expect(() => fetched.take(1)).toThrow(/follows offset 1 of t-0 cannot be read: the memory/)
    expect(fetched.position).toBe(1n)
    expect(() => slice.records[0].rawValue).toThrow(/the memory behind a value was transferred/)
    expect(() => slice.records[0].timestamp).toThrow(/the memory behind a value was transferred/)
  })
})

describe('a block that is moved out of its response', () => {
  it('is not taken away by the transfer of a value', async () => {
    const fetched = await block([{ at: 0, deltas: [0, 1, 2] }, { at: 3 }, { at: 4 }])
    const first = fetched.take(1)
    if (first === null || first instanceof Promise) throw new Error('a slice is expected')
    fetched.moveOut()
    first.moveOut()
    const seen = [String(first.records[0].rawValue)]
    for (let from = first; ; ) {
      const memory = from.records[0].rawValue?.buffer as ArrayBuffer
      try {
        structuredClone(memory, { transfer: [memory] })
      } catch (error) {
        // Newer versions of Node refuse, older ones copy.
        expect((error as Error).name).toBe('DataCloneError')
      }
      const next = fetched.take(1)
      if (next === null || next instanceof Promise) break
      seen.push(String(next.records[0].rawValue))
      from = next
    }
    expect(seen).toEqual(['v0', 'v1', 'v2', 'v3', 'v4'])
  })

  it.each([0, 1, 2, 4, 5])('gives the same records after %i of them were taken', async (count) => {
    const made = [
      { at: 0, deltas: [0, 1, 2] },
      { at: 5, deltas: [0, 2], lastDelta: 4 },
    ]
    const fetched = await block(made)
    const slices: RecordSlice<Raw, Raw>[] = []
    const take = (most: number): boolean => {
      const slice = fetched.take(most)
      if (slice === null || slice instanceof Promise) return false
      slices.push(slice)
      return true
    }
    if (count > 0) take(count)
    const before = fetched.memory
    fetched.moveOut()
    for (const slice of slices) slice.moveOut()
    expect(fetched.memory).not.toBe(before)
    while (take(1));
    const values = slices.flatMap(({ records }) => records.map(({ rawValue }) => String(rawValue)))
    expect(values).toEqual(['v0', 'v1', 'v2', 'v5', 'v7'])
    expect(fetched.position).toBe(10n)
  })
})
