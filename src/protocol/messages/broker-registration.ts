// BrokerRegistration registers a broker with the active controller when it starts (KIP-631). v1 adds
// isMigratingZkBroker, v2 log directories (KIP-858), v3 previousBrokerEpoch (KIP-966); v4 lets a feature
// start at version 0.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface BrokerRegistrationRequest {
  brokerId: number
  clusterId: string
  incarnationId: string
  listeners: Listener[]
  features: Feature[]
  rack: string | null
  isMigratingZkBroker: boolean
  logDirs: string[]
  previousBrokerEpoch: bigint
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

export interface BrokerRegistrationResponse {
  throttleTimeMs: number
  errorCode: number
  brokerEpoch: bigint
}

function encodeRequest(w: Writer, request: BrokerRegistrationRequest): void {
  w.int32(request.brokerId)
  w.string(request.clusterId)
  w.uuid(request.incarnationId)
  w.array(request.listeners, encodeListener)
  w.array(request.features, encodeFeature)
  w.nullableString(request.rack)
  if (w.version >= 1) w.bool(request.isMigratingZkBroker)
  else if (request.isMigratingZkBroker) throw w.unsupported('isMigratingZkBroker')
  if (w.version >= 2) w.uuidArray(request.logDirs)
  if (w.version >= 3) w.int64(request.previousBrokerEpoch)
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

function decodeRequest(r: Reader): BrokerRegistrationRequest {
  const request = {
    brokerId: r.int32(),
    clusterId: r.string(),
    incarnationId: r.uuid(),
    listeners: r.array(decodeListener),
    features: r.array(decodeFeature),
    rack: r.nullableString(),
    isMigratingZkBroker: r.version >= 1 ? r.bool() : false,
    logDirs: r.version >= 2 ? r.uuidArray() : [],
    previousBrokerEpoch: r.version >= 3 ? r.int64() : -1n,
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

function encodeResponse(w: Writer, response: BrokerRegistrationResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.int64(response.brokerEpoch)
  w.tags()
}

function decodeResponse(r: Reader): BrokerRegistrationResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    brokerEpoch: r.int64(),
  }
  r.tags()
  return response
}

export const brokerRegistration: Api<BrokerRegistrationRequest, BrokerRegistrationResponse> =
  defineApi({
    key: 62,
    name: 'BrokerRegistration',
    minVersion: 0,
    maxVersion: 4,
    flexibleFrom: 0,
    encodeRequest,
    decodeRequest,
    encodeResponse,
    decodeResponse,
  })
