// StreamsGroupTopologyDescriptionUpdate brings the coordinator a description of the topology that a Kafka
// Streams group runs, for StreamsGroupDescribe (KIP-1331).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import {
  decodeTopologyDescription,
  encodeTopologyDescription,
  type TopologyDescription,
} from './streams-topology-description.ts'

export interface StreamsGroupTopologyDescriptionUpdateRequest {
  groupId: string
  memberId: string
  topologyEpoch: number
  topologyDescription: TopologyDescription
}

export interface StreamsGroupTopologyDescriptionUpdateResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: StreamsGroupTopologyDescriptionUpdateRequest): void {
  w.string(request.groupId)
  w.string(request.memberId)
  w.int32(request.topologyEpoch)
  w.struct(request.topologyDescription, encodeTopologyDescription)
  w.tags()
}

function decodeRequest(r: Reader): StreamsGroupTopologyDescriptionUpdateRequest {
  const request = {
    groupId: r.string(),
    memberId: r.string(),
    topologyEpoch: r.int32(),
    topologyDescription: r.struct(decodeTopologyDescription),
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: StreamsGroupTopologyDescriptionUpdateResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): StreamsGroupTopologyDescriptionUpdateResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return response
}

export const streamsGroupTopologyDescriptionUpdate: Api<
  StreamsGroupTopologyDescriptionUpdateRequest,
  StreamsGroupTopologyDescriptionUpdateResponse
> = defineApi({
  key: 93,
  name: 'StreamsGroupTopologyDescriptionUpdate',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
