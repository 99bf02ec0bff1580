// OffsetFetch, one attempt: what the group has committed. Always asks for stable offsets (KIP-447), by
// names or by topic ids, whichever the coordinator speaks, and matches the response likewise.

import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient } from '../../cluster/coordinator-client.ts'
import { KafkaError } from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import {
  type OffsetFetchRequest,
  type OffsetFetchResponse,
  offsetFetch,
} from '../../protocol/messages/offset-fetch.ts'
import { groupByTopic } from '../../topic-partition.ts'
import type { TopicPartition } from '../../types.ts'
import { NO_TOPIC_ID } from '../assignment/assigned-partition.ts'

/** An offset that a group committed. */
export interface CommittedOffset extends TopicPartition {
  offset: bigint
  /** Leader epoch of the record before it; -1: not known. */
  leaderEpoch: number
  /** What the committer wrote beside it; empty for nothing. */
  metadata: string
}

export interface CommittedOffsets {
  /** Partitions without a committed offset are in neither list. */
  committed: CommittedOffset[]
  errors: { topic: string; partition: number; error: KafkaError }[]
}

/** A member of a KIP-848 group: the coordinator refuses to serve one that is not so any more. */
export interface FetchingMember {
  readonly memberId: string
  readonly memberEpoch: number
}

const STABLE_VERSION = 7
const GROUPS_VERSION = 8
/** First version that says which member asks. */
const MEMBER_VERSION = 9
const TOPIC_ID_VERSION = 10

/** @throws BrokerError for the group as a whole, and what the connection throws */
export async function fetchCommitted(
  cluster: Cluster,
  coordinator: CoordinatorClient,
  partitions: readonly TopicPartition[],
  options: { timeoutMs?: number; signal?: AbortSignal; member?: FetchingMember | null } = {},
): Promise<CommittedOffsets> {
  const { groupId } = coordinator
  const { member, ...limits } = options
  const byTopic = groupByTopic(partitions)
  const topics = [...byTopic].map(([name, ofTopic]) => ({
    name,
    topicId: cluster.topic(name)?.topicId ?? NO_TOPIC_ID,
    partitionIndexes: ofTopic.map(({ partition }) => partition),
  }))
  const hasIds = topics.every(({ topicId }) => topicId !== NO_TOPIC_ID)
  const body = (version: number): OffsetFetchRequest =>
    version >= GROUPS_VERSION
      ? {
          groupId: '',
          topics: [],
          groups: [
            {
              groupId,
              memberId: version >= MEMBER_VERSION ? (member?.memberId ?? null) : null,
              memberEpoch: version >= MEMBER_VERSION ? (member?.memberEpoch ?? -1) : -1,
              topics,
            },
          ],
          requireStable: true,
        }
      : { groupId, topics, groups: [], requireStable: version >= STABLE_VERSION }
  const maxVersion = hasIds ? undefined : TOPIC_ID_VERSION - 1
  const { response, version, nodeId } = await coordinator.request(offsetFetch, body, {
    ...limits,
    maxVersion,
  })
  const group = groupOf(response, version, groupId)
  if (group.errorCode !== errorCodes.NONE) {
    coordinator.handleCode(group.errorCode, nodeId)
    const what = `OffsetFetch of group ${groupId} at node ${nodeId}`
    throw brokerError(group.errorCode, what, cluster.principal)
  }
  const nameOf = new Map(topics.map(({ name, topicId }) => [topicId, name]))
  const missing = new Map(
    topics.map(({ name, partitionIndexes }) => [name, new Set(partitionIndexes)]),
  )
  const result: CommittedOffsets = { committed: [], errors: [] }
  for (const topicOffsets of group.topics) {
    const topic = version >= TOPIC_ID_VERSION ? nameOf.get(topicOffsets.topicId) : topicOffsets.name
    if (topic === undefined) continue
    for (const { partitionIndex, errorCode, ...found } of topicOffsets.partitions) {
      const partition = partitionIndex
      missing.get(topic)?.delete(partition)
      if (errorCode !== errorCodes.NONE) {
        const what = `OffsetFetch of ${topic}-${partition} of group ${groupId} at node ${nodeId}`
        const error = brokerError(errorCode, what, cluster.principal)
        result.errors.push({ topic, partition, error })
      } else if (found.committedOffset >= 0n) {
        result.committed.push({
          topic,
          partition,
          offset: found.committedOffset,
          leaderEpoch: found.committedLeaderEpoch,
          metadata: found.metadata ?? '',
        })
      }
    }
  }
  // Silence about a partition must not be taken for "nothing committed": that would reset it.
  for (const [topic, ofTopic] of missing) {
    for (const partition of ofTopic) {
      const text = `Node ${nodeId} left ${topic}-${partition} out of its OffsetFetch response`
      result.errors.push({ topic, partition, error: new KafkaError(text, { retriable: true }) })
    }
  }
  return result
}

interface GroupOffsets {
  errorCode: number
  topics: {
    name: string
    topicId: string
    partitions: OffsetFetchResponse['topics'][number]['partitions']
  }[]
}

function groupOf(response: OffsetFetchResponse, version: number, groupId: string): GroupOffsets {
  if (version >= GROUPS_VERSION) {
    const group = response.groups.find((candidate) => candidate.groupId === groupId)
    return group ?? { errorCode: errorCodes.UNKNOWN_SERVER_ERROR, topics: [] }
  }
  const topics = response.topics.map((topic) => ({ ...topic, topicId: NO_TOPIC_ID }))
  return { errorCode: response.errorCode, topics }
}
