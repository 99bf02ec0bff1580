// DescribeAcls lists the access rules that match a filter (KIP-140, pattern types KIP-290).
// v1 is the least that brokers still serve. v2 is flexible. v3 knows the resource type USER
// (KIP-373).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeAclsRequest {
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

export interface DescribeAclsResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  resources: DescribeAclsResource[]
}

export interface DescribeAclsResource {
  resourceType: number
  resourceName: string
  patternType: number
  acls: AclDescription[]
}

export interface AclDescription {
  principal: string
  host: string
  operation: number
  permissionType: number
}

function encodeRequest(w: Writer, request: DescribeAclsRequest): void {
  w.int8(request.resourceTypeFilter)
  w.nullableString(request.resourceNameFilter)
  w.int8(request.patternTypeFilter)
  w.nullableString(request.principalFilter)
  w.nullableString(request.hostFilter)
  w.int8(request.operation)
  w.int8(request.permissionType)
  w.tags()
}

function decodeRequest(r: Reader): DescribeAclsRequest {
  const request = {
    resourceTypeFilter: r.int8(),
    resourceNameFilter: r.nullableString(),
    patternTypeFilter: r.int8(),
    principalFilter: r.nullableString(),
    hostFilter: r.nullableString(),
    operation: r.int8(),
    permissionType: r.int8(),
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: DescribeAclsResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.array(response.resources, encodeResource)
  w.tags()
}

function encodeResource(w: Writer, resource: DescribeAclsResource): void {
  w.int8(resource.resourceType)
  w.string(resource.resourceName)
  w.int8(resource.patternType)
  w.array(resource.acls, encodeAcl)
  w.tags()
}

function encodeAcl(w: Writer, acl: AclDescription): void {
  w.string(acl.principal)
  w.string(acl.host)
  w.int8(acl.operation)
  w.int8(acl.permissionType)
  w.tags()
}

function decodeResponse(r: Reader): DescribeAclsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    resources: r.array(decodeResource),
  }
  r.tags()
  return response
}

function decodeResource(r: Reader): DescribeAclsResource {
  const resource = {
    resourceType: r.int8(),
    resourceName: r.string(),
    patternType: r.int8(),
    acls: r.array(decodeAcl),
  }
  r.tags()
  return resource
}

function decodeAcl(r: Reader): AclDescription {
  const acl = {
    principal: r.string(),
    host: r.string(),
    operation: r.int8(),
    permissionType: r.int8(),
  }
  r.tags()
  return acl
}

export const describeAcls: Api<DescribeAclsRequest, DescribeAclsResponse> = defineApi({
  key: 29,
  name: 'DescribeAcls',
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
