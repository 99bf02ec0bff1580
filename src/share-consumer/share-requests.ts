// The two requests of a share consumer to the leaders of partitions.

import type { Connection } from '../network/connection.ts'
import {
  type ShareAcknowledgeRequest,
  type ShareAcknowledgeResponse,
  shareAcknowledge,
} from '../protocol/messages/share-acknowledge.ts'
import {
  type ShareFetchRequest,
  type ShareFetchResponse,
  shareFetch,
} from '../protocol/messages/share-fetch.ts'
import { partitionKey, type SentAcknowledgements } from './acknowledgements.ts'
import type { SharePartitionName } from './acquisition.ts'
import type { SessionTopics } from './share-session.ts'

export interface ShareRequestOptions {
  readonly groupId: string
  readonly memberId: string
  readonly requestTimeoutMs: number
  readonly fetchMaxWaitMs: number
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  readonly maxPollRecords: number
  readonly shareAcquireMode: 'batch_optimized' | 'record_limit'
}

const BATCH_OPTIMIZED = 0
const RECORD_LIMIT = 1

/** @param epoch of the session */
export function sendFetch(
  connection: Connection,
  epoch: number,
  topics: SessionTopics,
  acknowledged: SentAcknowledgements,
  options: ShareRequestOptions,
): Promise<ShareFetchResponse> {
  const { fetchMaxWaitMs, maxPollRecords, requestTimeoutMs } = options
  const body: ShareFetchRequest = {
    groupId: options.groupId,
    memberId: options.memberId,
    shareSessionEpoch: epoch,
    maxWaitMs: fetchMaxWaitMs,
    minBytes: options.fetchMinBytes,
    maxBytes: options.fetchMaxBytes,
    maxRecords: maxPollRecords,
    batchSize: maxPollRecords,
    shareAcquireMode: options.shareAcquireMode === 'record_limit' ? RECORD_LIMIT : BATCH_OPTIMIZED,
    isRenewAck: false,
    topics: byTopic(topics.named, (name) => ({
      partitionIndex: name.partition,
      acknowledgementBatches: acknowledged.get(partitionKey(name))?.batches ?? [],
    })),
    forgottenTopicsData: byTopic(topics.forgotten, ({ partition }) => partition),
  }
  const timeoutMs = fetchMaxWaitMs + requestTimeoutMs
  return connection.send(shareFetch, connection.version(shareFetch), body, { timeoutMs })
}

/** @param epoch of the session; -1 ends it */
export function sendAcknowledgements(
  connection: Connection,
  epoch: number,
  topics: ShareAcknowledgeRequest['topics'],
  isRenewAck: boolean,
  options: ShareRequestOptions,
): Promise<ShareAcknowledgeResponse> {
  const { groupId, memberId, requestTimeoutMs: timeoutMs } = options
  const body: ShareAcknowledgeRequest = {
    groupId,
    memberId,
    shareSessionEpoch: epoch,
    isRenewAck,
    topics,
  }
  const version = connection.version(shareAcknowledge)
  return connection.send(shareAcknowledge, version, body, { timeoutMs })
}

function byTopic<T>(
  names: readonly SharePartitionName[],
  entryOf: (name: SharePartitionName) => T,
): { topicId: string; partitions: T[] }[] {
  const topics = new Map<string, T[]>()
  for (const name of names) {
    const ofTopic = topics.get(name.topicId)
    if (ofTopic === undefined) topics.set(name.topicId, [entryOf(name)])
    else ofTopic.push(entryOf(name))
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }))
}
