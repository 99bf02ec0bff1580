// AlterClientQuotas sets and removes quotas of users, client ids and addresses (KIP-546). v1 is
// flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AlterClientQuotasRequest {
  entries: AlterClientQuotasEntryData[]
  validateOnly: boolean
}

export interface AlterClientQuotasEntryData {
  entity: AlterClientQuotasEntityData[]
  ops: AlterClientQuotasOpData[]
}

export interface AlterClientQuotasEntityData {
  entityType: string
  /** null: the default of the type. */
  entityName: string | null
}

export interface AlterClientQuotasOpData {
  key: string
  /** Not looked at where `remove` is set. */
  value: number
  remove: boolean
}

export interface AlterClientQuotasResponse {
  throttleTimeMs: number
  entries: AlterClientQuotasResponseEntryData[]
}

export interface AlterClientQuotasResponseEntryData {
  errorCode: number
  errorMessage: string | null
  entity: AlterClientQuotasEntityData[]
}

function encodeRequest(w: Writer, request: AlterClientQuotasRequest): void {
  w.array(request.entries, encodeEntry)
  w.bool(request.validateOnly)
  w.tags()
}

function encodeEntry(w: Writer, entry: AlterClientQuotasEntryData): void {
  w.array(entry.entity, encodeEntity)
  w.array(entry.ops, encodeOp)
  w.tags()
}

function encodeEntity(w: Writer, entity: AlterClientQuotasEntityData): void {
  w.string(entity.entityType)
  w.nullableString(entity.entityName)
  w.tags()
}

function encodeOp(w: Writer, op: AlterClientQuotasOpData): void {
  w.string(op.key)
  w.float64(op.value)
  w.bool(op.remove)
  w.tags()
}

function decodeRequest(r: Reader): AlterClientQuotasRequest {
  const request = { entries: r.array(decodeEntry), validateOnly: r.bool() }
  r.tags()
  return request
}

function decodeEntry(r: Reader): AlterClientQuotasEntryData {
  const entry = { entity: r.array(decodeEntity), ops: r.array(decodeOp) }
  r.tags()
  return entry
}

function decodeEntity(r: Reader): AlterClientQuotasEntityData {
  const entity = { entityType: r.string(), entityName: r.nullableString() }
  r.tags()
  return entity
}

function decodeOp(r: Reader): AlterClientQuotasOpData {
  const op = {
    key: r.string(),
    value: r.float64(),
    remove: r.bool(),
  }
  r.tags()
  return op
}

function encodeResponse(w: Writer, response: AlterClientQuotasResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.entries, encodeResponseEntry)
  w.tags()
}

function encodeResponseEntry(w: Writer, entry: AlterClientQuotasResponseEntryData): void {
  w.int16(entry.errorCode)
  w.nullableString(entry.errorMessage)
  w.array(entry.entity, encodeEntity)
  w.tags()
}

function decodeResponse(r: Reader): AlterClientQuotasResponse {
  const response = { throttleTimeMs: r.int32(), entries: r.array(decodeResponseEntry) }
  r.tags()
  return response
}

function decodeResponseEntry(r: Reader): AlterClientQuotasResponseEntryData {
  const entry = {
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    entity: r.array(decodeEntity),
  }
  r.tags()
  return entry
}

export const alterClientQuotas: Api<AlterClientQuotasRequest, AlterClientQuotasResponse> =
  defineApi({
    key: 49,
    name: 'AlterClientQuotas',
    minVersion: 0,
    maxVersion: 1,
    flexibleFrom: 1,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
