// The lag of groups: how far what they have committed is behind the ends of the logs.

import { type ItemResult, KafkaError } from '../errors.ts'
import { compareTopicPartitions } from '../topic-partition.ts'
import type { TopicPartition } from '../types.ts'
import { checkNames } from './checks.ts'
import { describeGroups, type GroupDescription, type GroupMember } from './describe-groups.ts'
import { type AdminCall, type AdminEngine, settled } from './engine.ts'
import { type GroupOffsets, listConsumerGroupOffsets } from './group-offsets.ts'
import { groupName, partitionName } from './names.ts'
import { type ListOffsetsOptions, listOffsets } from './partitions.ts'
import { listShareGroupOffsets } from './share-groups.ts'

/** A group with the lag of each partition that it has committed or is assigned. */
export interface GroupLag {
  group: GroupDescription
  partitions: PartitionLag[]
  /** The sum over the partitions whose lag is known. */
  totalLag: bigint
}

/** How far a group is behind in one partition. */
export interface PartitionLag extends TopicPartition {
  /** Null: nothing is committed. For a share group: where its in-flight records begin. */
  committedOffset: bigint | null
  /** Null: the partition does not exist any more, or the offset is not known for a share group. */
  endOffset: bigint | null
  /** Null where one of the two offsets is. */
  lag: bigint | null
  /** The member that reads the partition now; null if there is none. */
  member: GroupMember | null
}

export async function groupLag(
  engine: AdminEngine,
  groupIds: Iterable<string>,
  options: ListOffsetsOptions = {},
): Promise<GroupLag[]> {
  const name = 'groupLag()'
  const ids = checkNames(name, 'groupIds', groupIds)
  const call = engine.begin(name, options, ['isolationLevel'])
  const described = await settled(describeGroups(engine, ids, call.rest))
  const groups = described.flatMap(({ value }) => value ?? [])
  const share = groups.filter(({ type }) => type === 'share')
  const others = groups.filter(({ type }) => type !== 'share')
  const [ofShare, ofOthers] = await Promise.all([
    shareLag(engine, share, call),
    committedLag(engine, others, call, options),
  ])
  const results = ids.map((id, i): ItemResult<GroupLag> => {
    const outcome = described[i].error ?? ofShare.get(id) ?? ofOthers.get(id)
    const item = groupName(id)
    if (outcome !== undefined && 'group' in outcome) return { item, value: outcome, error: null }
    const error = outcome ?? new KafkaError(`${call.title(item)} failed: it was not described.`)
    return { item, value: null, error }
  })
  return call.valuesOf(results)
}

/** What the groups came to, by their ids. */
type Lags = Map<string, GroupLag | KafkaError>

async function committedLag(
  engine: AdminEngine,
  groups: readonly GroupDescription[],
  call: AdminCall,
  { isolationLevel }: ListOffsetsOptions,
): Promise<Lags> {
  const ids = groups.map(({ groupId }) => groupId)
  const committed = await settled(listConsumerGroupOffsets(engine, ids, call.rest))
  const asked = new Map<string, TopicPartition>()
  for (const [i, { members }] of groups.entries()) {
    const { value } = committed[i]
    if (value === null) continue
    for (const { topic, partition } of value.offsets) {
      asked.set(partitionName({ topic, partition }), { topic, partition })
    }
    for (const { assignment } of members) {
      for (const place of assignment) asked.set(partitionName(place), place)
    }
  }
  const ends = await endOffsets(engine, [...asked.values()], call, isolationLevel)
  const lags: Lags = new Map()
  for (const [i, group] of groups.entries()) {
    const { value, error } = committed[i]
    lags.set(group.groupId, error ?? committedLagOf(group, value, ends))
  }
  return lags
}

/** @returns the error of a partition whose end could not be found out */
function committedLagOf(
  group: GroupDescription,
  { offsets }: GroupOffsets,
  ends: ReadonlyMap<string, bigint | KafkaError>,
): GroupLag | KafkaError {
  const offsetOf = new Map(offsets.map((entry) => [partitionName(entry), entry] as const))
  const memberOf = membersByPartition(group)
  const places = new Map<string, TopicPartition>()
  for (const [name, { topic, partition }] of offsetOf) places.set(name, { topic, partition })
  for (const [name, { place }] of memberOf) places.set(name, place)
  const partitions: PartitionLag[] = []
  for (const [name, place] of places) {
    const committedOffset = offsetOf.get(name)?.offset ?? null
    const endOffset = ends.get(name) ?? null
    if (endOffset instanceof KafkaError) return endOffset
    const lag = committedOffset === null || endOffset === null ? null : endOffset - committedOffset
    const member = memberOf.get(name)?.member ?? null
    partitions.push({ ...place, committedOffset, endOffset, lag: atLeastZero(lag), member })
  }
  return lagOf(group, partitions)
}

async function shareLag(
  engine: AdminEngine,
  groups: readonly GroupDescription[],
  call: AdminCall,
): Promise<Lags> {
  const lags: Lags = new Map()
  if (groups.length === 0) return lags
  const ids = groups.map(({ groupId }) => groupId)
  const found = await settled(listShareGroupOffsets(engine, ids, call.rest))
  for (const [i, group] of groups.entries()) {
    const { value, error } = found[i]
    if (error !== null) {
      lags.set(group.groupId, error)
      continue
    }
    const memberOf = membersByPartition(group)
    const partitions = value.offsets.map(({ topic, partition, startOffset, lag }) => ({
      topic,
      partition,
      committedOffset: startOffset,
      endOffset: startOffset === null || lag === null ? null : startOffset + lag,
      lag,
      member: memberOf.get(partitionName({ topic, partition }))?.member ?? null,
    }))
    lags.set(group.groupId, lagOf(group, partitions))
  }
  return lags
}

/** The end of each partition, or why it is not known. Those that do not exist any more have none. */
async function endOffsets(
  engine: AdminEngine,
  partitions: readonly TopicPartition[],
  call: AdminCall,
  isolationLevel: ListOffsetsOptions['isolationLevel'],
): Promise<Map<string, bigint | KafkaError>> {
  const isolation = isolationLevel === undefined ? {} : { isolationLevel }
  const queries = partitions.map((place) => ({ ...place, offset: 'latest' as const }))
  const results = await settled(listOffsets(engine, queries, Object.assign(call.rest, isolation)))
  const ends = new Map<string, bigint | KafkaError>()
  for (const [i, { value, error }] of results.entries()) {
    if (Reflect.get(Object(error), 'codeName') === 'UNKNOWN_TOPIC_OR_PARTITION') continue
    ends.set(partitionName(partitions[i]), error ?? value.offset)
  }
  return ends
}

function membersByPartition(
  group: GroupDescription,
): Map<string, { place: TopicPartition; member: GroupMember }> {
  return new Map(
    group.members.flatMap((member) =>
      member.assignment.map((place) => [partitionName(place), { place, member }] as const),
    ),
  )
}

function lagOf(group: GroupDescription, partitions: PartitionLag[]): GroupLag {
  partitions.sort(compareTopicPartitions)
  const totalLag = partitions.reduce((sum, { lag }) => sum + (lag ?? 0n), 0n)
  return { group, partitions, totalLag }
}

/** A log that lost its end can be shorter than what was committed. */
function atLeastZero(lag: bigint | null): bigint | null {
  return lag !== null && lag < 0n ? 0n : lag
}
