// Every error class of kafkawire: a flat family under KafkaError, with subclasses only where a caller
// would branch on them. A Kafka error code is a row in protocol/error-codes.ts, not a class.

import { causeText, errorToJson, escapeControls } from './error-text.ts'

export { causeText, describeValue, escapeText, kindOf, plainJson } from './error-text.ts'

/** Options that every error takes. */
export interface KafkaErrorOptions {
  /** What led to this error. */
  cause?: unknown
  /** Whether the same call may succeed when it is made again. @defaultValue false */
  retriable?: boolean
}

/**
 * The `code` of each error class. It never changes, and it also identifies an error across two copies
 * of the package in one process, where `instanceof` does not.
 */
export type KafkaErrorCode =
  | 'ERR_KAFKA_UNEXPECTED'
  | 'ERR_KAFKA_BROKER'
  | 'ERR_KAFKA_CONNECTION'
  | 'ERR_KAFKA_AUTHENTICATION'
  | 'ERR_KAFKA_TIMEOUT'
  | 'ERR_KAFKA_DELIVERY'
  | 'ERR_KAFKA_DELIVERY_TIMEOUT'
  | 'ERR_KAFKA_BATCH_DELIVERY'
  | 'ERR_KAFKA_ADMIN'
  | 'ERR_KAFKA_UNSUPPORTED_VERSION'
  | 'ERR_KAFKA_DECODE'
  | 'ERR_KAFKA_CONFIG'
  | 'ERR_KAFKA_INVALID_ARGUMENT'
  | 'ERR_KAFKA_CLOSED'
  | 'ERR_KAFKA_FENCED'
  | 'ERR_KAFKA_INVALID_TRANSACTION_STATE'
  | 'ERR_KAFKA_TRANSACTION_ABORTABLE'
  | 'ERR_KAFKA_OUTCOME_UNKNOWN'
  | 'ERR_KAFKA_COMMIT_FAILED'
  | 'ERR_KAFKA_ACKNOWLEDGEMENT'
  | 'ERR_KAFKA_BUFFER_EXHAUSTED'
  | 'ERR_KAFKA_OFFSET_OUT_OF_RANGE'
  | 'ERR_KAFKA_SERIALIZATION'
  | 'ERR_KAFKA_SCHEMA_REGISTRY'
  | 'ERR_KAFKA_DESERIALIZATION'

/** The root of the family: `catch (error) { if (error instanceof KafkaError) ... }`. */
export class KafkaError extends Error {
  override readonly name: string = 'KafkaError'
  /** A stable name of the error's class, such as `ERR_KAFKA_TIMEOUT`. */
  readonly code: KafkaErrorCode = 'ERR_KAFKA_UNEXPECTED'
  /** Whether the same call may succeed when it is made again. */
  readonly retriable: boolean

  constructor(message: string, options: KafkaErrorOptions = {}) {
    // Brokers and user functions may have a say in it.
    super(
      escapeControls(message),
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.retriable = options.retriable ?? false
  }

  /**
   * The error as plain data for a log line or an API response: name, code, message, its own fields and
   * its causes. A bigint becomes a string, a buffer its length. The stack is left out.
   */
  toJSON(): Record<string, unknown> {
    return errorToJson(this)
  }
}

/** A broker responded with an error code. */
export class BrokerError extends KafkaError {
  override readonly name = 'BrokerError'
  override readonly code = 'ERR_KAFKA_BROKER'
  /** Kafka's error code, as on the wire. */
  readonly errorCode: number
  /** Kafka's name of the error code, such as `NOT_LEADER_OR_FOLLOWER`. */
  readonly codeName: string

  constructor(
    errorCode: number,
    codeName: string,
    message: string,
    options: KafkaErrorOptions & { retriable: boolean },
  ) {
    super(message, options)
    this.errorCode = errorCode
    this.codeName = codeName
  }
}

/** A broker cannot be reached, or the connection to it was lost. */
export class ConnectionError extends KafkaError {
  override readonly name = 'ConnectionError'
  override readonly code = 'ERR_KAFKA_CONNECTION'
  /** Whether a byte of the request may have reached the broker. If not, it had no effect there. */
  readonly wasSent: boolean

