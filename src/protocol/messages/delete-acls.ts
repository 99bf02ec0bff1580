// DeleteAcls removes the access rules that match any of the filters and says which those were
// (KIP-140). v1 is the least that brokers still serve. v2 is flexible. v3 knows the resource type
// USER (KIP-373).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DeleteAclsRequest {
  filters: DeleteAclsFilter[]
}

export interface DeleteAclsFilter {
  resourceTypeFilter: number
  /** null: any name. */
  resourceNameFilter: string | null
  patternTypeFilter: number
  /** null: any principal. */
  principalFilter: string | null
  /** null: any host. */
  hostFilter: string | null
  operation: number
  permissionType: number
}

export interface DeleteAclsResponse {
  throttleTimeMs: number
  filterResults: DeleteAclsFilterResult[]
}

export interface DeleteAclsFilterResult {
  errorCode: number
  errorMessage: string | null
  matchingAcls: DeleteAclsMatchingAcl[]
}

export interface DeleteAclsMatchingAcl {
  errorCode: number
  errorMessage: string | null
  resourceType: number
  resourceName: string
  patternType: number
  principal: string
  host: string
  operation: number
  permissionType: number
}

function encodeRequest(w: Writer, request: DeleteAclsRequest): void {
  w.array(request.filters, encodeFilter)
  w.tags()
}

function encodeFilter(w: Writer, filter: DeleteAclsFilter): void {
  w.int8(filter.resourceTypeFilter)
  w.nullableString(filter.resourceNameFilter)
  w.int8(filter.patternTypeFilter)
  w.nullableString(filter.principalFilter)
  w.nullableString(filter.hostFilter)
  w.int8(filter.operation)
  w.int8(filter.permissionType)
  w.tags()
}

function decodeRequest(r: Reader): DeleteAclsRequest {
  const request = { filters: r.array(decodeFilter) }
  r.tags()
  return request
}

function decodeFilter(r: Reader): DeleteAclsFilter {
  const filter = {
    resourceTypeFilter: r.int8(),
    resourceNameFilter: r.nullableString(),
    patternTypeFilter: r.int8(),
    principalFilter: r.nullableString(),
    hostFilter: r.nullableString(),
    operation: r.int8(),
    permissionType: r.int8(),
  }
  r.tags()
  return filter
}

function encodeResponse(w: Writer, response: DeleteAclsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.filterResults, encodeFilterResult)
  w.tags()
}

function encodeFilterResult(w: Writer, filterResult: DeleteAclsFilterResult): void {
  w.int16(filterResult.errorCode)
  w.nullableString(filterResult.errorMessage)
  w.array(filterResult.matchingAcls, encodeMatchingAcl)
  w.tags()
}

function encodeMatchingAcl(w: Writer, matchingAcl: DeleteAclsMatchingAcl): void {
  w.int16(matchingAcl.errorCode)
  w.nullableString(matchingAcl.errorMessage)
  w.int8(matchingAcl.resourceType)
  w.string(matchingAcl.resourceName)
  w.int8(matchingAcl.patternType)
  w.string(matchingAcl.principal)
  w.string(matchingAcl.host)
  w.int8(matchingAcl.operation)
  w.int8(matchingAcl.permissionType)
  w.tags()
}

function decodeResponse(r: Reader): DeleteAclsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    filterResults: r.array(decodeFilterResult),
  }
  r.tags()
  return response
}

function decodeFilterResult(r: Reader): DeleteAclsFilterResult {
  const filterResult = {
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    matchingAcls: r.array(decodeMatchingAcl),
  }
  r.tags()
  return filterResult
}

function decodeMatchingAcl(r: Reader): DeleteAclsMatchingAcl {
  const matchingAcl = {
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    resourceType: r.int8(),
    resourceName: r.string(),
    patternType: r.int8(),
    principal: r.string(),
    host: r.string(),
    operation: r.int8(),
    permissionType: r.int8(),
  }
  r.tags()
  return matchingAcl
}

export const deleteAcls: Api<DeleteAclsRequest, DeleteAclsResponse> = defineApi({
  key: 31,
  name: 'DeleteAcls',
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
