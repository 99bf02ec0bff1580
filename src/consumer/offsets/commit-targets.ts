// What a call of commit() means, as offsets.

import { CommitFailedError } from '../../errors.ts'
import { readSafely } from '../../read-argument.ts'
import { ConsumerRecord } from '../../records/consumer-record.ts'
import type { OffsetToCommit } from '../../types.ts'
import type { Assignment } from '../assignment/assignment.ts'
import { ConsumerBatch } from '../delivery/consumer-batch.ts'
import { checkOffsetsToCommit } from '../partition-arguments.ts'
import type { CommitTarget } from '../types.ts'
import { entryOf } from './commit-entries.ts'
import type { CommitEntry } from './commit-queue.ts'

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
    if (state === null && isGroupMember) {
      throw new CommitFailedError(
        `${topic}-${partition} is not assigned to this member of the group: its offset was not committed`,
      )
    }
    const point = { offset, leaderEpoch: leaderEpoch ?? -1, metadata: metadata ?? '' }
    if (state !== null) return entryOf(state, point, false)
    return { topic, partition, ...point, isAutomatic: false, state, era: 0, topicId: null }
  })
}

function offsetsOf<K, V>(target: CommitTarget<K, V>): OffsetToCommit[] {
  const delivered = readSafely('commit()', 'its target', () => deliveredOffset(target))
  return delivered === null ? checkOffsetsToCommit('commit()', target) : [delivered]
}

/** The offset after a record or a batch; null: it is neither. */
function deliveredOffset<K, V>(target: CommitTarget<K, V>): OffsetToCommit | null {
  if (target instanceof ConsumerRecord) {
    const { topic, partition, offset, leaderEpoch } = ConsumerRecord.asRead(target)
    return { topic, partition, offset: offset + 1n, leaderEpoch }
  }
  if (target instanceof ConsumerBatch) {
    const { topic, partition, nextOffset: offset, nextEpoch: leaderEpoch } = target
    return { topic, partition, offset, leaderEpoch }
  }
  return null
}
