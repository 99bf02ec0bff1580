// What a response tells a client that asked the wrong node: who leads, and where that node is (KIP-951).

import type { LeaderIdAndEpoch, NodeEndpoint } from '../protocol/messages/current-leader.ts'
import type { ClusterState } from './cluster-state.ts'
import type { Partition } from './topic-store.ts'

export const unknownLeader: LeaderIdAndEpoch = { leaderId: -1, leaderEpoch: -1 }

/** The same in responses to share consumers, whose fields have no default but zero. */
export const noShareLeader: LeaderIdAndEpoch = { leaderId: 0, leaderEpoch: 0 }

export function currentLeader(partition: Partition): LeaderIdAndEpoch {
  return { leaderId: partition.leaderId, leaderEpoch: partition.log.leaderEpoch }
}

/** Adds the address of the leader, if it is up. */
export function addEndpoint(
  endpoints: Map<number, NodeEndpoint>,
  state: ClusterState,
  partition: Partition,
): void {
  const node = state.nodes.get(partition.leaderId)
  if (node === undefined || !node.isUp) return
  const { id, host, port, rack } = node
  endpoints.set(id, { nodeId: id, host, port, rack })
}
