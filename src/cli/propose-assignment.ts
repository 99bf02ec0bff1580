// An even spread of a topic's replicas over brokers: each leads about as many partitions, and with racks
// no rack has two replicas of a partition while another has none.

import type { ClusterBroker } from '../admin/cluster-info.ts'
import type { PartitionDescription } from '../admin/topic-description.ts'
import { InputError } from './failures.ts'

export interface ProposedReplicas {
  topic: string
  partition: number
  replicas: number[]
}

/** @throws InputError if there are fewer brokers than replicas */
export function proposeAssignment(
  topic: string,
  partitions: readonly PartitionDescription[],
  brokers: readonly ClusterBroker[],
  ignoreRacks: boolean,
): ProposedReplicas[] {
  const order = ignoreRacks ? brokers.map(({ nodeId }) => nodeId) : alternatingRacks(brokers)
  const rackOf = new Map(brokers.map(({ nodeId, rack }) => [nodeId, ignoreRacks ? null : rack]))
  return partitions.map(({ partition, replicas: { length } }) => {
    if (length > order.length) {
      throw new InputError(
        `"${topic}" has ${length} replicas of each partition, and only ${order.length} brokers are given.`,
      )
    }
    // The leaders go round; the followers' distance grows with each round, so that they spread too.
    const first = partition % order.length
    const shift = 1 + (Math.floor(partition / order.length) % Math.max(1, order.length - 1))
    const replicas = [order[first]]
    const candidates = order.map((_, i) => order[(first + shift + i) % order.length])
    while (replicas.length < length) {
      const racks = new Set(replicas.map((id) => rackOf.get(id)))
      const free = candidates.filter((id) => !replicas.includes(id))
      replicas.push(free.find((id) => !racks.has(rackOf.get(id))) ?? free[0])
    }
    return { topic, partition, replicas }
  })
}

/** Broker ids so that neighbours are in different racks, as far as that is possible. */
function alternatingRacks(brokers: readonly ClusterBroker[]): number[] {
  const racks = new Map<string | null, number[]>()
  for (const { nodeId, rack } of brokers) racks.set(rack, [...(racks.get(rack) ?? []), nodeId])
  const queues = [...racks.values()]
  const order: number[] = []
  for (let i = 0; order.length < brokers.length; i++) {
    for (const queue of queues) if (queue[i] !== undefined) order.push(queue[i])
  }
  return order
}
