// What an error code in a Produce response means for its batch: one row per code, as the table of
// docs/internals/producer.md, section 5. The rows that depend on more than the code name a verdict that asks further.

import { errorCodes, isRetriable } from '../../protocol/error-codes.ts'

export type Verdict =
  | 'acknowledge'
  /** Written earlier; where, the broker no longer knows. Never an error. */
  | 'duplicate'
  /** Split if it can be, else fail. */
  | 'tooLarge'
  | 'retry'
  /** Retry, unless metadata has called the topic unknown for long. */
  | 'unknownTopic'
  /** Retry a few times, as bits may flip in transit, then fail. */
  | 'corrupt'
  /** sequence-error-table.ts decides. */
  | 'sequence'
  /** The partition knows a newer epoch of ours. */
  | 'staleEpoch'
  | 'fail'
  /** Fail, and tell the culprits from their neighbours. */
  | 'rejectedRecords'
  /** Fail, and the producer with it. */
  | 'fatal'

export interface Outcome {
  readonly verdict: Verdict
  /** Whether the batch may have been written although this is an error. */
  readonly leavesDoubt: boolean
  /** Whether what is known of the cluster seems stale. */
  readonly refreshes: boolean
}

const doubt = { leavesDoubt: true, refreshes: false }
const stale = { leavesDoubt: false, refreshes: true }
const staleAndDoubt = { leavesDoubt: true, refreshes: true }
const plain = { leavesDoubt: false, refreshes: false }

const code = errorCodes

const rows: ReadonlyMap<number, Outcome> = new Map<number, Outcome>([
  [code.NONE, { verdict: 'acknowledge', ...plain }],
  [code.DUPLICATE_SEQUENCE_NUMBER, { verdict: 'duplicate', ...plain }],
  [code.MESSAGE_TOO_LARGE, { verdict: 'tooLarge', ...plain }],
  [code.RECORD_LIST_TOO_LARGE, { verdict: 'fail', ...plain }],
  // A leader that is deposed responds with this to appended writes that wait for acks.
  [code.NOT_LEADER_OR_FOLLOWER, { verdict: 'retry', ...staleAndDoubt }],
  [code.FENCED_LEADER_EPOCH, { verdict: 'retry', ...stale }],
  [code.UNKNOWN_TOPIC_OR_PARTITION, { verdict: 'unknownTopic', ...stale }],
  [code.UNKNOWN_TOPIC_ID, { verdict: 'unknownTopic', ...stale }],
  [code.INCONSISTENT_TOPIC_ID, { verdict: 'unknownTopic', ...stale }],
  [code.LEADER_NOT_AVAILABLE, { verdict: 'retry', ...stale }],
  [code.REPLICA_NOT_AVAILABLE, { verdict: 'retry', ...stale }],
  [code.LISTENER_NOT_FOUND, { verdict: 'retry', ...stale }],
  [code.KAFKA_STORAGE_ERROR, { verdict: 'retry', ...staleAndDoubt }],
  [code.REQUEST_TIMED_OUT, { verdict: 'retry', ...staleAndDoubt }],
  [code.NETWORK_EXCEPTION, { verdict: 'retry', ...staleAndDoubt }],
  [code.NOT_ENOUGH_REPLICAS, { verdict: 'retry', ...plain }],
  [code.NOT_ENOUGH_REPLICAS_AFTER_APPEND, { verdict: 'retry', ...doubt }],
  [code.CORRUPT_MESSAGE, { verdict: 'corrupt', ...plain }],
  [code.THROTTLING_QUOTA_EXCEEDED, { verdict: 'retry', ...plain }],
  [code.CONCURRENT_TRANSACTIONS, { verdict: 'retry', ...plain }],
  [code.OUT_OF_ORDER_SEQUENCE_NUMBER, { verdict: 'sequence', ...plain }],
  [code.UNKNOWN_PRODUCER_ID, { verdict: 'sequence', ...plain }],
  [code.INVALID_PRODUCER_EPOCH, { verdict: 'staleEpoch', ...plain }],
  [code.INVALID_PRODUCER_ID_MAPPING, { verdict: 'fail', ...plain }],
  [code.PRODUCER_FENCED, { verdict: 'fatal', ...plain }],
  [code.INVALID_TXN_STATE, { verdict: 'fail', ...plain }],
  [code.TRANSACTION_ABORTABLE, { verdict: 'fail', ...plain }],
  [code.INVALID_RECORD, { verdict: 'rejectedRecords', ...plain }],
  [code.INVALID_TIMESTAMP, { verdict: 'rejectedRecords', ...plain }],
  [code.INVALID_TOPIC_EXCEPTION, { verdict: 'fail', ...plain }],
  [code.INVALID_REQUIRED_ACKS, { verdict: 'fail', ...plain }],
  [code.TOPIC_AUTHORIZATION_FAILED, { verdict: 'fail', ...plain }],
  [code.CLUSTER_AUTHORIZATION_FAILED, { verdict: 'fail', ...plain }],
  [code.INVALID_REQUEST, { verdict: 'fail', ...plain }],
  [code.UNSUPPORTED_FOR_MESSAGE_FORMAT, { verdict: 'fail', ...plain }],
  [code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, { verdict: 'fail', ...plain }],
  [code.UNSUPPORTED_COMPRESSION_TYPE, { verdict: 'fail', ...plain }],
  [code.UNKNOWN_SERVER_ERROR, { verdict: 'fail', ...doubt }],
])

const otherRetriable: Outcome = { verdict: 'retry', ...doubt }
const otherFailure: Outcome = { verdict: 'fail', ...doubt }

/**
 * The row of a code. One that has none is retried if the protocol marks it retriable, else fails. No rule
 * says that such a code comes before the append, so the record may be in the log.
 */
export function outcomeOf(errorCode: number): Outcome {
  return rows.get(errorCode) ?? (isRetriable(errorCode) ? otherRetriable : otherFailure)
}
