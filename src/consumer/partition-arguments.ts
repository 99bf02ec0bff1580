// Checks of partitions, offsets and times that callers give to the consumer's methods, before anything
// happens. Every value is read once: a getter may give another one the next time.

import { describeValue, InvalidArgumentError } from '../errors.ts'
import { readProperty, readSafely } from '../read-argument.ts'
import { isSendable, isTopicName, MAX_NAME_BYTES } from '../topic-partition.ts'
import type { OffsetToCommit, TopicPartition } from '../types.ts'
import type { PartitionAssignment, SeekTarget } from './types.ts'

const MAX_INT32 = 2_147_483_647
const MAX_INT64 = 9_223_372_036_854_775_807n

/** @throws {InvalidArgumentError} unless `value` names a topic and a partition of it */
export function checkPartition(call: string, value: unknown): TopicPartition {
  if (typeof value !== 'object' || value === null) {
    throw new InvalidArgumentError(
      `${call}: a partition must be an object such as { topic: 'orders', partition: 0 }, got ${describeValue(value)}`,
    )
  }
  const topic = readProperty(call, value, 'topic')
  const partition = readProperty(call, value, 'partition')
  if (!isTopicName(topic)) {
    throw new InvalidArgumentError(
      `${call}: topic must be the name of a topic (1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'), got ${describeValue(topic)}`,
    )
  }
  if (!isInteger(partition, 0, MAX_INT32)) {
    throw new InvalidArgumentError(
      `${call}: partition of topic "${topic}" must be a whole number, 0 or more, got ${describeValue(partition)}`,
    )
  }
  return { topic, partition }
}

/** @throws {InvalidArgumentError} unless `values` are partitions */
export function checkPartitions(call: string, values: unknown): TopicPartition[] {
  return entriesOf(call, values).map((value) => checkPartition(call, value))
}

/** @throws {InvalidArgumentError} unless `values` are partitions, each with one offset or none */
export function checkAssignments(call: string, values: unknown): PartitionAssignment[] {
  const assignments = entriesOf(call, values).map((value): PartitionAssignment => {
    const partition = checkPartition(call, value)
    const offset = readProperty(call, Object(value), 'offset')
    if (offset === undefined) return partition
    return { ...partition, offset: checkOffset(call, partition, offset) }
  })
  const known = new Map<string, PartitionAssignment>()
  for (const assignment of assignments) {
    const name = nameOf(assignment)
    const { offset } = known.get(name) ?? assignment
    if (offset !== assignment.offset) {
      throw new InvalidArgumentError(
        `${call}: ${name} is given twice, with offsets ${offset} and ${assignment.offset}`,
      )
    }
    known.set(name, assignment)
  }
  return [...known.values()]
}

/** @throws {InvalidArgumentError} unless `values` are partitions with offsets */
export function checkOffsetsToCommit(call: string, values: unknown): OffsetToCommit[] {
  return entriesOf(call, values).map((value): OffsetToCommit => {
    const partition = checkPartition(call, value)
    const given = Object(value)
    const offset = checkOffset(call, partition, readProperty(call, given, 'offset'))
    const leaderEpoch = readProperty(call, given, 'leaderEpoch') ?? -1
    const metadata = readProperty(call, given, 'metadata') ?? ''
    const name = nameOf(partition)
    if (!isInteger(leaderEpoch, -1, MAX_INT32)) {
      throw new InvalidArgumentError(
        `${call}: leaderEpoch of ${name} must be a whole number, -1 (not known) or more, got ${describeValue(leaderEpoch)}`,
      )
    }
    if (typeof metadata !== 'string') {
      throw new InvalidArgumentError(
        `${call}: metadata of ${name} must be a string, got ${describeValue(metadata)}`,
      )
    }
    if (!isSendable(metadata)) {
      // It would fail the commits of other partitions that go with it.
      throw new InvalidArgumentError(
        `${call}: metadata of ${name} must be a string of at most ${MAX_NAME_BYTES} bytes in UTF-8, got ${describeValue(metadata)}`,
      )
    }
    return { ...partition, offset, leaderEpoch, metadata }
  })
}

/** @throws {InvalidArgumentError} unless `values` are partitions with timestamps */
export function checkTimes(
  call: string,
  values: unknown,
): (TopicPartition & { timestamp: number })[] {
  return entriesOf(call, values).map((value) => {
    const partition = checkPartition(call, value)
    const timestamp = checkTimestamp(
      call,
      partition,
      readProperty(call, Object(value), 'timestamp'),
    )
    return { ...partition, timestamp }
  })
}

/** @throws {InvalidArgumentError} unless `target` says where to go */
export function checkSeekTarget(
  call: string,
  partition: TopicPartition,
  target: unknown,
): SeekTarget {
  if (target === 'beginning' || target === 'end') return target
  if (typeof target === 'bigint') return checkOffset(call, partition, target)
  if (typeof target === 'object' && target !== null) {
    const timestamp = readProperty(call, target, 'timestamp')
    if (timestamp !== undefined) return { timestamp: checkTimestamp(call, partition, timestamp) }
  }
  throw new InvalidArgumentError(
    `${call}: the place to go to in ${nameOf(partition)} must be an offset (a bigint such as 5n), 'beginning', 'end' or { timestamp }, got ${describeValue(target)}`,
  )
}

function checkOffset(call: string, partition: TopicPartition, offset: unknown): bigint {
  if (typeof offset === 'bigint' && offset >= 0n && offset <= MAX_INT64) return offset
  throw new InvalidArgumentError(
    `${call}: the offset of ${nameOf(partition)} must be a bigint such as 5n, from 0n to 2^63-1, got ${describeValue(offset)}`,
  )
}

function checkTimestamp(call: string, partition: TopicPartition, timestamp: unknown): number {
  if (isInteger(timestamp, 0, Number.MAX_SAFE_INTEGER)) return timestamp
  throw new InvalidArgumentError(
    `${call}: the timestamp of ${nameOf(partition)} must be a whole number of ms since 1970, got ${describeValue(timestamp)}`,
  )
}

/** Once, as what is given may be an iterator. A string is an iterable of its letters: not meant. */
function entriesOf(call: string, values: unknown): unknown[] {
  if (typeof values === 'object' && values !== null) {
    const list = readSafely(call, 'the partitions', () =>
      isIterable(values) ? [...values] : undefined,
    )
    if (list !== undefined) return list
  }
  throw new InvalidArgumentError(
    `${call}: expected an array of partitions such as [{ topic: 'orders', partition: 0 }], got ${describeValue(values)}`,
  )
}

function isIterable(value: object): value is Iterable<unknown> {
  return typeof Reflect.get(value, Symbol.iterator) === 'function'
}

function isInteger(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
