// Calls of an assignor that a user may have written: what it throws or gives is the user's, so it is named after
// the assignor, and does not count as a mistake of this client.

import { callHook } from '../../../async/call-hook.ts'
import { waitFor } from '../../../async/wait.ts'
import { causeText, describeValue, InvalidArgumentError, KafkaError } from '../../../errors.ts'
import type { WaitOptions } from '../../../types.ts'
import type { Assignor, GroupToAssign, MemberAssignment } from './assignor.ts'
import { checkAssignment, isUserData } from './check-assignment.ts'

/**
 * What the member sends with its subscription.
 * @throws {KafkaError} when the assignor throws, or gives anything but bytes or null
 */
export function userDataOf(assignor: Assignor, topics: readonly string[]): Buffer | null {
  try {
    const userData = assignor.subscriptionUserData?.(topics) ?? null
    if (isUserData(userData)) return userData
    throw new InvalidArgumentError(
      `subscriptionUserData() must return a Buffer or null, got ${describeValue(userData)}`,
    )
  } catch (cause) {
    throw failureOf(assignor, cause)
  }
}

/**
 * Divides the partitions of the group.
 * @throws {KafkaError} when the assignor throws, does not settle in time, or gives what no group could live
 *   with; the signal's reason when it aborts
 */
export async function assignGroup(
  assignor: Assignor,
  group: GroupToAssign,
  { signal, ...limits }: WaitOptions,
): Promise<Map<string, MemberAssignment>> {
  try {
    const work = Promise.resolve(assignor.assign(group))
    return checkAssignment(group, await waitFor(work, { signal, ...limits }, 'assign()'))
  } catch (cause) {
    if (signal?.aborted) throw signal.reason
    throw failureOf(assignor, cause)
  }
}

/** Tells the assignor what this member got. The group does not wait for it. */
export function tellAssignment(
  assignor: Assignor | undefined,
  assignment: MemberAssignment,
  generationId: number,
  onFailure: (error: KafkaError) => void,
): void {
  if (assignor === undefined) return
  callHook(
    () => assignor.onAssignment?.(assignment, generationId),
    (cause) => onFailure(failureOf(assignor, cause)),
  )
}

function failureOf({ name }: Assignor, cause: unknown): KafkaError {
  return new KafkaError(`The assignor "${name}" failed: ${causeText(cause)}`, { cause })
}
