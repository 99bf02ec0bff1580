// What an error code of ConsumerGroupHeartbeat (KIP-848) or ShareGroupHeartbeat (KIP-932) means for the membership.
// docs/internals/consumer.md and share-consumer.md show the tables. No I/O.

import { errorCodes } from '../../protocol/error-codes.ts'

export type HeartbeatAction =
  | 'done'
  /** Try again after a while. */
  | 'backOff'
  /** Look for the coordinator, then try again. */
  | 'rediscover'
  /** The member was removed: what it owned is lost, join again under the same id. */
  | 'fenced'
  /** The predecessor with the same instance id has not left: try again for up to one session timeout. */
  | 'unreleased'
  /** The next pull gets the error; the member stays. */
  | 'report'
  /** The broker or the group does not speak this protocol: another one may do. */
  | 'unsupported'
  /** The consumer ends with an error that says what to change. */
  | 'fatal'

const rows: ReadonlyMap<number, HeartbeatAction> = new Map<number, HeartbeatAction>([
  [errorCodes.NONE, 'done'],
  [errorCodes.COORDINATOR_LOAD_IN_PROGRESS, 'backOff'],
  [errorCodes.COORDINATOR_NOT_AVAILABLE, 'rediscover'],
  [errorCodes.NOT_COORDINATOR, 'rediscover'],
  [errorCodes.FENCED_MEMBER_EPOCH, 'fenced'],
  [errorCodes.UNKNOWN_MEMBER_ID, 'fenced'],
  [errorCodes.UNRELEASED_INSTANCE_ID, 'unreleased'],
  [errorCodes.TOPIC_AUTHORIZATION_FAILED, 'report'],
  [errorCodes.UNSUPPORTED_VERSION, 'unsupported'],
  // The group is of another type, and cannot be converted now.
  [errorCodes.INCONSISTENT_GROUP_PROTOCOL, 'unsupported'],
  [errorCodes.GROUP_ID_NOT_FOUND, 'unsupported'],
  [errorCodes.FENCED_INSTANCE_ID, 'fatal'],
  [errorCodes.UNSUPPORTED_ASSIGNOR, 'fatal'],
  [errorCodes.INVALID_REGULAR_EXPRESSION, 'fatal'],
  [errorCodes.GROUP_MAX_SIZE_REACHED, 'fatal'],
  [errorCodes.GROUP_AUTHORIZATION_FAILED, 'fatal'],
  [errorCodes.INVALID_GROUP_ID, 'fatal'],
  [errorCodes.INVALID_REQUEST, 'fatal'],
])

/**
 * A code without a row may pass.
 * @param isMember whether the heartbeat was one of a member, and not to join
 */
export function heartbeatAction(code: number, isMember: boolean): HeartbeatAction {
  // To a member it says that the group is gone, and the member with it: all were removed, and the group deleted.
  if (isMember && code === errorCodes.GROUP_ID_NOT_FOUND) return 'fenced'
  return rows.get(code) ?? 'backOff'
}
