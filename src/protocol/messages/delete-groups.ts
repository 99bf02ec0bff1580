// DeleteGroups deletes groups that have no members. v1 is as v0. v2 is flexible. v3 adds
// errorMessage.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DeleteGroupsRequest {
  groupsNames: string[]
}

export interface DeleteGroupsResponse {
  throttleTimeMs: number
  results: DeletableGroupResult[]
}

export interface DeletableGroupResult {
  groupId: string
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: DeleteGroupsRequest): void {
  w.stringArray(request.groupsNames)
  w.tags()
}

function decodeRequest(r: Reader): DeleteGroupsRequest {
  const request = { groupsNames: r.stringArray() }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: DeleteGroupsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.results, encodeDeletableGroupResult)
  w.tags()
}

function encodeDeletableGroupResult(w: Writer, result: DeletableGroupResult): void {
  w.string(result.groupId)
  w.int16(result.errorCode)
  if (w.version >= 3) w.nullableString(result.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): DeleteGroupsResponse {
  const response = { throttleTimeMs: r.int32(), results: r.array(decodeDeletableGroupResult) }
  r.tags()
  return response
}

function decodeDeletableGroupResult(r: Reader): DeletableGroupResult {
  const result = {
    groupId: r.string(),
    errorCode: r.int16(),
    errorMessage: r.version >= 3 ? r.nullableString() : null,
  }
  r.tags()
  return result
}

export const deleteGroups: Api<DeleteGroupsRequest, DeleteGroupsResponse> = defineApi({
  key: 42,
  name: 'DeleteGroups',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
