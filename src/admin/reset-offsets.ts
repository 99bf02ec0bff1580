// Resets what a group has committed, as `kafka-consumer-groups --reset-offsets` does.

import { wallMs } from '../async/clock.ts'
import { InvalidArgumentError } from '../errors.ts'
import { brokerError, errorCodes } from '../protocol/error-codes.ts'
import type { TopicPartition } from '../types.ts'
import { checkName, checkNames, checkOffset, checkPartitions, wrong } from './checks.ts'
import { describeGroups } from './describe-groups.ts'
import { type AdminCall, type AdminEngine, settled } from './engine.ts'
import { alterConsumerGroupOffsets, listConsumerGroupOffsets } from './group-offsets.ts'
import { itemError } from './item-errors.ts'
import { groupName, partitionName } from './names.ts'
import type { ValidateOptions } from './options.ts'
import { listOffsets, type OffsetSpec } from './partitions.ts'
import { alterShareGroupOffsets, listShareGroupOffsets } from './share-groups.ts'
import { describeTopics } from './topics.ts'

/** A partition and the offset that it is reset to. */
export interface ResetOffset extends TopicPartition {
  offset: bigint
}

/**
 * Where to reset to: an end of the log, what is committed now, an offset, the first record that is not
 * older than a timestamp (ms since 1970) or than a duration (ms) before now, some records further (or
 * back, with a negative number), or an offset for each partition. What lies outside of the log becomes
 * its nearer end.
 */
export type ResetTarget =
  | 'earliest'
  | 'latest'
  | 'current'
  | { offset: bigint }
  | { timestamp: number }
  | { durationMs: number }
  | { shiftBy: bigint }
  | { offsets: Iterable<ResetOffset> }

export interface ResetOffsetsOptions extends ValidateOptions {
  /** Where to reset to. */
  to: ResetTarget
  /** All partitions of these topics. */
  topics?: Iterable<string>
  /**
   * These partitions.
   * @defaultValue without `topics`, every partition that the group has committed
   */
  partitions?: Iterable<TopicPartition>
}

/** What a reset changed, or would change with `validateOnly`. */
export interface OffsetReset extends TopicPartition {
  /** Null: nothing was committed. */
  from: bigint | null
  to: bigint
  /** Whether the offset that was asked for lies outside of the log. */
  isClamped: boolean
}

type Range = { earliest: bigint; latest: bigint }

export async function resetConsumerGroupOffsets(
  engine: AdminEngine,
  groupId: string,
  options: ResetOffsetsOptions,
): Promise<OffsetReset[]> {
  const name = 'resetConsumerGroupOffsets()'
  checkName(name, 'groupId', groupId)
  checkTarget(name, options?.to)
  const topics =
    options.topics === undefined ? undefined : checkNames(name, 'topics', options.topics)
  const given =
    options.partitions === undefined
      ? undefined
      : checkPartitions(name, 'partitions', options.partitions)
  const call = engine.begin(name, options, ['validateOnly', 'to', 'topics', 'partitions'])
  const isShare = await checkInactive(engine, call, groupId)
  const committed = await committedOffsets(engine, call, groupId, isShare)
  const places = await placesOf(engine, call, options.to, topics, given, committed)
  const resets = await plan(engine, call, groupId, options.to, places, committed)
  if (options.validateOnly !== true && resets.length > 0) {
    const offsets = resets.map(({ topic, partition, to }) => ({ topic, partition, offset: to }))
    if (isShare) await alterShareGroupOffsets(engine, groupId, offsets, call.rest)
    else await alterConsumerGroupOffsets(engine, groupId, offsets, call.rest)
  }
  return resets
}

/** Whether it is a share group. @throws BrokerError NON_EMPTY_GROUP, before anything is changed */
async function checkInactive(
  engine: AdminEngine,
  call: AdminCall,
  groupId: string,
): Promise<boolean> {
  const [result] = await settled(describeGroups(engine, [groupId], call.rest))
  if (result.error !== null) {
    // A group that does not exist yet begins its life with the offsets that it is given.
    if (Reflect.get(result.error, 'codeName') === 'GROUP_ID_NOT_FOUND') return false
    throw result.error
  }
  const { type, state, members } = result.value
  if (state === 'Empty' || state === 'Dead') return type === 'share'
  throw itemError(errorCodes.NON_EMPTY_GROUP, call.title(groupName(groupId)), {
    errorMessage: `the group is ${state}, with ${members.length} active ${members.length === 1 ? 'member' : 'members'}`,
  })
}

async function committedOffsets(
  engine: AdminEngine,
  call: AdminCall,
  groupId: string,
  isShare: boolean,
): Promise<Map<string, ResetOffset>> {
  const found = new Map<string, ResetOffset>()
  if (isShare) {
    const [{ offsets }] = await listShareGroupOffsets(engine, [groupId], call.rest)
    for (const { topic, partition, startOffset } of offsets) {
      const entry = { topic, partition, offset: startOffset ?? 0n }
      if (startOffset !== null) found.set(partitionName(entry), entry)
    }
  } else {
    const [{ offsets }] = await listConsumerGroupOffsets(engine, [groupId], call.rest)
    for (const { topic, partition, offset } of offsets) {
      const entry = { topic, partition, offset }
      found.set(partitionName(entry), entry)
    }
  }
  return found
}

