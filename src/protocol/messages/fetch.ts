// Fetch reads record batches of partitions, by consumers and followers. v4 adds isolationLevel, v5
// logStartOffset, v7 sessions (KIP-227), v9 currentLeaderEpoch (KIP-320), v11 rackId and the replica to
// read from (KIP-392). v12 is flexible and tells of diverging epochs. v13 names topics by id (KIP-516).
// v15 moves replicaId into replicaState (KIP-903). v16 adds the endpoints of new leaders (KIP-951), v17
// replicaDirectoryId (KIP-853), v18 the follower's highWatermark (KIP-1166).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'
import {
  decodeLeader,
  decodeNodeEndpoint,
  encodeLeader,
  encodeNodeEndpoint,
  isLeaderKnown,
  type LeaderIdAndEpoch,
  type NodeEndpoint,
} from './current-leader.ts'

const MAX_INT64 = 0x7fffffffffffffffn

export interface FetchRequest {
  replicaId: number
  maxWaitMs: number
  minBytes: number
  maxBytes: number
  isolationLevel: number
  sessionId: number
  sessionEpoch: number
  topics: FetchTopic[]
  forgottenTopicsData: ForgottenTopic[]
  rackId: string
  clusterId: string | null
  replicaState: ReplicaState
}

export interface ReplicaState {
  replicaId: number
  replicaEpoch: bigint
}

export interface FetchTopic {
  topic: string
  topicId: string
  partitions: FetchPartition[]
}

export interface FetchPartition {
  partition: number
  currentLeaderEpoch: number
  fetchOffset: bigint
  lastFetchedEpoch: number
  logStartOffset: bigint
  partitionMaxBytes: number
  replicaDirectoryId: string
  highWatermark: bigint
}

export interface ForgottenTopic {
  topic: string
  topicId: string
  partitions: number[]
}

export interface FetchResponse {
  throttleTimeMs: number
  errorCode: number
  sessionId: number
  responses: FetchableTopicResponse[]
  nodeEndpoints: NodeEndpoint[]
}

export interface FetchableTopicResponse {
  topic: string
  topicId: string
  partitions: PartitionData[]
}

export interface PartitionData {
  partitionIndex: number
  errorCode: number
  highWatermark: bigint
  lastStableOffset: bigint
  logStartOffset: bigint
  abortedTransactions: AbortedTransaction[] | null
  preferredReadReplica: number
  records: Buffer | null
  divergingEpoch: EpochEndOffset
  currentLeader: LeaderIdAndEpoch
  snapshotId: SnapshotId
}

export interface EpochEndOffset {
  epoch: number
  endOffset: bigint
}

export interface SnapshotId {
  endOffset: bigint
  epoch: number
}

export interface AbortedTransaction {
  producerId: bigint
  firstOffset: bigint
}

function encodeRequest(w: Writer, request: FetchRequest): void {
  if (w.version <= 14) w.int32(request.replicaId)
  else if (request.replicaId !== -1) throw w.unsupported('replicaId')
  w.int32(request.maxWaitMs)
  w.int32(request.minBytes)
  w.int32(request.maxBytes)
  w.int8(request.isolationLevel)
  if (w.version >= 7) w.int32(request.sessionId)
  if (w.version >= 7) w.int32(request.sessionEpoch)
  w.array(request.topics, encodeTopic)
  if (w.version >= 7) w.array(request.forgottenTopicsData, encodeForgottenTopic)
  else if (request.forgottenTopicsData.length !== 0) throw w.unsupported('forgottenTopicsData')
  if (w.version >= 11) w.string(request.rackId)
  const hasReplicaState =
    request.replicaState.replicaId !== -1 || request.replicaState.replicaEpoch !== -1n
  if (w.version < 15 && hasReplicaState) throw w.unsupported('replicaState')
  w.tags(
    request.clusterId !== null && { tag: 0, encode: (w) => w.nullableString(request.clusterId) },
    hasReplicaState && {
      tag: 1,
      encode: (w) => w.struct(request.replicaState, encodeReplicaState),
    },
  )
}

function encodeReplicaState(w: Writer, replica: ReplicaState): void {
  w.int32(replica.replicaId)
  w.int64(replica.replicaEpoch)
  w.tags()
}

function encodeTopic(w: Writer, topic: FetchTopic): void {
  if (w.version <= 12) w.string(topic.topic)
  if (w.version >= 13) w.uuid(topic.topicId)
  w.array(topic.partitions, encodePartition)
  w.tags()
}

