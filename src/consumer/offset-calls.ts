// The consumer's calls that ask brokers for offsets: arguments are checked, then the call waits within its
// limits.

import { checkWaitOptions, type WaitLimits } from '../async/wait.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CoordinatorClient } from '../cluster/coordinator-client.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type Attempts, callOn, limitedCall } from './limited-call.ts'
import type { CommittedOffset } from './offsets/committed-offsets.ts'
import { logOffsets, offsetsForTimes, queryCommitted } from './offsets/offset-queries.ts'
import { checkPartitions, checkTimes } from './partition-arguments.ts'
import type { PartitionOffset, TimestampedOffset } from './types.ts'

export interface OffsetCallsContext {
  readonly cluster: Cluster
  /** null: there is no group. */
  readonly coordinator: CoordinatorClient | null
  readonly isReadCommitted: boolean
  /** Aborts when the consumer is closed. */
  readonly closing: AbortSignal
  checkOpen(): void
}

export class OffsetCalls {
  private readonly context: OffsetCallsContext
  private readonly defaultMs: number

  /** @param defaultMs how long a call waits if its caller does not say */
  constructor(context: OffsetCallsContext, defaultMs: number) {
    this.context = context
    this.defaultMs = defaultMs
  }

  async committed(partitions: unknown, options: unknown): Promise<CommittedOffset[]> {
    const call = 'committed()'
    const { cluster, coordinator } = this.context
    const asked = checkPartitions(call, partitions)
    const limits = this.checkWait(call, options)
    this.context.checkOpen()
    if (coordinator === null) throw new InvalidArgumentError(`${call} needs the option groupId`)
    if (asked.length === 0) return []
    return this.limited(callOn(call, asked), limits, (attempts) =>
      queryCommitted(cluster, coordinator, asked, attempts),
    )
  }

  /** @param timestamp EARLIEST or LATEST */
  async logOffsets(
    call: string,
    partitions: unknown,
    timestamp: bigint,
    options: unknown,
  ): Promise<PartitionOffset[]> {
    const { cluster, isReadCommitted } = this.context
    const asked = checkPartitions(call, partitions)
    const limits = this.checkWait(call, options)
    this.context.checkOpen()
    return this.limited(callOn(call, asked), limits, (attempts) =>
      logOffsets(cluster, asked, timestamp, isReadCommitted, attempts),
    )
  }

  async offsetsForTimes(times: unknown, options: unknown): Promise<TimestampedOffset[]> {
    const call = 'offsetsForTimes()'
    const { cluster, isReadCommitted } = this.context
    const asked = checkTimes(call, times)
    const limits = this.checkWait(call, options)
    this.context.checkOpen()
    return this.limited(callOn(call, asked), limits, (attempts) =>
      offsetsForTimes(cluster, asked, isReadCommitted, attempts),
    )
  }

  /** @throws {InvalidArgumentError} unless `options` are a time-out and a signal */
  checkWait(call: string, options: unknown): WaitLimits {
    return checkWaitOptions(options, call, { defaultMs: this.defaultMs })
  }

  /** @param call names the call and its target in errors */
  limited<T>(
    call: string,
    limits: WaitLimits,
    work: (attempts: Attempts) => Promise<T>,
  ): Promise<T> {
    return limitedCall(call, limits, this.context.closing, work)
  }
}
