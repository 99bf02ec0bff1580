// The consumer's calls that commit: to the group, or as part of a producer's transaction.

import { checkWaitOptions } from '../async/wait.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { ConsumerGroupMetadata, TransactionOffsets } from '../types.ts'
import type { Assignment } from './assignment/assignment.ts'
import type { CommitBatch } from './delivery/consumer-batch.ts'
import type { Delivery } from './delivery/delivery.ts'
import { handedOverEntries } from './offsets/commit-entries.ts'
import { targetEntries } from './offsets/commit-targets.ts'
import type { Committer, Membership } from './offsets/committer.ts'
import { takeTransactionOffsets } from './offsets/transaction-offsets.ts'
import type { ResolvedConsumerOptions } from './options.ts'
import type { CommitTarget } from './types.ts'

/** What these calls need of the consumer. */
export interface CommitCallsContext<K, V> {
  readonly options: ResolvedConsumerOptions
  readonly subscription: Assignment<K, V>
  readonly delivery: Pick<Delivery<K, V>, 'loops' | 'isOneLoop' | 'takeBackLeft'>
  /** null: there is no group. */
  readonly committer: Committer | null
  /** Identifies the consumer that commits; null: it is not a member at the moment. */
  readonly membership: Membership | null
  readonly isGroupMember: boolean
  checkOpen(): void
}

export class CommitCalls<K, V> {
  private readonly context: CommitCallsContext<K, V>

  constructor(context: CommitCallsContext<K, V>) {
    this.context = context
  }

  async commit(
    target: CommitTarget<unknown, unknown> | null | undefined,
    options: unknown,
  ): Promise<void> {
    this.context.checkOpen()
    const { defaultApiTimeoutMs: defaultMs } = this.context.options
    const limits = checkWaitOptions(options, 'commit()', { defaultMs })
    limits.signal?.throwIfAborted()
    const { subscription, delivery, isGroupMember, committer } = this.context
    if (committer === null) throw new InvalidArgumentError('commit() needs the option groupId')
    // A loop may have ended with an exception: what it had in hand is not done.
    if (target == null && delivery.loops === 0) delivery.takeBackLeft()
    const entries =
      target == null
        ? handedOverEntries(subscription.partitions, delivery.loops > 1)
        : targetEntries(target, subscription, isGroupMember)
    await committer.commitWithin(entries, limits)
  }

  /** What a batch commits with. */
  readonly commitBatch: CommitBatch = (batch) => this.commit(batch, undefined)

  transactionOffsets(): TransactionOffsets {
    this.context.checkOpen()
    const { membership, isGroupMember, subscription, delivery, options } = this.context
    const metadata = this.groupMetadata()
    const group = isGroupMember && membership === null ? null : metadata
    const { enableAutoCommit } = options
    return takeTransactionOffsets({ subscription, delivery, group, enableAutoCommit })
  }

  groupMetadata(): ConsumerGroupMetadata {
    const { membership, options } = this.context
    const { groupId, groupInstanceId } = options
    if (groupId === null) throw new InvalidArgumentError('groupMetadata() needs the option groupId')
    return {
      groupId,
      generationId: membership?.generationId ?? -1,
      memberId: membership?.memberId ?? '',
      groupInstanceId,
    }
  }
}
