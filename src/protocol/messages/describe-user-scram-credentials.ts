// DescribeUserScramCredentials tells which SCRAM mechanisms users have credentials for, never the
// credentials themselves (KIP-554).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeUserScramCredentialsRequest {
  /** null: all users. */
  users: ScramUserName[] | null
}

export interface ScramUserName {
  name: string
}

export interface DescribeUserScramCredentialsResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  results: DescribeUserScramCredentialsResult[]
}

export interface DescribeUserScramCredentialsResult {
  user: string
  errorCode: number
  errorMessage: string | null
  credentialInfos: ScramCredentialInfo[]
}

export interface ScramCredentialInfo {
  /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
  mechanism: number
  iterations: number
}

function encodeRequest(w: Writer, request: DescribeUserScramCredentialsRequest): void {
  w.nullableArray(request.users, encodeUser)
  w.tags()
}

function encodeUser(w: Writer, user: ScramUserName): void {
  w.string(user.name)
  w.tags()
}

function decodeRequest(r: Reader): DescribeUserScramCredentialsRequest {
  const request = { users: r.nullableArray(decodeUser) }
  r.tags()
  return request
}

function decodeUser(r: Reader): ScramUserName {
  const user = { name: r.string() }
  r.tags()
  return user
}

function encodeResponse(w: Writer, response: DescribeUserScramCredentialsResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: DescribeUserScramCredentialsResult): void {
  w.string(result.user)
  w.int16(result.errorCode)
  w.nullableString(result.errorMessage)
  w.array(result.credentialInfos, encodeCredentialInfo)
  w.tags()
}

function encodeCredentialInfo(w: Writer, credentialInfo: ScramCredentialInfo): void {
  w.int8(credentialInfo.mechanism)
  w.int32(credentialInfo.iterations)
  w.tags()
}

function decodeResponse(r: Reader): DescribeUserScramCredentialsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    results: r.array(decodeResult),
  }
  r.tags()
  return response
}

function decodeResult(r: Reader): DescribeUserScramCredentialsResult {
  const result = {
    user: r.string(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    credentialInfos: r.array(decodeCredentialInfo),
  }
  r.tags()
  return result
}

function decodeCredentialInfo(r: Reader): ScramCredentialInfo {
  const credentialInfo = { mechanism: r.int8(), iterations: r.int32() }
  r.tags()
  return credentialInfo
}

export const describeUserScramCredentials: Api<
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse
> = defineApi({
  key: 50,
  name: 'DescribeUserScramCredentials',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
