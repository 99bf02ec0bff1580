// Produce: appends one batch to each partition, if this node leads it. All replicas share the log, so
// a request with acks=all never waits.

import { compressionTypes } from '../../compression/codec.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { LeaderIdAndEpoch, NodeEndpoint } from '../../protocol/messages/current-leader.ts'
import type {
  PartitionProduceData,
  PartitionProduceResponse,
  ProduceRequest,
  ProduceResponse,
  TopicProduceData,
  TopicProduceResponse,
} from '../../protocol/messages/produce.ts'
import {
  attributeBits,
  batchOffsets,
  isTransactional,
  recordBatchOverhead,
} from '../../records/record-batch.ts'
import type { Outcome, RequestContext } from '../handler.ts'
import { addEndpoint, currentLeader, unknownLeader } from '../leader-hints.ts'
import type { AppendResult, PartitionLog } from '../partition-log.ts'
import { mayDo, topicError } from '../security/authorize.ts'
import type { Partition, Topic } from '../topic-store.ts'
import { admit } from '../transaction-admission.ts'

const TOPIC_IDS_SINCE = 13
const ZSTD_SINCE = 7
const HINTS_SINCE = 10
const transactionVersions = { addsSince: 12, abortableSince: 11 }

export async function handleProduce(
  context: RequestContext,
  request: ProduceRequest,
): Promise<ProduceResponse> {
  const endpoints = new Map<number, NodeEndpoint>()
  const responses: TopicProduceResponse[] = []
  for (const data of request.topicData) {
    const topic = findTopic(context, data)
    const partitionResponses: PartitionProduceResponse[] = []
    for (const partition of data.partitionData) {
      const appended = appendTo(context, request, data.name, topic, partition, endpoints)
      partitionResponses.push(appended instanceof Promise ? await appended : appended)
    }
    responses.push({ name: data.name, topicId: data.topicId, partitionResponses })
  }
  return { responses, throttleTimeMs: 0, nodeEndpoints: [...endpoints.values()] }
}

/** A request with acks=0 gets no response; an error ends the connection. */
export function produceOutcome(request: ProduceRequest, response: ProduceResponse): Outcome {
  if (request.acks !== 0) return 'respond'
  const isGood = response.responses.every(({ partitionResponses }) =>
    partitionResponses.every(({ errorCode }) => errorCode === 0),
  )
  return isGood ? 'noAnswer' : 'disconnect'
}

function findTopic({ state, version }: RequestContext, data: TopicProduceData): Topic | undefined {
  return version >= TOPIC_IDS_SINCE
    ? state.topics.getById(data.topicId)
    : state.topics.get(data.name)
}

function appendTo(
  context: RequestContext,
  request: ProduceRequest,
  name: string,
  topic: Topic | undefined,
  data: PartitionProduceData,
  endpoints: Map<number, NodeEndpoint>,
): PartitionProduceResponse | Promise<PartitionProduceResponse> {
  const { state, version } = context
  const partition = topic?.partitions[data.index]
  const errorCode = findError(context, request, name, topic, partition, data.records)
  if (errorCode === 0 && partition !== undefined) {
    const startsAtZero = version >= transactionVersions.addsSince && isInTransaction(data.records)
    const now = state.clock.wall()
    const result = partition.log.appendFromClient(data.records, now, startsAtZero)
    if (!(result instanceof Promise)) return toResponse(data.index, result, unknownLeader)
    return result.then((appended) => toResponse(data.index, appended, unknownLeader))
  }
  const result = {
    errorCode,
    errorMessage: null,
    baseOffset: -1n,
    logAppendTimeMs: -1n,
    logStartOffset: -1n,
    recordErrors: [],
  }
  const isElsewhere = errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER && version >= HINTS_SINCE
  if (!isElsewhere || partition === undefined) return toResponse(data.index, result, unknownLeader)
  addEndpoint(endpoints, state, partition)
  return toResponse(data.index, result, currentLeader(partition))
}

function findError(
  context: RequestContext,
  request: ProduceRequest,
  name: string,
  topic: Topic | undefined,
  partition: Partition | undefined,
  records: Buffer | null,
): number {
  const { node, version } = context
  const { acks, transactionalId } = request
  const inTransaction = isInTransaction(records)
  const mayTransact =
    transactionalId !== null && mayDo(context, 'WRITE', 'TRANSACTIONAL_ID', transactionalId)
  if (inTransaction && !mayTransact) {
    return errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  }
  if (topic === undefined && version >= TOPIC_IDS_SINCE) return errorCodes.UNKNOWN_TOPIC_ID
  const refusal = topicError(context, 'WRITE', topic?.name ?? name)
  if (refusal !== 0) return refusal
  if (partition === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  if (version < ZSTD_SINCE && isZstd(records)) return errorCodes.UNSUPPORTED_COMPRESSION_TYPE
  if (acks !== 0 && acks !== 1 && acks !== -1) return errorCodes.INVALID_REQUIRED_ACKS
  if (partition.leaderId !== node.id) return errorCodes.NOT_LEADER_OR_FOLLOWER
  const needed = Math.min(partition.log.config.minInsyncReplicas, partition.replicas.length)
  if (acks === -1 && partition.inSync.length < needed) return errorCodes.NOT_ENOUGH_REPLICAS
  return inTransaction && records !== null && transactionalId !== null
    ? admitBatch(context, transactionalId, partition.log, records)
    : 0
}

function admitBatch(
  context: RequestContext,
  transactionalId: string,
  log: PartitionLog,
  records: Buffer,
): number {
  const producerId = records.readBigInt64BE(batchOffsets.producerId)
  const producerEpoch = records.readInt16BE(batchOffsets.producerEpoch)
  if (log.hasOpenTransaction(producerId, producerEpoch)) return 0
  log.producers.noteAttempt(
    producerId,
    producerEpoch,
    records.readInt32BE(batchOffsets.baseSequence),
  )
  const producer = { producerId, producerEpoch }
  const { topic, partition } = log
  return admit(context, transactionVersions, transactionalId, producer, { topic, partition })
}

function isInTransaction(records: Buffer | null): boolean {
  if (records === null || records.length < recordBatchOverhead) return false
  return isTransactional(records.readInt16BE(batchOffsets.attributes))
}

function isZstd(records: Buffer | null): boolean {
  const at = batchOffsets.attributes + 1
  if (records === null || records.length <= at) return false
  return compressionTypes[records[at] & attributeBits.compression] === 'zstd'
}

function toResponse(
  index: number,
  result: AppendResult,
  leader: LeaderIdAndEpoch,
): PartitionProduceResponse {
  return {
    index,
    errorCode: result.errorCode,
    baseOffset: result.baseOffset,
    logAppendTimeMs: result.logAppendTimeMs,
    logStartOffset: result.logStartOffset,
    recordErrors: result.recordErrors,
    errorMessage: result.errorMessage,
    currentLeader: leader,
  }
}
