// CreateAcls adds access rules; each of them has its own result, in the order of the request
// (KIP-140). v1 is the least that brokers still serve. v2 is flexible. v3 knows the resource type
// USER (KIP-373).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface CreateAclsRequest {
  creations: AclCreation[]
}

export interface AclCreation {
  resourceType: number
  resourceName: string
  resourcePatternType: number
  principal: string
  host: string
  operation: number
  permissionType: number
}

export interface CreateAclsResponse {
  throttleTimeMs: number
  results: AclCreationResult[]
}

export interface AclCreationResult {
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: CreateAclsRequest): void {
  w.array(request.creations, encodeCreation)
  w.tags()
}

function encodeCreation(w: Writer, creation: AclCreation): void {
  w.int8(creation.resourceType)
  w.string(creation.resourceName)
  w.int8(creation.resourcePatternType)
  w.string(creation.principal)
  w.string(creation.host)
  w.int8(creation.operation)
  w.int8(creation.permissionType)
  w.tags()
}

function decodeRequest(r: Reader): CreateAclsRequest {
  const request = { creations: r.array(decodeCreation) }
  r.tags()
  return request
}

function decodeCreation(r: Reader): AclCreation {
  const creation = {
    resourceType: r.int8(),
    resourceName: r.string(),
    resourcePatternType: r.int8(),
    principal: r.string(),
    host: r.string(),
    operation: r.int8(),
    permissionType: r.int8(),
  }
  r.tags()
  return creation
}

function encodeResponse(w: Writer, response: CreateAclsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: AclCreationResult): void {
  w.int16(result.errorCode)
  w.nullableString(result.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): CreateAclsResponse {
  const response = { throttleTimeMs: r.int32(), results: r.array(decodeResult) }
  r.tags()
  return response
}

function decodeResult(r: Reader): AclCreationResult {
  const result = { errorCode: r.int16(), errorMessage: r.nullableString() }
  r.tags()
  return result
}

export const createAcls: Api<CreateAclsRequest, CreateAclsResponse> = defineApi({
  key: 30,
  name: 'CreateAcls',
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
