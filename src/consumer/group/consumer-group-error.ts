// The error of a ConsumerGroupHeartbeat response, with what the broker said and what to do.

import type { KafkaError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { type Advice, advisedError } from './advised-error.ts'

const advice: Advice = new Map([
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
])

export function consumerGroupError(
  code: number,
  groupId: string,
  text: string | null,
  principal: string | null,
): KafkaError {
  const what = `ConsumerGroupHeartbeat of group "${groupId}"`
  return advisedError(code, what, { text, advice, principal })
}
