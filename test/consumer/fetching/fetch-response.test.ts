import { describe, expect, it } from 'vitest'
import { AssignedPartition } from '../../../src/consumer/assignment/assigned-partition.ts'
import { FetchedMemory, HeldBytes } from '../../../src/consumer/buffer/fetched-memory.ts'
import { applyPartitionResponse } from '../../../src/consumer/fetching/fetch-response.ts'
import { BrokerError, OffsetOutOfRangeError } from '../../../src/errors.ts'
import type { PartitionData } from '../../../src/protocol/messages/fetch.ts'
import { rawSource } from '../../../src/records/record-context.ts'
import { batchOf } from '../harness.ts'

const LEADER = 1
const FOLLOWER = 2

function partition(): AssignedPartition<Buffer | null, Buffer | null> {
  const state = new AssignedPartition('t', 0, rawSource('t', 0), { changes: 0, moves: 0 })
  state.seek(5n, -1)
  state.setLeader(LEADER, 3)
  state.fetchAt.prefer(FOLLOWER, Number.POSITIVE_INFINITY)
  return state
}

function answer(given: Partial<PartitionData>): PartitionData {
  return {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: 20n,
    lastStableOffset: 15n,
    logStartOffset: 2n,
    divergingEpoch: { epoch: -1, endOffset: -1n },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1n, epoch: -1 },
    abortedTransactions: [],
    preferredReadReplica: -1,
    records: Buffer.alloc(0),
    ...given,
  }
}

const options = { checkCrcs: true, maxDecompressedBytes: 1_000_000, isReadCommitted: false }

function apply(
  state: AssignedPartition<Buffer | null, Buffer | null>,
  given: Partial<PartitionData>,
  { nodeId = LEADER, hasRack = true } = {},
) {
  const memory = new FetchedMemory(1000, new HeldBytes())
  const client = { hasRack, leaseUntilMs: 1000, principal: null }
  return applyPartitionResponse(state, answer(given), nodeId, options, client, memory)
}

// docs/internals/consumer.md, section 2, row by row: what the fetcher does next, and whether the replica is kept.
describe("a partition's answer", () => {
  it('without an error tells where the log ends, and brings records', async () => {
    const state = partition()
    for (let i = 0; i < 3; i++) state.attempts.fail(() => 0)
    const records = await batchOf(['a', 'b'])
    records.writeBigInt64BE(state.fetchOffset)
    expect(apply(state, { records })).toEqual({ kind: 'deliver' })
    const { buffer } = state
    expect(state.fetchAt.bounds).toEqual({
      highWatermark: 20n,
      lastStableOffset: 15n,
      logStartOffset: 2n,
    })
    const seen: number[] = []
    state.attempts.fail((failures) => seen.push(failures))
    expect(seen).toEqual([0])
    expect(buffer.hasFetches).toBe(true)
  })

  it('with batches that end before the offset waits, for longer each time', async () => {
    const state = partition()
    const records = await batchOf(['a', 'b'])
    for (let i = 0; i < 3; i++) {
      expect(apply(state, { records })).toMatchObject({ kind: 'backOff' })
      const seen: number[] = []
      state.attempts.fail((failures) => seen.push(failures))
      expect(seen).toEqual([i])
    }
    expect(state.buffer.hasFetches).toBe(false)
  })

  it('without records is nothing new', () => {
    for (const records of [null, Buffer.alloc(0)]) {
      expect(apply(partition(), { records })).toEqual({ kind: 'none' })
    }
  })

  it('names a replica to be read from, which only those with a rack do', () => {
    const state = partition()
    apply(state, { preferredReadReplica: 7 })
    expect([state.fetchAt.preferredReplica, state.fetchAt.preferredUntil]).toEqual([7, 1000])
    const rackless = partition()
    apply(rackless, { preferredReadReplica: 7 }, { hasRack: false })
    expect(rackless.fetchAt.preferredReplica).toBe(FOLLOWER)
  })

  it('out of range at a follower asks the leader, which may know better', () => {
    const state = partition()
    expect(apply(state, { errorCode: 1 }, { nodeId: FOLLOWER }).kind).toBe('backOff')
    expect(state.fetchAt.preferredReplica).toBe(-1)
    expect(state.position).toBe(5n)
  })

  it('out of range at the leader says so with position and bounds', () => {
    const effect = apply(partition(), { errorCode: 1, logStartOffset: 8n })
    expect(effect.kind).toBe('outOfRange')
    const error = effect.kind === 'outOfRange' ? effect.error : null
    expect(error).toBeInstanceOf(OffsetOutOfRangeError)
    expect(error?.message).toMatch(/Offset 5 of t-0.*begins at 8/)
  })

  it.each([6, 9, 56, 74, 75, 78, 3, 100, 103])(
    '%i: metadata is asked for, the leader too',
    (errorCode) => {
      const state = partition()
      expect(apply(state, { errorCode })).toMatchObject({
        kind: 'refresh',
        error: expect.objectContaining({ message: expect.stringContaining('t-0') }),
      })
      expect(state.fetchAt.preferredReplica).toBe(-1)
      expect(state.failure).toBe(null)
    },
  )

  it.each([-1, 999])('%i: asked again later, without new metadata', (errorCode) => {
    const state = partition()
    expect(apply(state, { errorCode }).kind).toBe('backOff')
    expect(state.fetchAt.preferredReplica).toBe(-1)
    expect(state.failure).toBe(null)
  })

  it('that diverges tells to where the log is shared', () => {
    const divergingEpoch = { epoch: 2, endOffset: 4n }
    expect(apply(partition(), { divergingEpoch })).toEqual({
      kind: 'diverged',
      endOffset: 4n,
      epoch: 2,
    })
  })

  it('forbidden (29) is an error for the caller', () => {
    const effect = apply(partition(), { errorCode: 29 })
    expect(effect).toMatchObject({ kind: 'report', error: expect.any(BrokerError) })
  })

  it('corrupt at the broker (2) is told with its offset; the position does not move', () => {
    const state = partition()
    const error = expect.objectContaining({
      message: expect.stringMatching(/t-0 at offset 5.*CORRUPT_MESSAGE/),
    })
    expect(apply(state, { errorCode: 2 })).toEqual({ kind: 'report', error })
    expect(state.position).toBe(5n)
  })

  it('with less than one batch says what to raise', async () => {
    const state = partition()
    const records = (await batchOf(['a'])).subarray(0, 40)
    const error = expect.objectContaining({
      message: expect.stringMatching(/t-0 at offset 5.*maxPartitionFetchBytes/),
    })
    expect(apply(state, { records })).toEqual({ kind: 'report', error })
  })

  it('with damaged bytes is kept: what stands before them is delivered', async () => {
    const state = partition()
    const records = Buffer.concat([await batchOf(['a']), Buffer.alloc(80, 0xff)])
    expect(apply(state, { records })).toEqual({ kind: 'deliver' })
    expect([state.buffer.hasFetches, state.failure]).toEqual([true, null])
  })
})
