// SyncGroup brings the leader's assignments to a classic group and each member its own. v1 adds
// throttleTimeMs. v3 groupInstanceId (KIP-345). v4 is flexible. v5 adds protocol type and name
// (KIP-559).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface SyncGroupRequest {
  groupId: string
  generationId: number
  memberId: string
  groupInstanceId: string | null
  protocolType: string | null
  protocolName: string | null
  assignments: SyncGroupRequestAssignment[]
}

export interface SyncGroupRequestAssignment {
  memberId: string
  assignment: Buffer
}

export interface SyncGroupResponse {
  throttleTimeMs: number
  errorCode: number
  protocolType: string | null
  protocolName: string | null
  assignment: Buffer
}

function encodeRequest(w: Writer, request: SyncGroupRequest): void {
  w.string(request.groupId)
  w.int32(request.generationId)
  w.string(request.memberId)
  if (w.version >= 3) w.nullableString(request.groupInstanceId)
  else if (request.groupInstanceId !== null) throw w.unsupported('groupInstanceId')
  if (w.version >= 5) w.nullableString(request.protocolType)
  if (w.version >= 5) w.nullableString(request.protocolName)
  w.array(request.assignments, encodeRequestAssignment)
  w.tags()
}

function encodeRequestAssignment(w: Writer, assignment: SyncGroupRequestAssignment): void {
  w.string(assignment.memberId)
  w.bytes(assignment.assignment)
  w.tags()
}

function decodeRequest(r: Reader): SyncGroupRequest {
  const request = {
    groupId: r.string(),
    generationId: r.int32(),
    memberId: r.string(),
    groupInstanceId: r.version >= 3 ? r.nullableString() : null,
    protocolType: r.version >= 5 ? r.nullableString() : null,
    protocolName: r.version >= 5 ? r.nullableString() : null,
    assignments: r.array(decodeRequestAssignment),
  }
  r.tags()
  return request
}

function decodeRequestAssignment(r: Reader): SyncGroupRequestAssignment {
  const assignment = { memberId: r.string(), assignment: r.bytes() }
  r.tags()
  return assignment
}

function encodeResponse(w: Writer, response: SyncGroupResponse): void {
  if (w.version >= 1) w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  if (w.version >= 5) w.nullableString(response.protocolType)
  if (w.version >= 5) w.nullableString(response.protocolName)
  w.bytes(response.assignment)
  w.tags()
}

function decodeResponse(r: Reader): SyncGroupResponse {
  const response = {
    throttleTimeMs: r.version >= 1 ? r.int32() : 0,
    errorCode: r.int16(),
    protocolType: r.version >= 5 ? r.nullableString() : null,
    protocolName: r.version >= 5 ? r.nullableString() : null,
    assignment: r.bytes(),
  }
  r.tags()
  return response
}

export const syncGroup: Api<SyncGroupRequest, SyncGroupResponse> = defineApi({
  key: 14,
  name: 'SyncGroup',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 4,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
