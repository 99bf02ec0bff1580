// What an error code means in the responses that positions are found with: ListOffsets,
// OffsetForLeaderEpoch and OffsetFetch. docs/internals/consumer.md shows the table. No I/O.

import { errorCodes } from '../../protocol/error-codes.ts'

export type OffsetRequest =
  | 'listOffsets'
  | 'offsetForLeaderEpoch'
  /** One partition of an OffsetFetch response. */
  | 'offsetFetch'
  /** The group of an OffsetFetch response. */
  | 'offsetFetchGroup'

export type OffsetAction =
  /** Ask again after a pause. */
  | 'backOff'
  /** The same, with new metadata. */
  | 'refresh'
  /** The same, after the coordinator was looked up again. */
  | 'rediscover'
  /** Report it to the caller, and ask again: a permission may be given while the consumer runs. */
  | 'report'
  /** The log has no timestamps to search: there is no such record. */
  | 'notFound'
  /** Asking again cannot help, whatever happens on the brokers: the consumer ends with this error. */
  | 'fatal'

const {
  CLUSTER_AUTHORIZATION_FAILED,
  COORDINATOR_LOAD_IN_PROGRESS,
  COORDINATOR_NOT_AVAILABLE,
  GROUP_AUTHORIZATION_FAILED,
  INVALID_GROUP_ID,
  NOT_COORDINATOR,
  TOPIC_AUTHORIZATION_FAILED,
  UNSTABLE_OFFSET_COMMIT,
  UNSUPPORTED_FOR_MESSAGE_FORMAT,
} = errorCodes

/** What a request does after a code that its row does not name. */
const otherwise: Readonly<Record<OffsetRequest, OffsetAction>> = {
  listOffsets: 'refresh',
  offsetForLeaderEpoch: 'refresh',
  offsetFetch: 'refresh',
  offsetFetchGroup: 'backOff',
}

const rows: Readonly<Record<OffsetRequest, ReadonlyMap<number, OffsetAction>>> = {
  listOffsets: new Map<number, OffsetAction>([
    [TOPIC_AUTHORIZATION_FAILED, 'report'],
    [UNSUPPORTED_FOR_MESSAGE_FORMAT, 'notFound'],
  ]),
  offsetForLeaderEpoch: new Map<number, OffsetAction>([
    [TOPIC_AUTHORIZATION_FAILED, 'report'],
    [CLUSTER_AUTHORIZATION_FAILED, 'report'],
  ]),
  offsetFetch: new Map<number, OffsetAction>([
    [TOPIC_AUTHORIZATION_FAILED, 'report'],
    [UNSTABLE_OFFSET_COMMIT, 'backOff'],
  ]),
  offsetFetchGroup: new Map<number, OffsetAction>([
    [COORDINATOR_LOAD_IN_PROGRESS, 'backOff'],
    [COORDINATOR_NOT_AVAILABLE, 'rediscover'],
    [NOT_COORDINATOR, 'rediscover'],
    [GROUP_AUTHORIZATION_FAILED, 'fatal'],
    [INVALID_GROUP_ID, 'fatal'],
  ]),
}

/** What follows from an error code other than 0. */
export function offsetAction(request: OffsetRequest, errorCode: number): OffsetAction {
  return rows[request].get(errorCode) ?? otherwise[request]
}