function encodePartition(w: Writer, partition: FetchPartition): void {
  w.int32(partition.partition)
  if (w.version >= 9) w.int32(partition.currentLeaderEpoch)
  w.int64(partition.fetchOffset)
  if (w.version >= 12) w.int32(partition.lastFetchedEpoch)
  else if (partition.lastFetchedEpoch !== -1) throw w.unsupported('lastFetchedEpoch')
  if (w.version >= 5) w.int64(partition.logStartOffset)
  w.int32(partition.partitionMaxBytes)
  w.tags(
    w.version >= 17 &&
      partition.replicaDirectoryId !== ZERO_UUID && {
        tag: 0,
        encode: (w) => w.uuid(partition.replicaDirectoryId),
      },
    w.version >= 18 &&
      partition.highWatermark !== MAX_INT64 && {
        tag: 1,
        encode: (w) => w.int64(partition.highWatermark),
      },
  )
}

function encodeForgottenTopic(w: Writer, topic: ForgottenTopic): void {
  if (w.version <= 12) w.string(topic.topic)
  if (w.version >= 13) w.uuid(topic.topicId)
  w.int32Array(topic.partitions)
  w.tags()
}

function decodeRequest(r: Reader): FetchRequest {
  const request: FetchRequest = {
    replicaId: r.version <= 14 ? r.int32() : -1,
    maxWaitMs: r.int32(),
    minBytes: r.int32(),
    maxBytes: r.int32(),
    isolationLevel: r.int8(),
    sessionId: r.version >= 7 ? r.int32() : 0,
    sessionEpoch: r.version >= 7 ? r.int32() : -1,
    topics: r.array(decodeTopic),
    forgottenTopicsData: r.version >= 7 ? r.array(decodeForgottenTopic) : [],
    rackId: r.version >= 11 ? r.string() : '',
    clusterId: null,
    replicaState: { replicaId: -1, replicaEpoch: -1n },
  }
  r.tags((tag, r) => {
    if (tag === 0) request.clusterId = r.nullableString()
    else if (tag === 1 && r.version >= 15) request.replicaState = r.struct(decodeReplicaState)
  })
  return request
}

function decodeReplicaState(r: Reader): ReplicaState {
  const replica = { replicaId: r.int32(), replicaEpoch: r.int64() }
  r.tags()
  return replica
}

function decodeTopic(r: Reader): FetchTopic {
  const topic = {
    topic: r.version <= 12 ? r.string() : '',
    topicId: r.version >= 13 ? r.uuid() : ZERO_UUID,
    partitions: r.array(decodePartition),
  }
  r.tags()
  return topic
}

function decodePartition(r: Reader): FetchPartition {
  const partition: FetchPartition = {
    partition: r.int32(),
    currentLeaderEpoch: r.version >= 9 ? r.int32() : -1,
    fetchOffset: r.int64(),
    lastFetchedEpoch: r.version >= 12 ? r.int32() : -1,
    logStartOffset: r.version >= 5 ? r.int64() : -1n,
    partitionMaxBytes: r.int32(),
    replicaDirectoryId: ZERO_UUID,
    highWatermark: MAX_INT64,
  }
  r.tagsInto(partition, readPartitionTag)
  return partition
}

function readPartitionTag(tag: number, r: Reader, partition: FetchPartition): void {
  if (tag === 0 && r.version >= 17) partition.replicaDirectoryId = r.uuid()
  else if (tag === 1 && r.version >= 18) partition.highWatermark = r.int64()
}

function decodeForgottenTopic(r: Reader): ForgottenTopic {
  const topic = {
    topic: r.version <= 12 ? r.string() : '',
    topicId: r.version >= 13 ? r.uuid() : ZERO_UUID,
    partitions: r.int32Array(),
  }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: FetchResponse): void {
  w.int32(response.throttleTimeMs)
  if (w.version >= 7) w.int16(response.errorCode)
  if (w.version >= 7) w.int32(response.sessionId)
  else if (response.sessionId !== 0) throw w.unsupported('sessionId')
  w.array(response.responses, encodeTopicResponse)
  const hasNodeEndpoints = response.nodeEndpoints.length !== 0
  if (w.version < 16 && hasNodeEndpoints) throw w.unsupported('nodeEndpoints')
  w.tags(
    hasNodeEndpoints && {
      tag: 0,
      encode: (w) => w.array(response.nodeEndpoints, encodeNodeEndpoint),
    },
  )
}

function encodeTopicResponse(w: Writer, topic: FetchableTopicResponse): void {
  if (w.version <= 12) w.string(topic.topic)
  if (w.version >= 13) w.uuid(topic.topicId)
  w.array(topic.partitions, encodePartitionResponse)
  w.tags()
}

