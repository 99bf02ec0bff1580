// Which partitions a broker is asked for next.

import type { Cluster } from '../../cluster/cluster.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import { noteMissingLeader } from '../assignment/missing-leader.ts'

/** What one request to a broker would be about. */
export interface Round<K, V> {
  readonly targets: readonly AssignedPartition<K, V>[]
  /** Partitions that would be asked for if their buffer had room. */
  readonly full: number
  /** The leader is to give records, though it may prefer that a nearer replica does. */
  readonly isRackless: boolean
  /** When to look again, as a partition waits after a failure (monotonic ms); Infinity: none does. */
  readonly retryAt: number
}

/**
 * Looks at the partitions that may be fetched from `nodeId` (-1: those without a leader).
 * @param isEmptyOnly only those of which nothing is buffered
 */
export function roundOf<K, V>(
  cluster: Cluster,
  nodeId: number,
  partitions: Iterable<AssignedPartition<K, V>>,
  now: number,
  isEmptyOnly: boolean,
): Round<K, V> {
  const targets: AssignedPartition<K, V>[] = []
  let full = 0
  let isRackless = false
  let nextRetryAt = Number.POSITIVE_INFINITY
  for (const state of partitions) {
    if (!state.isWanted) continue
    const { retryAt } = state.attempts
    if (retryAt > now) {
      nextRetryAt = Math.min(nextRetryAt, retryAt)
      continue
    }
    const replica = readyReplica(cluster, state, now)
    const from = replica ?? state.leader
    if (from < 0) noteMissingLeader(cluster, state)
    // Else it is the other broker's to fetch: the leader's, or the replica's.
    if (from < 0 || from !== nodeId) continue
    if (replica === null && state.fetchAt.preferredReplica >= 0) isRackless = true
    if (state.buffer.isFull || (isEmptyOnly && !state.buffer.isEmpty)) full++
    else targets.push(state)
  }
  return { targets, full, isRackless, retryAt: nextRetryAt }
}

/** Whether a round would have a target: enough to know before there is a connection. */
export function isAnyWanted<K, V>(partitions: Iterable<AssignedPartition<K, V>>): boolean {
  for (const state of partitions) if (state.isWanted) return true
  return false
}

/**
 * The preferred replica, once there is a connection to it; null: ask the leader. A replica that is not
 * in the metadata, or not reached from here, must not keep the partition from being read.
 */
function readyReplica<K, V>(
  cluster: Cluster,
  state: AssignedPartition<K, V>,
  now: number,
): number | null {
  const { preferredReplica, preferredUntil } = state.fetchAt
  if (preferredReplica < 0) return null
  if (now >= preferredUntil) {
    state.fetchAt.forgetReplica()
    return null
  }
  return cluster.readyConnection(preferredReplica, 'fetch') === null ? null : preferredReplica
}
