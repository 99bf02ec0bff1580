// What the error code of one partition of a Fetch response means. docs/internals/consumer.md shows the
// table. No I/O.

import { errorCodes } from '../../protocol/error-codes.ts'

export type FetchAction =
  /** Fetch again after a pause. */
  | 'backOff'
  /** The same, with new metadata. */
  | 'refresh'
  /** Report it to the caller, and fetch again when the caller asks for more. */
  | 'report'
  /** The offset is not in the log of the broker that was asked. */
  | 'outOfRange'

const rows: ReadonlyMap<number, FetchAction> = new Map<number, FetchAction>([
  [errorCodes.OFFSET_OUT_OF_RANGE, 'outOfRange'],
  [errorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'refresh'],
  [errorCodes.LEADER_NOT_AVAILABLE, 'refresh'],
  [errorCodes.NOT_LEADER_OR_FOLLOWER, 'refresh'],
  [errorCodes.BROKER_NOT_AVAILABLE, 'refresh'],
  [errorCodes.REPLICA_NOT_AVAILABLE, 'refresh'],
  [errorCodes.NETWORK_EXCEPTION, 'refresh'],
  [errorCodes.KAFKA_STORAGE_ERROR, 'refresh'],
  [errorCodes.FENCED_LEADER_EPOCH, 'refresh'],
  // The broker is behind; or the topic was created again, and its epochs with it.
  [errorCodes.UNKNOWN_LEADER_EPOCH, 'refresh'],
  [errorCodes.OFFSET_NOT_AVAILABLE, 'refresh'],
  [errorCodes.UNKNOWN_TOPIC_ID, 'refresh'],
  [errorCodes.INCONSISTENT_TOPIC_ID, 'refresh'],
  [errorCodes.TOPIC_AUTHORIZATION_FAILED, 'report'],
  // The position stays before what cannot be read: the caller may seek past it.
  [errorCodes.CORRUPT_MESSAGE, 'report'],
])

/** What follows from an error code other than 0. A code without a row may pass: fetch again. */
export function fetchAction(errorCode: number): FetchAction {
  return rows.get(errorCode) ?? 'backOff'
}
