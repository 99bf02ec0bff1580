// What an error code of a classic group's requests means for the membership. docs/internals/consumer.md,
// section 5, shows the table and says for each fatal row why nothing but a change of the program or of the cluster's
// configuration helps. No I/O.

import type { KafkaError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { type Advice, advisedError } from './advised-error.ts'

export type MemberRequest = 'join' | 'sync' | 'heartbeat' | 'commit'

export type MemberAction =
  | 'done'
  /** Try again after a while. */
  | 'backOff'
  /** Look for the coordinator, then try again. */
  | 'rediscover'
  /** Join at once under the member id that the response brought. */
  | 'useMemberId'
  /** Rejoin; what is owned stays owned until then. */
  | 'rejoin'
  /** The generation is over: keep the member id, what was owned is lost, rejoin. */
  | 'resetGeneration'
  /** The coordinator does not know the member: drop the id, what was owned is lost, rejoin. */
  | 'resetMember'
  /** The consumer ends with an error that says what to change. */
  | 'fatal'

const {
  COORDINATOR_LOAD_IN_PROGRESS,
  COORDINATOR_NOT_AVAILABLE,
  FENCED_INSTANCE_ID,
  GROUP_AUTHORIZATION_FAILED,
  GROUP_MAX_SIZE_REACHED,
  ILLEGAL_GENERATION,
  INCONSISTENT_GROUP_PROTOCOL,
  INVALID_GROUP_ID,
  INVALID_SESSION_TIMEOUT,
  MEMBER_ID_REQUIRED,
  NOT_COORDINATOR,
  REBALANCE_IN_PROGRESS,
  UNKNOWN_MEMBER_ID,
  UNSUPPORTED_VERSION,
} = errorCodes

const shared: readonly (readonly [number, MemberAction])[] = [
  [COORDINATOR_LOAD_IN_PROGRESS, 'backOff'],
  [COORDINATOR_NOT_AVAILABLE, 'rediscover'],
  [NOT_COORDINATOR, 'rediscover'],
  [ILLEGAL_GENERATION, 'resetGeneration'],
  [UNKNOWN_MEMBER_ID, 'resetMember'],
  [FENCED_INSTANCE_ID, 'fatal'],
  [GROUP_AUTHORIZATION_FAILED, 'fatal'],
  [INCONSISTENT_GROUP_PROTOCOL, 'fatal'],
  [INVALID_GROUP_ID, 'fatal'],
  [INVALID_SESSION_TIMEOUT, 'fatal'],
  [GROUP_MAX_SIZE_REACHED, 'fatal'],
  [UNSUPPORTED_VERSION, 'fatal'],
]

const actions: Readonly<Record<MemberRequest, ReadonlyMap<number, MemberAction>>> = {
  join: new Map([
    ...shared,
    [MEMBER_ID_REQUIRED, 'useMemberId'],
    [REBALANCE_IN_PROGRESS, 'backOff'],
  ]),
  sync: new Map([...shared, [REBALANCE_IN_PROGRESS, 'rejoin']]),
  heartbeat: new Map([...shared, [REBALANCE_IN_PROGRESS, 'rejoin']]),
  commit: new Map([...shared, [REBALANCE_IN_PROGRESS, 'rejoin']]),
}

/**
 * What follows from an error code. A code without a row says nothing about this member: it may pass, and
 * health() has it meanwhile.
 */
export function memberAction(request: MemberRequest, code: number): MemberAction {
  if (code === errorCodes.NONE) return 'done'
  return actions[request].get(code) ?? 'backOff'
}

const apiNames: Readonly<Record<MemberRequest, string>> = {
  join: 'JoinGroup',
  sync: 'SyncGroup',
  heartbeat: 'Heartbeat',
  commit: 'OffsetCommit',
}

const advice: Advice = new Map([
  [
    INCONSISTENT_GROUP_PROTOCOL,
    'the other members have no partitionAssignors in common with this one, or the group is not of consumers',
  ],
  [
    INVALID_SESSION_TIMEOUT,
    "sessionTimeoutMs is outside the broker's group.min.session.timeout.ms and group.max.session.timeout.ms",
  ],
  [GROUP_MAX_SIZE_REACHED, "the group has as many members as the broker's group.max.size allows"],
  [UNSUPPORTED_VERSION, 'the broker is too old for this kind of group'],
])

/** The error that ends a consumer. It says what to change. */
export function fatalGroupError(
  request: MemberRequest,
  code: number,
  groupId: string,
  principal: string | null,
): KafkaError {
  return advisedError(code, `${apiNames[request]} of group "${groupId}"`, { advice, principal })
}
