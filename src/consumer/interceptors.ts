// Calls what the user hung into the consumer. What is thrown there is logged and changes nothing.

import { isThenable, watchRejection } from '../async/rejections.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { ConsumerRecord } from '../records/consumer-record.ts'
import type { OffsetToCommit } from '../types.ts'

type AnyRecord = ConsumerRecord<unknown, unknown>

/** Called around records and commits, like Java's ConsumerInterceptor. */
export interface ConsumerInterceptor {
  /**
   * Before records of one partition are delivered: those that it returns are. What it leaves out counts as
   * done. Returning nothing delivers all.
   */
  onConsume?(
    records: readonly ConsumerRecord<unknown, unknown>[],
  ): readonly ConsumerRecord<unknown, unknown>[] | undefined
  /** When the group has these offsets. */
  onCommit?(offsets: readonly OffsetToCommit[]): void
}

/** The records as the interceptors want them delivered; one that throws is left out. */
export function interceptConsume<R extends AnyRecord>(
  interceptors: readonly ConsumerInterceptor[],
  records: readonly R[],
  logger: Logger,
): readonly R[] {
  let kept = records
  for (const interceptor of interceptors) {
    if (interceptor.onConsume === undefined) continue
    try {
      // A copy: what an interceptor does to its array must not change what is delivered and counted.
      const returned: unknown = interceptor.onConsume([...kept])
      if (returned === undefined) continue
      if (!Array.isArray(returned)) {
        watchRejection(returned, () => {})
        const what = isThenable(returned) ? 'a promise: it cannot be async' : typeof returned
        throw new InvalidArgumentError(
          `onConsume() of an interceptor must return an array of the records, got ${what}`,
        )
      }
      // In their order, whatever order they come back in.
      const chosen = new Set<unknown>(returned)
      const left = kept.filter((record) => chosen.has(record))
      if (left.length < kept.length) kept = left
    } catch (error) {
      report(logger, error)
    }
  }
  return kept
}

/** Tells the interceptors of a commit. */
export function interceptCommit(
  interceptors: readonly ConsumerInterceptor[],
  entries: readonly Required<OffsetToCommit>[],
  logger: Logger,
): void {
  if (interceptors.length === 0) return
  // What else an entry has belongs to the committer.
  const offsets = entries.map(({ topic, partition, offset, leaderEpoch, metadata }) => ({
    topic,
    partition,
    offset,
    leaderEpoch,
    metadata,
  }))
  for (const interceptor of interceptors) {
    if (interceptor.onCommit === undefined) continue
    try {
      watchRejection(interceptor.onCommit(offsets), (error) => report(logger, error))
    } catch (error) {
      report(logger, error)
    }
  }
}

function report(logger: Logger, error: unknown): void {
  logger.error('an interceptor of the consumer threw: it is ignored', { error })
}
