// The lag of groups: how far what they have committed is behind the ends of the logs.

import { compareTopicPartitions } from '../topic-partition.ts'
import type { TopicPartition } from '../types.ts'
import { checkNames } from './checks.ts'
import { describeGroups, type GroupDescription, type GroupMember } from './describe-groups.ts'
import { type AdminCall, type AdminEngine, settled } from './engine.ts'
import { listConsumerGroupOffsets } from './group-offsets.ts'
import { partitionName } from './names.ts'
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
  const groups = await describeGroups(engine, ids, call.rest)
  const share = groups.filter(({ type }) => type === 'share')
  const others = groups.filter(({ type }) => type !== 'share')
  const [ofShare, ofOthers] = await Promise.all([
    shareLag(engine, share, call),
    committedLag(engine, others, call, options),
  ])
  return groups.flatMap(({ groupId }) => ofShare.get(groupId) ?? ofOthers.get(groupId) ?? [])
}

async function committedLag(
  engine: AdminEngine,
  groups: readonly GroupDescription[],
  call: AdminCall,
  { isolationLevel }: ListOffsetsOptions,
): Promise<Map<string, GroupLag>> {
  const ids = groups.map(({ groupId }) => groupId)
  const committed = await listConsumerGroupOffsets(engine, ids, call.rest)
  const asked = new Map<string, TopicPartition>()
  for (const { offsets } of committed) {
    for (const { topic, partition } of offsets) {
      asked.set(partitionName({ topic, partition }), { topic, partition })
    }
  }
  for (const { members } of groups) {
    for (const { assignment } of members) {
      for (const place of assignment) asked.set(partitionName(place), place)
    }
  }
  const ends = await endOffsets(engine, [...asked.values()], call, isolationLevel)
  const lags = new Map<string, GroupLag>()
  for (const [i, group] of groups.entries()) {
    const offsetOf = new Map(
      committed[i].offsets.map((entry) => [partitionName(entry), entry] as const),
    )
    const memberOf = membersByPartition(group)
    const places = new Map<string, TopicPartition>()
    for (const [name, { topic, partition }] of offsetOf) places.set(name, { topic, partition })
    for (const [name, { place }] of memberOf) places.set(name, place)
    const partitions = [...places].map(([name, place]) => {
      const committedOffset = offsetOf.get(name)?.offset ?? null
      const endOffset = ends.get(name) ?? null
      const lag =
        committedOffset === null || endOffset === null ? null : endOffset - committedOffset
      const member = memberOf.get(name)?.member ?? null
      return { ...place, committedOffset, endOffset, lag: atLeastZero(lag), member }
    })
    lags.set(group.groupId, lagOf(group, partitions))
  }
  return lags
}

async function shareLag(
  engine: AdminEngine,
  groups: readonly GroupDescription[],
  call: AdminCall,
): Promise<Map<string, GroupLag>> {
  if (groups.length === 0) return new Map()
  const ids = groups.map(({ groupId }) => groupId)
  const found = await listShareGroupOffsets(engine, ids, call.rest)
  const lags = new Map<string, GroupLag>()
  for (const [i, group] of groups.entries()) {
    const memberOf = membersByPartition(group)
    const partitions = found[i].offsets.map(({ topic, partition, startOffset, lag }) => ({
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

/** Partitions that do not exist any more have no end; another failure fails the call. */
async function endOffsets(
  engine: AdminEngine,
  partitions: readonly TopicPartition[],
  call: AdminCall,
  isolationLevel: ListOffsetsOptions['isolationLevel'],
): Promise<Map<string, bigint>> {
  const isolation = isolationLevel === undefined ? {} : { isolationLevel }
  const queries = partitions.map((place) => ({ ...place, offset: 'latest' as const }))
  const results = await settled(listOffsets(engine, queries, Object.assign(call.rest, isolation)))
  const lasting = results.filter(
    ({ error }) => Reflect.get(Object(error), 'codeName') !== 'UNKNOWN_TOPIC_OR_PARTITION',
  )
  return new Map(call.valuesOf(lasting).map((entry) => [partitionName(entry), entry.offset]))
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
