// Whether the node that was asked coordinates that group.

import { errorCodes } from '../protocol/error-codes.ts'
import type { RequestContext } from './handler.ts'

/** NOT_COORDINATOR, or 0. */
export function checkCoordinator({ state, node }: RequestContext, key: string): number {
  return state.coordinatorOf(key) === node ? 0 : errorCodes.NOT_COORDINATOR
}
