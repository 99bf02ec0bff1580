// DeleteShareGroupOffsets has a share group forget topics, while it has no members (KIP-932).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DeleteShareGroupOffsetsRequest {
  groupId: string
  topics: DeleteShareGroupOffsetsRequestTopic[]
}

export interface DeleteShareGroupOffsetsRequestTopic {
  topicName: string
}

export interface DeleteShareGroupOffsetsResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  responses: DeleteShareGroupOffsetsResponseTopic[]
}

export interface DeleteShareGroupOffsetsResponseTopic {
  topicName: string
  topicId: string
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: DeleteShareGroupOffsetsRequest): void {
  w.string(request.groupId)
  w.array(request.topics, encodeTopic)
  w.tags()
}

function encodeTopic(w: Writer, topic: DeleteShareGroupOffsetsRequestTopic): void {
  w.string(topic.topicName)
  w.tags()
}

function decodeRequest(r: Reader): DeleteShareGroupOffsetsRequest {
  const request = { groupId: r.string(), topics: r.array(decodeTopic) }
  r.tags()
  return request
}

function decodeTopic(r: Reader): DeleteShareGroupOffsetsRequestTopic {
  const topic = { topicName: r.string() }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: DeleteShareGroupOffsetsResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  w.array(response.responses, encodeResponseTopic)
  w.tags()
}

function encodeResponseTopic(w: Writer, topic: DeleteShareGroupOffsetsResponseTopic): void {
  w.string(topic.topicName)
  w.uuid(topic.topicId)
  w.int16(topic.errorCode)
  w.nullableString(topic.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): DeleteShareGroupOffsetsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    responses: r.array(decodeResponseTopic),
  }
  r.tags()
  return response
}

function decodeResponseTopic(r: Reader): DeleteShareGroupOffsetsResponseTopic {
  const topic = {
    topicName: r.string(),
    topicId: r.uuid(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
  }
  r.tags()
  return topic
}

export const deleteShareGroupOffsets: Api<
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse
> = defineApi({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
