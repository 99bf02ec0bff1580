// The error of a coordinator's or leader's response: the code, what the broker said, and what to do about it.

import { BrokerError, FencedError } from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'

/** What a user can do about a code. */
export type Advice = ReadonlyMap<number, string>

/** Another process has the `groupInstanceId` of this member. */
const fenced: Advice = new Map([
  [errorCodes.FENCED_INSTANCE_ID, 'another member with the same groupInstanceId has joined'],
  [errorCodes.UNRELEASED_INSTANCE_ID, 'another member with the same groupInstanceId is alive'],
])

/** What holds for a group of any type. */
const ofAnyGroup: Advice = new Map([[errorCodes.INVALID_GROUP_ID, 'choose another groupId']])

/**
 * @param what names the request and its target
 * @param text what the broker said beside the code
 */
export function advisedError(
  code: number,
  what: string,
  {
    text = null,
    advice,
    principal,
  }: { text?: string | null; advice: Advice; principal: string | null },
): BrokerError | FencedError {
  const cause = brokerError(code, what, principal)
  const hint = fenced.get(code) ?? advice.get(code) ?? ofAnyGroup.get(code)
  const parts = [cause.message, text?.replace(/\.$/, ''), hint].filter((part) => part)
  const message = parts.join(': ')
  if (fenced.has(code)) return new FencedError(message, { cause })
  if (parts.length === 1) return cause
  const { errorCode, codeName, retriable } = cause
  return new BrokerError(errorCode, codeName, message, { cause, retriable })
}
