// The consumer's calls about its assigned partitions: where each is read, which of them deliver, and how
// far behind they are. Arguments are checked before anything happens to any partition.

import { checkWaitOptions, type WaitLimits } from '../async/wait.ts'
import type { Watchers } from '../async/watchers.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { TopicPartition } from '../types.ts'
import type { AssignedPartition } from './assignment/assigned-partition.ts'
import type { Assignment } from './assignment/assignment.ts'
import type { Delivery } from './delivery/delivery.ts'
import { limitedCall } from './limited-call.ts'
import { lagOf } from './liveness/health.ts'
import { EARLIEST, LATEST } from './offsets/offset-reset.ts'
import { areKnown, awaitCommittedOffsets } from './offsets/transaction-offsets.ts'
import { checkPartition, checkPartitions, checkSeekTarget } from './partition-arguments.ts'

/** What these calls need of the consumer. */
export interface PartitionCallsContext<K, V> {
  readonly subscription: Assignment<K, V>
  readonly delivery: Pick<Delivery<K, V>, 'nextOffset' | 'fatalError'>
  /** Checked whenever a position may have become known. */
  readonly watchers: Watchers
  readonly hasGroup: boolean
  readonly isReadCommitted: boolean
  /** Aborts when the consumer is closed. */
  readonly closing: AbortSignal
  checkOpen(): void
  /** Begins to look for positions and to fetch. */
  start(): void
  /** Positions were moved, or partitions may be fetched again. */
  partitionsChanged(): void
}

export class PartitionCalls<K, V> {
  private readonly context: PartitionCallsContext<K, V>
  private readonly defaultMs: number

  /** @param defaultMs how long a call waits if its caller does not say */
  constructor(context: PartitionCallsContext<K, V>, defaultMs: number) {
    this.context = context
    this.defaultMs = defaultMs
  }

  assignment(): TopicPartition[] {
    return this.context.subscription.list()
  }

  assignmentSignal(partition: unknown): AbortSignal {
    return this.find('assignmentSignal()', partition).signal
  }

  seek(partition: unknown, target: unknown): void {
    this.context.checkOpen()
    const state = this.find('seek()', partition)
    const place = checkSeekTarget('seek()', state, target)
    if (typeof place === 'bigint') state.seek(place, -1)
    else if (place === 'beginning') state.awaitReset(EARLIEST)
    else if (place === 'end') state.awaitReset(LATEST)
    else state.awaitReset(BigInt(place.timestamp))
    this.context.partitionsChanged()
  }

  pause(partitions: unknown): void {
    for (const state of this.findAll('pause()', partitions)) state.hold('isPaused', true)
  }

  /** @param partitions undefined: all, also those that a rebalance has taken away */
  resume(partitions: unknown): void {
    const resumed = this.findAll('resume()', partitions === undefined ? this.paused() : partitions)
    if (partitions === undefined) this.context.subscription.takenPaused.clear()
    for (const state of resumed) state.hold('isPaused', false)
    this.context.partitionsChanged()
  }

  paused(): TopicPartition[] {
    const { subscription } = this.context
    return subscription.list().filter((partition) => subscription.require(partition).isPaused)
  }

  async position(partition: unknown, options: unknown): Promise<bigint> {
    this.context.checkOpen()
    const state = this.find('position()', partition)
    const limits = this.checkWait('position()', options)
    this.context.start()
    const isKnown = (): boolean => state.hasPosition || state.failure !== null || !state.isAssigned
    await this.until(`position() of ${state.name}`, limits, isKnown)
    if (state.hasPosition) return this.context.delivery.nextOffset(state)
    throw state.failure ?? new InvalidArgumentError(`${state.name} is not assigned any more`)
  }

  lag(partition: unknown): bigint | null {
    return lagOf(this.find('lag()', partition), this.context.isReadCommitted)
  }

  async seekToCommitted(options: unknown): Promise<void> {
    const { subscription, hasGroup } = this.context
    this.context.checkOpen()
    const limits = this.checkWait('seekToCommitted()', options)
    limits.signal?.throwIfAborted()
    if (!hasGroup) throw new InvalidArgumentError('seekToCommitted() needs the option groupId')
    awaitCommittedOffsets(subscription)
    this.context.start()
    this.context.partitionsChanged()
    await this.until('seekToCommitted()', limits, () => areKnown(subscription))
  }

  private checkWait(call: string, options: unknown): WaitLimits {
    return checkWaitOptions(options, call, { defaultMs: this.defaultMs })
  }

  /** @throws what ended the consumer, as nothing will become true any more */
  private async until(call: string, limits: WaitLimits, isTrue: () => boolean): Promise<void> {
    const { closing, watchers, delivery } = this.context
    const isOver = (): boolean => isTrue() || delivery.fatalError !== null
    await limitedCall(call, limits, closing, ({ signal }) => watchers.until(isOver, signal))
    if (delivery.fatalError !== null && !isTrue()) throw delivery.fatalError
  }

  /** All of them, or an error before anything happens to one. */
  private findAll(call: string, partitions: unknown): AssignedPartition<K, V>[] {
    this.context.checkOpen()
    const found = checkPartitions(call, partitions)
    return found.map((partition) => this.context.subscription.require(partition))
  }

  private find(call: string, partition: unknown): AssignedPartition<K, V> {
    return this.context.subscription.require(checkPartition(call, partition))
  }
}
