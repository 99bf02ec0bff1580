// What groups have committed: list it, alter it, delete it.

import type { CommittedOffset } from '../consumer/offsets/committed-offsets.ts'
import { type OffsetCommitRequest, offsetCommit } from '../protocol/messages/offset-commit.ts'
import { offsetDelete } from '../protocol/messages/offset-delete.ts'
import { type OffsetFetchResponse, offsetFetch } from '../protocol/messages/offset-fetch.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { compareTopicPartitions, groupByTopic } from '../topic-partition.ts'
import type { OffsetToCommit, TopicPartition, WaitOptions } from '../types.ts'
import {
  checkInt,
  checkList,
  checkName,
  checkOffset,
  checkOptions,
  checkPartitions,
  checkText,
} from './checks.ts'
import type { AdminCall, AdminEngine, Batch, ItemResponse } from './engine.ts'
import {
  checkGroupQuery,
  type GroupOffsetsQuery,
  type GroupQuery,
  partitionResults,
} from './group-items.ts'
import { groupName, partitionName } from './names.ts'
import { inOrderOf, toCoordinators } from './routing.ts'

/** What a group has committed. Partitions without a committed offset are left out. */
export interface GroupOffsets {
  groupId: string
  offsets: CommittedOffset[]
}

export interface ListGroupOffsetsOptions extends WaitOptions {
  /**
   * Waits until no open transaction is about to commit offsets for the group (KIP-447).
   * @defaultValue false
   */
  requireStable?: boolean
}

const GROUPS_VERSION = 8
/** From v10 on topics have ids in place of names, which the caller may not have. */
const LAST_WITH_NAMES = 9
const STABLE_VERSION = 7

interface Query {
  groupId: string
  topics: { name: string; topicId: string; partitionIndexes: number[] }[] | null
}

export async function listConsumerGroupOffsets(
  engine: AdminEngine,
  groups: Iterable<string | GroupOffsetsQuery>,
  options: ListGroupOffsetsOptions = {},
): Promise<GroupOffsets[]> {
  const name = 'listConsumerGroupOffsets()'
  checkOptions(name, options)
  const wanted = checkList(name, 'groups', groups).map((group) =>
    toQuery(checkGroupQuery(name, group)),
  )
  const { requireStable = false } = options
  const call = engine.begin(name, options, ['requireStable'])
  return call.each(wanted, {
    nameOf: ({ groupId }) => groupName(groupId),
    route: toCoordinators('group', ({ groupId }) => groupId),
    send: (batch) => fetchOffsets(call, batch, requireStable),
  })
}

async function fetchOffsets(
  call: AdminCall,
  { target, items }: Batch<Query>,
  requireStable: boolean,
): Promise<(ItemResponse<GroupOffsets> | undefined)[]> {
  let isBatched = true
  const response = await call.send(
    offsetFetch,
    (version) => {
      isBatched = version >= GROUPS_VERSION
      const stable = requireStable && version >= STABLE_VERSION
      if (!isBatched) return { ...items[0], groups: [], requireStable: stable }
      const groups = items.map((item) => ({ ...item, memberId: null, memberEpoch: -1 }))
      return { groupId: '', topics: [], groups, requireStable: stable }
    },
    target,
    LAST_WITH_NAMES,
  )
  if (isBatched) {
    return inOrderOf(
      items,
      ({ groupId }) => groupId,
      response.groups,
      ({ groupId }) => groupId,
      ({ groupId, errorCode, topics }) => offsetsOf(groupId, errorCode, topics),
    )
  }
  const [first, ...rest] = items
  const own = offsetsOf(first.groupId, response.errorCode, response.topics)
  const others =
    rest.length === 0 ? [] : await fetchOffsets(call, { target, items: rest }, requireStable)
  return [own, ...others]
}

function offsetsOf(
  groupId: string,
  errorCode: number,
  topics: OffsetFetchResponse['topics'],
): ItemResponse<GroupOffsets> {
  const offsets: CommittedOffset[] = []
  let failed = errorCode
  for (const { name, partitions } of topics) {
    for (const entry of partitions) {
      if (entry.errorCode !== 0) failed = entry.errorCode
      if (entry.errorCode !== 0 || entry.committedOffset < 0n) continue
      offsets.push({
        topic: name,
        partition: entry.partitionIndex,
        offset: entry.committedOffset,
        leaderEpoch: entry.committedLeaderEpoch,
        metadata: entry.metadata ?? '',
      })
    }
  }
  offsets.sort(compareTopicPartitions)
  return { errorCode: failed, value: { groupId, offsets } }
}

export async function alterConsumerGroupOffsets(
  engine: AdminEngine,
  groupId: string,
  offsets: Iterable<OffsetToCommit>,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'alterConsumerGroupOffsets()'
  checkName(name, 'groupId', groupId)
  const wanted = checkPartitions(name, 'offsets', offsets)
  for (const item of wanted) {
    const { offset, leaderEpoch, metadata } = item
    const at = `of ${partitionName(item)}`
    checkOffset(name, `offset ${at}`, offset)
    if (leaderEpoch !== undefined) checkInt(name, `leaderEpoch ${at}`, leaderEpoch, -1)
    if (metadata !== undefined) checkText(name, `metadata ${at}`, metadata)
  }
  const call = engine.begin(name, options)
  await call.each(wanted, {
    nameOf: (item) => `${partitionName(item)} of ${groupName(groupId)}`,
    route: toCoordinators('group', () => groupId),
    send: async ({ target, items }) => {
      const body: OffsetCommitRequest = {
        groupId,
        generationIdOrMemberEpoch: -1,
        memberId: '',
        groupInstanceId: null,
        retentionTimeMs: -1n,
        topics: [...groupByTopic(items)].map(([name, ofTopic]) => ({
          name,
          topicId: ZERO_UUID,
          partitions: ofTopic.map(({ partition, offset, leaderEpoch = -1, metadata = '' }) => ({
            partitionIndex: partition,
            committedOffset: offset,
            committedLeaderEpoch: leaderEpoch,
            committedMetadata: metadata,
          })),
        })),
      }
      const { topics } = await call.send(offsetCommit, () => body, target, LAST_WITH_NAMES)
      return partitionResults(items, topics.map(withTopic))
    },
  })
}

export async function deleteConsumerGroupOffsets(
  engine: AdminEngine,
  groupId: string,
  partitions: Iterable<TopicPartition>,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'deleteConsumerGroupOffsets()'
  checkName(name, 'groupId', groupId)
  const wanted = checkPartitions(name, 'partitions', partitions)
  const call = engine.begin(name, options)
  await call.each(wanted, {
    nameOf: (item) => `${partitionName(item)} of ${groupName(groupId)}`,
    route: toCoordinators('group', () => groupId),
    send: async ({ target, items }) => {
      const topics = [...groupByTopic(items)].map(([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition }) => ({ partitionIndex: partition })),
      }))
      const response = await call.send(offsetDelete, () => ({ groupId, topics }), target)
      if (response.errorCode !== 0) {
        return items.map(() => ({ errorCode: response.errorCode, value: undefined }))
      }
      return partitionResults(items, response.topics.map(withTopic))
    },
  })
}

function toQuery({ groupId, topics }: GroupQuery): Query {
  if (topics === null) return { groupId, topics }
  return {
    groupId,
    topics: topics.map(({ topic, partitions }) => ({
      name: topic,
      topicId: ZERO_UUID,
      partitionIndexes: partitions,
    })),
  }
}

function withTopic<Entry extends { name: string }>(entry: Entry): Entry & { topic: string } {
  return { ...entry, topic: entry.name }
}
