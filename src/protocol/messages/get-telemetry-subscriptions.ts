// GetTelemetrySubscriptions asks which metrics of this client the cluster wants, and how often
// (KIP-714).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface GetTelemetrySubscriptionsRequest {
  /** All zero the first time: the broker then chooses one. */
  clientInstanceId: string
}

export interface GetTelemetrySubscriptionsResponse {
  throttleTimeMs: number
  errorCode: number
  clientInstanceId: string
  subscriptionId: number
  /** As in record batches, the best first. */
  acceptedCompressionTypes: number[]
  pushIntervalMs: number
  telemetryMaxBytes: number
  deltaTemporality: boolean
  /** Prefixes of names: `['']` asks for all metrics, an empty list for none. */
  requestedMetrics: string[]
}

function encodeRequest(w: Writer, request: GetTelemetrySubscriptionsRequest): void {
  w.uuid(request.clientInstanceId)
  w.tags()
}

function decodeRequest(r: Reader): GetTelemetrySubscriptionsRequest {
  const request = { clientInstanceId: r.uuid() }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: GetTelemetrySubscriptionsResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.uuid(response.clientInstanceId)
  w.int32(response.subscriptionId)
  w.int8Array(response.acceptedCompressionTypes)
  w.int32(response.pushIntervalMs)
  w.int32(response.telemetryMaxBytes)
  w.bool(response.deltaTemporality)
  w.stringArray(response.requestedMetrics)
  w.tags()
}

function decodeResponse(r: Reader): GetTelemetrySubscriptionsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    clientInstanceId: r.uuid(),
    subscriptionId: r.int32(),
    acceptedCompressionTypes: r.int8Array(),
    pushIntervalMs: r.int32(),
    telemetryMaxBytes: r.int32(),
    deltaTemporality: r.bool(),
    requestedMetrics: r.stringArray(),
  }
  r.tags()
  return response
}

export const getTelemetrySubscriptions: Api<
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse
> = defineApi({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
