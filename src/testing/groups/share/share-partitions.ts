// The share partitions of all groups: created when a group first reads a partition, kept over changes
// of its leader, with one timer each for the locks of its records.

import type { BrokerClock } from '../../clock.ts'
import { resetDurationMs } from '../../configs/group-configs.ts'
import type { Deadlines } from '../../deadlines.ts'
import type { PartitionLog } from '../../partition-log.ts'
import type { GroupSettings } from '../group-settings.ts'
import { SharePartition } from './share-partition.ts'

export interface SharePartitionsOptions {
  readonly settings: GroupSettings
  readonly deadlines: Deadlines
  readonly clock: BrokerClock
}

export class SharePartitions {
  private readonly options: SharePartitionsOptions
  /** By group, then by topic id and partition. */
  private readonly byGroup = new Map<string, Map<string, SharePartition>>()

  constructor(options: SharePartitionsOptions) {
    this.options = options
  }

  /** The share partition, brought up to date with its log. */
  async open(groupId: string, log: PartitionLog): Promise<SharePartition> {
    const known = this.get(groupId, log)
    if (known === undefined) {
      const start = await this.initialOffset(groupId, log)
      return this.get(groupId, log) ?? this.create(groupId, log, Number(start))
    }
    known.changeLeader(log.leaderEpoch)
    known.truncate(Number(log.logEndOffset))
    known.moveLogStart(Number(log.logStartOffset))
    return known
  }

  get(groupId: string, log: PartitionLog): SharePartition | undefined {
    return this.byGroup.get(groupId)?.get(keyOf(log))
  }

  /** Starts the group at that offset of the partition, with nothing in flight. */
  create(groupId: string, log: PartitionLog, startOffset: number): SharePartition {
    const partitions = this.byGroup.get(groupId) ?? new Map<string, SharePartition>()
    const partition = new SharePartition(startOffset, log.leaderEpoch)
    partitions.set(keyOf(log), partition)
    this.byGroup.set(groupId, partitions)
    return partition
  }

  delete(groupId: string, log: PartitionLog): boolean {
    return this.byGroup.get(groupId)?.delete(keyOf(log)) ?? false
  }

  deleteGroup(groupId: string): void {
    this.byGroup.delete(groupId)
  }

  /** Sets the timer of a partition to the lock that ends first. */
  watchLocks(groupId: string, log: PartitionLog, partition: SharePartition): void {
    const { deadlines, settings } = this.options
    const name = `share locks ${groupId} ${keyOf(log)}`
    const next = partition.nextLockEnd
    if (next === Number.POSITIVE_INFINITY) {
      deadlines.delete(name)
      return
    }
    deadlines.set(name, next, (now) => {
      partition.expireLocks(now, settings.share(groupId))
      if (this.get(groupId, log) === partition) this.watchLocks(groupId, log, partition)
    })
  }

  private async initialOffset(groupId: string, log: PartitionLog): Promise<bigint> {
    const { autoOffsetReset } = this.options.settings.share(groupId)
    if (autoOffsetReset === 'earliest') return log.logStartOffset
    const durationMs = resetDurationMs(autoOffsetReset)
    if (durationMs === null) return log.highWatermark
    const from = BigInt(Math.floor(this.options.clock.wall() - durationMs))
    return (await log.findTimestamp(from))?.offset ?? log.highWatermark
  }
}

function keyOf({ topicId, partition }: PartitionLog): string {
  return `${topicId} ${partition}`
}
