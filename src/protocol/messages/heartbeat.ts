// Heartbeat keeps a classic group member alive and tells it when to rejoin.
// v1 adds throttleTimeMs. v3 adds groupInstanceId (KIP-345). v4 is flexible.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface HeartbeatRequest {
  groupId: string
  generationId: number
  memberId: string
  groupInstanceId: string | null
}

export interface HeartbeatResponse {
  throttleTimeMs: number
  errorCode: number
}

function encodeRequest(w: Writer, request: HeartbeatRequest): void {
  w.string(request.groupId)
  w.int32(request.generationId)
  w.string(request.memberId)
  if (w.version >= 3) w.nullableString(request.groupInstanceId)
  else if (request.groupInstanceId !== null) throw w.unsupported('groupInstanceId')
  w.tags()
}

function decodeRequest(r: Reader): HeartbeatRequest {
  const request = {
    groupId: r.string(),
    generationId: r.int32(),
    memberId: r.string(),
    groupInstanceId: r.version >= 3 ? r.nullableString() : null,
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: HeartbeatResponse): void {
  if (w.version >= 1) w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): HeartbeatResponse {
  const response = {
    throttleTimeMs: r.version >= 1 ? r.int32() : 0,
    errorCode: r.int16(),
  }
  r.tags()
  return response
}

export const heartbeat: Api<HeartbeatRequest, HeartbeatResponse> = defineApi({
  key: 12,
  name: 'Heartbeat',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 4,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
