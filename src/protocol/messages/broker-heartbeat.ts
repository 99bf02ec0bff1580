// BrokerHeartbeat keeps a broker registered, and asks to be unfenced or to shut down (KIP-631). v1 adds
// offline log directories (KIP-858). v2 adds cordoned log directories (KIP-1066).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface BrokerHeartbeatRequest {
  brokerId: number
  brokerEpoch: bigint
  currentMetadataOffset: bigint
  wantFence: boolean
  wantShutDown: boolean
  offlineLogDirs: string[]
  cordonedLogDirs: string[] | null
}

export interface BrokerHeartbeatResponse {
  throttleTimeMs: number
  errorCode: number
  isCaughtUp: boolean
  isFenced: boolean
  shouldShutDown: boolean
}

function encodeRequest(w: Writer, request: BrokerHeartbeatRequest): void {
  w.int32(request.brokerId)
  w.int64(request.brokerEpoch)
  w.int64(request.currentMetadataOffset)
  w.bool(request.wantFence)
  w.bool(request.wantShutDown)
  const hasOfflineLogDirs = request.offlineLogDirs.length !== 0
  const hasCordonedLogDirs = request.cordonedLogDirs !== null
  if (w.version < 1 && hasOfflineLogDirs) throw w.unsupported('offlineLogDirs')
  if (w.version < 2 && hasCordonedLogDirs) throw w.unsupported('cordonedLogDirs')
  w.tags(
    hasOfflineLogDirs && {
      tag: 0,
      encode: (w) => w.uuidArray(request.offlineLogDirs),
    },
    hasCordonedLogDirs && {
      tag: 1,
      encode: (w) => w.nullableUuidArray(request.cordonedLogDirs),
    },
  )
}

function decodeRequest(r: Reader): BrokerHeartbeatRequest {
  const request: BrokerHeartbeatRequest = {
    brokerId: r.int32(),
    brokerEpoch: r.int64(),
    currentMetadataOffset: r.int64(),
    wantFence: r.bool(),
    wantShutDown: r.bool(),
    offlineLogDirs: [],
    cordonedLogDirs: null,
  }
  r.tags((tag, r) => {
    if (tag === 0 && r.version >= 1) request.offlineLogDirs = r.uuidArray()
    else if (tag === 1 && r.version >= 2) request.cordonedLogDirs = r.nullableUuidArray()
  })
  return request
}

function encodeResponse(w: Writer, response: BrokerHeartbeatResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.bool(response.isCaughtUp)
  w.bool(response.isFenced)
  w.bool(response.shouldShutDown)
  w.tags()
}

function decodeResponse(r: Reader): BrokerHeartbeatResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    isCaughtUp: r.bool(),
    isFenced: r.bool(),
    shouldShutDown: r.bool(),
  }
  r.tags()
  return response
}

export const brokerHeartbeat: Api<BrokerHeartbeatRequest, BrokerHeartbeatResponse> = defineApi({
  key: 63,
  name: 'BrokerHeartbeat',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
