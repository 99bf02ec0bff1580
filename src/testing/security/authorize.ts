// Whether the principal behind a request may do what it asks for.

import type { AclOperation, AclResourceType } from '../../protocol/acl-constants.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { RequestContext } from '../handler.ts'
import { CLUSTER_NAME } from './acls.ts'

/** True in a cluster without an authorizer. The name of the cluster needs not be given. */
export function mayDo(
  { state, security, clientHost }: RequestContext,
  operation: AclOperation,
  resource: AclResourceType,
  name: string = CLUSTER_NAME,
): boolean {
  const { authorizer } = state
  if (authorizer === null) return true
  return authorizer.allows(security.principal, hostOf(clientHost), operation, resource, name)
}

/** Whether the principal may do that to at least one resource of the type. */
export function mayDoAny(
  { state, security, clientHost }: RequestContext,
  operation: AclOperation,
  resource: AclResourceType,
): boolean {
  const { authorizer } = state
  if (authorizer === null) return true
  return authorizer.allowsAny(security.principal, hostOf(clientHost), operation, resource)
}

/** Java shows addresses with a slash in front; entries have none. */
function hostOf(clientHost: string): string {
  return clientHost.replace(/^\//, '').replace(/^::ffff:/, '')
}

/** TOPIC_AUTHORIZATION_FAILED, or 0. */
export function topicError(context: RequestContext, operation: AclOperation, name: string): number {
  return mayDo(context, operation, 'TOPIC', name) ? 0 : errorCodes.TOPIC_AUTHORIZATION_FAILED
}

/** CLUSTER_AUTHORIZATION_FAILED, or 0. */
export function clusterError(context: RequestContext, operation: AclOperation): number {
  return mayDo(context, operation, 'CLUSTER') ? 0 : errorCodes.CLUSTER_AUTHORIZATION_FAILED
}
