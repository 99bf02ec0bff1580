// ApiVersions asks a broker which versions of which APIs it speaks: the first request of a connection.
// v1 adds throttleTimeMs. v3 is flexible and adds the client's software and, tagged, the cluster's
// features (KIP-511, KIP-584). v4 lets a supported feature start at version 0. v5 adds clusterId and
// nodeId, which a broker that is another one refuses (KIP-1242). A broker that does not know the version
// of the request responds in v0 with error 35.

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface ApiVersionsRequest {
  clientSoftwareName: string
  clientSoftwareVersion: string
  clusterId: string | null
  /** -1: not known yet. */
  nodeId: number
}

export interface ApiVersionsResponse {
  errorCode: number
  apiKeys: ApiVersion[]
  throttleTimeMs: number
  supportedFeatures: SupportedFeatureKey[]
  finalizedFeaturesEpoch: bigint
  finalizedFeatures: FinalizedFeatureKey[]
  zkMigrationReady: boolean
}

export interface ApiVersion {
  apiKey: number
  minVersion: number
  maxVersion: number
}

export interface SupportedFeatureKey {
  name: string
  minVersion: number
  maxVersion: number
}

export interface FinalizedFeatureKey {
  name: string
  maxVersionLevel: number
  minVersionLevel: number
}

function encodeRequest(w: Writer, request: ApiVersionsRequest): void {
  if (w.version >= 3) w.string(request.clientSoftwareName)
  if (w.version >= 3) w.string(request.clientSoftwareVersion)
  if (w.version >= 5) w.nullableString(request.clusterId)
  if (w.version >= 5) w.int32(request.nodeId)
  w.tags()
}

function decodeRequest(r: Reader): ApiVersionsRequest {
  const request = {
    clientSoftwareName: r.version >= 3 ? r.string() : '',
    clientSoftwareVersion: r.version >= 3 ? r.string() : '',
    clusterId: r.version >= 5 ? r.nullableString() : null,
    nodeId: r.version >= 5 ? r.int32() : -1,
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: ApiVersionsResponse): void {
  w.int16(response.errorCode)
  w.array(response.apiKeys, encodeApiVersion)
  if (w.version >= 1) w.int32(response.throttleTimeMs)
  w.tags(
    response.supportedFeatures.length !== 0 && {
      tag: 0,
      encode: (w) => w.array(response.supportedFeatures, encodeSupportedFeatureKey),
    },
    response.finalizedFeaturesEpoch !== -1n && {
      tag: 1,
      encode: (w) => w.int64(response.finalizedFeaturesEpoch),
    },
    response.finalizedFeatures.length !== 0 && {
      tag: 2,
      encode: (w) => w.array(response.finalizedFeatures, encodeFinalizedFeatureKey),
    },
    response.zkMigrationReady !== false && {
      tag: 3,
      encode: (w) => w.bool(response.zkMigrationReady),
    },
  )
}

function encodeApiVersion(w: Writer, apiKey: ApiVersion): void {
  w.int16(apiKey.apiKey)
  w.int16(apiKey.minVersion)
  w.int16(apiKey.maxVersion)
  w.tags()
}

function encodeSupportedFeatureKey(w: Writer, feature: SupportedFeatureKey): void {
  w.string(feature.name)
  w.int16(feature.minVersion)
  w.int16(feature.maxVersion)
  w.tags()
}

function encodeFinalizedFeatureKey(w: Writer, feature: FinalizedFeatureKey): void {
  w.string(feature.name)
  w.int16(feature.maxVersionLevel)
  w.int16(feature.minVersionLevel)
  w.tags()
}

function decodeResponse(r: Reader): ApiVersionsResponse {
  const response: ApiVersionsResponse = {
    errorCode: r.int16(),
    apiKeys: r.array(decodeApiVersion),
    throttleTimeMs: r.version >= 1 ? r.int32() : 0,
    supportedFeatures: [],
    finalizedFeaturesEpoch: -1n,
    finalizedFeatures: [],
    zkMigrationReady: false,
  }
  r.tags((tag, r) => {
    if (tag === 0) response.supportedFeatures = r.array(decodeSupportedFeatureKey)
    else if (tag === 1) response.finalizedFeaturesEpoch = r.int64()
    else if (tag === 2) response.finalizedFeatures = r.array(decodeFinalizedFeatureKey)
    else if (tag === 3) response.zkMigrationReady = r.bool()
  })
  return response
}

function decodeApiVersion(r: Reader): ApiVersion {
  const apiKey = { apiKey: r.int16(), minVersion: r.int16(), maxVersion: r.int16() }
  r.tags()
  return apiKey
}

function decodeSupportedFeatureKey(r: Reader): SupportedFeatureKey {
  const feature = { name: r.string(), minVersion: r.int16(), maxVersion: r.int16() }
  r.tags()
  return feature
}

function decodeFinalizedFeatureKey(r: Reader): FinalizedFeatureKey {
  const feature = { name: r.string(), maxVersionLevel: r.int16(), minVersionLevel: r.int16() }
  r.tags()
  return feature
}

export const apiVersions: Api<ApiVersionsRequest, ApiVersionsResponse> = defineApi({
  key: 18,
  name: 'ApiVersions',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