  constructor(message: string, options: KafkaErrorOptions & { wasSent?: boolean } = {}) {
    super(message, { retriable: true, ...options })
    this.wasSent = options.wasSent ?? false
  }
}

/** The broker refused this client's credentials (SASL or TLS client certificate). */
export class AuthenticationError extends KafkaError {
  override readonly name = 'AuthenticationError'
  override readonly code = 'ERR_KAFKA_AUTHENTICATION'
}

/** A call or a request did not finish in time. The message names it and its target. */
export class TimeoutError extends KafkaError {
  override readonly name = 'TimeoutError'
  override readonly code = 'ERR_KAFKA_TIMEOUT'
  /** Whether a byte of the request may have reached the broker. If not, it had no effect there. */
  readonly wasSent: boolean

  constructor(message: string, options: KafkaErrorOptions & { wasSent?: boolean } = {}) {
    super(message, { retriable: true, ...options })
    this.wasSent = options.wasSent ?? false
  }
}

/** What is known of a record whose delivery failed. `no`: it is not in the log; `maybe`: it may be. */
export type Persisted = 'no' | 'maybe'

/** A record was not acknowledged. Every failed record of a producer carries one of these. */
export class DeliveryError extends KafkaError {
  override readonly name: string = 'DeliveryError'
  override readonly code: 'ERR_KAFKA_DELIVERY' | 'ERR_KAFKA_DELIVERY_TIMEOUT' = 'ERR_KAFKA_DELIVERY'
  /** Whether the record may be in the log all the same. Check it before you send the record again. */
  readonly persisted: Persisted
  /** How many times it was sent. */
  readonly attempts: number
  readonly topic: string
  /** -1 if no partition had been chosen. */
  readonly partition: number

  constructor(
    message: string,
    options: KafkaErrorOptions & {
      persisted: Persisted
      attempts: number
      topic: string
      partition: number
    },
  ) {
    super(message, options)
    this.persisted = options.persisted
    this.attempts = options.attempts
    this.topic = options.topic
    this.partition = options.partition
  }
}

/** A record was not acknowledged within `deliveryTimeoutMs`. `cause` is the first error of its attempts. */
export class DeliveryTimeoutError extends DeliveryError {
  override readonly name = 'DeliveryTimeoutError'
  override readonly code = 'ERR_KAFKA_DELIVERY_TIMEOUT'
}

/** The outcome of one record of several that were sent by one call. */
export type SendResult<Metadata> =
  | { readonly metadata: Metadata; readonly error: null }
  | { readonly metadata: null; readonly error: KafkaError }

/** Some records of a `sendBatch` were not acknowledged. `results` has each record's outcome, in order. */
export class BatchDeliveryError<Metadata = unknown> extends KafkaError {
  override readonly name = 'BatchDeliveryError'
  override readonly code = 'ERR_KAFKA_BATCH_DELIVERY'
  readonly results: readonly SendResult<Metadata>[]

  constructor(
    message: string,
    options: KafkaErrorOptions & { results: readonly SendResult<Metadata>[] },
  ) {
    super(message, options)
    this.results = options.results
  }
}

/** The outcome of one item of several that one admin call was about. */
export type ItemResult<Value> =
  | { readonly item: string; readonly value: Value; readonly error: null }
  | { readonly item: string; readonly value: null; readonly error: KafkaError }

/**
 * Some items of an admin call failed; the others are done. `results` has each item's own outcome, in the
 * order in which the items were given, and `errors` those that failed.
 */
export class AdminError<Value = unknown> extends KafkaError {
  override readonly name = 'AdminError'
  override readonly code = 'ERR_KAFKA_ADMIN'
  readonly results: readonly ItemResult<Value>[]

  constructor(call: string, results: readonly ItemResult<Value>[]) {
    const errors = results.flatMap(({ error }) => error ?? [])
    // One refusal may be the reason of several items.
    const messages = [...new Set(errors.map(({ message }) => message))]
    const shown = messages.slice(0, MAX_SHOWN)
    if (messages.length > MAX_SHOWN) shown.push(`... and ${messages.length - MAX_SHOWN} more`)
    const text =
      results.length === 1 || (messages.length === 1 && errors.length === results.length)
        ? shown.join('')
        : `${call}: ${errors.length} of ${results.length} failed:\n  ${shown.join('\n  ')}`
    super(text, { cause: errors[0], retriable: errors.every(({ retriable }) => retriable) })
    this.results = results
  }

