// FindCoordinator names the broker that coordinates a group (keyType 0), a transactional id (1) or a
// share group's partition (2, v6). v1 adds keyType, throttleTimeMs and errorMessage. v3 is flexible.
// v4 asks for many keys at once and has them in `coordinators` (KIP-699).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface FindCoordinatorRequest {
  key: string
  keyType: number
  coordinatorKeys: string[]
}

export interface FindCoordinatorResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  nodeId: number
  host: string
  port: number
  coordinators: Coordinator[]
}

export interface Coordinator {
  key: string
  nodeId: number
  host: string
  port: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: FindCoordinatorRequest): void {
  if (w.version <= 3) w.string(request.key)
  else if (request.key !== '') throw w.unsupported('key')
  if (w.version >= 1) w.int8(request.keyType)
  else if (request.keyType !== 0) throw w.unsupported('keyType')
  if (w.version >= 4) w.stringArray(request.coordinatorKeys)
  else if (request.coordinatorKeys.length !== 0) throw w.unsupported('coordinatorKeys')
  w.tags()
}

function decodeRequest(r: Reader): FindCoordinatorRequest {
  const request = {
    key: r.version <= 3 ? r.string() : '',
    keyType: r.version >= 1 ? r.int8() : 0,
    coordinatorKeys: r.version >= 4 ? r.stringArray() : [],
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: FindCoordinatorResponse): void {
  if (w.version >= 1) w.int32(response.throttleTimeMs)
  if (w.version <= 3) w.int16(response.errorCode)
  else if (response.errorCode !== 0) throw w.unsupported('errorCode')
  if (w.version >= 1 && w.version <= 3) w.nullableString(response.errorMessage)
  if (w.version <= 3) w.int32(response.nodeId)
  else if (response.nodeId !== 0) throw w.unsupported('nodeId')
  if (w.version <= 3) w.string(response.host)
  else if (response.host !== '') throw w.unsupported('host')
  if (w.version <= 3) w.int32(response.port)
  else if (response.port !== 0) throw w.unsupported('port')
  if (w.version >= 4) w.array(response.coordinators, encodeCoordinator)
  else if (response.coordinators.length !== 0) throw w.unsupported('coordinators')
  w.tags()
}

function encodeCoordinator(w: Writer, coordinator: Coordinator): void {
  w.string(coordinator.key)
  w.int32(coordinator.nodeId)
  w.string(coordinator.host)
  w.int32(coordinator.port)
  w.int16(coordinator.errorCode)
  w.nullableString(coordinator.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): FindCoordinatorResponse {
  const response = {
    throttleTimeMs: r.version >= 1 ? r.int32() : 0,
    errorCode: r.version <= 3 ? r.int16() : 0,
    errorMessage: r.version >= 1 && r.version <= 3 ? r.nullableString() : '',
    nodeId: r.version <= 3 ? r.int32() : 0,
    host: r.version <= 3 ? r.string() : '',
    port: r.version <= 3 ? r.int32() : 0,
    coordinators: r.version >= 4 ? r.array(decodeCoordinator) : [],
  }
  r.tags()
  return response
}

function decodeCoordinator(r: Reader): Coordinator {
  const coordinator = {
    key: r.string(),
    nodeId: r.int32(),
    host: r.string(),
    port: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return coordinator
}

export const findCoordinator: Api<FindCoordinatorRequest, FindCoordinatorResponse> = defineApi({
  key: 10,
  name: 'FindCoordinator',
  minVersion: 0,
  maxVersion: 6,
  flexibleFrom: 3,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
