// What a call of sendOffsets() means: whose offsets, and which.

import { describeValue, InvalidArgumentError } from '../../errors.ts'
import { readProperty, readSafely } from '../../read-argument.ts'
import { isSendable, isTopicName, MAX_NAME_BYTES } from '../../topic-partition.ts'
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

/** The limits that the call was given. */
export function limitsOf(args: SendOffsetsArguments): WaitOptions | undefined {
  return isConsumerCall(args) ? args[1] : args[2]
}

/** @throws {InvalidArgumentError} for what is not an offset or a group; and what the consumer throws */
export function readSendOffsets(args: SendOffsetsArguments): TransactionOffsets {
  if (isConsumerCall(args)) return args[0].transactionOffsets()
  return { offsets: readOffsets(args[0]), group: readGroup(args[1]) }
}

function isConsumerCall(
  args: SendOffsetsArguments,
): args is readonly [consumer: TransactionalConsumer, limits?: WaitOptions] {
  const first: unknown = args[0]
  return (
    typeof first === 'object' &&
    first !== null &&
    typeof readProperty('sendOffsets()', first, 'transactionOffsets') === 'function'
  )
}

/** The offsets, each read once and checked: what is encoded later is what was checked here. */
function readOffsets(source: unknown): OffsetToCommit[] {
  const list = readSafely('sendOffsets()', 'the offsets', () =>
    typeof source === 'object' && source !== null && isIterable(source) ? [...source] : null,
  )
  if (list !== null) return Array.from(list, readOffset)
  throw new InvalidArgumentError(
    `sendOffsets() expects a consumer, or a list of { topic, partition, offset } and the group, got ${describeValue(source)}`,
  )
}

function readOffset(entry: unknown, index: number): OffsetToCommit {
  const at = `sendOffsets(): offsets[${index}]`
  if (typeof entry !== 'object' || entry === null) {
    throw new InvalidArgumentError(
      `${at} must be an object { topic, partition, offset }, got ${describeValue(entry)}`,
    )
  }
  const field = (name: string): unknown => readProperty(at, entry, name)
  const [topic, partition, offset] = [field('topic'), field('partition'), field('offset')]
  const [leaderEpoch, metadata] = [field('leaderEpoch'), field('metadata')]
  if (!isTopicName(topic)) throw wrong(`${at}.topic`, "a topic's name", topic)
  if (!isInt32(partition)) throw wrong(`${at}.partition`, 'a whole number from 0', partition)
  if (typeof offset !== 'bigint' || offset < 0n || offset > MOST_INT64) {
    const expected = 'a bigint from 0n to 2^63 - 1, the next record to be read, such as 5n'
    throw wrong(`${at}.offset`, expected, offset)
  }
  if (leaderEpoch !== undefined && leaderEpoch !== -1 && !isInt32(leaderEpoch)) {
    throw wrong(`${at}.leaderEpoch`, 'a whole number from 0, or -1', leaderEpoch)
  }
  if (metadata !== undefined && metadata !== null && !isShortString(metadata)) {
    throw wrong(`${at}.metadata`, `a string of at most ${MAX_NAME_BYTES} bytes`, metadata)
  }
  return {
    topic,
    partition,
    offset,
    ...(leaderEpoch !== undefined && { leaderEpoch }),
    ...(typeof metadata === 'string' && { metadata }),
  }
}

function readGroup(group: unknown): ConsumerGroupMetadata {
  const field = (name: string): unknown =>
    typeof group === 'object' && group !== null
      ? readProperty('sendOffsets(): group', group, name)
      : undefined
  const groupId = field('groupId')
  if (!isShortString(groupId) || groupId === '') {
    throw new InvalidArgumentError(
      `sendOffsets() needs the group whose offsets these are: pass consumer.groupMetadata() (groupId is ${describeValue(groupId)})`,
    )
  }
  const generationId = field('generationId') ?? -1
  const memberId = field('memberId') ?? ''
  const groupInstanceId = field('groupInstanceId') ?? null
  if (generationId !== -1 && !isInt32(generationId)) {
    throw wrong('sendOffsets(): group.generationId', 'a whole number from 0, or -1', generationId)
  }
  if (!isShortString(memberId)) throw wrong('sendOffsets(): group.memberId', 'a string', memberId)
  if (groupInstanceId !== null && !isShortString(groupInstanceId)) {
    throw wrong('sendOffsets(): group.groupInstanceId', 'a string or null', groupInstanceId)
  }
  return { groupId, generationId, memberId, groupInstanceId }
}

const MOST_INT64 = 2n ** 63n - 1n

function isInt32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fffffff
}

function isShortString(value: unknown): value is string {
  return typeof value === 'string' && isSendable(value)
}

function isIterable(value: object): value is Iterable<unknown> {
  return typeof Reflect.get(value, Symbol.iterator) === 'function'
}

function wrong(what: string, expected: string, got: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`${what} must be ${expected}, got ${describeValue(got)}`)
}
