// UpdateFeatures raises or lowers finalized features of the cluster, metadata.version among them
// (KIP-584). v1 has upgradeType and validateOnly where v0 has allowDowngrade (KIP-778). v2 has
// one error for the request as a whole and no longer one for each feature (KIP-1022).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface UpdateFeaturesRequest {
  timeoutMs: number
  featureUpdates: FeatureUpdateKey[]
  validateOnly: boolean
}

export interface FeatureUpdateKey {
  feature: string
  /** Below 1: delete the feature. */
  maxVersionLevel: number
  allowDowngrade: boolean
  /** 1 upgrade, 2 downgrade where nothing is lost, 3 downgrade in any case. */
  upgradeType: number
}

export interface UpdateFeaturesResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  results: UpdatableFeatureResult[]
}

export interface UpdatableFeatureResult {
  feature: string
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: UpdateFeaturesRequest): void {
  w.int32(request.timeoutMs)
  w.array(request.featureUpdates, encodeFeatureUpdate)
  if (w.version >= 1) w.bool(request.validateOnly)
  else if (request.validateOnly) throw w.unsupported('validateOnly')
  w.tags()
}

function encodeFeatureUpdate(w: Writer, update: FeatureUpdateKey): void {
  w.string(update.feature)
  w.int16(update.maxVersionLevel)
  if (w.version === 0) w.bool(update.allowDowngrade)
  else if (update.allowDowngrade) throw w.unsupported('allowDowngrade')
  if (w.version >= 1) w.int8(update.upgradeType)
  else if (update.upgradeType !== 1) throw w.unsupported('upgradeType')
  w.tags()
}

function decodeRequest(r: Reader): UpdateFeaturesRequest {
  const request = {
    timeoutMs: r.int32(),
    featureUpdates: r.array(decodeFeatureUpdate),
    validateOnly: r.version >= 1 ? r.bool() : false,
  }
  r.tags()
  return request
}

function decodeFeatureUpdate(r: Reader): FeatureUpdateKey {
  const update = {
    feature: r.string(),
    maxVersionLevel: r.int16(),
    allowDowngrade: r.version === 0 ? r.bool() : false,
    upgradeType: r.version >= 1 ? r.int8() : 1,
  }
  r.tags()
  return update
}

function encodeResponse(w: Writer, response: UpdateFeaturesResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  if (w.version <= 1) w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: UpdatableFeatureResult): void {
  w.string(result.feature)
  w.int16(result.errorCode)
  w.nullableString(result.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): UpdateFeaturesResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    results: r.version <= 1 ? r.array(decodeResult) : [],
  }
  r.tags()
  return response
}

function decodeResult(r: Reader): UpdatableFeatureResult {
  const result = {
    feature: r.string(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return result
}

export const updateFeatures: Api<UpdateFeaturesRequest, UpdateFeaturesResponse> = defineApi({
  key: 57,
  name: 'UpdateFeatures',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
