// Why a record was refused before it was in a batch. Each error says that it was not sent.

import {
  BrokerError,
  BufferExhaustedError,
  DeliveryError,
  DeliveryTimeoutError,
  InvalidArgumentError,
  type KafkaError,
  SerializationError,
} from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'

interface Target {
  readonly topic: string
  /** Default: none was chosen yet. */
  readonly partition?: number
}

/** The record waited for `reason` until its time was up. */
export function admissionTimeout(
  { topic, partition = -1 }: Target,
  reason: string,
  cause?: KafkaError,
): DeliveryTimeoutError {
  return new DeliveryTimeoutError(`send() to topic "${topic}" failed: ${reason}`, {
    topic,
    partition,
    attempts: 0,
    persisted: 'no',
    cause,
    retriable: true,
  })
}

/** `cause` as an error of this record: the failure of another record says nothing of this one. */
export function notSentError({ topic, partition = -1 }: Target, cause: KafkaError): KafkaError {
  if (cause instanceof DeliveryError && cause.attempts === 0 && cause.topic === topic) return cause
  return new DeliveryError(`send() to topic "${topic}" failed: ${cause.message}`, {
    topic,
    partition,
    attempts: 0,
    persisted: 'no',
    cause,
    retriable: cause.retriable,
  })
}

/** An error of the record itself as it is; of anything else one that says that the record was not sent. */
export function asOutcome(target: Target, cause: KafkaError): KafkaError {
  const isOfRecord = ownErrors.some((kind) => cause instanceof kind)
  return isOfRecord ? cause : notSentError(target, cause)
}

const ownErrors = [SerializationError, InvalidArgumentError, BufferExhaustedError] as const

/** The topic's metadata could not be had. */
export function metadataError(topic: string, maxBlockMs: number, cause: KafkaError): KafkaError {
  if (!cause.retriable) return notSentError({ topic }, cause)
  const details = {
    topic,
    partition: -1,
    attempts: 0,
    persisted: 'no',
    cause,
    retriable: true,
  } as const
  const text = isUnknownTopic(cause)
    ? `send() failed: topic "${topic}" does not exist (not created within maxBlockMs = ${maxBlockMs} ms). Create the topic, or enable auto.create.topics.enable on the brokers. ${cause.message}`
    : `send() to topic "${topic}" failed: its metadata was not available within maxBlockMs = ${maxBlockMs} ms: ${cause.message}`
  return new DeliveryTimeoutError(text, details)
}

export function tooLargeError(
  topic: string,
  bound: number,
  maxRequestSize: number,
  bufferMemory: number,
): InvalidArgumentError {
  return new InvalidArgumentError(
    `a record for ${topic} takes up to ${bound} bytes: more than maxRequestSize (${maxRequestSize}) or bufferMemory (${bufferMemory}) allows`,
  )
}

function isUnknownTopic(error: KafkaError): boolean {
  return error instanceof BrokerError && error.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
}
