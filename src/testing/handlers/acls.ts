// CreateAcls, DescribeAcls and DeleteAcls.

import { aclResourceTypes, patternTypes } from '../../protocol/acl-constants.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { CreateAclsRequest, CreateAclsResponse } from '../../protocol/messages/create-acls.ts'
import type { DeleteAclsRequest, DeleteAclsResponse } from '../../protocol/messages/delete-acls.ts'
import type {
  DescribeAclsRequest,
  DescribeAclsResource,
  DescribeAclsResponse,
} from '../../protocol/messages/describe-acls.ts'
import type { RequestContext } from '../handler.ts'
import { type Acl, CLUSTER_NAME } from '../security/acls.ts'
import { clusterError } from '../security/authorize.ts'

const DISABLED = {
  errorCode: errorCodes.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured.',
}

export function handleCreateAcls(
  context: RequestContext,
  { creations }: CreateAclsRequest,
): CreateAclsResponse {
  const refusal = clusterError(context, 'ALTER')
  if (refusal !== 0)
    return {
      throttleTimeMs: 0,
      results: creations.map(() => ({ errorCode: refusal, errorMessage: null })),
    }
  const { state } = context
  const { authorizer } = state
  const results = creations.map((creation) => {
    if (authorizer === null) return DISABLED
    const { resourcePatternType: patternType, ...rest } = creation
    const acl: Acl = { ...rest, patternType }
    const errorMessage = findProblem(acl)
    if (errorMessage !== null) return { errorCode: errorCodes.INVALID_REQUEST, errorMessage }
    authorizer.add(acl)
    return { errorCode: 0, errorMessage: null }
  })
  return { throttleTimeMs: 0, results }
}

function findProblem({ resourceType, resourceName, patternType, principal }: Acl): string | null {
  if (resourceName === '') return 'Resource name should not be empty'
  if (patternType !== patternTypes.LITERAL && patternType !== patternTypes.PREFIXED) {
    return `Invalid patternType ${patternType}`
  }
  if (resourceType === aclResourceTypes.CLUSTER && resourceName !== CLUSTER_NAME) {
    return `The only valid name for the CLUSTER resource is ${CLUSTER_NAME}`
  }
  if (/^\w+:.+$/.test(principal)) return null
  return `Could not parse principal from \`${principal}\` (no colon is present separating the principal type from the principal name)`
}

export function handleDescribeAcls(
  context: RequestContext,
  request: DescribeAclsRequest,
): DescribeAclsResponse {
  const refusal = clusterError(context, 'DESCRIBE')
  if (refusal !== 0)
    return { throttleTimeMs: 0, errorCode: refusal, errorMessage: null, resources: [] }
  const { state } = context
  const { authorizer } = state
  if (authorizer === null) return { throttleTimeMs: 0, ...DISABLED, resources: [] }
  const resources = new Map<string, DescribeAclsResource>()
  for (const acl of authorizer.find(filterOf(request))) {
    const { resourceType, resourceName, patternType, ...entry } = acl
    const key = `${resourceType} ${patternType} ${resourceName}`
    const resource = resources.get(key) ?? { resourceType, resourceName, patternType, acls: [] }
    resource.acls.push(entry)
    resources.set(key, resource)
  }
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    errorMessage: null,
    resources: [...resources.values()],
  }
}

export function handleDeleteAcls(
  context: RequestContext,
  { filters }: DeleteAclsRequest,
): DeleteAclsResponse {
  const refusal = clusterError(context, 'ALTER')
  if (refusal !== 0)
    return {
      throttleTimeMs: 0,
      filterResults: filters.map(() => ({
        errorCode: refusal,
        errorMessage: null,
        matchingAcls: [],
      })),
    }
  const { state } = context
  const { authorizer } = state
  const filterResults = filters.map((filter) => {
    if (authorizer === null) return { ...DISABLED, matchingAcls: [] }
    const matchingAcls = authorizer
      .delete(filterOf(filter))
      .map((acl) => ({ errorCode: 0, errorMessage: null, ...acl }))
    return { errorCode: 0, errorMessage: null, matchingAcls }
  })
  return { throttleTimeMs: 0, filterResults }
}

function filterOf(request: Omit<DescribeAclsRequest, 'x'>) {
  return {
    resourceType: request.resourceTypeFilter,
    resourceName: request.resourceNameFilter,
    patternType: request.patternTypeFilter,
    principal: request.principalFilter,
    host: request.hostFilter,
    operation: request.operation,
    permissionType: request.permissionType,
  }
}
