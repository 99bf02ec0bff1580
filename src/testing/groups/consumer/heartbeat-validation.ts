// What a broker refuses in a ConsumerGroupHeartbeat before it looks at the group.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type { ConsumerGroupHeartbeatRequest } from '../../../protocol/messages/consumer-group-heartbeat.ts'
import { GroupError } from '../group-error.ts'
import { compileRe2, Re2SyntaxError } from '../re2.ts'
import { STATIC_LEAVE_EPOCH } from './consumer-group.ts'

/** From this version on the client makes its member id itself. */
const CLIENT_MEMBER_ID_SINCE = 1

/** @throws {GroupError} */
export function validateHeartbeat(
  request: ConsumerGroupHeartbeatRequest,
  version: number,
  assignors: readonly string[],
): void {
  refuseEmpty('GroupId', request.groupId)
  refuseEmpty('InstanceId', request.instanceId)
  refuseEmpty('RackId', request.rackId)
  const { memberEpoch, serverAssignor, subscribedTopicRegex } = request
  if (version >= CLIENT_MEMBER_ID_SINCE || memberEpoch !== 0) {
    refuseEmpty('MemberId', request.memberId)
  }
  if (memberEpoch === 0) validateJoin(request)
  else if (memberEpoch === STATIC_LEAVE_EPOCH && request.instanceId === null) {
    throw invalid("InstanceId can't be null.")
  } else if (memberEpoch < STATIC_LEAVE_EPOCH) throw invalid('MemberEpoch is invalid.')
  if (serverAssignor !== null && !assignors.includes(serverAssignor)) {
    throw new GroupError(
      errorCodes.UNSUPPORTED_ASSIGNOR,
      `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`,
    )
  }
  if (subscribedTopicRegex !== null) validateRegex(subscribedTopicRegex)
}

function validateJoin(request: ConsumerGroupHeartbeatRequest): void {
  if (request.rebalanceTimeoutMs === -1) {
    throw invalid('RebalanceTimeoutMs must be provided in first request.')
  }
  if (request.topicPartitions === null || request.topicPartitions.length > 0) {
    throw invalid('TopicPartitions must be empty when (re-)joining.')
  }
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
    throw invalid(
      'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
    )
  }
}

function validateRegex(regex: string): void {
  try {
    compileRe2(regex)
  } catch (error) {
    if (!(error instanceof Re2SyntaxError)) throw error
    throw new GroupError(
      errorCodes.INVALID_REGULAR_EXPRESSION,
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${error.message}.`,
    )
  }
}

function refuseEmpty(field: string, value: string | null): void {
  if (value === '') throw invalid(`${field} can't be empty.`)
}

function invalid(message: string): GroupError {
  return new GroupError(errorCodes.INVALID_REQUEST, message)
}
