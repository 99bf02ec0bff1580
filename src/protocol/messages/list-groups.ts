// ListGroups lists the groups a broker coordinates. v1 adds throttleTimeMs. v3 is flexible. v4 adds
// states (KIP-518), v5 group types (KIP-848), both as filter and in the response.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ListGroupsRequest {
  statesFilter: string[]
  typesFilter: string[]
}

export interface ListGroupsResponse {
  throttleTimeMs: number
  errorCode: number
  groups: ListedGroup[]
}

export interface ListedGroup {
  groupId: string
  protocolType: string
  groupState: string
  groupType: string
}

function encodeRequest(w: Writer, request: ListGroupsRequest): void {
  if (w.version >= 4) w.stringArray(request.statesFilter)
  else if (request.statesFilter.length !== 0) throw w.unsupported('statesFilter')
  if (w.version >= 5) w.stringArray(request.typesFilter)
  else if (request.typesFilter.length !== 0) throw w.unsupported('typesFilter')
  w.tags()
}

function decodeRequest(r: Reader): ListGroupsRequest {
  const request = {
    statesFilter: r.version >= 4 ? r.stringArray() : [],
    typesFilter: r.version >= 5 ? r.stringArray() : [],
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: ListGroupsResponse): void {
  if (w.version >= 1) w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.array(response.groups, encodeListedGroup)
  w.tags()
}

function encodeListedGroup(w: Writer, group: ListedGroup): void {
  w.string(group.groupId)
  w.string(group.protocolType)
  if (w.version >= 4) w.string(group.groupState)
  if (w.version >= 5) w.string(group.groupType)
  w.tags()
}

function decodeResponse(r: Reader): ListGroupsResponse {
  const response = {
    throttleTimeMs: r.version >= 1 ? r.int32() : 0,
    errorCode: r.int16(),
    groups: r.array(decodeListedGroup),
  }
  r.tags()
  return response
}

function decodeListedGroup(r: Reader): ListedGroup {
  const group = {
    groupId: r.string(),
    protocolType: r.string(),
    groupState: r.version >= 4 ? r.string() : '',
    groupType: r.version >= 5 ? r.string() : '',
  }
  r.tags()
  return group
}

export const listGroups: Api<ListGroupsRequest, ListGroupsResponse> = defineApi({
  key: 16,
  name: 'ListGroups',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
