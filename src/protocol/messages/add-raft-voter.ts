// AddRaftVoter makes a controller a voter of the metadata quorum (KIP-853).
// v1 adds ackWhenCommitted (KIP-1186).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AddRaftVoterRequest {
  clusterId: string | null
  timeoutMs: number
  voterId: number
  voterDirectoryId: string
  listeners: AddRaftVoterListener[]
  /** Whether the response waits until the change is committed. */
  ackWhenCommitted: boolean
}

export interface AddRaftVoterListener {
  name: string
  host: string
  port: number
}

export interface AddRaftVoterResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: AddRaftVoterRequest): void {
  w.nullableString(request.clusterId)
  w.int32(request.timeoutMs)
  w.int32(request.voterId)
  w.uuid(request.voterDirectoryId)
  w.array(request.listeners, encodeListener)
  if (w.version >= 1) w.bool(request.ackWhenCommitted)
  else if (!request.ackWhenCommitted) throw w.unsupported('ackWhenCommitted')
  w.tags()
}

function encodeListener(w: Writer, listener: AddRaftVoterListener): void {
  w.string(listener.name)
  w.string(listener.host)
  w.uint16(listener.port)
  w.tags()
}

function decodeRequest(r: Reader): AddRaftVoterRequest {
  const request = {
    clusterId: r.nullableString(),
    timeoutMs: r.int32(),
    voterId: r.int32(),
    voterDirectoryId: r.uuid(),
    listeners: r.array(decodeListener),
    ackWhenCommitted: r.version >= 1 ? r.bool() : true,
  }
  r.tags()
  return request
}

function decodeListener(r: Reader): AddRaftVoterListener {
  const listener = {
    name: r.string(),
    host: r.string(),
    port: r.uint16(),
  }
  r.tags()
  return listener
}

function encodeResponse(w: Writer, response: AddRaftVoterResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): AddRaftVoterResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return response
}

export const addRaftVoter: Api<AddRaftVoterRequest, AddRaftVoterResponse> = defineApi({
  key: 80,
  name: 'AddRaftVoter',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
