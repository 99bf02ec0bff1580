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
import { AcquiredReader } from './acquired-records.ts'
import { Acquisition, type SessionHold, type SharePartitionName } from './acquisition.ts'
import type { ShareAssignment, SharePartition } from './share-assignment.ts'
import { shareError, sharePartitionAction } from './share-error-table.ts'
import type { Acknowledger } from './share-record.ts'

export interface ShareResponseOwner<K, V> extends Acknowledger {
  source(topic: string, partition: number): RecordSource<K, V>
  /** @param onRead called when all of it was read; with the error if no record of it could be read */
  onAcquired(reader: AcquiredReader<K, V>, onRead: (error: Error | null) => void): void
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

export function applyShareResponse<K, V>(
  context: ShareResponseContext<K, V>,
  response: ShareFetchResponse,
): void {
  const { cluster, owner, targets, acknowledged } = context
  const byKey = new Map(targets.map((target) => [partitionKey(target), target]))
  const unsettled = new Map(acknowledged)
  const acquired: (() => void)[] = []
  /** Of which it is not known that nothing is in the way. */
  const open = new Set<SharePartition>()
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
        open.add(target)
        applyError(context, target, data)
      }
      const lockMs = response.acquisitionLockTimeoutMs
      if (data.acquiredRecords.length === 0) continue
      open.add(target)
      acquired.push(() => acquire(context, target, data, lockMs))
    }
  }
  for (const sent of unsettled.values()) {
    owner.onSettled(
      sent,
      acknowledgeError(sent, errorCodes.UNKNOWN_SERVER_ERROR, 'no outcome', null),
    )
  }
  for (const target of targets) if (!open.has(target)) target.succeeded()
  for (const each of acquired) each()
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
  const action = sharePartitionAction(errorCode)
  cluster.options.logger.debug(error.message)
  if (action === 'refresh') cluster.requestRefresh(error.message)
  if (action === 'report') owner.onRefused(error)
  backOff(cluster, target, error)
}

function acquire<K, V>(
  { cluster, hold, owner, options, sentAt }: ShareResponseContext<K, V>,
  target: SharePartition,
  { records, acquiredRecords, errorCode }: ShareFetchPartitionData,
  lockMs: number,
): void {
  const { topic, topicId, partition } = target
  const acquisition = new Acquisition({ topic, topicId, partition }, hold, sentAt, lockMs)
  const source = owner.source(topic, partition)
  owner.onAcquired(
    new AcquiredReader(records, acquiredRecords, source, acquisition, owner, options),
    (error) => {
      if (error !== null) backOff(cluster, target, error)
      else if (errorCode === 0) target.succeeded()
    },
  )
}

function backOff(cluster: Cluster, target: SharePartition, error: Error): void {
  const { retryBackoffMs, retryBackoffMaxMs } = cluster.options
  target.failed(error, (failures) => backoff(failures, retryBackoffMs, retryBackoffMaxMs))
}
