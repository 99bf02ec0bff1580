// ListConfigResources names the resources that have a configuration. v0 knows client metrics alone.
// v1 adds resourceTypes and resourceType (KIP-1142).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ListConfigResourcesRequest {
  /** Empty: all types. */
  resourceTypes: number[]
}

export interface ListConfigResourcesResponse {
  throttleTimeMs: number
  errorCode: number
  configResources: ConfigResource[]
}

export interface ConfigResource {
  resourceName: string
  resourceType: number
}

function encodeRequest(w: Writer, request: ListConfigResourcesRequest): void {
  if (w.version >= 1) w.int8Array(request.resourceTypes)
  else if (request.resourceTypes.length !== 0) throw w.unsupported('resourceTypes')
  w.tags()
}

function decodeRequest(r: Reader): ListConfigResourcesRequest {
  const request = { resourceTypes: r.version >= 1 ? r.int8Array() : [] }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: ListConfigResourcesResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.array(response.configResources, encodeConfigResource)
  w.tags()
}

function encodeConfigResource(w: Writer, configResource: ConfigResource): void {
  w.string(configResource.resourceName)
  if (w.version >= 1) w.int8(configResource.resourceType)
  w.tags()
}

function decodeResponse(r: Reader): ListConfigResourcesResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    configResources: r.array(decodeConfigResource),
  }
  r.tags()
  return response
}

function decodeConfigResource(r: Reader): ConfigResource {
  const configResource = {
    resourceName: r.string(),
    resourceType: r.version >= 1 ? r.int8() : 16,
  }
  r.tags()
  return configResource
}

export const listConfigResources: Api<ListConfigResourcesRequest, ListConfigResourcesResponse> =
  defineApi({
    key: 74,
    name: 'ListConfigResources',
    minVersion: 0,
    maxVersion: 1,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
