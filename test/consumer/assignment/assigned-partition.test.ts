import { describe, expect, it } from 'vitest'
import { AssignedPartition } from '../../../src/consumer/assignment/assigned-partition.ts'
import { RecordSlice } from '../../../src/consumer/buffer/record-slice.ts'
import type { ConsumerRecord } from '../../../src/records/consumer-record.ts'
import { rawSource } from '../../../src/records/record-context.ts'

type Raw = Buffer | null

function make() {
  const counter = { changes: 0, moves: 0 }
  return { counter, state: new AssignedPartition<Raw, Raw>('t', 0, rawSource('t', 0), counter) }
}

/** A chunk whose records are known by their offsets alone. */
function chunk(offsets: bigint[], nextOffset: bigint) {
  const records = offsets.map((offset) => ({ offset, leaderEpoch: 3 }) as ConsumerRecord<Raw, Raw>)
  const place = { startOffset: offsets[0], startEpoch: 2, nextOffset, nextEpoch: 3 }
  return new RecordSlice(records, place)
}

describe('the state of a partition', () => {
  it('has a new version after each assignment, seek, reset and removal', () => {
    const { state } = make()
    const versions = [state.version]
    const step = (act: () => void): void => {
      act()
      versions.push(state.version)
    }
    step(() => state.awaitCommitted())
    step(() => state.awaitReset(-2n))
    step(() => state.seekValidated(5n, 1))
    step(() => state.seek(7n, -1))
    step(() => state.dropBuffer())
    step(() => state.remove())
    expect(versions).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('is validated when a position comes with an epoch, and when the epoch of the leader rises', () => {
    const { state, counter } = make()
    state.setLeader(1, 4)
    state.seek(5n, 3)
    expect(state.fetchState).toBe('awaitValidation')
    const { version } = state
    state.validated()
    expect(state.isWanted).toBe(true)
    const before = counter.changes
    expect(state.setLeader(2, 5)).toBe(true)
    expect(state.fetchState).toBe('awaitValidation')
    expect(state.isDeliverable).toBe(false)
    // The position did not move: what is buffered stays good.
    expect(state.version).toBe(version)
    expect(counter.changes).toBeGreaterThan(before)
  })

  it('is not validated for an epoch that is known or missing, or without an epoch of its own', () => {
    const { state } = make()
    state.setLeader(1, 4)
    state.seek(5n, -1)
    expect(state.fetchState).toBe('fetching')
    expect(state.setLeader(2, 9)).toBe(false)
    state.seekValidated(5n, 3)
    expect(state.setLeader(3, 9)).toBe(false)
    expect(state.setLeader(1, -1)).toBe(false)
    expect(state.leaderEpoch).toBe(9)
    // The cluster believes an epoch that falls only for good reasons.
    expect(state.setLeader(1, 8)).toBe(true)
  })

  it.each(['isPaused', 'isRevoking', 'isAwaitingCallback', 'isUnsubscribed'] as const)(
    'is neither fetched nor delivered while %s',
    (flag) => {
      const { state } = make()
      state.seek(5n, -1)
      expect([state.isWanted, state.isDeliverable]).toEqual([true, true])
      state.hold(flag, true)
      expect([state.isWanted, state.isDeliverable]).toEqual([false, false])
      state.hold(flag, false)
      expect([state.isWanted, state.isDeliverable]).toEqual([true, true])
    },
  )

  it('moves its position as records are taken, and what may be committed as they are done', () => {
    const { state } = make()
    state.seek(10n, -1)
    expect([state.position, state.committable]).toEqual([10n, 10n])
    const records = chunk([10n, 12n, 15n], 20n)
    state.buffer.put(records)
    records.taken = 2
    expect([state.position, state.committable]).toEqual([13n, 10n])
    records.done = 1
    expect([state.position, state.committable]).toEqual([13n, 11n])
    expect([state.positionEpoch, state.committableEpoch]).toEqual([3, 3])
    records.taken = 3
    records.done = 3
    expect([state.position, state.committable]).toEqual([20n, 20n])
    state.retireChunk(records)
    expect([state.position, state.committable]).toEqual([20n, 20n])
  })

  it('does not take for done what a loop left in the hand', () => {
    const { state } = make()
    state.seek(10n, -1)
    const records = chunk([10n, 11n], 12n)
    state.buffer.put(records)
    records.taken = 2
    records.done = 1
    state.retireChunk(records)
    expect([state.position, state.committable]).toEqual([12n, 11n])
  })

  it('fetches again from its position after its buffer was dropped', () => {
    const { state } = make()
    state.seek(10n, -1)
    const records = chunk([10n, 11n], 12n)
    state.buffer.put(records)
    records.taken = 1
    state.fetchAt.moveTo(500n, -1)
    state.dropBuffer()
    expect([state.position, state.fetchOffset, state.committable]).toEqual([11n, 11n, 10n])
  })

  it('refuses steps that cannot be', () => {
    const { state } = make()
    expect(() => state.validated()).not.toThrow()
    state.awaitCommitted()
    const { version } = state
    expect(() => state.awaitCommitted()).toThrow(/cannot go from awaitCommitted to awaitCommitted/)
    state.backToCommitted()
    expect(state.version).toBe(version + 1)
  })

  it('tells by its signal that it is no longer assigned', () => {
    const { state } = make()
    const { signal } = state
    expect(signal.aborted).toBe(false)
    state.remove()
    expect(signal.aborted).toBe(true)
    expect(state.signal.aborted).toBe(true)
    const late = make().state
    late.remove()
    expect(late.signal.aborted).toBe(true)
  })
})
