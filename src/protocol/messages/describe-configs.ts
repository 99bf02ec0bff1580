// DescribeConfigs reads the configuration of topics, brokers, groups and client metrics, and where
// each value comes from (KIP-226). v2 has the bytes of v1, but the broker responds before it
// throttles. v3 adds includeDocumentation, configType and documentation (KIP-569). v4 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeConfigsRequest {
  resources: DescribeConfigsResource[]
  includeSynonyms: boolean
  includeDocumentation: boolean
}

export interface DescribeConfigsResource {
  resourceType: number
  resourceName: string
  /** null: all keys. */
  configurationKeys: string[] | null
}

export interface DescribeConfigsResponse {
  throttleTimeMs: number
  results: DescribeConfigsResult[]
}

export interface DescribeConfigsResult {
  errorCode: number
  errorMessage: string | null
  resourceType: number
  resourceName: string
  configs: DescribeConfigsResourceResult[]
}

export interface DescribeConfigsResourceResult {
  name: string
  /** null for a sensitive value too. */
  value: string | null
  readOnly: boolean
  configSource: number
  isSensitive: boolean
  synonyms: DescribeConfigsSynonym[]
  configType: number
  documentation: string | null
}

export interface DescribeConfigsSynonym {
  name: string
  value: string | null
  source: number
}

function encodeRequest(w: Writer, request: DescribeConfigsRequest): void {
  w.array(request.resources, encodeResource)
  w.bool(request.includeSynonyms)
  if (w.version >= 3) w.bool(request.includeDocumentation)
  else if (request.includeDocumentation) throw w.unsupported('includeDocumentation')
  w.tags()
}

function encodeResource(w: Writer, resource: DescribeConfigsResource): void {
  w.int8(resource.resourceType)
  w.string(resource.resourceName)
  w.nullableStringArray(resource.configurationKeys)
  w.tags()
}

function decodeRequest(r: Reader): DescribeConfigsRequest {
  const request = {
    resources: r.array(decodeResource),
    includeSynonyms: r.bool(),
    includeDocumentation: r.version >= 3 ? r.bool() : false,
  }
  r.tags()
  return request
}

function decodeResource(r: Reader): DescribeConfigsResource {
  const resource = {
    resourceType: r.int8(),
    resourceName: r.string(),
    configurationKeys: r.nullableStringArray(),
  }
  r.tags()
  return resource
}

function encodeResponse(w: Writer, response: DescribeConfigsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: DescribeConfigsResult): void {
  w.int16(result.errorCode)
  w.nullableString(result.errorMessage)
  w.int8(result.resourceType)
  w.string(result.resourceName)
  w.array(result.configs, encodeConfig)
  w.tags()
}

function encodeConfig(w: Writer, config: DescribeConfigsResourceResult): void {
  w.string(config.name)
  w.nullableString(config.value)
  w.bool(config.readOnly)
  w.int8(config.configSource)
  w.bool(config.isSensitive)
  w.array(config.synonyms, encodeSynonym)
  if (w.version >= 3) w.int8(config.configType)
  if (w.version >= 3) w.nullableString(config.documentation)
  w.tags()
}

function encodeSynonym(w: Writer, synonym: DescribeConfigsSynonym): void {
  w.string(synonym.name)
  w.nullableString(synonym.value)
  w.int8(synonym.source)
  w.tags()
}

function decodeResponse(r: Reader): DescribeConfigsResponse {
  const response = { throttleTimeMs: r.int32(), results: r.array(decodeResult) }
  r.tags()
  return response
}

function decodeResult(r: Reader): DescribeConfigsResult {
  const result = {
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    resourceType: r.int8(),
    resourceName: r.string(),
    configs: r.array(decodeConfig),
  }
  r.tags()
  return result
}

function decodeConfig(r: Reader): DescribeConfigsResourceResult {
  const config = {
    name: r.string(),
    value: r.nullableString(),
    readOnly: r.bool(),
    configSource: r.int8(),
    isSensitive: r.bool(),
    synonyms: r.array(decodeSynonym),
    configType: r.version >= 3 ? r.int8() : 0,
    documentation: r.version >= 3 ? r.nullableString() : '',
  }
  r.tags()
  return config
}

function decodeSynonym(r: Reader): DescribeConfigsSynonym {
  const synonym = {
    name: r.string(),
    value: r.nullableString(),
    source: r.int8(),
  }
  r.tags()
  return synonym
}

export const describeConfigs: Api<DescribeConfigsRequest, DescribeConfigsResponse> = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  minVersion: 1,
  maxVersion: 4,
  flexibleFrom: 4,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
