// PushTelemetry brings the metrics of this client to a broker, as OTLP bytes (KIP-714).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface PushTelemetryRequest {
  clientInstanceId: string
  subscriptionId: number
  /** Whether this is the last push of this client instance. */
  terminating: boolean
  compressionType: number
  metrics: Buffer
}

export interface PushTelemetryResponse {
  throttleTimeMs: number
  errorCode: number
}

function encodeRequest(w: Writer, request: PushTelemetryRequest): void {
  w.uuid(request.clientInstanceId)
  w.int32(request.subscriptionId)
  w.bool(request.terminating)
  w.int8(request.compressionType)
  w.bytes(request.metrics)
  w.tags()
}

function decodeRequest(r: Reader): PushTelemetryRequest {
  const request = {
    clientInstanceId: r.uuid(),
    subscriptionId: r.int32(),
    terminating: r.bool(),
    compressionType: r.int8(),
    metrics: r.bytes(),
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: PushTelemetryResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.tags()
}

function decodeResponse(r: Reader): PushTelemetryResponse {
  const response = { throttleTimeMs: r.int32(), errorCode: r.int16() }
  r.tags()
  return response
}

export const pushTelemetry: Api<PushTelemetryRequest, PushTelemetryResponse> = defineApi({
  key: 72,
  name: 'PushTelemetry',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
