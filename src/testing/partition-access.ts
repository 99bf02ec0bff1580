// Whether a node may serve a partition to a client: it must host it, its leader epoch must be the
// client's, and it must lead it where only a leader will do.

import { errorCodes } from '../protocol/error-codes.ts'
import type { NodeState } from './cluster-state.ts'
import type { Partition } from './topic-store.ts'

/** The error of a request to that node; 0: it may serve. `currentLeaderEpoch` -1: not said. */
export function checkAccess(
  node: NodeState,
  partition: Partition,
  currentLeaderEpoch: number,
  onlyLeader: boolean,
): number {
  if (partition.log.isDeleted) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  if (!partition.replicas.includes(node.id)) return errorCodes.NOT_LEADER_OR_FOLLOWER
  const { leaderEpoch } = partition.log
  if (currentLeaderEpoch >= 0 && currentLeaderEpoch < leaderEpoch) {
    return errorCodes.FENCED_LEADER_EPOCH
  }
  if (currentLeaderEpoch > leaderEpoch) return errorCodes.UNKNOWN_LEADER_EPOCH
  return onlyLeader && partition.leaderId !== node.id ? errorCodes.NOT_LEADER_OR_FOLLOWER : 0
}