function encodePartitionResponse(w: Writer, partition: PartitionData): void {
  w.int32(partition.partitionIndex)
  w.int16(partition.errorCode)
  w.int64(partition.highWatermark)
  w.int64(partition.lastStableOffset)
  if (w.version >= 5) w.int64(partition.logStartOffset)
  w.nullableArray(partition.abortedTransactions, encodeAbortedTransaction)
  if (w.version >= 11) w.int32(partition.preferredReadReplica)
  else if (partition.preferredReadReplica !== -1) throw w.unsupported('preferredReadReplica')
  w.records(partition.records)
  const hasDivergingEpoch =
    partition.divergingEpoch.epoch !== -1 || partition.divergingEpoch.endOffset !== -1n
  if (w.version < 12 && hasDivergingEpoch) throw w.unsupported('divergingEpoch')
  const hasCurrentLeader = isLeaderKnown(partition.currentLeader)
  if (w.version < 12 && hasCurrentLeader) throw w.unsupported('currentLeader')
  const hasSnapshotId = partition.snapshotId.endOffset !== -1n || partition.snapshotId.epoch !== -1
  if (w.version < 12 && hasSnapshotId) throw w.unsupported('snapshotId')
  w.tags(
    hasDivergingEpoch && {
      tag: 0,
      encode: (w) => w.struct(partition.divergingEpoch, encodeEpochEndOffset),
    },
    hasCurrentLeader && { tag: 1, encode: (w) => w.struct(partition.currentLeader, encodeLeader) },
    hasSnapshotId && { tag: 2, encode: (w) => w.struct(partition.snapshotId, encodeSnapshotId) },
  )
}

function encodeEpochEndOffset(w: Writer, end: EpochEndOffset): void {
  w.int32(end.epoch)
  w.int64(end.endOffset)
  w.tags()
}

function encodeSnapshotId(w: Writer, snapshot: SnapshotId): void {
  w.int64(snapshot.endOffset)
  w.int32(snapshot.epoch)
  w.tags()
}

function encodeAbortedTransaction(w: Writer, transaction: AbortedTransaction): void {
  w.int64(transaction.producerId)
  w.int64(transaction.firstOffset)
  w.tags()
}

function decodeResponse(r: Reader): FetchResponse {
  const response: FetchResponse = {
    throttleTimeMs: r.int32(),
    errorCode: r.version >= 7 ? r.int16() : 0,
    sessionId: r.version >= 7 ? r.int32() : 0,
    responses: r.array(decodeTopicResponse),
    nodeEndpoints: [],
  }
  r.tags((tag, r) => {
    if (tag === 0 && r.version >= 16) response.nodeEndpoints = r.array(decodeNodeEndpoint)
  })
  return response
}

function decodeTopicResponse(r: Reader): FetchableTopicResponse {
  const topic = {
    topic: r.version <= 12 ? r.string() : '',
    topicId: r.version >= 13 ? r.uuid() : ZERO_UUID,
    partitions: r.array(decodePartitionResponse),
  }
  r.tags()
  return topic
}

function decodePartitionResponse(r: Reader): PartitionData {
  const partition: PartitionData = {
    partitionIndex: r.int32(),
    errorCode: r.int16(),
    highWatermark: r.int64(),
    lastStableOffset: r.int64(),
    logStartOffset: r.version >= 5 ? r.int64() : -1n,
    abortedTransactions: r.nullableArray(decodeAbortedTransaction),
    preferredReadReplica: r.version >= 11 ? r.int32() : -1,
    records: r.records(),
    divergingEpoch: { epoch: -1, endOffset: -1n },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1n, epoch: -1 },
  }
  r.tagsInto(partition, readPartitionResponseTag)
  return partition
}

function readPartitionResponseTag(tag: number, r: Reader, partition: PartitionData): void {
  if (tag === 0) partition.divergingEpoch = r.struct(decodeEpochEndOffset)
  else if (tag === 1) partition.currentLeader = r.struct(decodeLeader)
  else if (tag === 2) partition.snapshotId = r.struct(decodeSnapshotId)
}

function decodeEpochEndOffset(r: Reader): EpochEndOffset {
  const end = { epoch: r.int32(), endOffset: r.int64() }
  r.tags()
  return end
}

function decodeSnapshotId(r: Reader): SnapshotId {
  const snapshot = { endOffset: r.int64(), epoch: r.int32() }
  r.tags()
  return snapshot
}

function decodeAbortedTransaction(r: Reader): AbortedTransaction {
  const transaction = { producerId: r.int64(), firstOffset: r.int64() }
  r.tags()
  return transaction
}

export const fetch: Api<FetchRequest, FetchResponse> = defineApi({
  key: 1,
  name: 'Fetch',
  minVersion: 4,
  maxVersion: 18,
  flexibleFrom: 12,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
