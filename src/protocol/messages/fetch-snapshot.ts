// FetchSnapshot brings a snapshot of the metadata log, piece by piece (KIP-630). v1 adds directory ids and
// endpoints of the nodes (KIP-853).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'

export interface FetchSnapshotRequest {
  clusterId: string | null
  replicaId: number
  maxBytes: number
  topics: FetchSnapshotRequestTopicSnapshot[]
}

export interface FetchSnapshotRequestTopicSnapshot {
  name: string
  partitions: FetchSnapshotRequestPartitionSnapshot[]
}

export interface FetchSnapshotRequestPartitionSnapshot {
  partition: number
  currentLeaderEpoch: number
  snapshotId: FetchSnapshotRequestSnapshotId
  position: bigint
  replicaDirectoryId: string
}

export interface FetchSnapshotRequestSnapshotId {
  endOffset: bigint
  epoch: number
}

export interface FetchSnapshotResponse {
  throttleTimeMs: number
  errorCode: number
  topics: FetchSnapshotResponseTopicSnapshot[]
  nodeEndpoints: NodeEndpoint[]
}

export interface FetchSnapshotResponseTopicSnapshot {
  name: string
  partitions: FetchSnapshotResponsePartitionSnapshot[]
}

export interface FetchSnapshotResponsePartitionSnapshot {
  index: number
  errorCode: number
  snapshotId: FetchSnapshotResponseSnapshotId
  currentLeader: LeaderIdAndEpoch
  size: bigint
  position: bigint
  unalignedRecords: Buffer
}

export interface FetchSnapshotResponseSnapshotId {
  endOffset: bigint
  epoch: number
}

export interface LeaderIdAndEpoch {
  leaderId: number
  leaderEpoch: number
}

export interface NodeEndpoint {
  nodeId: number
  host: string
  port: number
}

function encodeRequest(w: Writer, request: FetchSnapshotRequest): void {
  w.int32(request.replicaId)
  w.int32(request.maxBytes)
  w.array(request.topics, encodeRequestTopicSnapshot)
  w.tags(
    request.clusterId !== null && { tag: 0, encode: (w) => w.nullableString(request.clusterId) },
  )
}

function encodeRequestTopicSnapshot(w: Writer, snapshot: FetchSnapshotRequestTopicSnapshot): void {
  w.string(snapshot.name)
  w.array(snapshot.partitions, encodeRequestPartitionSnapshot)
  w.tags()
}

function encodeRequestPartitionSnapshot(
  w: Writer,
  snapshot: FetchSnapshotRequestPartitionSnapshot,
): void {
  w.int32(snapshot.partition)
  w.int32(snapshot.currentLeaderEpoch)
  w.struct(snapshot.snapshotId, encodeRequestSnapshotId)
  w.int64(snapshot.position)
  w.tags(
    w.version >= 1 &&
      snapshot.replicaDirectoryId !== ZERO_UUID && {
        tag: 0,
        encode: (w) => w.uuid(snapshot.replicaDirectoryId),
      },
  )
}

function encodeRequestSnapshotId(w: Writer, id: FetchSnapshotRequestSnapshotId): void {
  w.int64(id.endOffset)
  w.int32(id.epoch)
  w.tags()
}

function decodeRequest(r: Reader): FetchSnapshotRequest {
  const request: FetchSnapshotRequest = {
    clusterId: null,
    replicaId: r.int32(),
    maxBytes: r.int32(),
    topics: r.array(decodeRequestTopicSnapshot),
  }
  r.tags((tag, r) => {
    if (tag === 0) request.clusterId = r.nullableString()
  })
  return request
}

function decodeRequestTopicSnapshot(r: Reader): FetchSnapshotRequestTopicSnapshot {
  const snapshot = {
    name: r.string(),
    partitions: r.array(decodeRequestPartitionSnapshot),
  }
  r.tags()
  return snapshot
}

function decodeRequestPartitionSnapshot(r: Reader): FetchSnapshotRequestPartitionSnapshot {
  const snapshot: FetchSnapshotRequestPartitionSnapshot = {
    partition: r.int32(),
    currentLeaderEpoch: r.int32(),
    snapshotId: r.struct(decodeRequestSnapshotId),
    position: r.int64(),
    replicaDirectoryId: ZERO_UUID,
  }
  r.tags((tag, r) => {
    if (tag === 0 && r.version >= 1) snapshot.replicaDirectoryId = r.uuid()
  })
  return snapshot
}

