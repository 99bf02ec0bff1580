// What the partitions of a ShareFetch or ShareAcknowledge response mean: outcomes of acknowledgements,
// leaders, records that were acquired.

import { backoff } from '../async/retry.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { LeaderHint } from '../cluster/leader-hints.ts'
import type { KafkaError } from '../errors.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import type { LeaderIdAndEpoch, NodeEndpoint } from '../protocol/messages/current-leader.ts'
import type {
  ShareFetchPartitionData,
  ShareFetchResponse,
} from '../protocol/messages/share-fetch.ts'
import type { RecordSource } from '../records/record-context.ts'
import type { RecordsReaderOptions } from '../records/records-reader.ts'
import {
  type PartitionAcknowledgements,
  partitionKey,
  type SentAcknowledgements,
} from './acknowledgements.ts'
import { type AcquiredBlock, readAcquired } from './acquired-records.ts'
import { Acquisition, type SessionHold, type SharePartitionName } from './acquisition.ts'
import type { ShareAssignment, SharePartition } from './share-assignment.ts'
import { shareError, sharePartitionAction } from './share-error-table.ts'
import type { Acknowledger } from './share-record.ts'

export interface ShareResponseOwner<K, V> extends Acknowledger {
  source(topic: string, partition: number): RecordSource<K, V>
  onAcquired(block: AcquiredBlock<K, V>, acquisition: Acquisition): void
  /** Acknowledgements have an outcome. */
  onSettled(acknowledgements: PartitionAcknowledgements, error: KafkaError | null): void
  /** The brokers refuse this user, or the log is corrupt: the caller gets the error once. */
  onRefused(error: Error): void
}

export interface ShareResponseContext<K, V> {
  readonly cluster: Cluster
  readonly assignment: ShareAssignment
  /** The session that the records are acquired in. */
  readonly hold: SessionHold
  /** What the request was to fetch. */
  readonly targets: readonly SharePartition[]
  /** What the request acknowledged. */
  readonly acknowledged: SentAcknowledgements
  /** When it was sent (monotonic ms). */
  readonly sentAt: number
  readonly options: RecordsReaderOptions
  readonly owner: ShareResponseOwner<K, V>
}

export async function applyShareResponse<K, V>(
  context: ShareResponseContext<K, V>,
  response: ShareFetchResponse,
): Promise<void> {
  const { cluster, owner, targets, acknowledged } = context
  const byKey = new Map(targets.map((target) => [partitionKey(target), target]))
  const unsettled = new Map(acknowledged)
  const failed = new Set<SharePartition>()
  const reading: Promise<void>[] = []
  learnLeaders(cluster, response, (key) => byKey.get(key))
  for (const { topicId, partitions } of response.responses) {
    for (const data of partitions) {
      const key = partitionKey({ topicId, partition: data.partitionIndex })
      const sent = unsettled.get(key)
      unsettled.delete(key)
      if (sent !== undefined) {
        const { acknowledgeErrorCode: code, acknowledgeErrorMessage: text } = data
        owner.onSettled(sent, acknowledgeError(sent, code, text, cluster.principal))
      }
      const target = byKey.get(key)
      if (target === undefined) continue
      if (data.errorCode !== 0) {
        failed.add(target)
        applyError(context, target, data)
      }
      const lockMs = response.acquisitionLockTimeoutMs
      if (data.acquiredRecords.length > 0) reading.push(acquire(context, target, data, lockMs))
    }
  }
  for (const sent of unsettled.values()) {
    owner.onSettled(
      sent,
      acknowledgeError(sent, errorCodes.UNKNOWN_SERVER_ERROR, 'no outcome', null),
    )
  }
  for (const target of targets) if (!failed.has(target)) target.succeeded()
  await Promise.all(reading)
}

/** The outcomes in a ShareAcknowledge response. */
export function settleAll<K, V>(
  owner: ShareResponseOwner<K, V>,
  cluster: Cluster,
  acknowledged: SentAcknowledgements,
  response: {
    readonly responses: readonly {
      readonly topicId: string
      readonly partitions: readonly {
        readonly partitionIndex: number
        readonly errorCode: number
        readonly errorMessage: string | null
        readonly currentLeader: LeaderIdAndEpoch
      }[]
    }[]
    readonly nodeEndpoints: NodeEndpoint[]
  },
): void {
  const unsettled = new Map(acknowledged)
  learnLeaders(cluster, response, (key) => acknowledged.get(key)?.name)
  for (const { topicId, partitions } of response.responses) {
    for (const { partitionIndex, errorCode, errorMessage } of partitions) {
      const key = partitionKey({ topicId, partition: partitionIndex })
      const sent = unsettled.get(key)
      if (sent === undefined) continue
      unsettled.delete(key)
      const error = acknowledgeError(sent, errorCode, errorMessage, cluster.principal)
      owner.onSettled(sent, error)
    }
  }
  for (const sent of unsettled.values()) {
    owner.onSettled(
      sent,
      acknowledgeError(sent, errorCodes.UNKNOWN_SERVER_ERROR, 'no outcome', null),
    )
  }
}

function acknowledgeError(
  { name }: PartitionAcknowledgements,
  code: number,
  text: string | null,
  principal: string | null,
): KafkaError | null {
  if (code === errorCodes.NONE) return null
  const what = `The acknowledgement of ${name.topic}-${name.partition}`
  return shareError(code, what, text, principal)
}

/** @param nameOf the partition of this key, if the request was about it */
function learnLeaders(
  cluster: Cluster,
  response: {
    readonly responses: readonly {
      readonly topicId: string
      readonly partitions: readonly {
        readonly partitionIndex: number
        readonly currentLeader: LeaderIdAndEpoch
      }[]
    }[]
    readonly nodeEndpoints: NodeEndpoint[]
  },
  nameOf: (key: string) => SharePartitionName | undefined,
): void {
  const hints: LeaderHint[] = []
  for (const { topicId, partitions } of response.responses) {
    for (const { partitionIndex, currentLeader } of partitions) {
      if (currentLeader.leaderId < 0) continue
      const name = nameOf(partitionKey({ topicId, partition: partitionIndex }))
      if (name === undefined) continue
      const { topic, partition } = name
      hints.push({ topic, topicId: name.topicId, partition, ...currentLeader })
    }
  }
  cluster.applyLeaderHints(hints, response.nodeEndpoints)
}

function applyError<K, V>(
  { cluster, owner }: ShareResponseContext<K, V>,
  target: SharePartition,
  { errorCode, errorMessage }: ShareFetchPartitionData,
): void {
  const what = `ShareFetch of ${target.name}`
  const error = shareError(errorCode, what, errorMessage, cluster.principal)
  const { retryBackoffMs, retryBackoffMaxMs, logger } = cluster.options
  const action = sharePartitionAction(errorCode)
  logger.debug(error.message)
  if (action === 'refresh') cluster.requestRefresh(error.message)
  if (action === 'report') owner.onRefused(error)
  target.failed(error, (failures) => backoff(failures, retryBackoffMs, retryBackoffMaxMs))
}

async function acquire<K, V>(
  { hold, owner, options, sentAt }: ShareResponseContext<K, V>,
  target: SharePartition,
  { records, acquiredRecords }: ShareFetchPartitionData,
  lockMs: number,
): Promise<void> {
  const { topic, topicId, partition } = target
  const acquisition = new Acquisition({ topic, topicId, partition }, hold, sentAt, lockMs)
  const source = owner.source(topic, partition)
  const block = await readAcquired(records, acquiredRecords, source, acquisition, owner, options)
  owner.onAcquired(block, acquisition)
}
