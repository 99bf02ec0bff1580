// DescribeClientQuotas lists the quotas of users, client ids and addresses that match a filter
// (KIP-546). v1 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeClientQuotasRequest {
  components: ClientQuotaComponentData[]
  strict: boolean
}

export interface ClientQuotaComponentData {
  entityType: string
  /** 0 exactly `match`, 1 the default, 2 any that is named. */
  matchType: number
  match: string | null
}

export interface DescribeClientQuotasResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  entries: DescribeClientQuotasEntryData[] | null
}

export interface DescribeClientQuotasEntryData {
  entity: DescribeClientQuotasEntityData[]
  values: DescribeClientQuotasValueData[]
}

export interface DescribeClientQuotasEntityData {
  entityType: string
  /** null: the default of the type. */
  entityName: string | null
}

export interface DescribeClientQuotasValueData {
  key: string
  value: number
}

function encodeRequest(w: Writer, request: DescribeClientQuotasRequest): void {
  w.array(request.components, encodeComponent)
  w.bool(request.strict)
  w.tags()
}

function encodeComponent(w: Writer, component: ClientQuotaComponentData): void {
  w.string(component.entityType)
  w.int8(component.matchType)
  w.nullableString(component.match)
  w.tags()
}

function decodeRequest(r: Reader): DescribeClientQuotasRequest {
  const request = { components: r.array(decodeComponent), strict: r.bool() }
  r.tags()
  return request
}

function decodeComponent(r: Reader): ClientQuotaComponentData {
  const component = {
    entityType: r.string(),
    matchType: r.int8(),
    match: r.nullableString(),
  }
  r.tags()
  return component
}

function encodeResponse(w: Writer, response: DescribeClientQuotasResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.nullableArray(response.entries, encodeEntry)
  w.tags()
}

function encodeEntry(w: Writer, entry: DescribeClientQuotasEntryData): void {
  w.array(entry.entity, encodeEntity)
  w.array(entry.values, encodeValue)
  w.tags()
}

function encodeEntity(w: Writer, entity: DescribeClientQuotasEntityData): void {
  w.string(entity.entityType)
  w.nullableString(entity.entityName)
  w.tags()
}

function encodeValue(w: Writer, value: DescribeClientQuotasValueData): void {
  w.string(value.key)
  w.float64(value.value)
  w.tags()
}

function decodeResponse(r: Reader): DescribeClientQuotasResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    entries: r.nullableArray(decodeEntry),
  }
  r.tags()
  return response
}

function decodeEntry(r: Reader): DescribeClientQuotasEntryData {
  const entry = { entity: r.array(decodeEntity), values: r.array(decodeValue) }
  r.tags()
  return entry
}

function decodeEntity(r: Reader): DescribeClientQuotasEntityData {
  const entity = { entityType: r.string(), entityName: r.nullableString() }
  r.tags()
  return entity
}

function decodeValue(r: Reader): DescribeClientQuotasValueData {
  const value = { key: r.string(), value: r.float64() }
  r.tags()
  return value
}

export const describeClientQuotas: Api<DescribeClientQuotasRequest, DescribeClientQuotasResponse> =
  defineApi({
    key: 48,
    name: 'DescribeClientQuotas',
    minVersion: 0,
    maxVersion: 1,
    flexibleFrom: 1,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
