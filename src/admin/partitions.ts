// Partitions: add them, elect their leaders, delete their records, ask for their offsets.

import { greatest } from '../collections/long-lists.ts'
import type { ItemResult } from '../errors.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import { createPartitions as createApi } from '../protocol/messages/create-partitions.ts'
import { deleteRecords as deleteApi } from '../protocol/messages/delete-records.ts'
import { electLeaders as electApi } from '../protocol/messages/elect-leaders.ts'
import { listOffsets as offsetsApi } from '../protocol/messages/list-offsets.ts'
import { groupByTopic } from '../topic-partition.ts'
import type { TopicPartition, WaitOptions } from '../types.ts'
import {
  checkAssignments,
  checkInt,
  checkItem,
  checkList,
  checkName,
  checkOffset,
  checkOptions,
  checkPartitions,
  wrong,
} from './checks.ts'
import { type ElectionType, electionTypes, numberOf } from './constants.ts'
import type { AdminEngine } from './engine.ts'
import { itemError } from './item-errors.ts'
import { partitionName } from './names.ts'
import type { ValidateOptions } from './options.ts'
import { inOrderOf, leaderRetries, onePerPartition, toLeaders } from './routing.ts'

/** How many partitions a topic is to have. */
export interface NewPartitions {
  topic: string
  /** The new total, greater than what the topic has. */
  totalCount: number
  /** The replicas of each new partition, in order. Default: the controller chooses. */
  assignments?: readonly (readonly number[])[]
}

/** Which partitions to elect leaders for. */
export interface ElectLeadersOptions extends WaitOptions {
  /** @defaultValue all partitions of the cluster */
  partitions?: Iterable<TopicPartition>
}

/** The outcome of an election. `isElected` is false where the leader already was the right one. */
export interface ElectionResult extends TopicPartition {
  isElected: boolean
}

/** Up to where the records of a partition are to be deleted. */
export interface RecordsToDelete extends TopicPartition {
  /** Records before this offset are deleted. `latest`: all records. */
  beforeOffset: bigint | 'latest'
}

/** Where a partition begins after records were deleted. */
export interface DeletedRecords extends TopicPartition {
  lowWatermark: bigint
}

/**
 * Which offset of a partition: that of its first record, behind its last record, of the record with the
 * greatest timestamp, of the first record that is not older than a timestamp (ms since 1970), or of
 * tiered storage (KIP-405, KIP-1005, KIP-1023).
 */
export type OffsetSpec =
  | 'earliest'
  | 'latest'
  | 'max_timestamp'
  | 'earliest_local'
  | 'latest_tiered'
  | 'earliest_pending_upload'
  | { timestamp: number }

/** A partition, and which of its offsets is asked for. */
export interface OffsetQuery extends TopicPartition {
  offset: OffsetSpec
}

export interface ListOffsetsOptions extends WaitOptions {
  /**
   * With `read_committed`, `latest` is the last stable offset: open transactions end there.
   * @defaultValue 'read_uncommitted'
   */
  isolationLevel?: 'read_committed' | 'read_uncommitted'
}

/** An offset of a partition. */
export interface ListedOffset extends TopicPartition {
  /** -1: no record fits, as for a timestamp that is younger than all records. */
  offset: bigint
  /** The record's timestamp (ms since 1970), or -1. */
  timestamp: number
  /** -1: unknown. */
  leaderEpoch: number
}

const offsetTimestamps = {
  latest: -1n,
  earliest: -2n,
  max_timestamp: -3n,
  earliest_local: -4n,
  latest_tiered: -5n,
  earliest_pending_upload: -6n,
} as const

/** Which version of ListOffsets is the first to know a special timestamp. */
const sinceVersion: Record<string, number> = {
  max_timestamp: 7,
  earliest_local: 8,
  latest_tiered: 9,
  earliest_pending_upload: 11,
}

