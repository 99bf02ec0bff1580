// What a consumer gives into a transaction of a producer, and how it goes back when that is aborted.

import { CommitFailedError, InvalidArgumentError } from '../../errors.ts'
import type { ConsumerGroupMetadata, TransactionOffsets } from '../../types.ts'
import type { Assignment } from '../assignment/assignment.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { handedOverEntries } from './commit-entries.ts'

export interface HandedOver {
  readonly subscription: Assignment
  readonly delivery: Pick<Delivery<unknown, unknown>, 'isOneLoop'>
  /** Identifies the consumer that commits; null: it is not a member at the moment. */
  readonly group: ConsumerGroupMetadata | null
  readonly enableAutoCommit: boolean
}

/**
 * The offsets behind everything that was delivered, the item in hand included, and the one that a loop had
 * in hand when it ended: what was made of it is in the transaction, or the body would have thrown.
 * @throws InvalidArgumentError where they would cover the work of others; CommitFailedError if a partition
 * was taken away whose records are in the transaction: another member will read them again
 */
export function takeTransactionOffsets(handedOver: HandedOver): TransactionOffsets {
  const { subscription, delivery, group, enableAutoCommit } = handedOver
  if (enableAutoCommit) {
    throw new InvalidArgumentError(
      'sendOffsets(consumer) needs a consumer with enableAutoCommit: false. An automatic commit outlives an abort, and the records before it are lost',
    )
  }
  if (!delivery.isOneLoop) {
    throw new InvalidArgumentError(
      'sendOffsets(consumer) would cover what other handlers have in hand: with partitions(), or several handlers, give it the offsets and consumer.groupMetadata()',
    )
  }
  if (group === null) {
    throw new CommitFailedError('this consumer is not a member of its group at the moment', {
      retriable: true,
    })
  }
  const [taken] = subscription.takenUnsent
  if (taken !== undefined) {
    throw new CommitFailedError(
      `${taken} was taken away from this consumer after records of it were delivered: another member reads them again, so abort, then seekToCommitted()`,
      { retriable: true },
    )
  }
  const offsets = handedOverEntries(subscription.partitions, false).map(
    ({ topic, partition, offset, leaderEpoch, topicId }) => ({
      ...{ topic, partition, offset, leaderEpoch },
      ...(topicId !== null && { topicId }),
    }),
  )
  for (const state of subscription.partitions) state.sentToTransaction()
  return { group, offsets }
}

/** Every position is looked up again, and what is buffered is dropped. */
export function awaitCommittedOffsets(subscription: Assignment): void {
  subscription.takenUnsent.clear()
  for (const state of subscription.partitions) state.backToCommitted()
}

/** Whether every partition has a position again, or there is nothing more to wait for. */
export function areKnown(subscription: Assignment): boolean {
  for (const state of subscription.partitions) {
    if (!state.hasPosition && state.failure === null && !state.isRevoking) return false
  }
  return true
}
