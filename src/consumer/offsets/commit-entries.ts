// What a partition has to commit, as entries that know the assignment, position and topic they were made
// under, and whether those still hold.

import type { Cluster } from '../../cluster/cluster.ts'
import { type AssignedPartition, NO_TOPIC_ID } from '../assignment/assigned-partition.ts'
import type { CommitPoint } from '../assignment/commit-position.ts'
import type { CommitEntry } from './commit-queue.ts'

/** An offset of an assigned partition, under everything that is true of the partition now. */
export function entryOf(
  state: AssignedPartition,
  { offset, leaderEpoch, metadata }: CommitPoint,
  isAutomatic: boolean,
): CommitEntry {
  const { topic, partition, commits } = state
  const topicId = state.topicId === NO_TOPIC_ID ? null : state.topicId
  const { era } = commits
  return { topic, partition, offset, leaderEpoch, metadata, isAutomatic, state, era, topicId }
}

/**
 * What is done of these partitions and not committed yet. Never less than what was committed by hand.
 * @param isRecommitting also what the group has already: an offset that is not committed again expires
 */
export function committableEntries(
  states: Iterable<AssignedPartition>,
  isRecommitting: boolean,
): CommitEntry[] {
  const entries: CommitEntry[] = []
  for (const state of states) {
    const { committable: offset, committableEpoch: leaderEpoch, commits } = state
    if (!state.hasCommittable) continue
    const { lastCommitted, floor } = commits
    if (offset > floor && offset !== lastCommitted?.offset) {
      entries.push(entryOf(state, { offset, leaderEpoch, metadata: '' }, true))
    } else if (isRecommitting && lastCommitted !== null) {
      entries.push({ ...entryOf(state, lastCommitted, true), isRepeat: true })
    }
  }
  return entries
}

/**
 * Everything delivered, what is in hand included: the one loop that there is can only call commit()
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
    const offset = hasSeveralLoops ? state.committable : state.position
    const leaderEpoch = hasSeveralLoops ? state.committableEpoch : state.positionEpoch
    if (offset >= 0n) entries.push(entryOf(state, { offset, leaderEpoch, metadata: '' }, false))
  }
  return entries
}

/** Whether the topic that the entry was made under is still the one that there is, as far as is known. */
export function isOfThisTopic(
  { topic, state, topicId }: CommitEntry,
  cluster: Pick<Cluster, 'topic'>,
): boolean {
  // What is not assigned any more learns of no other topic.
  const known = state?.isAssigned === true ? state.topicId : cluster.topic(topic)?.topicId
  if (topicId === null || known === undefined || known === NO_TOPIC_ID) return true
  return known === topicId
}

/** Whether an automatic entry has nothing to say any more: a seek or a later commit came before it. */
export function isOutdated(entry: CommitEntry): boolean {
  const { state, era, offset, isAutomatic, isRepeat, metadata } = entry
  if (!isAutomatic || state === null) return false
  const { floor, lastCommitted } = state.commits
  if (era !== state.commits.era || offset < floor) return true
  if (isRepeat === true && offset !== lastCommitted?.offset) return true
  return offset === floor && metadata !== lastCommitted?.metadata
}