export async function createPartitions(
  engine: AdminEngine,
  topics: Iterable<NewPartitions>,
  options: ValidateOptions = {},
): Promise<void> {
  const name = 'createPartitions()'
  const wanted = checkList(name, 'topics', topics).map((item) => {
    checkItem(name, 'each of topics', item, ['topic', 'totalCount', 'assignments'])
    const { topic, totalCount, assignments: given } = item
    checkName(name, 'topic of each of topics', topic)
    checkInt(name, `totalCount of topic "${topic}"`, totalCount, 1)
    const assignments =
      given === undefined ? null : checkAssignments(name, `assignments of topic "${topic}"`, given)
    return { topic, totalCount, assignments }
  })
  const call = engine.begin(name, options, ['validateOnly'])
  const { validateOnly = false } = options
  await call.each(wanted, {
    nameOf: ({ topic }) => `topic "${topic}"`,
    send: async ({ target, items }) => {
      const body = {
        topics: items.map(({ topic, totalCount, assignments }) => ({
          name: topic,
          count: totalCount,
          assignments: assignments?.map((brokerIds) => ({ brokerIds: [...brokerIds] })) ?? null,
        })),
        timeoutMs: call.brokerMs,
        validateOnly,
      }
      const { results } = await call.send(createApi, () => body, target)
      return inOrderOf(
        items,
        ({ topic }) => topic,
        results,
        ({ name }) => name,
        ({ errorCode, errorMessage }) => ({ errorCode, errorMessage, value: undefined }),
      )
    },
  })
}

export async function electLeaders(
  engine: AdminEngine,
  electionType: ElectionType,
  options: ElectLeadersOptions = {},
): Promise<ElectionResult[]> {
  const name = 'electLeaders()'
  checkOptions(name, options)
  const type = numberOf(name, 'electionType', electionTypes, electionType)
  const { partitions } = options
  const wanted =
    partitions === undefined ? undefined : checkPartitions(name, 'partitions', partitions)
  const call = engine.begin(name, options, ['partitions'])
  const send = async (items: readonly TopicPartition[] | null): Promise<ElectionResponse[]> => {
    const topicPartitions =
      items === null
        ? null
        : [...groupByTopic(items)].map(([topic, ofTopic]) => ({
            topic,
            partitions: ofTopic.map(({ partition }) => partition),
          }))
    const body = { electionType: type, topicPartitions, timeoutMs: call.brokerMs }
    const response = await call.send(electApi, () => body, 'controller')
    if (response.errorCode !== 0) throw itemError(response.errorCode, name)
    return response.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
      partitionResult.map(({ partitionId, errorCode, errorMessage }) => {
        const isElected = errorCode !== errorCodes.ELECTION_NOT_NEEDED
        return {
          errorCode: isElected ? errorCode : 0,
          errorMessage,
          value: { topic, partition: partitionId, isElected },
        }
      }),
    )
  }
  if (wanted === undefined) {
    // The response to a request for all lists only the partitions that needed an election.
    const responses = await call.retry('', () => send(null))
    return call.valuesOf(
      responses.map(({ errorCode, errorMessage, value }): ItemResult<ElectionResult> => {
        const item = partitionName(value)
        if (errorCode === 0) return { item, value, error: null }
        const error = itemError(errorCode, call.title(item), { errorMessage })
        return { item, value: null, error }
      }),
    )
  }
  return call.each(wanted, {
    nameOf: partitionName,
    send: async ({ items }) =>
      inOrderOf(
        items,
        partitionName,
        await send(items),
        ({ value }) => partitionName(value),
        (response) => response,
      ),
  })
}

interface ElectionResponse {
  errorCode: number
  errorMessage: string | null
  value: ElectionResult
}

