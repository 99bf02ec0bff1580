// UpdateRaftVoter changes the listeners and the supported versions of a voter of the metadata quorum
// (KIP-853).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface UpdateRaftVoterRequest {
  clusterId: string | null
  currentLeaderEpoch: number
  voterId: number
  voterDirectoryId: string
  listeners: Listener[]
  kRaftVersionFeature: KRaftVersionFeature
}

export interface Listener {
  name: string
  host: string
  port: number
}

export interface KRaftVersionFeature {
  minSupportedVersion: number
  maxSupportedVersion: number
}

export interface UpdateRaftVoterResponse {
  throttleTimeMs: number
  errorCode: number
  currentLeader: CurrentLeader
}

export interface CurrentLeader {
  leaderId: number
  leaderEpoch: number
  host: string
  port: number
}

function encodeRequest(w: Writer, request: UpdateRaftVoterRequest): void {
  w.nullableString(request.clusterId)
  w.int32(request.currentLeaderEpoch)
  w.int32(request.voterId)
  w.uuid(request.voterDirectoryId)
  w.array(request.listeners, encodeListener)
  w.struct(request.kRaftVersionFeature, encodeKRaftVersionFeature)
  w.tags()
}

function encodeListener(w: Writer, listener: Listener): void {
  w.string(listener.name)
  w.string(listener.host)
  w.uint16(listener.port)
  w.tags()
}

function encodeKRaftVersionFeature(w: Writer, feature: KRaftVersionFeature): void {
  w.int16(feature.minSupportedVersion)
  w.int16(feature.maxSupportedVersion)
  w.tags()
}

function decodeRequest(r: Reader): UpdateRaftVoterRequest {
  const request = {
    clusterId: r.nullableString(),
    currentLeaderEpoch: r.int32(),
    voterId: r.int32(),
    voterDirectoryId: r.uuid(),
    listeners: r.array(decodeListener),
    kRaftVersionFeature: r.struct(decodeKRaftVersionFeature),
  }
  r.tags()
  return request
}

function decodeListener(r: Reader): Listener {
  const listener = {
    name: r.string(),
    host: r.string(),
    port: r.uint16(),
  }
  r.tags()
  return listener
}

function decodeKRaftVersionFeature(r: Reader): KRaftVersionFeature {
  const feature = {
    minSupportedVersion: r.int16(),
    maxSupportedVersion: r.int16(),
  }
  r.tags()
  return feature
}

function encodeResponse(w: Writer, response: UpdateRaftVoterResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.tags(
    isLeaderKnown(response.currentLeader) && {
      tag: 0,
      encode: (w) => w.struct(response.currentLeader, encodeCurrentLeader),
    },
  )
}

/** Whether it differs from the default, which is not written. */
function isLeaderKnown(leader: CurrentLeader): boolean {
  return (
    leader.leaderId !== -1 || leader.leaderEpoch !== -1 || leader.host !== '' || leader.port !== 0
  )
}

function encodeCurrentLeader(w: Writer, leader: CurrentLeader): void {
  w.int32(leader.leaderId)
  w.int32(leader.leaderEpoch)
  w.string(leader.host)
  w.int32(leader.port)
  w.tags()
}

function decodeResponse(r: Reader): UpdateRaftVoterResponse {
  const response: UpdateRaftVoterResponse = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    currentLeader: { leaderId: -1, leaderEpoch: -1, host: '', port: 0 },
  }
  r.tags((tag, r) => {
    if (tag === 0) response.currentLeader = r.struct(decodeCurrentLeader)
  })
  return response
}

function decodeCurrentLeader(r: Reader): CurrentLeader {
  const leader = {
    leaderId: r.int32(),
    leaderEpoch: r.int32(),
    host: r.string(),
    port: r.int32(),
  }
  r.tags()
  return leader
}

export const updateRaftVoter: Api<UpdateRaftVoterRequest, UpdateRaftVoterResponse> = defineApi({
  key: 82,
  name: 'UpdateRaftVoter',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
