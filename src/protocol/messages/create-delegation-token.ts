// CreateDelegationToken makes a token with which a client can authenticate for its owner (KIP-48).
// v1 is the least that brokers still serve. v2 is flexible. v3 adds an owner other than the
// requester and names the requester in the response (KIP-373).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface CreateDelegationTokenRequest {
  /** '' here and below: the requester. */
  ownerPrincipalType: string | null
  ownerPrincipalName: string | null
  renewers: CreatableRenewers[]
  /** -1: the broker's limit. */
  maxLifetimeMs: bigint
}

export interface CreatableRenewers {
  principalType: string
  principalName: string
}

export interface CreateDelegationTokenResponse {
  errorCode: number
  principalType: string
  principalName: string
  tokenRequesterPrincipalType: string
  tokenRequesterPrincipalName: string
  issueTimestampMs: bigint
  expiryTimestampMs: bigint
  maxTimestampMs: bigint
  tokenId: string
  hmac: Buffer
  throttleTimeMs: number
}

function encodeRequest(w: Writer, request: CreateDelegationTokenRequest): void {
  if (w.version >= 3) w.nullableString(request.ownerPrincipalType)
  else if (request.ownerPrincipalType !== '') throw w.unsupported('ownerPrincipalType')
  if (w.version >= 3) w.nullableString(request.ownerPrincipalName)
  else if (request.ownerPrincipalName !== '') throw w.unsupported('ownerPrincipalName')
  w.array(request.renewers, encodeRenewer)
  w.int64(request.maxLifetimeMs)
  w.tags()
}

function encodeRenewer(w: Writer, renewer: CreatableRenewers): void {
  w.string(renewer.principalType)
  w.string(renewer.principalName)
  w.tags()
}

function decodeRequest(r: Reader): CreateDelegationTokenRequest {
  const request = {
    ownerPrincipalType: r.version >= 3 ? r.nullableString() : '',
    ownerPrincipalName: r.version >= 3 ? r.nullableString() : '',
    renewers: r.array(decodeRenewer),
    maxLifetimeMs: r.int64(),
  }
  r.tags()
  return request
}

function decodeRenewer(r: Reader): CreatableRenewers {
  const renewer = { principalType: r.string(), principalName: r.string() }
  r.tags()
  return renewer
}

function encodeResponse(w: Writer, response: CreateDelegationTokenResponse): void {
  w.int16(response.errorCode)
  w.string(response.principalType)
  w.string(response.principalName)
  if (w.version >= 3) w.string(response.tokenRequesterPrincipalType)
  else if (response.tokenRequesterPrincipalType !== '')
    throw w.unsupported('tokenRequesterPrincipalType')
  if (w.version >= 3) w.string(response.tokenRequesterPrincipalName)
  else if (response.tokenRequesterPrincipalName !== '')
    throw w.unsupported('tokenRequesterPrincipalName')
  w.int64(response.issueTimestampMs)
  w.int64(response.expiryTimestampMs)
  w.int64(response.maxTimestampMs)
  w.string(response.tokenId)
  w.bytes(response.hmac)
  w.int32(response.throttleTimeMs)
  w.tags()
}

function decodeResponse(r: Reader): CreateDelegationTokenResponse {
  const response = {
    errorCode: r.int16(),
    principalType: r.string(),
    principalName: r.string(),
    tokenRequesterPrincipalType: r.version >= 3 ? r.string() : '',
    tokenRequesterPrincipalName: r.version >= 3 ? r.string() : '',
    issueTimestampMs: r.int64(),
    expiryTimestampMs: r.int64(),
    maxTimestampMs: r.int64(),
    tokenId: r.string(),
    hmac: r.bytes(),
    throttleTimeMs: r.int32(),
  }
  r.tags()
  return response
}

export const createDelegationToken: Api<
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse
> = defineApi({
  key: 38,
  name: 'CreateDelegationToken',
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