export async function deleteRecords(
  engine: AdminEngine,
  records: Iterable<RecordsToDelete>,
  options: WaitOptions = {},
): Promise<DeletedRecords[]> {
  const name = 'deleteRecords()'
  const wanted = checkPartitions(name, 'records', records)
  for (const item of wanted) {
    if (item.beforeOffset === 'latest') continue
    checkOffset(name, `beforeOffset of ${partitionName(item)}`, item.beforeOffset)
  }
  const call = engine.begin(name, options)
  return call.each(wanted, {
    nameOf: partitionName,
    route: toLeaders((item) => item),
    retries: leaderRetries,
    send: async ({ target, items }) => {
      const topics = [...groupByTopic(items)].map(([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition, beforeOffset }) => ({
          partitionIndex: partition,
          offset: beforeOffset === 'latest' ? -1n : beforeOffset,
        })),
      }))
      const body = { topics, timeoutMs: call.brokerMs }
      const response = await call.send(deleteApi, () => body, target)
      const entries = response.topics.flatMap(({ name, partitions }) =>
        partitions.map((entry) => ({ ...entry, topic: name, partition: entry.partitionIndex })),
      )
      return inOrderOf(
        items,
        partitionName,
        entries,
        partitionName,
        ({ topic, partition, lowWatermark, errorCode }) => ({
          errorCode,
          value: { topic, partition, lowWatermark },
        }),
      )
    },
  })
}

export async function listOffsets(
  engine: AdminEngine,
  queries: Iterable<OffsetQuery>,
  options: ListOffsetsOptions = {},
): Promise<ListedOffset[]> {
  const name = 'listOffsets()'
  checkOptions(name, options)
  const wanted = checkPartitions(name, 'queries', queries).map((query) => ({
    query,
    timestamp: timestampOf(name, query),
    since: typeof query.offset === 'string' ? (sinceVersion[query.offset] ?? 0) : 0,
  }))
  const { isolationLevel = 'read_uncommitted' } = options
  const call = engine.begin(name, options, ['isolationLevel'])
  return call.each(wanted, {
    nameOf: ({ query }) => `${offsetName(query.offset)} of ${partitionName(query)}`,
    route: onePerPartition(
      toLeaders(({ query }) => query),
      ({ query }) => query,
    ),
    retries: leaderRetries,
    send: async ({ target, items }) => {
      const topics = [...groupByTopic(items.map((item) => ({ ...item, ...item.query })))].map(
        ([name, ofTopic]) => ({
          name,
          partitions: ofTopic.map(({ partition, timestamp }) => ({
            partitionIndex: partition,
            currentLeaderEpoch: -1,
            timestamp,
          })),
        }),
      )
      const timeoutMs = call.brokerMs
      const needed = greatest(items.map(({ since }) => since))
      const response = await call.send(
        offsetsApi,
        (version) => {
          if (version < needed) {
            throw itemError(errorCodes.UNSUPPORTED_VERSION, name, {
              errorMessage: `these brokers cannot tell the offset that was asked for: it needs ListOffsets v${needed}, and they speak v${version}`,
            })
          }
          return {
            replicaId: -1,
            isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
            topics,
            timeoutMs,
          }
        },
        target,
      )
      const entries = response.topics.flatMap(({ name, partitions }) =>
        partitions.map((entry) => ({ ...entry, topic: name, partition: entry.partitionIndex })),
      )
      return inOrderOf(
        items,
        ({ query }) => partitionName(query),
        entries,
        partitionName,
        ({ topic, partition, offset, timestamp, leaderEpoch, errorCode }) => ({
          errorCode,
          value: { topic, partition, offset, timestamp: Number(timestamp), leaderEpoch },
        }),
      )
    },
  })
}

function offsetName(offset: OffsetSpec): string {
  return typeof offset === 'string' ? `${offset} offset` : `offset at timestamp ${offset.timestamp}`
}

function timestampOf(call: string, query: OffsetQuery): bigint {
  const { offset } = query
  const what = `offset of ${partitionName(query)}`
  if (typeof offset === 'string' && Object.hasOwn(offsetTimestamps, offset)) {
    return offsetTimestamps[offset]
  }
  const timestamp = typeof offset === 'object' && offset !== null ? offset.timestamp : undefined
  if (Number.isSafeInteger(timestamp) && timestamp !== undefined && timestamp >= 0) {
    return BigInt(timestamp)
  }
  const names = Object.keys(offsetTimestamps).join(', ')
  throw wrong(call, what, `one of ${names}, or { timestamp } in ms since 1970`, offset)
}
