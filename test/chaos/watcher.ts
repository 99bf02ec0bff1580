// When does the cluster itself show that a partition can be written again? Asked of every node on the
// internal listener, past the proxies, by frames made by hand. The time of the first node that shows it
// is E; what a client takes beyond that is its own share.

import { setTimeout as delay } from 'node:timers/promises'
import type { RealCluster } from '../harness/cluster.ts'
import { isAlive } from '../harness/java.ts'
import { askMetadata, type PartitionView } from '../harness/probe.ts'
import type { Recovery } from './oracle.ts'

const intervalMs = 25
const answerMs = 500
const giveUpMs = 90_000

/**
 * Looks until `isBack` holds for each of the partitions. Where a partition does not come back in time,
 * there is no recovery of it.
 */
export async function watchRecovery(
  cluster: RealCluster,
  topic: string,
  partitions: readonly number[],
  isBack: (view: PartitionView) => boolean,
): Promise<Recovery[]> {
  const found = new Map<number, Recovery>()
  const end = Date.now() + giveUpMs
  const isDone = (): boolean => found.size === partitions.length || Date.now() > end
  const watch = async (node: RealCluster['nodes'][number]): Promise<void> => {
    for (; !isDone(); await delay(intervalMs)) {
      if (node.process === null || !isAlive(node.process) || node.isPaused) continue
      const views = await viewsOf(node.internal, topic)
      const at = Date.now()
      for (const view of views) {
        const { partition } = view
        if (!partitions.includes(partition) || found.has(partition)) continue
        if (view.leader !== -1 && isBack(view)) found.set(partition, { partition, at })
      }
    }
  }
  await Promise.all(cluster.nodes.map(watch))
  return [...found.values()]
}

async function viewsOf(
  address: { host: string; port: number },
  topic: string,
): Promise<PartitionView[]> {
  try {
    return (await askMetadata(address, [topic], answerMs)).topics.get(topic) ?? []
  } catch {
    // Not up, or busy: the next look is soon.
    return []
  }
}
