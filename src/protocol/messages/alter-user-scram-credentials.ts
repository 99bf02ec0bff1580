// AlterUserScramCredentials sets and deletes SCRAM credentials. The client salts and hashes the
// password, so that the broker never sees it (KIP-554).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AlterUserScramCredentialsRequest {
  deletions: ScramCredentialDeletion[]
  upsertions: ScramCredentialUpsertion[]
}

export interface ScramCredentialDeletion {
  name: string
  /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
  mechanism: number
}

export interface ScramCredentialUpsertion {
  name: string
  /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
  mechanism: number
  iterations: number
  salt: Buffer
  saltedPassword: Buffer
}

export interface AlterUserScramCredentialsResponse {
  throttleTimeMs: number
  results: AlterUserScramCredentialsResult[]
}

export interface AlterUserScramCredentialsResult {
  user: string
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: AlterUserScramCredentialsRequest): void {
  w.array(request.deletions, encodeDeletion)
  w.array(request.upsertions, encodeUpsertion)
  w.tags()
}

function encodeDeletion(w: Writer, deletion: ScramCredentialDeletion): void {
  w.string(deletion.name)
  w.int8(deletion.mechanism)
  w.tags()
}

function encodeUpsertion(w: Writer, upsertion: ScramCredentialUpsertion): void {
  w.string(upsertion.name)
  w.int8(upsertion.mechanism)
  w.int32(upsertion.iterations)
  w.bytes(upsertion.salt)
  w.bytes(upsertion.saltedPassword)
  w.tags()
}

function decodeRequest(r: Reader): AlterUserScramCredentialsRequest {
  const request = {
    deletions: r.array(decodeDeletion),
    upsertions: r.array(decodeUpsertion),
  }
  r.tags()
  return request
}

function decodeDeletion(r: Reader): ScramCredentialDeletion {
  const deletion = { name: r.string(), mechanism: r.int8() }
  r.tags()
  return deletion
}

function decodeUpsertion(r: Reader): ScramCredentialUpsertion {
  const upsertion = {
    name: r.string(),
    mechanism: r.int8(),
    iterations: r.int32(),
    salt: r.bytes(),
    saltedPassword: r.bytes(),
  }
  r.tags()
  return upsertion
}

function encodeResponse(w: Writer, response: AlterUserScramCredentialsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.results, encodeResult)
  w.tags()
}

function encodeResult(w: Writer, result: AlterUserScramCredentialsResult): void {
  w.string(result.user)
  w.int16(result.errorCode)
  w.nullableString(result.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): AlterUserScramCredentialsResponse {
  const response = { throttleTimeMs: r.int32(), results: r.array(decodeResult) }
  r.tags()
  return response
}

function decodeResult(r: Reader): AlterUserScramCredentialsResult {
  const result = {
    user: r.string(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return result
}

export const alterUserScramCredentials: Api<
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse
> = defineApi({
  key: 51,
  name: 'AlterUserScramCredentials',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
