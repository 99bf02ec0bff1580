// Which node coordinates: the leader of the partition of an internal topic that a key belongs to.

import type { RealCluster } from '../harness/cluster.ts'
import { waitUntil } from '../harness/wait-until.ts'

/** `key`: a group id; of a share partition `groupId:topicId:partition`. */
export async function coordinatorOf(
  cluster: RealCluster,
  topic: '__consumer_offsets' | '__share_group_state',
  key: string,
): Promise<number> {
  return waitUntil(`a coordinator of ${key}`, async () => {
    const partitions = (await cluster.metadata(topic)).topics.get(topic) ?? []
    const wanted = partitionOf(key, partitions.length)
    const leader = partitions.find(({ partition }) => partition === wanted)?.leader ?? -1
    return leader === -1 ? null : leader
  })
}

/** As brokers do it: Java's hash of the text, without its sign. */
export function partitionOf(key: string, count: number): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0
  return (hash === -0x80000000 ? 0 : Math.abs(hash)) % count
}
