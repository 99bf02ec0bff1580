// What an error code means in a share group, by where it stands: the head of a ShareFetch or ShareAcknowledge
// response, or a partition of it. docs/internals/share-consumer.md shows the table; that of ShareGroupHeartbeat is in
// consumer/group/heartbeat-error-table.ts. No I/O.

import { type Advice, advisedError } from '../consumer/group/advised-error.ts'
import type { KafkaError } from '../errors.ts'
import { errorCodes } from '../protocol/error-codes.ts'

export type ShareSessionAction =
  | 'done'
  /** The session is gone: open another one at once. */
  | 'reopen'
  /** The same, after a while. */
  | 'backOff'
  /** The next pull gets the error; then as `backOff`. */
  | 'report'
  /** The consumer ends with an error that says what to change. */
  | 'fatal'

const sessionRows: ReadonlyMap<number, ShareSessionAction> = new Map<number, ShareSessionAction>([
  [errorCodes.NONE, 'done'],
  [errorCodes.SHARE_SESSION_NOT_FOUND, 'reopen'],
  [errorCodes.INVALID_SHARE_SESSION_EPOCH, 'reopen'],
  [errorCodes.SHARE_SESSION_LIMIT_REACHED, 'backOff'],
  [errorCodes.GROUP_AUTHORIZATION_FAILED, 'report'],
  [errorCodes.UNSUPPORTED_VERSION, 'fatal'],
  [errorCodes.INVALID_REQUEST, 'fatal'],
])

/** At the head of a ShareFetch or ShareAcknowledge response. A code without a row may pass. */
export function shareSessionAction(code: number): ShareSessionAction {
  return sessionRows.get(code) ?? 'backOff'
}

export type SharePartitionAction =
  | 'done'
  /** Ask for metadata, and fetch again after a while, perhaps from another leader. */
  | 'refresh'
  /** Fetch again after a while. */
  | 'backOff'
  /** The next pull gets the error; then as `backOff`. */
  | 'report'

const partitionRows: ReadonlyMap<number, SharePartitionAction> = new Map<
  number,
  SharePartitionAction
>([
  [errorCodes.NONE, 'done'],
  [errorCodes.NOT_LEADER_OR_FOLLOWER, 'refresh'],
  [errorCodes.FENCED_LEADER_EPOCH, 'refresh'],
  [errorCodes.LEADER_NOT_AVAILABLE, 'refresh'],
  [errorCodes.UNKNOWN_LEADER_EPOCH, 'refresh'],
  [errorCodes.REPLICA_NOT_AVAILABLE, 'refresh'],
  [errorCodes.KAFKA_STORAGE_ERROR, 'refresh'],
  [errorCodes.OFFSET_NOT_AVAILABLE, 'backOff'],
  [errorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'refresh'],
  [errorCodes.UNKNOWN_TOPIC_ID, 'refresh'],
  [errorCodes.INCONSISTENT_TOPIC_ID, 'refresh'],
  // The share coordinator keeps the state of the partition, and does not respond to the leader now.
  [errorCodes.COORDINATOR_NOT_AVAILABLE, 'backOff'],
  [errorCodes.COORDINATOR_LOAD_IN_PROGRESS, 'backOff'],
  [errorCodes.NOT_COORDINATOR, 'backOff'],
  [errorCodes.FENCED_STATE_EPOCH, 'backOff'],
  [errorCodes.TOPIC_AUTHORIZATION_FAILED, 'report'],
  [errorCodes.CORRUPT_MESSAGE, 'report'],
])

/** Of one partition of a ShareFetch response. A code without a row may pass. */
export function sharePartitionAction(code: number): SharePartitionAction {
  return partitionRows.get(code) ?? 'backOff'
}

/** Share groups are complete in 4.2; 4.0 and 4.1 have them as a preview, to be turned on. */
export const SHARE_ADVICE =
  'share groups need brokers of 4.2 or later, or of 4.1 with the feature share.version at 1 (kafka-features.sh upgrade --feature share.version=1)'

const advice: Advice = new Map([
  [errorCodes.UNSUPPORTED_VERSION, SHARE_ADVICE],
  [errorCodes.GROUP_ID_NOT_FOUND, 'a group of another type has this id: choose another groupId'],
  [
    errorCodes.INCONSISTENT_GROUP_PROTOCOL,
    'a group of another type has this id: choose another groupId',
  ],
  [errorCodes.GROUP_MAX_SIZE_REACHED, 'the group is as large as group.share.max.size allows'],
  [
    errorCodes.SHARE_SESSION_LIMIT_REACHED,
    'the broker has as many share sessions as group.share.max.share.sessions allows',
  ],
  [
    errorCodes.INVALID_RECORD_STATE,
    'the lock of the record was over, or another member has it: the record is delivered again',
  ],
])

/** The error of a response, with what the broker said and what to do. */
export function shareError(
  code: number,
  what: string,
  text: string | null,
  principal: string | null = null,
): KafkaError {
  return advisedError(code, what, { text, advice, principal })
}
