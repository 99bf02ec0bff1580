// JoinGroup makes a member of a classic group; the leader's response lists all members. v1 adds
// rebalanceTimeoutMs. v2 throttleTimeMs. From v4 a new member is given its id and joins again (KIP-394).
// v5 adds groupInstanceId (KIP-345). v6 is flexible. v7 adds protocolType to the response (KIP-559), v8
// reason (KIP-800), v9 skipAssignment (KIP-814).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface JoinGroupRequest {
  groupId: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  memberId: string
  groupInstanceId: string | null
  protocolType: string
  protocols: JoinGroupRequestProtocol[]
  reason: string | null
}

export interface JoinGroupRequestProtocol {
  name: string
  metadata: Buffer
}

export interface JoinGroupResponse {
  throttleTimeMs: number
  errorCode: number
  generationId: number
  protocolType: string | null
  protocolName: string | null
  leader: string
  skipAssignment: boolean
  memberId: string
  members: JoinGroupResponseMember[]
}

export interface JoinGroupResponseMember {
  memberId: string
  groupInstanceId: string | null
  metadata: Buffer
}

function encodeRequest(w: Writer, request: JoinGroupRequest): void {
  w.string(request.groupId)
  w.int32(request.sessionTimeoutMs)
  if (w.version >= 1) w.int32(request.rebalanceTimeoutMs)
  w.string(request.memberId)
  if (w.version >= 5) w.nullableString(request.groupInstanceId)
  else if (request.groupInstanceId !== null) throw w.unsupported('groupInstanceId')
  w.string(request.protocolType)
  w.array(request.protocols, encodeRequestProtocol)
  if (w.version >= 8) w.nullableString(request.reason)
  w.tags()
}

function encodeRequestProtocol(w: Writer, protocol: JoinGroupRequestProtocol): void {
  w.string(protocol.name)
  w.bytes(protocol.metadata)
  w.tags()
}

function decodeRequest(r: Reader): JoinGroupRequest {
  const request = {
    groupId: r.string(),
    sessionTimeoutMs: r.int32(),
    rebalanceTimeoutMs: r.version >= 1 ? r.int32() : -1,
    memberId: r.string(),
    groupInstanceId: r.version >= 5 ? r.nullableString() : null,
    protocolType: r.string(),
    protocols: r.array(decodeRequestProtocol),
    reason: r.version >= 8 ? r.nullableString() : null,
  }
  r.tags()
  return request
}

function decodeRequestProtocol(r: Reader): JoinGroupRequestProtocol {
  const protocol = { name: r.string(), metadata: r.bytes() }
  r.tags()
  return protocol
}

function encodeResponse(w: Writer, response: JoinGroupResponse): void {
  if (w.version >= 2) w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.int32(response.generationId)
  if (w.version >= 7) w.nullableString(response.protocolType)
  if (w.version >= 7) w.nullableString(response.protocolName)
  else if (response.protocolName === null) throw w.unsupported('a null protocolName')
  else w.string(response.protocolName)
  w.string(response.leader)
  if (w.version >= 9) w.bool(response.skipAssignment)
  else if (response.skipAssignment) throw w.unsupported('skipAssignment')
  w.string(response.memberId)
  w.array(response.members, encodeResponseMember)
  w.tags()
}

function encodeResponseMember(w: Writer, member: JoinGroupResponseMember): void {
  w.string(member.memberId)
  if (w.version >= 5) w.nullableString(member.groupInstanceId)
  w.bytes(member.metadata)
  w.tags()
}

function decodeResponse(r: Reader): JoinGroupResponse {
  const response = {
    throttleTimeMs: r.version >= 2 ? r.int32() : 0,
    errorCode: r.int16(),
    generationId: r.int32(),
    protocolType: r.version >= 7 ? r.nullableString() : null,
    protocolName: r.version >= 7 ? r.nullableString() : r.string(),
    leader: r.string(),
    skipAssignment: r.version >= 9 ? r.bool() : false,
    memberId: r.string(),
    members: r.array(decodeResponseMember),
  }
  r.tags()
  return response
}

function decodeResponseMember(r: Reader): JoinGroupResponseMember {
  const member = {
    memberId: r.string(),
    groupInstanceId: r.version >= 5 ? r.nullableString() : null,
    metadata: r.bytes(),
  }
  r.tags()
  return member
}

export const joinGroup: Api<JoinGroupRequest, JoinGroupResponse> = defineApi({
  key: 11,
  name: 'JoinGroup',
  minVersion: 0,
  maxVersion: 9,
  flexibleFrom: 6,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