  /** The errors of the items that failed, in order. */
  get errors(): readonly KafkaError[] {
    return this.results.flatMap(({ error }) => error ?? [])
  }
}

/** How many of an AdminError's errors its message holds; `errors` has all. */
const MAX_SHOWN = 5

/** Client and broker have no version of an API in common, or a version lacks a field that was set. */
export class UnsupportedVersionError extends KafkaError {
  override readonly name = 'UnsupportedVersionError'
  override readonly code = 'ERR_KAFKA_UNSUPPORTED_VERSION'
}

/** Bytes are not what the protocol says. The message names what was read, where, and why it failed. */
export class DecodeError extends KafkaError {
  override readonly name = 'DecodeError'
  override readonly code = 'ERR_KAFKA_DECODE'
  /** Index of the byte at which reading failed, from the start of what was decoded. */
  readonly position: number
  /** Name of the API, or of the structure that was read (`RecordBatch`, `snappy` ...). */
  readonly api: string
  /** Version of the API, or magic of the batch; -1 if it has none. */
  readonly version: number
  /** Path of the field, such as `topics[2].partitions[0].records`; empty if it is not known. */
  readonly field: string

  constructor(
    message: string,
    options: KafkaErrorOptions & {
      position?: number
      api?: string
      version?: number
      field?: string
    } = {},
  ) {
    super(message, options)
    this.position = options.position ?? -1
    this.api = options.api ?? ''
    this.version = options.version ?? -1
    this.field = options.field ?? ''
  }
}

/** An option is wrong, unknown, or contradicts another one; or an optional package is missing. */
export class ConfigError extends KafkaError {
  override readonly name = 'ConfigError'
  override readonly code = 'ERR_KAFKA_CONFIG'
}

/** An argument of a call is wrong. The message says what was expected and what came. */
export class InvalidArgumentError extends KafkaError {
  override readonly name = 'InvalidArgumentError'
  override readonly code = 'ERR_KAFKA_INVALID_ARGUMENT'
}

/** The client, producer or consumer was closed. */
export class ClosedError extends KafkaError {
  override readonly name = 'ClosedError'
  override readonly code = 'ERR_KAFKA_CLOSED'
}

/** A newer producer or consumer with the same identity took over. This one can do nothing more. */
export class FencedError extends KafkaError {
  override readonly name = 'FencedError'
  override readonly code = 'ERR_KAFKA_FENCED'
}

/** The transaction's state does not allow this call. The message says which calls it allows. */
export class InvalidTransactionStateError extends KafkaError {
  override readonly name = 'InvalidTransactionStateError'
  override readonly code = 'ERR_KAFKA_INVALID_TRANSACTION_STATE'
}

/** Part of the transaction failed (`cause`). It can only be aborted and begun again. */
export class TransactionAbortableError extends KafkaError {
  override readonly name = 'TransactionAbortableError'
  override readonly code = 'ERR_KAFKA_TRANSACTION_ABORTABLE'
}

/**
 * The producer did not learn in time whether the transaction was committed (or aborted). Call the same
 * method again to learn it, or `initTransactions()`, which makes sure that nothing is left open. With a
 * FencedError as its `cause`, only the successor can continue, from what is committed.
 */
export class OutcomeUnknownError extends KafkaError {
  override readonly name = 'OutcomeUnknownError'
  override readonly code = 'ERR_KAFKA_OUTCOME_UNKNOWN'
}

/** Offsets were not committed. */
export class CommitFailedError extends KafkaError {
  override readonly name = 'CommitFailedError'
  override readonly code = 'ERR_KAFKA_COMMIT_FAILED'
}

/** What became of acknowledgements of records of one partition of a share group. */
export interface AcknowledgementResult {
  readonly topic: string
  readonly partition: number
  /** The records, by their offsets. */
  readonly offsets: readonly bigint[]
  /** Why the acknowledgements have no effect, so that the records are delivered again; null: they have. */
  readonly error: KafkaError | null
}

/** Acknowledgements of a share consumer have no effect: the group delivers the records again. */
export class AcknowledgementError extends KafkaError {
  override readonly name = 'AcknowledgementError'
  override readonly code = 'ERR_KAFKA_ACKNOWLEDGEMENT'
  /** The outcomes, by partition; those that failed have an error. */
  readonly results: readonly AcknowledgementResult[]

