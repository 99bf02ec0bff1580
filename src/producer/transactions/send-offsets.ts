// What a call of sendOffsets() means: whose offsets, and which.

import { InvalidArgumentError } from '../../errors.ts'
import type {
  ConsumerGroupMetadata,
  OffsetToCommit,
  TransactionalConsumer,
  TransactionOffsets,
  WaitOptions,
} from '../../types.ts'

/** The arguments of sendOffsets(): a consumer, or offsets and the group they are of; then limits. */
export type SendOffsetsArguments =
  | readonly [consumer: TransactionalConsumer, limits?: WaitOptions]
  | readonly [offsets: Iterable<OffsetToCommit>, group: ConsumerGroupMetadata, limits?: WaitOptions]

/** The consumer that is asked for them; null: they are given. */
export function consumerOf(args: SendOffsetsArguments): TransactionalConsumer | null {
  return isConsumerCall(args) ? args[0] : null
}

/** @throws InvalidArgumentError for what is no offset or no group, and what the consumer throws */
export function readSendOffsets(args: SendOffsetsArguments): TransactionOffsets & {
  limits: WaitOptions
} {
  if (isConsumerCall(args)) {
    const [consumer, limits = {}] = args
    return { ...consumer.transactionOffsets(), limits }
  }
  const [source, group, limits = {}] = args
  const offsets = [...source]
  for (const { topic, partition, offset } of offsets) {
    if (typeof topic === 'string' && Number.isInteger(partition) && isOffset(offset)) continue
    throw new InvalidArgumentError(
      `sendOffsets(): ${String(offset)} of ${topic}-${partition} is no offset: a bigint from 0n is, the next record to be read`,
    )
  }
  if (typeof group?.groupId !== 'string' || group.groupId === '') {
    throw new InvalidArgumentError(
      'sendOffsets() needs the group whose offsets these are: give consumer.groupMetadata()',
    )
  }
  const { groupId, generationId = -1, memberId = '', groupInstanceId = null } = group
  return { offsets, group: { groupId, generationId, memberId, groupInstanceId }, limits }
}

function isConsumerCall(
  args: SendOffsetsArguments,
): args is readonly [consumer: TransactionalConsumer, limits?: WaitOptions] {
  return 'transactionOffsets' in args[0]
}

function isOffset(offset: unknown): offset is bigint {
  return typeof offset === 'bigint' && offset >= 0n
}
