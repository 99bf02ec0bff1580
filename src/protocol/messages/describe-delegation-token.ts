// DescribeDelegationToken lists the tokens of some owners, as far as the asker may see them
// (KIP-48). v1 is the least that brokers still serve. v2 is flexible. v3 names who asked for a
// token (KIP-373).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeDelegationTokenRequest {
  /** null: all owners. */
  owners: DescribeDelegationTokenOwner[] | null
}

export interface DescribeDelegationTokenOwner {
  principalType: string
  principalName: string
}

export interface DescribeDelegationTokenResponse {
  errorCode: number
  tokens: DescribedDelegationToken[]
  throttleTimeMs: number
}

export interface DescribedDelegationToken {
  principalType: string
  principalName: string
  tokenRequesterPrincipalType: string
  tokenRequesterPrincipalName: string
  issueTimestamp: bigint
  expiryTimestamp: bigint
  maxTimestamp: bigint
  tokenId: string
  hmac: Buffer
  renewers: DescribedDelegationTokenRenewer[]
}

export interface DescribedDelegationTokenRenewer {
  principalType: string
  principalName: string
}

function encodeRequest(w: Writer, request: DescribeDelegationTokenRequest): void {
  w.nullableArray(request.owners, encodeOwner)
  w.tags()
}

function encodeOwner(w: Writer, owner: DescribeDelegationTokenOwner): void {
  w.string(owner.principalType)
  w.string(owner.principalName)
  w.tags()
}

function decodeRequest(r: Reader): DescribeDelegationTokenRequest {
  const request = { owners: r.nullableArray(decodeOwner) }
  r.tags()
  return request
}

function decodeOwner(r: Reader): DescribeDelegationTokenOwner {
  const owner = { principalType: r.string(), principalName: r.string() }
  r.tags()
  return owner
}

function encodeResponse(w: Writer, response: DescribeDelegationTokenResponse): void {
  w.int16(response.errorCode)
  w.array(response.tokens, encodeToken)
  w.int32(response.throttleTimeMs)
  w.tags()
}

function encodeToken(w: Writer, token: DescribedDelegationToken): void {
  w.string(token.principalType)
  w.string(token.principalName)
  if (w.version >= 3) w.string(token.tokenRequesterPrincipalType)
  else if (token.tokenRequesterPrincipalType !== '')
    throw w.unsupported('tokenRequesterPrincipalType')
  if (w.version >= 3) w.string(token.tokenRequesterPrincipalName)
  else if (token.tokenRequesterPrincipalName !== '')
    throw w.unsupported('tokenRequesterPrincipalName')
  w.int64(token.issueTimestamp)
  w.int64(token.expiryTimestamp)
  w.int64(token.maxTimestamp)
  w.string(token.tokenId)
  w.bytes(token.hmac)
  w.array(token.renewers, encodeRenewer)
  w.tags()
}

function encodeRenewer(w: Writer, renewer: DescribedDelegationTokenRenewer): void {
  w.string(renewer.principalType)
  w.string(renewer.principalName)
  w.tags()
}

function decodeResponse(r: Reader): DescribeDelegationTokenResponse {
  const response = {
    errorCode: r.int16(),
    tokens: r.array(decodeToken),
    throttleTimeMs: r.int32(),
  }
  r.tags()
  return response
}

function decodeToken(r: Reader): DescribedDelegationToken {
  const token = {
    principalType: r.string(),
    principalName: r.string(),
    tokenRequesterPrincipalType: r.version >= 3 ? r.string() : '',
    tokenRequesterPrincipalName: r.version >= 3 ? r.string() : '',
    issueTimestamp: r.int64(),
    expiryTimestamp: r.int64(),
    maxTimestamp: r.int64(),
    tokenId: r.string(),
    hmac: r.bytes(),
    renewers: r.array(decodeRenewer),
  }
  r.tags()
  return token
}

function decodeRenewer(r: Reader): DescribedDelegationTokenRenewer {
  const renewer = { principalType: r.string(), principalName: r.string() }
  r.tags()
  return renewer
}

export const describeDelegationToken: Api<
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse
> = defineApi({
  key: 41,
  name: 'DescribeDelegationToken',
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 2,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
