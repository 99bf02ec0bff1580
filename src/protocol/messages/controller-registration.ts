// ControllerRegistration registers a controller with the active one: listeners and features (KIP-919).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ControllerRegistrationRequest {
  controllerId: number
  incarnationId: string
  zkMigrationReady: boolean
  listeners: Listener[]
  features: Feature[]
}

export interface Listener {
  name: string
  host: string
  port: number
  securityProtocol: number
}

export interface Feature {
  name: string
  minSupportedVersion: number
  maxSupportedVersion: number
}

export interface ControllerRegistrationResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: ControllerRegistrationRequest): void {
  w.int32(request.controllerId)
  w.uuid(request.incarnationId)
  w.bool(request.zkMigrationReady)
  w.array(request.listeners, encodeListener)
  w.array(request.features, encodeFeature)
  w.tags()
}

function encodeListener(w: Writer, listener: Listener): void {
  w.string(listener.name)
  w.string(listener.host)
  w.uint16(listener.port)
  w.int16(listener.securityProtocol)
  w.tags()
}

function encodeFeature(w: Writer, feature: Feature): void {
  w.string(feature.name)
  w.int16(feature.minSupportedVersion)
  w.int16(feature.maxSupportedVersion)
  w.tags()
}

function decodeRequest(r: Reader): ControllerRegistrationRequest {
  const request = {
    controllerId: r.int32(),
    incarnationId: r.uuid(),
    zkMigrationReady: r.bool(),
    listeners: r.array(decodeListener),
    features: r.array(decodeFeature),
  }
  r.tags()
  return request
}

function decodeListener(r: Reader): Listener {
  const listener = {
    name: r.string(),
    host: r.string(),
    port: r.uint16(),
    securityProtocol: r.int16(),
  }
  r.tags()
  return listener
}

function decodeFeature(r: Reader): Feature {
  const feature = {
    name: r.string(),
    minSupportedVersion: r.int16(),
    maxSupportedVersion: r.int16(),
  }
  r.tags()
  return feature
}

function encodeResponse(w: Writer, response: ControllerRegistrationResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): ControllerRegistrationResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return response
}

export const controllerRegistration: Api<
  ControllerRegistrationRequest,
  ControllerRegistrationResponse
> = defineApi({
  key: 70,
  name: 'ControllerRegistration',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
