// DeleteTopics deletes topics by name, from v6 also by id, in `topics` (KIP-516). v4 is flexible. v5
// adds errorMessage (KIP-599).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import type { Writer } from '../writer.ts'

export interface DeleteTopicsRequest {
  topics: DeleteTopicState[]
  topicNames: string[]
  timeoutMs: number
}

export interface DeleteTopicState {
  name: string | null
  topicId: string
}

export interface DeleteTopicsResponse {
  throttleTimeMs: number
  responses: DeletableTopicResult[]
}

export interface DeletableTopicResult {
  name: string | null
  topicId: string
  errorCode: number
  errorMessage: string | null
}

function encodeRequest(w: Writer, request: DeleteTopicsRequest): void {
  if (w.version >= 6) w.array(request.topics, encodeDeleteTopicState)
  else if (request.topics.length !== 0) throw w.unsupported('topics')
  if (w.version <= 5) w.stringArray(request.topicNames)
  w.int32(request.timeoutMs)
  w.tags()
}

function encodeDeleteTopicState(w: Writer, topic: DeleteTopicState): void {
  w.nullableString(topic.name)
  w.uuid(topic.topicId)
  w.tags()
}

function decodeRequest(r: Reader): DeleteTopicsRequest {
  const request = {
    topics: r.version >= 6 ? r.array(decodeDeleteTopicState) : [],
    topicNames: r.version <= 5 ? r.stringArray() : [],
    timeoutMs: r.int32(),
  }
  r.tags()
  return request
}

function decodeDeleteTopicState(r: Reader): DeleteTopicState {
  const topic = { name: r.nullableString(), topicId: r.uuid() }
  r.tags()
  return topic
}

function encodeResponse(w: Writer, response: DeleteTopicsResponse): void {
  w.int32(response.throttleTimeMs)
  w.array(response.responses, encodeDeletableTopicResult)
  w.tags()
}

function encodeDeletableTopicResult(w: Writer, topic: DeletableTopicResult): void {
  if (w.version >= 6) w.nullableString(topic.name)
  else if (topic.name === null) throw w.unsupported('a null name')
  else w.string(topic.name)
  if (w.version >= 6) w.uuid(topic.topicId)
  w.int16(topic.errorCode)
  if (w.version >= 5) w.nullableString(topic.errorMessage)
  w.tags()
}

function decodeResponse(r: Reader): DeleteTopicsResponse {
  const response = {
    throttleTimeMs: r.int32(),
    responses: r.array(decodeDeletableTopicResult),
  }
  r.tags()
  return response
}

function decodeDeletableTopicResult(r: Reader): DeletableTopicResult {
  const topic = {
    name: r.version >= 6 ? r.nullableString() : r.string(),
    topicId: r.version >= 6 ? r.uuid() : ZERO_UUID,
    errorCode: r.int16(),
    errorMessage: r.version >= 5 ? r.nullableString() : null,
  }
  r.tags()
  return topic
}

export const deleteTopics: Api<DeleteTopicsRequest, DeleteTopicsResponse> = defineApi({
  key: 20,
  name: 'DeleteTopics',
  minVersion: 1,
  maxVersion: 6,
  flexibleFrom: 4,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
