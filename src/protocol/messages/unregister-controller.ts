// UnregisterController removes the registration of a controller that is gone.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface UnregisterControllerRequest {
  controllerId: number
}

export interface UnregisterControllerResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: UnregisterControllerRequest): void {
  w.int32(request.controllerId)
  w.tags()
}

function decodeRequest(r: Reader): UnregisterControllerRequest {
  const request = {
    controllerId: r.int32(),
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: UnregisterControllerResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): UnregisterControllerResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return response
}

export const unregisterController: Api<UnregisterControllerRequest, UnregisterControllerResponse> =
  defineApi({
    key: 94,
    name: 'UnregisterController',
    minVersion: 0,
    maxVersion: 0,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
