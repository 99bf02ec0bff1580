// Produce: appends one batch to each partition, if this node leads it. All replicas share the log, so
// acks=all is answered at once.

import { compressionTypes } from '../../compression/codec.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { LeaderIdAndEpoch, NodeEndpoint } from '../../protocol/messages/current-leader.ts'
import type {
  PartitionProduceData,
  PartitionProduceResponse,
  ProduceRequest,
  ProduceResponse,
  TopicProduceData,
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
import type { Partition, Topic } from '../topic-store.ts'
import { admit } from '../transaction-admission.ts'

const TOPIC_IDS_SINCE = 13
const ZSTD_SINCE = 7
const HINTS_SINCE = 10
const transactionVersions = { addsSince: 12, abortableSince: 11 }

export function handleProduce(context: RequestContext, request: ProduceRequest): ProduceResponse {
  const endpoints = new Map<number, NodeEndpoint>()
  const responses = request.topicData.map((data) => {
    const topic = findTopic(context, data)
    return {
      name: data.name,
      topicId: data.topicId,
      partitionResponses: data.partitionData.map((partition) =>
        appendTo(context, request, topic, partition, endpoints),
      ),
    }
  })
  return { responses, throttleTimeMs: 0, nodeEndpoints: [...endpoints.values()] }
}

/** Nobody waits for the answer to acks=0: an error is told by the end of the connection. */
export function produceOutcome(request: ProduceRequest, response: ProduceResponse): Outcome {
  if (request.acks !== 0) return 'answer'
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
  topic: Topic | undefined,
  data: PartitionProduceData,
  endpoints: Map<number, NodeEndpoint>,
): PartitionProduceResponse {
  const { state, version } = context
  const partition = topic?.partitions[data.index]
  const errorCode = findError(context, request, topic, partition, data.records)
  if (errorCode === 0 && partition !== undefined) {
    const startsAtZero = version >= transactionVersions.addsSince && isInTransaction(data.records)
    const result = partition.log.appendFromClient(data.records, Date.now(), startsAtZero)
    return answer(data.index, result, unknownLeader)
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
  if (!isElsewhere || partition === undefined) return answer(data.index, result, unknownLeader)
  addEndpoint(endpoints, state, partition)
  return answer(data.index, result, currentLeader(partition))
}

function findError(
  context: RequestContext,
  request: ProduceRequest,
  topic: Topic | undefined,
  partition: Partition | undefined,
  records: Buffer | null,
): number {
  const { node, version } = context
  const { acks, transactionalId } = request
  const inTransaction = isInTransaction(records)
  if (inTransaction && transactionalId === null) {
    return errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  }
  if (topic === undefined && version >= TOPIC_IDS_SINCE) return errorCodes.UNKNOWN_TOPIC_ID
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
  const hasProducer = records.readBigInt64BE(batchOffsets.producerId) >= 0n
  return hasProducer && isTransactional(records.readInt16BE(batchOffsets.attributes))
}

function isZstd(records: Buffer | null): boolean {
  const at = batchOffsets.attributes + 1
  if (records === null || records.length <= at) return false
  return compressionTypes[records[at] & attributeBits.compression] === 'zstd'
}

function answer(
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
