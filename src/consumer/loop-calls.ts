// The consumer's calls that read: each opens the one loop that there may be at a time.

import { InvalidArgumentError } from '../errors.ts'
import { checkLoopOptions } from './arguments.ts'
import type { CommitBatch } from './delivery/consumer-batch.ts'
import { batchStream, type ConsumerLoop, recordStream } from './delivery/iterators.ts'
import { PartitionIterators, type PartitionStream } from './delivery/partition-iterators.ts'
import type { RetrySubscription } from './group/retry-subscription.ts'
import type { RetryTopicsPlan } from './run/retry-options.ts'
import { RetryTopics, retryLevels } from './run/retry-topics.ts'
import { type RunContext, runHandlers } from './run/run.ts'
import { planRun, type RunOptions } from './run/run-options.ts'

/** What these calls need of the consumer. */
export interface LoopCallsContext<K, V>
  extends Omit<RunContext<K, V>, 'commitBatch' | 'retryTopics'> {
  readonly retries: RetrySubscription
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
    const { delivery, handlers, deadLetters, logger } = this.context
    this.checkFree(plan.retryTopics !== null)
    let retryTopics: RetryTopics | null = null
    if (plan.retryTopics !== null) {
      try {
        retryTopics = await this.openRetryTopics(plan.retryTopics, plan.signal)
      } catch (error) {
        // The signal, and close(), end a run that has not begun as they end one that has.
        if (plan.signal?.aborted || delivery.isEnded) return
        throw error
      }
      if (plan.signal?.aborted || delivery.isEnded) return
      this.checkFree(true)
    }
    const { commitBatch } = this
    const context = { delivery, handlers, deadLetters, retryTopics, logger, commitBatch }
    await runHandlers(context, plan)
  }

  private async openRetryTopics(
    plan: RetryTopicsPlan,
    signal: AbortSignal | undefined,
  ): Promise<RetryTopics> {
    const { retries, deadLetters } = this.context
    const levels = await retryLevels(plan, retries.checkGroup())
    await retries.open(
      levels.map(({ topic }) => topic),
      signal,
    )
    return new RetryTopics(levels, deadLetters)
  }

  /** @param readsRetryTopics whether what is begun knows what to do with their records */
  private checkFree(readsRetryTopics = false): void {
    const { hasSomethingToRead, delivery } = this.context
    this.context.checkOpen()
    if (!hasSomethingToRead) {
      throw new InvalidArgumentError(
        'There is nothing to read: give the option topics, or call subscribe() or assign() first',
      )
    }
    if (delivery.loops === 0) {
      if (!readsRetryTopics) this.context.retries.close()
      return
    }
    throw new InvalidArgumentError(
      'This consumer is being read by another loop already: end that one first, or make another consumer',
    )
  }
}
