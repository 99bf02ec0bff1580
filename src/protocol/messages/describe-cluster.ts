// DescribeCluster names the cluster, its brokers or controllers, and the active controller
// (KIP-700). v1 adds endpointType (KIP-919). v2 adds includeFencedBrokers and isFenced (KIP-1073).

import { type Api, defineApi } from '../api.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface DescribeClusterRequest {
  includeClusterAuthorizedOperations: boolean
  /** 1 brokers, 2 controllers. */
  endpointType: number
  includeFencedBrokers: boolean
}

export interface DescribeClusterResponse {
  throttleTimeMs: number
  errorCode: number
  errorMessage: string | null
  endpointType: number
  clusterId: string
  controllerId: number
  brokers: DescribeClusterBroker[]
  clusterAuthorizedOperations: number
}

export interface DescribeClusterBroker {
  brokerId: number
  host: string
  port: number
  rack: string | null
  isFenced: boolean
}

function encodeRequest(w: Writer, request: DescribeClusterRequest): void {
  w.bool(request.includeClusterAuthorizedOperations)
  if (w.version >= 1) w.int8(request.endpointType)
  else if (request.endpointType !== 1) throw w.unsupported('endpointType')
  if (w.version >= 2) w.bool(request.includeFencedBrokers)
  else if (request.includeFencedBrokers) throw w.unsupported('includeFencedBrokers')
  w.tags()
}

function decodeRequest(r: Reader): DescribeClusterRequest {
  const request = {
    includeClusterAuthorizedOperations: r.bool(),
    endpointType: r.version >= 1 ? r.int8() : 1,
    includeFencedBrokers: r.version >= 2 ? r.bool() : false,
  }
  r.tags()
  return request
}

function encodeResponse(w: Writer, response: DescribeClusterResponse): void {
  w.int32(response.throttleTimeMs)
  w.int16(response.errorCode)
  w.nullableString(response.errorMessage)
  if (w.version >= 1) w.int8(response.endpointType)
  else if (response.endpointType !== 1) throw w.unsupported('endpointType')
  w.string(response.clusterId)
  w.int32(response.controllerId)
  w.array(response.brokers, encodeBroker)
  w.int32(response.clusterAuthorizedOperations)
  w.tags()
}

function encodeBroker(w: Writer, broker: DescribeClusterBroker): void {
  w.int32(broker.brokerId)
  w.string(broker.host)
  w.int32(broker.port)
  w.nullableString(broker.rack)
  if (w.version >= 2) w.bool(broker.isFenced)
  else if (broker.isFenced) throw w.unsupported('isFenced')
  w.tags()
}

function decodeResponse(r: Reader): DescribeClusterResponse {
  const response = {
    throttleTimeMs: r.int32(),
    errorCode: r.int16(),
    errorMessage: r.nullableString(),
    endpointType: r.version >= 1 ? r.int8() : 1,
    clusterId: r.string(),
    controllerId: r.int32(),
    brokers: r.array(decodeBroker),
    clusterAuthorizedOperations: r.int32(),
  }
  r.tags()
  return response
}

function decodeBroker(r: Reader): DescribeClusterBroker {
  const broker = {
    brokerId: r.int32(),
    host: r.string(),
    port: r.int32(),
    rack: r.nullableString(),
    isFenced: r.version >= 2 ? r.bool() : false,
  }
  r.tags()
  return broker
}

export const describeCluster: Api<DescribeClusterRequest, DescribeClusterResponse> = defineApi({
  key: 60,
  name: 'DescribeCluster',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
})
