// What the principal of a request may do with a resource (KIP-430), as responses carry it: one bit per operation.

import { type AclOperation, aclOperations } from '../../protocol/acl-constants.ts'
import type { RequestContext } from '../handler.ts'
import { CLUSTER_NAME } from './acls.ts'
import { mayDo } from './authorize.ts'

/** Means that the client did not ask for them. */
export const NOT_ASKED = -0x80000000

type Described = 'TOPIC' | 'GROUP' | 'CLUSTER'

/** What there is to allow, by the type of the resource. */
const operations: Readonly<Record<Described, readonly AclOperation[]>> = {
  TOPIC: [
    'READ',
    'WRITE',
    'CREATE',
    'DELETE',
    'ALTER',
    'DESCRIBE',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
  ],
  GROUP: ['READ', 'DELETE', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  CLUSTER: [
    'CREATE',
    'ALTER',
    'DESCRIBE',
    'CLUSTER_ACTION',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
  ],
}

/** All of them in a cluster without an authorizer. */
export function authorizedOperations(
  context: RequestContext,
  type: Described,
  name: string = CLUSTER_NAME,
): number {
  const allowed = operations[type].filter((operation) => mayDo(context, operation, type, name))
  return allowed.reduce((bits, operation) => bits | (1 << aclOperations[operation]), 0)
}

/** What may be done with the cluster; 0: it may not even be described. */
export function clusterOperations(context: RequestContext): number {
  return mayDo(context, 'DESCRIBE', 'CLUSTER') ? authorizedOperations(context, 'CLUSTER') : 0
}
