// What an error means to a pipe: the end of one transaction, of one partition's reading, or of the pipe.

import {
  BrokerError,
  CommitFailedError,
  DecodeError,
  FencedError,
  InvalidArgumentError,
  KafkaError,
  OutcomeUnknownError,
  TransactionAbortableError,
} from './errors.ts'
import { errorCodes, isUninformative } from './protocol/error-codes.ts'

/** What no further attempt can mend: a record or a right is wrong. */
const finalCodes: ReadonlySet<number> = new Set([
  errorCodes.MESSAGE_TOO_LARGE,
  errorCodes.RECORD_LIST_TOO_LARGE,
  errorCodes.INVALID_RECORD,
  errorCodes.INVALID_TIMESTAMP,
  errorCodes.INVALID_TOPIC_EXCEPTION,
  errorCodes.INVALID_REQUIRED_ACKS,
  errorCodes.POLICY_VIOLATION,
  errorCodes.TOPIC_AUTHORIZATION_FAILED,
  errorCodes.GROUP_AUTHORIZATION_FAILED,
  errorCodes.CLUSTER_AUTHORIZATION_FAILED,
  errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT,
])

/** What ends one transaction, and not the next: its producer id has expired, or the brokers can only abort it. */
const abortingCodes: ReadonlySet<number> = new Set([
  errorCodes.INVALID_PRODUCER_ID_MAPPING,
  errorCodes.UNKNOWN_PRODUCER_ID,
  errorCodes.TRANSACTION_ABORTABLE,
])

/** Whether the records of one partition cannot be read, as their bytes are damaged. */
export function isUnreadable(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof DecodeError) return true
    if (cause instanceof BrokerError && cause.errorCode === errorCodes.CORRUPT_MESSAGE) return true
  }
  return false
}

/** Whether the same records may fare better in another transaction. */
export function canGoOn(error: unknown): error is KafkaError {
  if (!(error instanceof KafkaError) || error instanceof FencedError) return false
  let mayPass = false
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof BrokerError && finalCodes.has(cause.errorCode)) return false
    if (cause instanceof InvalidArgumentError) return false
    // A code that says nothing of the cause may pass.
    mayPass ||=
      cause instanceof BrokerError &&
      (abortingCodes.has(cause.errorCode) || isUninformative(cause.errorCode))
  }
  return (
    error.retriable ||
    mayPass ||
    error instanceof CommitFailedError ||
    error instanceof TransactionAbortableError ||
    error instanceof OutcomeUnknownError
  )
}
