// LeaveGroup takes members out of a classic group. v1 adds throttleTimeMs. v3 takes many members, by
// member or instance id (KIP-345). v4 is flexible. v5 adds reason (KIP-800).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface LeaveGroupRequest {
  groupId: string
  memberId: string
  members: MemberIdentity[]
}

export interface MemberIdentity {
  memberId: string
  groupInstanceId: string | null
  reason: string | null
}

export interface LeaveGroupResponse {
  throttleTimeMs: number
  errorCode: number
  members: MemberResponse[]
}

export interface MemberResponse {
  memberId: string
  groupInstanceId: string | null
  errorCode: number
}

function encodeRequest(w: Writer, request: LeaveGroupRequest): void {
  w.string(request.groupId)
  if (w.version <= 2) w.string(request.memberId)
  else if (request.memberId !== '') throw w.unsupported('memberId')
  if (w.version >= 3) w.array(request.members, encodeMemberIdentity)
  else if (request.members.length !== 0) throw w.unsupported('members')
  w.tags()
}

function encodeMemberIdentity(w: Writer, member: MemberIdentity): void {
  w.string(member.memberId)
  w.nullableString(member.groupInstanceId)
  if (w.version >= 5) w.nullableString(member.reason)
  w.tags()
}

function decodeRequest(r: Reader): LeaveGroupRequest {
  const request = {
    groupId: r.string(),
    memberId: r.version <= 2 ? r.string() : '',
    members: r.version >= 3 ? r.array(decodeMemberIdentity) : [],
  }
  r.tags()
  return request
}

function decodeMemberIdentity(r: Reader): MemberIdentity {
  const member = {
    memberId: r.string(),
    groupInstanceId: r.nullableString(),
    reason: r.version >= 5 ? r.nullableString() : null,
  }
  r.tags()
  return member
}

function encodeResponse(w: Writer, response: LeaveGroupResponse): void {
  if (w.version >= 1) w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  if (w.version >= 3) w.array(response.members, encodeMemberResponse)
  else if (response.members.length !== 0) throw w.unsupported('members')
  w.tags()
}

function encodeMemberResponse(w: Writer, member: MemberResponse): void {
  w.string(member.memberId)
  w.nullableString(member.groupInstanceId)
  w.int16(member.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): LeaveGroupResponse {
  const response = {
    throttleTimeMs: r.version >= 1 ? r.int32() : 0,
    errorCode: r.int16(),
    members: r.version >= 3 ? r.array(decodeMemberResponse) : [],
  }
  r.tags()
  return response
}

function decodeMemberResponse(r: Reader): MemberResponse {
  const member = {
    memberId: r.string(),
    groupInstanceId: r.nullableString(),
    errorCode: r.int16(),
  }
  r.tags()
  return member
}

export const leaveGroup: Api<LeaveGroupRequest, LeaveGroupResponse> = defineApi({
  key: 13,
  name: 'LeaveGroup',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 4,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
