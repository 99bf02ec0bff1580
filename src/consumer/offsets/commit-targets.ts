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
export function targetEntries(
  target: CommitTarget<unknown, unknown>,
  subscription: Assignment,
  isGroupMember: boolean,
): CommitEntry[] {
  return offsetsOf(target).map((wanted) => {
    const { topic, partition, offset, leaderEpoch, metadata } = wanted
    const state = subscription.get(topic, partition) ?? null
    if (state === null && isGroupMember) {
      throw new CommitFailedError(
        `${topic}-${partition} is not assigned to this member of the group: its offset was not committed`,
      )
    }
    const point = { offset, leaderEpoch: leaderEpoch ?? -1, metadata: metadata ?? '' }
    const entry =
      state === null
        ? { topic, partition, ...point, isAutomatic: false, state, era: 0, topicId: null }
        : entryOf(state, point, false)
    // A record may be of a topic that was deleted and created again since, or of a log that was truncated.
    return { ...entry, topicId: wanted.topicId ?? entry.topicId, era: wanted.era ?? entry.era }
  })
}

interface WantedOffset extends OffsetToCommit {
  /** The topic that the record or batch was read from; null: not known. */
  readonly topicId?: string | null
  /** The era of the position that the record or batch was read in; null: not known. */
  readonly era?: number | null
}

function offsetsOf(target: CommitTarget<unknown, unknown>): WantedOffset[] {
  const delivered = readSafely('commit()', 'its target', () => deliveredOffset(target))
  return delivered === null ? checkOffsetsToCommit('commit()', target) : [delivered]
}

/** The offset after a record or a batch; null: it is neither. */
function deliveredOffset(target: CommitTarget<unknown, unknown>): WantedOffset | null {
  if (target instanceof ConsumerRecord) {
    const read = ConsumerRecord.asRead(target)
    const { topic, partition, offset, leaderEpoch } = read
    const [topicId, era] = [ConsumerRecord.topicIdOf(read), ConsumerRecord.eraOf(read)]
    return { topic, partition, offset: offset + 1n, leaderEpoch, topicId, era }
  }
  if (target instanceof ConsumerBatch) {
    const { topic, partition, nextOffset: offset, nextEpoch: leaderEpoch } = target
    const { topicId, era } = target
    return { topic, partition, offset, leaderEpoch, topicId, era }
  }
  return null
}
