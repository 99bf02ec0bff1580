// What an error code of ConsumerGroupHeartbeat means for the membership (KIP-848). docs/internals/consumer.md
// shows the table. No I/O.

import { FencedError, KafkaError } from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'

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
  /** The broker or the group does not speak this protocol: the classic one may do. */
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
  // The group is a classic one that cannot be converted now.
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

/** A code without a row may pass. */
export function heartbeatAction(code: number): HeartbeatAction {
  return rows.get(code) ?? 'backOff'
}

const advice: ReadonlyMap<number, string> = new Map([
  [errorCodes.UNSUPPORTED_VERSION, "use groupProtocol 'classic' or 'auto', or upgrade the brokers"],
  [
    errorCodes.INCONSISTENT_GROUP_PROTOCOL,
    "the group speaks the classic protocol: use groupProtocol 'classic' or 'auto', or another groupId",
  ],
  [
    errorCodes.GROUP_ID_NOT_FOUND,
    "a group of another type has this id: use groupProtocol 'classic' or 'auto', or another groupId",
  ],
  [errorCodes.UNSUPPORTED_ASSIGNOR, 'set groupRemoteAssignor to one of group.consumer.assignors'],
  [errorCodes.INVALID_REGULAR_EXPRESSION, 'the broker takes RE2J expressions only'],
  [errorCodes.GROUP_MAX_SIZE_REACHED, 'the group is as large as group.consumer.max.size allows'],
  [errorCodes.INVALID_GROUP_ID, 'choose another groupId'],
  [errorCodes.UNRELEASED_INSTANCE_ID, 'another member with the same groupInstanceId is alive'],
  [errorCodes.FENCED_INSTANCE_ID, 'another member with the same groupInstanceId has joined'],
])

/** The error of a response, with what the broker said and what to do. */
export function heartbeatError(
  code: number,
  groupId: string,
  text: string | null,
  principal: string | null,
): KafkaError {
  const cause = brokerError(code, `ConsumerGroupHeartbeat of group "${groupId}"`, principal)
  const parts = [cause.message, text ?? '', advice.get(code) ?? ''].filter((part) => part !== '')
  if (code === errorCodes.FENCED_INSTANCE_ID || code === errorCodes.UNRELEASED_INSTANCE_ID) {
    return new FencedError(parts.join(': '), { cause })
  }
  return parts.length === 1 ? cause : new KafkaError(parts.join(': '), { cause })
}
