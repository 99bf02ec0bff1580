// ACLs: describe, create, delete.

import {
  type AclOperation,
  type AclPermissionType,
  type AclResourceType,
  aclOperations,
  aclPermissionTypes,
  aclResourceTypes,
  type PatternType,
  patternTypes,
} from '../protocol/acl-constants.ts'
import { createAcls as createApi } from '../protocol/messages/create-acls.ts'
import { type DeleteAclsFilter, deleteAcls as deleteApi } from '../protocol/messages/delete-acls.ts'
import { describeAcls as describeApi } from '../protocol/messages/describe-acls.ts'
import type { WaitOptions } from '../types.ts'
import { checkItem, checkList, checkName } from './checks.ts'
import { constantOf, numberOf } from './constants.ts'
import type { AdminEngine } from './engine.ts'

/** One access rule: who may, or may not, do what to which resource, from where. */
export interface Acl {
  resourceType: AclResourceType
  /** For the CLUSTER it is always `kafka-cluster`. */
  resourceName: string
  /** @defaultValue 'LITERAL' */
  patternType?: PatternType
  /** Such as `User:alice`; `User:*` is everyone. */
  principal: string
  /** @defaultValue '*', any host */
  host?: string
  operation: AclOperation
  /** @defaultValue 'ALLOW' */
  permissionType?: AclPermissionType
}

/** Which ACLs to describe or delete; what is left out matches all. */
export interface AclFilter {
  resourceType?: AclResourceType
  resourceName?: string
  /** MATCH: every pattern that applies to `resourceName`, literal, prefixed or `*`. @defaultValue 'ANY' */
  patternType?: PatternType
  principal?: string
  host?: string
  operation?: AclOperation
  permissionType?: AclPermissionType
}

const aclKeys = [
  'resourceType',
  'resourceName',
  'patternType',
  'principal',
  'host',
  'operation',
  'permissionType',
]

/** An ACL as it is stored. */
export type AclBinding = Required<Acl>

export async function describeAcls(
  engine: AdminEngine,
  filter: AclFilter = {},
  options: WaitOptions = {},
): Promise<AclBinding[]> {
  const name = 'describeAcls()'
  const body = filterBody(name, filter)
  const call = engine.begin(name, options)
  const { resources } = await call.one(describeApi, () => body, 'any')
  return resources.flatMap(({ resourceType, resourceName, patternType, acls }) =>
    acls.map((acl) => binding({ ...acl, resourceType, resourceName, patternType })),
  )
}

export async function createAcls(
  engine: AdminEngine,
  acls: Iterable<Acl>,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'createAcls()'
  const wanted = checkList(name, 'acls', acls).map((acl) => ({ acl, body: creation(name, acl) }))
  const call = engine.begin(name, options)
  await call.each(wanted, {
    nameOf: ({ acl }) => describeAcl(acl),
    send: async ({ target, items }) => {
      const creations = items.map(({ body }) => body)
      const { results } = await call.send(createApi, () => ({ creations }), target)
      return results.map(({ errorCode, errorMessage }) => ({
        errorCode,
        errorMessage,
        value: undefined,
      }))
    },
  })
}

export async function deleteAcls(
  engine: AdminEngine,
  filters: Iterable<AclFilter>,
  options: WaitOptions = {},
): Promise<AclBinding[]> {
  const name = 'deleteAcls()'
  const wanted = checkList(name, 'filters', filters).map((filter) => ({
    filter,
    body: filterBody(name, filter),
  }))
  const call = engine.begin(name, options)
  const deleted = await call.each(wanted, {
    nameOf: ({ filter }) => `the filter ${JSON.stringify(filter)}`,
    send: async ({ target, items }) => {
      const filters = items.map(({ body }) => body)
      const { filterResults } = await call.send(deleteApi, () => ({ filters }), target)
      return filterResults.map(({ errorCode, errorMessage, matchingAcls }) => {
        const failed = matchingAcls.find((acl) => acl.errorCode !== 0)
        return {
          errorCode: errorCode || (failed?.errorCode ?? 0),
          errorMessage: errorMessage ?? failed?.errorMessage,
          value: matchingAcls.map(binding),
        }
      })
    },
  })
  return deleted.flat()
}

/** An ACL in one line, as errors and the command line show it. */
function describeAcl(acl: Acl): string {
  const { permissionType = 'ALLOW', host = '*', patternType = 'LITERAL' } = acl
  const place = `${acl.resourceType} "${acl.resourceName}"${patternType === 'LITERAL' ? '' : ` (${patternType})`}`
  return `the ACL ${permissionType} ${acl.operation} on ${place} for ${acl.principal} from host ${host}`
}

function creation(
  call: string,
  acl: Acl,
): {
  resourceType: number
  resourceName: string
  resourcePatternType: number
  principal: string
  host: string
  operation: number
  permissionType: number
} {
  checkItem(call, 'each of acls', acl, aclKeys)
  const { patternType = 'LITERAL', host = '*', permissionType = 'ALLOW' } = acl
  const resourceType = numberOf(call, 'resourceType', aclResourceTypes, acl.resourceType)
  checkName(call, 'resourceName', acl.resourceName)
  checkName(call, 'principal', acl.principal)
  checkName(call, 'host', host)
  return {
    resourceType,
    resourceName: acl.resourceName,
    resourcePatternType: numberOf(call, 'patternType', patternTypes, patternType),
    principal: acl.principal,
    host,
    operation: numberOf(call, 'operation', aclOperations, acl.operation),
    permissionType: numberOf(call, 'permissionType', aclPermissionTypes, permissionType),
  }
}

function filterBody(call: string, filter: AclFilter): DeleteAclsFilter {
  checkItem(call, 'the filter', filter, aclKeys)
  const { resourceType = 'ANY', patternType = 'ANY', operation = 'ANY' } = filter
  const { permissionType = 'ANY', resourceName, principal, host } = filter
  for (const [key, value] of Object.entries({ resourceName, principal, host })) {
    if (value !== undefined) checkName(call, key, value)
  }
  return {
    resourceTypeFilter: numberOf(call, 'resourceType', aclResourceTypes, resourceType),
    resourceNameFilter: resourceName ?? null,
    patternTypeFilter: numberOf(call, 'patternType', patternTypes, patternType),
    principalFilter: principal ?? null,
    hostFilter: host ?? null,
    operation: numberOf(call, 'operation', aclOperations, operation),
    permissionType: numberOf(call, 'permissionType', aclPermissionTypes, permissionType),
  }
}

function binding(acl: {
  resourceType: number
  resourceName: string
  patternType: number
  principal: string
  host: string
  operation: number
  permissionType: number
}): AclBinding {
  return {
    resourceType: constantOf(aclResourceTypes, acl.resourceType, 'UNKNOWN'),
    resourceName: acl.resourceName,
    patternType: constantOf(patternTypes, acl.patternType, 'UNKNOWN'),
    principal: acl.principal,
    host: acl.host,
    operation: constantOf(aclOperations, acl.operation, 'UNKNOWN'),
    permissionType: constantOf(aclPermissionTypes, acl.permissionType, 'UNKNOWN'),
  }
}
