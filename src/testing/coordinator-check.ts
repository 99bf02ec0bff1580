// Whether the node that was asked coordinates that group or transaction, and whether the principal may
// ask for it.

import type { AclOperation } from '../protocol/acl-constants.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import type { RequestContext } from './handler.ts'
import { mayDo } from './security/authorize.ts'

/** NOT_COORDINATOR, or 0. */
export function checkCoordinator({ state, node }: RequestContext, key: string): number {
  return state.coordinatorOf(key) === node ? 0 : errorCodes.NOT_COORDINATOR
}

/** GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR, or 0. */
export function checkGroup(
  context: RequestContext,
  groupId: string,
  operation: AclOperation,
): number {
  if (!mayDo(context, operation, 'GROUP', groupId)) return errorCodes.GROUP_AUTHORIZATION_FAILED
  return checkCoordinator(context, groupId)
}

/** TRANSACTIONAL_ID_AUTHORIZATION_FAILED, NOT_COORDINATOR, or 0. */
export function checkTransaction(
  context: RequestContext,
  transactionalId: string,
  operation: AclOperation,
): number {
  if (!mayDo(context, operation, 'TRANSACTIONAL_ID', transactionalId)) {
    return errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  }
  return checkCoordinator(context, transactionalId)
}
