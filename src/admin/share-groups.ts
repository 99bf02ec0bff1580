// Offsets of share groups (KIP-932): where a group's records in flight begin, partition by partition.

import { alterShareGroupOffsets as alterApi } from '../protocol/messages/alter-share-group-offsets.ts'
import { deleteShareGroupOffsets as deleteApi } from '../protocol/messages/delete-share-group-offsets.ts'
import { describeShareGroupOffsets as describeApi } from '../protocol/messages/describe-share-group-offsets.ts'
import { groupByTopic } from '../topic-partition.ts'
import type { TopicPartition, WaitOptions } from '../types.ts'
import { checkList, checkName, checkNames, checkOffset, checkPartitions } from './checks.ts'
import type { AdminEngine } from './engine.ts'
import { checkGroupQuery, type GroupOffsetsQuery, partitionResults } from './group-items.ts'
import { itemError } from './item-errors.ts'
import { groupName, partitionName } from './names.ts'
import { inOrderOf, toCoordinators } from './routing.ts'

/** Where a share group's records in flight begin in one partition. */
export interface ShareGroupOffset extends TopicPartition {
  /** Null: the group has not read from the partition yet. */
  startOffset: bigint | null
  /** Records that are not acknowledged yet; null: brokers before 4.2 do not say. */
  lag: bigint | null
  leaderEpoch: number
}

export interface ShareGroupOffsets {
  groupId: string
  offsets: ShareGroupOffset[]
}

/** Where a share group is to begin in one partition. */
export interface ShareGroupStart extends TopicPartition {
  offset: bigint
}

export async function listShareGroupOffsets(
  engine: AdminEngine,
  groups: Iterable<string | GroupOffsetsQuery>,
  options: WaitOptions = {},
): Promise<ShareGroupOffsets[]> {
  const name = 'listShareGroupOffsets()'
  const wanted = checkList(name, 'groups', groups).map((group) => {
    const { groupId, topics } = checkGroupQuery(name, group)
    return {
      groupId,
      topics: topics?.map(({ topic, partitions }) => ({ topicName: topic, partitions })) ?? null,
    }
  })
  const call = engine.begin(name, options)
  return call.each(wanted, {
    nameOf: ({ groupId }) => groupName(groupId),
    route: toCoordinators('group', ({ groupId }) => groupId),
    send: async ({ target, items }) => {
      const response = await call.send(describeApi, () => ({ groups: [...items] }), target)
      return inOrderOf(
        items,
        ({ groupId }) => groupId,
        response.groups,
        ({ groupId }) => groupId,
        ({ groupId, errorCode, errorMessage, topics }) => {
          const failed = topics
            .flatMap(({ partitions }) => partitions)
            .find((partition) => partition.errorCode !== 0)
          const offsets = topics.flatMap(({ topicName, partitions }) =>
            partitions.map(({ partitionIndex, startOffset, lag, leaderEpoch }) => ({
              topic: topicName,
              partition: partitionIndex,
              startOffset: startOffset < 0n ? null : startOffset,
              lag: lag < 0n ? null : lag,
              leaderEpoch,
            })),
          )
          return {
            errorCode: errorCode || (failed?.errorCode ?? 0),
            errorMessage: errorMessage ?? failed?.errorMessage,
            value: { groupId, offsets },
          }
        },
      )
    },
  })
}

export async function alterShareGroupOffsets(
  engine: AdminEngine,
  groupId: string,
  offsets: Iterable<ShareGroupStart>,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'alterShareGroupOffsets()'
  checkName(name, 'groupId', groupId)
  const wanted = checkPartitions(name, 'offsets', offsets)
  for (const item of wanted) checkOffset(name, `offset of ${partitionName(item)}`, item.offset)
  const call = engine.begin(name, options)
  await call.each(wanted, {
    nameOf: (item) => `${partitionName(item)} of ${groupName(groupId)}`,
    route: toCoordinators('group', () => groupId),
    send: async ({ target, items }) => {
      const topics = [...groupByTopic(items)].map(([topicName, ofTopic]) => ({
        topicName,
        partitions: ofTopic.map(({ partition, offset }) => ({
          partitionIndex: partition,
          startOffset: offset,
        })),
      }))
      const response = await call.send(alterApi, () => ({ groupId, topics }), target)
      if (response.errorCode !== 0) {
        const { errorCode, errorMessage } = response
        return items.map(() => ({ errorCode, errorMessage, value: undefined }))
      }
      const responses = response.responses.map((entry) => ({ ...entry, topic: entry.topicName }))
      return partitionResults(items, responses)
    },
  })
}

export async function deleteShareGroupOffsets(
  engine: AdminEngine,
  groupId: string,
  topics: Iterable<string>,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'deleteShareGroupOffsets()'
  checkName(name, 'groupId', groupId)
  const wanted = checkNames(name, 'topics', topics)
  const call = engine.begin(name, options)
  await call.each(wanted, {
    nameOf: (topic) => `topic "${topic}" of ${groupName(groupId)}`,
    route: toCoordinators('group', () => groupId),
    send: async ({ target, items }) => {
      const body = { groupId, topics: items.map((topicName) => ({ topicName })) }
      const response = await call.send(deleteApi, () => body, target)
      const { errorCode, errorMessage } = response
      if (errorCode !== 0)
        throw itemError(errorCode, call.title(groupName(groupId)), { errorMessage })
      return inOrderOf(
        items,
        (topic) => topic,
        response.responses,
        ({ topicName }) => topicName,
        (entry) => ({
          errorCode: entry.errorCode,
          errorMessage: entry.errorMessage,
          value: undefined,
        }),
      )
    },
  })
}
