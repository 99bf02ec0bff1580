// DescribeGroups tells state and members of classic groups. v1 adds throttleTimeMs, v3 authorized
// operations (KIP-430), v4 groupInstanceId (KIP-345). v5 is flexible. v6 adds errorMessage and
// GROUP_ID_NOT_FOUND for a group that does not exist (KIP-1043).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeGroupsRequest {
  groups: string[]
  includeAuthorizedOperations: boolean
}

export interface DescribeGroupsResponse {
  throttleTimeMs: number
  groups: DescribedGroup[]
}

export interface DescribedGroup {
  errorCode: number
  errorMessage: string | null
  groupId: string
  groupState: string
  protocolType: string
  protocolData: string
  members: DescribedGroupMember[]
  authorizedOperations: number
}

export interface DescribedGroupMember {
  memberId: string
  groupInstanceId: string | null
  clientId: string
  clientHost: string
  memberMetadata: Buffer
  memberAssignment: Buffer
}

function encodeRequest(w: Writer, request: DescribeGroupsRequest): void {
  w.stringArray(request.groups)
  if (w.version >= 3) w.bool(request.includeAuthorizedOperations)
  else if (request.includeAuthorizedOperations) throw w.unsupported('includeAuthorizedOperations')
  w.tags()
}

function decodeRequest(r: Reader): DescribeGroupsRequest {
  const request = {
    groups: r.stringArray(),
    includeAuthorizedOperations: r.version >= 3 ? r.bool() : false,
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: DescribeGroupsResponse): void {
  if (w.version >= 1) w.int32(response.throttleTimeMs)
  w.array(response.groups, encodeDescribedGroup)
  w.tags()
}

function encodeDescribedGroup(w: Writer, group: DescribedGroup): void {
  w.int16(group.errorCode)
  if (w.version >= 6) w.nullableString(group.errorMessage)
  else if (group.errorMessage !== null) throw w.unsupported('errorMessage')
  w.string(group.groupId)
  w.string(group.groupState)
  w.string(group.protocolType)
  w.string(group.protocolData)
  w.array(group.members, encodeDescribedGroupMember)
  if (w.version >= 3) w.int32(group.authorizedOperations)
  else if (group.authorizedOperations !== -2147483648) throw w.unsupported('authorizedOperations')
  w.tags()
}

function encodeDescribedGroupMember(w: Writer, member: DescribedGroupMember): void {
  w.string(member.memberId)
  if (w.version >= 4) w.nullableString(member.groupInstanceId)
  w.string(member.clientId)
  w.string(member.clientHost)
  w.bytes(member.memberMetadata)
  w.bytes(member.memberAssignment)
  w.tags()
}

function decodeResponse(r: Reader): DescribeGroupsResponse {
  const response = {
    throttleTimeMs: r.version >= 1 ? r.int32() : 0,
    groups: r.array(decodeDescribedGroup),
  }
  r.tags()
  return response
}

function decodeDescribedGroup(r: Reader): DescribedGroup {
  const group = {
    errorCode: r.int16(),
    errorMessage: r.version >= 6 ? r.nullableString() : null,
    groupId: r.string(),
    groupState: r.string(),
    protocolType: r.string(),
    protocolData: r.string(),
    members: r.array(decodeDescribedGroupMember),
    authorizedOperations: r.version >= 3 ? r.int32() : -2147483648,
  }
  r.tags()
  return group
}

function decodeDescribedGroupMember(r: Reader): DescribedGroupMember {
  const member = {
    memberId: r.string(),
    groupInstanceId: r.version >= 4 ? r.nullableString() : null,
    clientId: r.string(),
    clientHost: r.string(),
    memberMetadata: r.bytes(),
    memberAssignment: r.bytes(),
  }
  r.tags()
  return member
}

export const describeGroups: Api<DescribeGroupsRequest, DescribeGroupsResponse> = defineApi({
  key: 15,
  name: 'DescribeGroups',
  minVersion: 0,
  maxVersion: 6,
  flexibleFrom: 5,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
