// AlterConfigs replaces the dynamic configuration of a resource as a whole: a key that the request
// does not name falls back to its default. IncrementalAlterConfigs changes single keys and should
// be preferred. v1 has the bytes of v0, but the broker responds before it throttles. v2 is
// flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AlterConfigsRequest {
  resources: AlterConfigsResource[]
  validateOnly: boolean
}

export interface AlterConfigsResource {
  resourceType: number
  resourceName: string
  configs: AlterableConfig[]
}

export interface AlterableConfig {
  name: string
  value: string | null
}

export interface AlterConfigsResponse {
  throttleTimeMs: number
  responses: AlterConfigsResourceResponse[]
}

export interface AlterConfigsResourceResponse {
  errorCode: number
  errorMessage: string | null
  resourceType: number
  resourceName: string
}

function encodeRequest(w: Writer, request: AlterConfigsRequest): void {
  w.array(request.resources, encodeResource)
  w.bool(request.validateOnly)
  w.tags()
}

function encodeResource(w: Writer, resource: AlterConfigsResource): void {
  w.int8(resource.resourceType)
  w.string(resource.resourceName)
  w.array(resource.configs, encodeConfig)
  w.tags()
}

function encodeConfig(w: Writer, config: AlterableConfig): void {
  w.string(config.name)
  w.nullableString(config.value)
  w.tags()
}

function decodeRequest(r: Reader): AlterConfigsRequest {
  const request = { resources: r.array(decodeResource), validateOnly: r.bool() }
  r.tags()
  return request
}

function decodeResource(r: Reader): AlterConfigsResource {
  const resource = {
    resourceType: r.int8(),
    resourceName: r.string(),
    configs: r.array(decodeConfig),
  }
  r.tags()
  return resource
}

function decodeConfig(r: Reader): AlterableConfig {
  const config = { name: r.string(), value: r.nullableString() }
  r.tags()
  return config
}

function encodeResponse(w: Writer, response: AlterConfigsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.responses, encodeResourceResponse)
  w.tags()
}

function encodeResourceResponse(w: Writer, resourceResponse: AlterConfigsResourceResponse): void {
  w.int16(resourceResponse.errorCode)
  w.nullableString(resourceResponse.errorMessage)
  w.int8(resourceResponse.resourceType)
  w.string(resourceResponse.resourceName)
  w.tags()
}

function decodeResponse(r: Reader): AlterConfigsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    responses: r.array(decodeResourceResponse),
  }
  r.tags()
  return response
}

function decodeResourceResponse(r: Reader): AlterConfigsResourceResponse {
  const resourceResponse = {
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    resourceType: r.int8(),
    resourceName: r.string(),
  }
  r.tags()
  return resourceResponse
}

export const alterConfigs: Api<AlterConfigsRequest, AlterConfigsResponse> = defineApi({
  key: 33,
  name: 'AlterConfigs',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
