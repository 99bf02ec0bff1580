// What a call of commit() means, as offsets.

import { CommitFailedError, InvalidArgumentError } from '../../errors.ts'
import { ConsumerRecord } from '../../records/consumer-record.ts'
import type { OffsetToCommit } from '../../types.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { Assignment } from '../assignment/assignment.ts'
import { ConsumerBatch } from '../delivery/consumer-batch.ts'
import type { CommitTarget } from '../types.ts'
import type { CommitEntry } from './commit-queue.ts'

/**
 * Everything handed over, what is in hand included: the one loop that there is can only call commit()
 * when it means that. With several loops, each has something in hand that the caller may not speak for:
 * then everything done.
 */
export function handedOverEntries(
  states: Iterable<AssignedPartition>,
  hasSeveralLoops: boolean,
): CommitEntry[] {
  const entries: CommitEntry[] = []
  for (const state of states) {
    if (!state.hasPosition) continue
    const { topic, partition } = state
    const offset = hasSeveralLoops ? state.committable : state.position
    const leaderEpoch = hasSeveralLoops ? state.committableEpoch : state.positionEpoch
    const entry = { topic, partition, offset, leaderEpoch, metadata: '', isAutomatic: false, state }
    if (offset >= 0n) entries.push(entry)
  }
  return entries
}

/**
 * Up to a record, a batch, or the given offsets.
 * @throws CommitFailedError for a partition that a group member does not own; InvalidArgumentError
 */
export function targetEntries<K, V>(
  target: CommitTarget<K, V>,
  subscription: Assignment<K, V>,
  isGroupMember: boolean,
): CommitEntry[] {
  return offsetsOf(target).map(({ topic, partition, offset, leaderEpoch, metadata }) => {
    const state = subscription.get(topic, partition) ?? null
    if (typeof offset !== 'bigint' || offset < 0n) {
      throw new InvalidArgumentError(`commit(): ${offset} is no offset of ${topic}-${partition}`)
    }
    if (state === null && isGroupMember) {
      throw new CommitFailedError(
        `${topic}-${partition} is not assigned to this member of the group: its offset was not committed`,
      )
    }
    return {
      topic,
      partition,
      offset,
      leaderEpoch: leaderEpoch ?? -1,
      metadata: metadata ?? '',
      isAutomatic: false,
      state,
    }
  })
}

function offsetsOf<K, V>(target: CommitTarget<K, V>): OffsetToCommit[] {
  if (target instanceof ConsumerRecord) {
    const { topic, partition, offset, leaderEpoch } = target
    return [{ topic, partition, offset: offset + 1n, leaderEpoch }]
  }
  if (target instanceof ConsumerBatch) {
    const { topic, partition, nextOffset: offset, nextEpoch: leaderEpoch } = target
    return [{ topic, partition, offset, leaderEpoch }]
  }
  return [...target]
}
