// The errors that records fail with. Each says what, where, after how many attempts, and whether the
// records may be in the log all the same.

import { leaderlessText } from '../../cluster/leaderless-partition.ts'
import { DeliveryError, DeliveryTimeoutError, escapeText, type KafkaError } from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import type { PartitionProduceResponse } from '../../protocol/messages/produce.ts'
import type { ProducerBatch } from '../batching/partition-queue.ts'

/** What a failure of `batch` has in common with all others. */
function detailsOf(batch: ProducerBatch, cause: KafkaError | null) {
  const { partition, attempts, persisted } = batch
  return {
    topic: partition.topic.name,
    partition: partition.partition,
    attempts,
    persisted,
    ...(cause === null ? {} : { cause, retriable: cause.retriable }),
  }
}

const persistedText = {
  no: 'it is not in the log',
  maybe: 'it may be in the log all the same',
}

/** A batch fails because of `cause`. */
export function deliveryError(batch: ProducerBatch, cause: KafkaError, hint = ''): DeliveryError {
  return new DeliveryError(
    `a record for ${batch.partition} was not acknowledged: ${cause.message}${hint} (attempts: ${batch.attempts}; ${persistedText[batch.persisted]})`,
    detailsOf(batch, cause),
  )
}

/**
 * A batch is older than the delivery timeout.
 * @param obstacle why its leader cannot be reached; null: it can
 */
export function timeoutError(
  batch: ProducerBatch,
  timeoutMs: number,
  obstacle: KafkaError | null,
): DeliveryTimeoutError {
  const { attempts, firstError, isInFlight } = batch
  const cause = firstError ?? (isInFlight ? null : obstacle)
  let why = isInFlight
    ? 'the broker has not responded'
    : `it was never sent, as ${hindranceOf(batch, obstacle)}`
  if (firstError !== null) why = `the first attempt failed: ${firstError.message}`
  // What was tried again until the time was up may pass; so may the lack of a leader or of a response.
  const retriable = cause === null || cause === firstError || cause.retriable
  return new DeliveryTimeoutError(
    `a record for ${batch.partition} was not acknowledged within deliveryTimeoutMs (${timeoutMs}): ${why} (attempts: ${attempts}; ${persistedText[batch.persisted]})`,
    { ...detailsOf(batch, cause), retriable },
  )
}

function hindranceOf({ partition }: ProducerBatch, obstacle: KafkaError | null): string {
  const { topic } = partition
  if (topic.isKnown && partition.partition >= topic.metadata.length) {
    return `topic "${topic.name}" has only the partitions 0 to ${topic.metadata.length - 1} now`
  }
  if (partition.leader < 0) {
    const errorCode = topic.metadata.at(partition.partition)?.errorCode ?? 0
    return errorCode === errorCodes.NONE
      ? 'the partition has no leader'
      : leaderlessText(String(partition), errorCode)
  }
  if (obstacle !== null) return `its leader could not be reached: ${obstacle.message}`
  const head = partition.queue.peek()
  if (head !== undefined && head.attempts > 0)
    return 'batches before it were not acknowledged either'
  return `node ${partition.leader} took nothing in that time`
}

/** The error of a broker's response, with the broker's own message. */
export function responseError(
  batch: ProducerBatch,
  response: PartitionProduceResponse,
  nodeId: number,
  principal: string | null,
): KafkaError {
  const { errorCode, errorMessage } = response
  const what = `Produce to ${batch.partition} on node ${nodeId}`
  const error = brokerError(errorCode, what, principal)
  if (errorMessage !== null && errorMessage !== '') error.message += `: ${escapeText(errorMessage)}`
  error.message += missingReplicas(batch, errorCode)
  return error
}

/** How far the partition is from what the topic's `min.insync.replicas` asks for. */
function missingReplicas({ partition }: ProducerBatch, errorCode: number): string {
  const { NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS_AFTER_APPEND } = errorCodes
  if (errorCode !== NOT_ENOUGH_REPLICAS && errorCode !== NOT_ENOUGH_REPLICAS_AFTER_APPEND) return ''
  const known = partition.topic.metadata.at(partition.partition)
  const inSync =
    known === undefined
      ? 'fewer replicas are in sync'
      : `metadata has ${known.isr.length} of ${known.replicas.length} replicas in sync (nodes ${known.isr.join(', ')})`
  return `: ${inSync}, and acks=all needs min.insync.replicas of the topic`
}

/** What more there is to say of an error code. */
export function hintFor(batch: ProducerBatch, errorCode: number): string {
  const { builder } = batch
  switch (errorCode) {
    case errorCodes.MESSAGE_TOO_LARGE:
    case errorCodes.RECORD_LIST_TOO_LARGE:
      return `. The batch has ${batch.count} record(s), ${builder.sizeInBytes} bytes, ${builder.compressedSizeInBytes} as sent: more than max.message.bytes of the topic (or message.max.bytes of the broker) allows`
    case errorCodes.CORRUPT_MESSAGE:
      return '. Brokers before 2.4 say this also of a record without a key for a compacted topic'
    case errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT:
      return '. The topic keeps messages of before Kafka 0.11, which have no place for a producer id and for headers: set enableIdempotence: false and send no headers, or raise message.format.version of the topic'
    default:
      return ''
  }
}

/** Errors of single records: the culprits by what the broker says of each, by index in the batch. */
export function culpritErrors(
  batch: ProducerBatch,
  response: PartitionProduceResponse,
  cause: KafkaError,
): Map<number, DeliveryError> | null {
  if (response.recordErrors.length === 0) return null
  const culprits = new Map<number, DeliveryError>()
  for (const { batchIndex, batchIndexErrorMessage } of response.recordErrors) {
    const reason = batchIndexErrorMessage ?? 'the broker gives no reason'
    culprits.set(
      batchIndex,
      new DeliveryError(
        `a record for ${batch.partition} was refused: ${reason} (${persistedText[batch.persisted]})`,
        detailsOf(batch, cause),
      ),
    )
  }
  return culprits
}

/** What the records beside the culprits are told. */
export function neighbourError(batch: ProducerBatch, cause: KafkaError): DeliveryError {
  return deliveryError(
    batch,
    cause,
    '. The batch was rejected because of a neighbour of this record',
  )
}
