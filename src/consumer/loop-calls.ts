// The consumer's calls that read: each opens the one loop that there may be at a time.

import { InvalidArgumentError } from '../errors.ts'
import { checkLoopOptions } from './arguments.ts'
import type { CommitBatch } from './delivery/consumer-batch.ts'
import { batchStream, type ConsumerLoop, recordStream } from './delivery/iterators.ts'
import { PartitionIterators, type PartitionStream } from './delivery/partition-iterators.ts'
import { type RunContext, runHandlers } from './run/run.ts'
import { planRun, type RunOptions } from './run/run-options.ts'

/** What these calls need of the consumer. */
export interface LoopCallsContext<K, V> extends Omit<RunContext<K, V>, 'commitBatch'> {
  /** Whether it has subscribed, or has partitions assigned by hand. */
  readonly hasSomethingToRead: boolean
  checkOpen(): void
}

export class LoopCalls<K, V> {
  private readonly context: LoopCallsContext<K, V>
  private readonly maxPollRecords: number
  private readonly commitBatch: CommitBatch

  constructor(context: LoopCallsContext<K, V>, maxPollRecords: number, commitBatch: CommitBatch) {
    this.context = context
    this.maxPollRecords = maxPollRecords
    this.commitBatch = commitBatch
  }

  records(options: unknown): ConsumerLoop<unknown> {
    const signal = checkLoopOptions('records()', options)
    this.checkFree()
    return recordStream(this.context.delivery, null, signal)
  }

  batches(options: unknown): ConsumerLoop<unknown> {
    const signal = checkLoopOptions('batches()', options)
    this.checkFree()
    return batchStream(this.context.delivery, null, signal, this.commitBatch)
  }

  partitions(options: unknown): ConsumerLoop<PartitionStream<K, V>> {
    const signal = checkLoopOptions('partitions()', options)
    this.checkFree()
    return new PartitionIterators(this.context.delivery, this.commitBatch, signal)
  }

  async run<R>(options: RunOptions<K, V, R>): Promise<void> {
    const plan = planRun<K, V>(options, this.maxPollRecords)
    this.checkFree()
    const { delivery, handlers, deadLetters, logger } = this.context
    const { commitBatch } = this
    await runHandlers({ delivery, handlers, deadLetters, logger, commitBatch }, plan)
  }

  private checkFree(): void {
    const { hasSomethingToRead, delivery } = this.context
    this.context.checkOpen()
    if (!hasSomethingToRead) {
      throw new InvalidArgumentError(
        'There is nothing to read: give the option topics, or call subscribe() or assign() first',
      )
    }
    if (delivery.loops === 0) return
    throw new InvalidArgumentError(
      'This consumer is being read by another loop already: end that one first, or make another consumer',
    )
  }
}