function decodeRequestSnapshotId(r: Reader): FetchSnapshotRequestSnapshotId {
  const id = {
    endOffset: r.int64(),
    epoch: r.int32(),
  }
  r.tags()
  return id
}

function encodeResponse(w: Writer, response: FetchSnapshotResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.array(response.topics, encodeResponseTopicSnapshot)
  const hasNodeEndpoints = response.nodeEndpoints.length !== 0
  if (w.version < 1 && hasNodeEndpoints) throw w.unsupported('nodeEndpoints')
  w.tags(
    hasNodeEndpoints && {
      tag: 0,
      encode: (w) => w.array(response.nodeEndpoints, encodeNodeEndpoint),
    },
  )
}

function encodeResponseTopicSnapshot(
  w: Writer,
  snapshot: FetchSnapshotResponseTopicSnapshot,
): void {
  w.string(snapshot.name)
  w.array(snapshot.partitions, encodeResponsePartitionSnapshot)
  w.tags()
}

function encodeResponsePartitionSnapshot(
  w: Writer,
  snapshot: FetchSnapshotResponsePartitionSnapshot,
): void {
  w.int32(snapshot.index)
  w.int16(snapshot.errorCode)
  w.struct(snapshot.snapshotId, encodeResponseSnapshotId)
  w.int64(snapshot.size)
  w.int64(snapshot.position)
  w.requiredRecords(snapshot.unalignedRecords)
  w.tags(
    isLeaderKnown(snapshot.currentLeader) && {
      tag: 0,
      encode: (w) => w.struct(snapshot.currentLeader, encodeLeaderIdAndEpoch),
    },
  )
}

function encodeResponseSnapshotId(w: Writer, id: FetchSnapshotResponseSnapshotId): void {
  w.int64(id.endOffset)
  w.int32(id.epoch)
  w.tags()
}

/** Whether it differs from the default, which is not written. */
function isLeaderKnown(leader: LeaderIdAndEpoch): boolean {
  return leader.leaderId !== 0 || leader.leaderEpoch !== 0
}

function encodeLeaderIdAndEpoch(w: Writer, epoch: LeaderIdAndEpoch): void {
  w.int32(epoch.leaderId)
  w.int32(epoch.leaderEpoch)
  w.tags()
}

function encodeNodeEndpoint(w: Writer, endpoint: NodeEndpoint): void {
  w.int32(endpoint.nodeId)
  w.string(endpoint.host)
  w.uint16(endpoint.port)
  w.tags()
}

function decodeResponse(r: Reader): FetchSnapshotResponse {
  const response: FetchSnapshotResponse = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    topics: r.array(decodeResponseTopicSnapshot),
    nodeEndpoints: [],
  }
  r.tags((tag, r) => {
    if (tag === 0 && r.version >= 1) response.nodeEndpoints = r.array(decodeNodeEndpoint)
  })
  return response
}

function decodeResponseTopicSnapshot(r: Reader): FetchSnapshotResponseTopicSnapshot {
  const snapshot = {
    name: r.string(),
    partitions: r.array(decodeResponsePartitionSnapshot),
  }
  r.tags()
  return snapshot
}

function decodeResponsePartitionSnapshot(r: Reader): FetchSnapshotResponsePartitionSnapshot {
  const snapshot: FetchSnapshotResponsePartitionSnapshot = {
    index: r.int32(),
    errorCode: r.int16(),
    snapshotId: r.struct(decodeResponseSnapshotId),
    currentLeader: { leaderId: 0, leaderEpoch: 0 },
    size: r.int64(),
    position: r.int64(),
    unalignedRecords: r.bytes(),
  }
  r.tags((tag, r) => {
    if (tag === 0) snapshot.currentLeader = r.struct(decodeLeaderIdAndEpoch)
  })
  return snapshot
}

function decodeResponseSnapshotId(r: Reader): FetchSnapshotResponseSnapshotId {
  const id = {
    endOffset: r.int64(),
    epoch: r.int32(),
  }
  r.tags()
  return id
}

function decodeLeaderIdAndEpoch(r: Reader): LeaderIdAndEpoch {
  const epoch = {
    leaderId: r.int32(),
    leaderEpoch: r.int32(),
  }
  r.tags()
  return epoch
}

function decodeNodeEndpoint(r: Reader): NodeEndpoint {
  const endpoint = {
    nodeId: r.int32(),
    host: r.string(),
    port: r.uint16(),
  }
  r.tags()
  return endpoint
}

export const fetchSnapshot: Api<FetchSnapshotRequest, FetchSnapshotResponse> = defineApi({
  key: 59,
  name: 'FetchSnapshot',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
