// RemoveRaftVoter takes a controller out of the voters of the metadata quorum (KIP-853).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface RemoveRaftVoterRequest {
  clusterId: string | null
  voterId: number
  voterDirectoryId: string
}

export interface RemoveRaftVoterResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: RemoveRaftVoterRequest): void {
  w.nullableString(request.clusterId)
  w.int32(request.voterId)
  w.uuid(request.voterDirectoryId)
  w.tags()
}

function decodeRequest(r: Reader): RemoveRaftVoterRequest {
  const request = {
    clusterId: r.nullableString(),
    voterId: r.int32(),
    voterDirectoryId: r.uuid(),
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: RemoveRaftVoterResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): RemoveRaftVoterResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return response
}

export const removeRaftVoter: Api<RemoveRaftVoterRequest, RemoveRaftVoterResponse> = defineApi({
  key: 81,
  name: 'RemoveRaftVoter',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
