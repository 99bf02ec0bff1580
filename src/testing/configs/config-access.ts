// Who may see and change configurations: by the resource that they belong to.

import type { AclOperation } from '../../protocol/acl-constants.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { RequestContext } from '../handler.ts'
import { clusterError, mayDo, topicError } from '../security/authorize.ts'
import { resourceTypes } from './config-resources.ts'

/** The authorization error of a request for a resource's configurations, or 0. */
export function configRefusal(
  context: RequestContext,
  operation: AclOperation,
  resourceType: number,
  name: string,
): number {
  if (resourceType === resourceTypes.TOPIC) return topicError(context, operation, name)
  if (resourceType !== resourceTypes.GROUP) return clusterError(context, operation)
  return mayDo(context, operation, 'GROUP', name) ? 0 : errorCodes.GROUP_AUTHORIZATION_FAILED
}