async function placesOf(
  engine: AdminEngine,
  call: AdminCall,
  to: ResetTarget,
  topics: readonly string[] | undefined,
  partitions: readonly TopicPartition[] | undefined,
  committed: ReadonlyMap<string, ResetOffset>,
): Promise<TopicPartition[]> {
  if (typeof to === 'object' && 'offsets' in to) return [...to.offsets]
  const places = (partitions ?? []).map(({ topic, partition }) => ({ topic, partition }))
  if (topics !== undefined) {
    for (const { topic, partitions } of await describeTopics(engine, topics, call.rest)) {
      for (const { partition } of partitions) places.push({ topic, partition })
    }
  } else if (partitions === undefined) {
    for (const { topic, partition } of committed.values()) places.push({ topic, partition })
  }
  if (places.length > 0) return places
  throw new InvalidArgumentError(
    `${call.name}: the group has committed nothing yet, so the topics or partitions to reset must be given`,
  )
}

async function plan(
  engine: AdminEngine,
  call: AdminCall,
  groupId: string,
  to: ResetTarget,
  places: readonly TopicPartition[],
  committed: ReadonlyMap<string, ResetOffset>,
): Promise<OffsetReset[]> {
  const ranges = await rangesOf(engine, call, places)
  const times = await timesOf(engine, call, to, places)
  const wanted = new Map<string, bigint>()
  if (typeof to === 'object' && 'offsets' in to) {
    for (const item of to.offsets) wanted.set(partitionName(item), item.offset)
  }
  const items = places.map((place) => {
    const key = partitionName(place)
    const range = ranges.get(key)
    if (range === undefined)
      throw brokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, call.title(key))
    return { place, range, from: committed.get(key)?.offset ?? null, key }
  })
  const without = items.find(({ from }) => from === null)
  const needsCommitted = to === 'current' ? false : typeof to === 'object' && 'shiftBy' in to
  if (needsCommitted && without !== undefined) {
    throw new InvalidArgumentError(
      `${call.name}: cannot shift ${without.key}: ${groupName(groupId)} has not committed an offset for it`,
    )
  }
  return items.map(({ place, range, from, key }) => {
    const asked = askedFor(to, range, from, wanted.get(key), times.get(key))
    const offset = clamp(asked, range)
    return { ...place, from, to: offset, isClamped: offset !== asked }
  })
}

function askedFor(
  to: ResetTarget,
  { earliest, latest }: Range,
  from: bigint | null,
  wanted: bigint | undefined,
  byTime: bigint | undefined,
): bigint {
  if (to === 'earliest') return earliest
  if (to === 'latest') return latest
  // As Kafka's tool: a partition without a committed offset goes to its end.
  if (to === 'current') return from ?? latest
  if ('offset' in to) return to.offset
  if ('shiftBy' in to) return (from ?? latest) + to.shiftBy
  if ('offsets' in to) return wanted ?? latest
  return byTime ?? latest
}

function clamp(offset: bigint, { earliest, latest }: Range): bigint {
  if (offset < earliest) return earliest
  return offset > latest ? latest : offset
}

async function rangesOf(
  engine: AdminEngine,
  call: AdminCall,
  places: readonly TopicPartition[],
): Promise<Map<string, Range>> {
  const ask = (offset: OffsetSpec): ReturnType<typeof listOffsets> =>
    listOffsets(
      engine,
      places.map(({ topic, partition }) => ({ topic, partition, offset })),
      call.rest,
    )
  const [earliest, latest] = await Promise.all([ask('earliest'), ask('latest')])
  return new Map(
    earliest.map((entry, i) => [
      partitionName(entry),
      { earliest: entry.offset, latest: latest[i].offset },
    ]),
  )
}

/** The offsets of a point in time; partitions without a record that young are not among them. */
async function timesOf(
  engine: AdminEngine,
  call: AdminCall,
  to: ResetTarget,
  places: readonly TopicPartition[],
): Promise<Map<string, bigint>> {
  if (typeof to !== 'object' || !('timestamp' in to || 'durationMs' in to)) return new Map()
  const timestamp = 'timestamp' in to ? to.timestamp : Math.max(0, wallMs() - to.durationMs)
  const queries = places.map(({ topic, partition }) => ({
    topic,
    partition,
    offset: { timestamp },
  }))
  const found = await listOffsets(engine, queries, call.rest)
  return new Map(
    found.filter(({ offset }) => offset >= 0n).map((entry) => [partitionName(entry), entry.offset]),
  )
}

function checkTarget(call: string, to: ResetTarget): void {
  if (to === 'earliest' || to === 'latest' || to === 'current') return
  const kinds = '{ offset }, { timestamp }, { durationMs }, { shiftBy } or { offsets }'
  if (typeof to !== 'object' || to === null) {
    throw wrong(call, 'to', `'earliest', 'latest', 'current', ${kinds}`, to)
  }
  if ('offset' in to) {
    checkOffset(call, 'to.offset', to.offset)
  } else if ('shiftBy' in to) {
    if (typeof to.shiftBy === 'bigint') return
    throw wrong(call, 'to.shiftBy', 'a bigint such as -100n', to.shiftBy)
  } else if ('timestamp' in to) {
    checkTime(call, 'to.timestamp', to.timestamp)
  } else if ('durationMs' in to) {
    checkTime(call, 'to.durationMs', to.durationMs)
  } else if ('offsets' in to) {
    for (const item of checkPartitions(call, 'to.offsets', to.offsets)) {
      checkOffset(call, `offset of ${partitionName(item)}`, item.offset)
    }
  } else {
    throw wrong(call, 'to', kinds, to)
  }
}

function checkTime(call: string, name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return
  throw wrong(call, name, 'whole milliseconds from 0', value)
}
