// IncrementalAlterConfigs sets, deletes, appends to or subtracts from single configuration keys and
// leaves the others as they are (KIP-339). v1 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface IncrementalAlterConfigsRequest {
  resources: IncrementalAlterConfigsResource[]
  validateOnly: boolean
}

export interface IncrementalAlterConfigsResource {
  resourceType: number
  resourceName: string
  configs: IncrementalAlterableConfig[]
}

export interface IncrementalAlterableConfig {
  name: string
  /** 0 set, 1 delete, 2 append, 3 subtract. */
  configOperation: number
  value: string | null
}

export interface IncrementalAlterConfigsResponse {
  throttleTimeMs: number
  responses: IncrementalAlterConfigsResourceResponse[]
}

export interface IncrementalAlterConfigsResourceResponse {
  errorCode: number
  errorMessage: string | null
  resourceType: number
  resourceName: string
}

function encodeRequest(w: Writer, request: IncrementalAlterConfigsRequest): void {
  w.array(request.resources, encodeResource)
  w.bool(request.validateOnly)
  w.tags()
}

function encodeResource(w: Writer, resource: IncrementalAlterConfigsResource): void {
  w.int8(resource.resourceType)
  w.string(resource.resourceName)
  w.array(resource.configs, encodeConfig)
  w.tags()
}

function encodeConfig(w: Writer, config: IncrementalAlterableConfig): void {
  w.string(config.name)
  w.int8(config.configOperation)
  w.nullableString(config.value)
  w.tags()
}

function decodeRequest(r: Reader): IncrementalAlterConfigsRequest {
  const request = { resources: r.array(decodeResource), validateOnly: r.bool() }
  r.tags()
  return request
}

function decodeResource(r: Reader): IncrementalAlterConfigsResource {
  const resource = {
    resourceType: r.int8(),
    resourceName: r.string(),
    configs: r.array(decodeConfig),
  }
  r.tags()
  return resource
}

function decodeConfig(r: Reader): IncrementalAlterableConfig {
  const config = {
    name: r.string(),
    configOperation: r.int8(),
    value: r.nullableString(),
  }
  r.tags()
  return config
}

function encodeResponse(w: Writer, response: IncrementalAlterConfigsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.responses, encodeResourceResponse)
  w.tags()
}

function encodeResourceResponse(
  w: Writer,
  resourceResponse: IncrementalAlterConfigsResourceResponse,
): void {
  w.int16(resourceResponse.errorCode)
  w.nullableString(resourceResponse.errorMessage)
  w.int8(resourceResponse.resourceType)
  w.string(resourceResponse.resourceName)
  w.tags()
}

function decodeResponse(r: Reader): IncrementalAlterConfigsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    responses: r.array(decodeResourceResponse),
  }
  r.tags()
  return response
}

function decodeResourceResponse(r: Reader): IncrementalAlterConfigsResourceResponse {
  const resourceResponse = {
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    resourceType: r.int8(),
    resourceName: r.string(),
  }
  r.tags()
  return resourceResponse
}

export const incrementalAlterConfigs: Api<
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse
> = defineApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