  constructor(
    message: string,
    options: KafkaErrorOptions & { results: readonly AcknowledgementResult[] },
  ) {
    super(message, options)
    this.results = options.results
  }
}

/** The producer's `bufferMemory` is full and the call may not wait (or waited `maxBlockMs`). */
export class BufferExhaustedError extends KafkaError {
  override readonly name = 'BufferExhaustedError'
  override readonly code = 'ERR_KAFKA_BUFFER_EXHAUSTED'
  /** A record that was not buffered is not in the log. */
  readonly persisted: Persisted = 'no'

  constructor(message: string, options: KafkaErrorOptions = {}) {
    super(message, { retriable: true, ...options })
  }
}

/** There is no committed offset, or it is out of range, and `autoOffsetReset` is `none`. */
export class OffsetOutOfRangeError extends KafkaError {
  override readonly name = 'OffsetOutOfRangeError'
  override readonly code = 'ERR_KAFKA_OFFSET_OUT_OF_RANGE'
}

/** A serializer failed on the key or the value of a record (`cause`). The record was not sent. */
export class SerializationError extends KafkaError {
  override readonly name = 'SerializationError'
  override readonly code = 'ERR_KAFKA_SERIALIZATION'
  readonly topic: string
  /** Which of the two could not be serialized. */
  readonly part: 'key' | 'value'
  /** A record that was not serialized is not in the log. */
  readonly persisted: Persisted = 'no'

  constructor(
    message: string,
    options: KafkaErrorOptions & { topic: string; part: 'key' | 'value' },
  ) {
    super(message, options)
    this.topic = options.topic
    this.part = options.part
  }
}

/** A schema registry could not be asked, refused a request, or gave what cannot be used. */
export class SchemaRegistryError extends KafkaError {
  override readonly name = 'SchemaRegistryError'
  override readonly code = 'ERR_KAFKA_SCHEMA_REGISTRY'
  /** The HTTP status; 0: there was no response. */
  readonly status: number
  /** The registry's own code, such as 40403 (no such schema); 0 without one. */
  readonly errorCode: number
  /** Why a schema is not compatible, in the registry's words. */
  readonly incompatibilities: readonly string[]

  constructor(
    message: string,
    options: KafkaErrorOptions & {
      status?: number
      errorCode?: number
      incompatibilities?: readonly string[]
    } = {},
  ) {
    super(message, options)
    this.status = options.status ?? 0
    this.errorCode = options.errorCode ?? 0
    this.incompatibilities = options.incompatibilities ?? []
  }
}

/** A deserializer threw on the key or the value of a record. The error holds the record's raw bytes. */
export class DeserializationError extends KafkaError {
  override readonly name = 'DeserializationError'
  override readonly code = 'ERR_KAFKA_DESERIALIZATION'
  /** Where the record was first read, as its handler sees it. */
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** The place in a retry topic where it was read now; null: it was not read in one. */
  readonly readFrom: {
    readonly topic: string
    readonly partition: number
    readonly offset: bigint
  } | null
  /** Which of the two could not be deserialized. */
  readonly part: 'key' | 'value'
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null

  constructor(
    message: string,
    options: KafkaErrorOptions & {
      topic: string
      partition: number
      offset: bigint
      readFrom?: DeserializationError['readFrom']
      part: 'key' | 'value'
      rawKey: Buffer | null
      rawValue: Buffer | null
    },
  ) {
    super(message, options)
    this.topic = options.topic
    this.partition = options.partition
    this.offset = options.offset
    this.readFrom = options.readFrom ?? null
    this.part = options.part
    this.rawKey = options.rawKey
    this.rawValue = options.rawValue
  }
}

/**
 * `error` as a member of this family: itself, or a KafkaError with it as `cause`.
 * @param what names the call or request that failed; it opens the message of a new error
 */
export function toKafkaError(error: unknown, what?: string): KafkaError {
  if (error instanceof KafkaError) return error
  const text = causeText(error)
  return new KafkaError(what === undefined ? text : `${what}: ${text}`, { cause: error })
}
