// Every error class of kafkawire: one flat family under KafkaError, one level of subclasses that a
// caller would branch on. A Kafka error code is a row in protocol/error-codes.ts, not a class.

/** Options every error takes. */
export interface KafkaErrorOptions {
  /** What led to this error, kept for the log. */
  cause?: unknown
  /** Whether the same call may succeed when it is made again. Default: false. */
  retriable?: boolean
}

/** The root of the family: `catch (error) { if (error instanceof KafkaError) ... }`. */
export class KafkaError extends Error {
  override readonly name: string = 'KafkaError'
  /** Whether the same call may succeed when it is made again. */
  readonly retriable: boolean

  constructor(message: string, options: KafkaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.retriable = options.retriable ?? false
  }
}

/** A broker answered with an error code. `code` and `codeName` are Kafka's own. */
export class BrokerError extends KafkaError {
  override readonly name = 'BrokerError'
  /** Kafka's error code, as on the wire. */
  readonly code: number
  /** Kafka's name of the code, such as `NOT_LEADER_OR_FOLLOWER`. */
  readonly codeName: string

  constructor(
    code: number,
    codeName: string,
    message: string,
    options: KafkaErrorOptions & { retriable: boolean },
  ) {
    super(message, options)
    this.code = code
    this.codeName = codeName
  }
}

/** A broker cannot be reached, or the connection to it was lost. */
export class ConnectionError extends KafkaError {
  override readonly name = 'ConnectionError'
  /** Whether a byte of the request may have reached the broker: if not, nothing was done there. */
  readonly wasSent: boolean

  constructor(message: string, options: KafkaErrorOptions & { wasSent?: boolean } = {}) {
    super(message, { retriable: true, ...options })
    this.wasSent = options.wasSent ?? false
  }
}

/** The broker refused who we are (SASL or TLS client certificate). */
export class AuthenticationError extends KafkaError {
  override readonly name = 'AuthenticationError'
}

/** No answer came within a request's time, or a call's own `timeoutMs` ran out. */
export class RequestTimeoutError extends KafkaError {
  override readonly name = 'RequestTimeoutError'
  /** Whether a byte of the request may have reached the broker: if not, nothing was done there. */
  readonly wasSent: boolean

  constructor(message: string, options: KafkaErrorOptions & { wasSent?: boolean } = {}) {
    super(message, { retriable: true, ...options })
    this.wasSent = options.wasSent ?? false
  }
}

/** What is known of a record whose delivery failed: `no`: it is not in the log; `maybe`: it may be. */
export type Persisted = 'no' | 'maybe'

/** Why a record was not acknowledged. Every failed record of a producer carries one. */
export class DeliveryError extends KafkaError {
  override readonly name: string = 'DeliveryError'
  /** Whether the record may be in the log all the same: the one thing to know before sending again. */
  readonly persisted: Persisted
  /** How many times it was sent. */
  readonly attempts: number
  readonly topic: string
  /** -1 where no partition had been chosen. */
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

/** A record was not acknowledged within `deliveryTimeoutMs`; `cause` is the first error of its attempts. */
export class DeliveryTimeoutError extends DeliveryError {
  override readonly name = 'DeliveryTimeoutError'
}

/** The fate of one record of several that were sent by one call. */
export type SendResult<Metadata> =
  | { readonly metadata: Metadata; readonly error: null }
  | { readonly metadata: null; readonly error: KafkaError }

/** Some records of a `sendBatch` were not acknowledged. `results` has each record's own fate, in order. */
export class BatchDeliveryError<Metadata = unknown> extends KafkaError {
  override readonly name = 'BatchDeliveryError'
  readonly results: readonly SendResult<Metadata>[]

  constructor(
    message: string,
    options: KafkaErrorOptions & { results: readonly SendResult<Metadata>[] },
  ) {
    super(message, options)
    this.results = options.results
  }
}

/** Neither side's versions of an API meet, or a version lacks a field that was set. */
export class UnsupportedVersionError extends KafkaError {
  override readonly name = 'UnsupportedVersionError'
}

/** Bytes that are not what the protocol says; the message names what was read, where, and why. */
export class DecodeError extends KafkaError {
  override readonly name = 'DecodeError'
  /** Index of the byte at which reading failed, from the start of what was decoded. */
  readonly position: number
  /** Name of the API, or of the thing that was read (`RecordBatch`, `snappy` ...). */
  readonly api: string
  /** Version of the API, or magic of the batch; -1 where there is none. */
  readonly version: number
  /** Path of the field, such as `topics[2].partitions[0].records`; empty where it is not known. */
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
}

/** A value given to a call is wrong: a record that is no record, a partition that cannot be. */
export class InvalidArgumentError extends KafkaError {
  override readonly name = 'InvalidArgumentError'
}

/** The client, producer or consumer was closed. */
export class ClosedError extends KafkaError {
  override readonly name = 'ClosedError'
}

/** A newer producer or consumer with the same identity took over; this one can do nothing more. */
export class FencedError extends KafkaError {
  override readonly name = 'FencedError'
}

/** A transactional call that the transaction's state does not allow; the message says which one it does. */
export class InvalidTransactionStateError extends KafkaError {
  override readonly name = 'InvalidTransactionStateError'
}

/** Something of the transaction failed (`cause`): it can only be aborted, and begun again. */
export class TransactionAbortableError extends KafkaError {
  override readonly name = 'TransactionAbortableError'
}

/**
 * Whether the transaction was committed (or aborted) could not be learned in time. Allowed next is the
 * same call again, which learns it, or `initTransactions()`, which makes sure that nothing is left open.
 * With a FencedError as its `cause` nobody can ask any more: a successor goes on from what is committed.
 */
export class OutcomeUnknownError extends KafkaError {
  override readonly name = 'OutcomeUnknownError'
}

/** Offsets were not committed. */
export class CommitFailedError extends KafkaError {
  override readonly name = 'CommitFailedError'
}

/** The producer's `bufferMemory` is spent and the call may not wait (or waited `maxBlockMs`). */
export class BufferExhaustedError extends KafkaError {
  override readonly name = 'BufferExhaustedError'
  /** A record that was not taken is not in the log. */
  readonly persisted: Persisted = 'no'

  constructor(message: string, options: KafkaErrorOptions = {}) {
    super(message, { retriable: true, ...options })
  }
}

/** There is no committed offset, or it is out of range, and `autoOffsetReset` is `none`. */
export class OffsetOutOfRangeError extends KafkaError {
  override readonly name = 'OffsetOutOfRangeError'
}

/** A deserializer refused the key or the value of a record. Its bytes are here as they came. */
export class DeserializationError extends KafkaError {
  override readonly name = 'DeserializationError'
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Which of the two was refused. */
  readonly part: 'key' | 'value'
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null

  constructor(
    message: string,
    options: KafkaErrorOptions & {
      topic: string
      partition: number
      offset: bigint
      part: 'key' | 'value'
      rawKey: Buffer | null
      rawValue: Buffer | null
    },
  ) {
    super(message, options)
    this.topic = options.topic
    this.partition = options.partition
    this.offset = options.offset
    this.part = options.part
    this.rawKey = options.rawKey
    this.rawValue = options.rawValue
  }
}
