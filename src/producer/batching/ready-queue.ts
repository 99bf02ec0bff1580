// Which partitions are ready, by the broker that leads them, in the order in which they are served: who was
// served goes to the end, so that the next request begins one past where the last one stopped.

import { Queue } from '../../collections/queue.ts'
import type { PartitionQueue } from './partition-queue.ts'

/** What is ready for one broker. */
export interface Lane {
  readonly nodeId: number
  readonly ready: Queue<PartitionQueue>
  /** Since when the broker has taken nothing although something was ready; 0: nothing is. */
  waitingSince: number
}

export class ReadyQueue {
  private readonly lanes = new Map<number, Lane>()

  get(nodeId: number): Lane | undefined {
    return this.lanes.get(nodeId)
  }

  /** Brokers for which something is ready. */
  *nodes(): Generator<number> {
    for (const { nodeId, ready } of this.lanes.values()) if (ready.length > 0) yield nodeId
  }

  /** Lists a partition with its leader, unless it is there already. */
  list(partition: PartitionQueue, now: number): void {
    const nodeId = partition.leader
    if (partition.listedAt === nodeId) return
    partition.listedAt = nodeId
    let lane = this.lanes.get(nodeId)
    if (lane === undefined) {
      lane = { nodeId, ready: new Queue(), waitingSince: 0 }
      this.lanes.set(nodeId, lane)
    }
    if (lane.ready.length === 0) lane.waitingSince = now
    lane.ready.push(partition)
  }

  /** The next partition of a lane; null: an entry that has become stale, as its leader changed. */
  next({ nodeId, ready }: Lane): PartitionQueue | null {
    const partition = ready.shift()
    if (partition === undefined || partition.listedAt !== nodeId || partition.leader !== nodeId)
      return null
    partition.listedAt = -1
    return partition
  }

  /** Keeps a partition that could not be served this time: for the next turn, or as the next one. */
  keep({ nodeId, ready }: Lane, partition: PartitionQueue, asNext: boolean): void {
    partition.listedAt = nodeId
    if (asNext) ready.unshift(partition)
    else ready.push(partition)
  }

  /** The broker has taken something, or there was nothing for it. */
  served(lane: Lane, hasTaken: boolean, now: number): void {
    if (lane.ready.length === 0) lane.waitingSince = 0
    else if (hasTaken) lane.waitingSince = now
  }

  /** Since when a broker has taken nothing although something was ready; 0: nothing is. */
  waitingSince(nodeId: number): number {
    return this.lanes.get(nodeId)?.waitingSince ?? 0
  }
}
