// Access control as Kafka's StandardAuthorizer decides it: entries that allow and deny, for literal names
// and prefixes; a denial wins.

import { ConfigError } from '../../errors.ts'
import {
  type AclOperation,
  type AclResourceType,
  aclOperations,
  aclPermissionTypes,
  aclResourceTypes,
  patternTypes,
} from '../../protocol/acl-constants.ts'

export const CLUSTER_NAME = 'kafka-cluster'
const ANY_NAME = '*'
const ANY_PRINCIPAL = 'User:*'

export interface Acl {
  readonly resourceType: number
  readonly resourceName: string
  readonly patternType: number
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

/** Null stands for any. */
export interface AclFilter {
  readonly resourceType: number
  readonly resourceName: string | null
  readonly patternType: number
  readonly principal: string | null
  readonly host: string | null
  readonly operation: number
  readonly permissionType: number
}

/** Turns authorization on in a test cluster. */
export interface AuthorizerOptions {
  /** Principals that may do everything, such as `User:admin`. @defaultValue none */
  superUsers?: string[]
  /** Whether a resource without any entry is open to all. @defaultValue false */
  allowEveryoneIfNoAclFound?: boolean
}

/** Operations that imply others: reading a topic includes describing it. */
const implied: Partial<Record<AclOperation, readonly AclOperation[]>> = {
  DESCRIBE: ['READ', 'WRITE', 'DELETE', 'ALTER'],
  DESCRIBE_CONFIGS: ['ALTER_CONFIGS'],
}

export class Authorizer {
  private readonly acls = new Map<string, Acl>()
  private readonly superUsers: ReadonlySet<string>
  private readonly allowsUnlisted: boolean

  /** @throws {ConfigError} when a super user is not a principal. */
  constructor({ superUsers = [], allowEveryoneIfNoAclFound = false }: AuthorizerOptions) {
    const invalid = superUsers.find((name) => !/^\w+:.+$/.test(name))
    if (invalid !== undefined) {
      throw new ConfigError(
        `authorizer.superUsers is not valid: expected principals such as "User:admin", got "${invalid}"`,
      )
    }
    this.superUsers = new Set(superUsers)
    this.allowsUnlisted = allowEveryoneIfNoAclFound
  }

  add(acl: Acl): void {
    this.acls.set(JSON.stringify(Object.values(acl)), acl)
  }

  find(filter: AclFilter): Acl[] {
    return [...this.acls.values()].filter((acl) => isSelected(acl, filter))
  }

  /** Removes what the filter selects, and returns it. */
  delete(filter: AclFilter): Acl[] {
    const selected = this.find(filter)
    for (const acl of selected) this.acls.delete(JSON.stringify(Object.values(acl)))
    return selected
  }

  allows(
    principal: string,
    host: string,
    operation: AclOperation,
    resource: AclResourceType,
    name: string,
  ): boolean {
    if (this.superUsers.has(principal)) return true
    const entries = [...this.acls.values()].filter(
      (acl) => acl.resourceType === aclResourceTypes[resource] && coversName(acl, name),
    )
    if (entries.length === 0) return this.allowsUnlisted
    const mine = entries.filter(
      (acl) =>
        (acl.principal === principal || acl.principal === ANY_PRINCIPAL) &&
        (acl.host === host || acl.host === '*'),
    )
    const isFor = (acl: Acl, wanted: readonly AclOperation[]): boolean =>
      acl.operation === aclOperations.ALL ||
      wanted.some((each) => acl.operation === aclOperations[each])
    const denied = mine.some(
      (acl) => acl.permissionType === aclPermissionTypes.DENY && isFor(acl, [operation]),
    )
    if (denied) return false
    const sufficient = [operation, ...(implied[operation] ?? [])]
    return mine.some(
      (acl) => acl.permissionType === aclPermissionTypes.ALLOW && isFor(acl, sufficient),
    )
  }

  /** Whether the principal may do that to at least one resource of the type. */
  allowsAny(
    principal: string,
    host: string,
    operation: AclOperation,
    resource: AclResourceType,
  ): boolean {
    const names = [...this.acls.values()]
      .filter((acl) => acl.resourceType === aclResourceTypes[resource])
      .map((acl) => acl.resourceName)
    return names.some((name) => this.allows(principal, host, operation, resource, name))
  }
}

function coversName({ patternType, resourceName }: Acl, name: string): boolean {
  if (patternType === patternTypes.PREFIXED) return name.startsWith(resourceName)
  return resourceName === name || resourceName === ANY_NAME
}

function isSelected(acl: Acl, filter: AclFilter): boolean {
  const { resourceName, principal, host } = filter
  return (
    isWanted(acl.resourceType, filter.resourceType) &&
    isWanted(acl.operation, filter.operation) &&
    isWanted(acl.permissionType, filter.permissionType) &&
    (principal === null || principal === acl.principal) &&
    (host === null || host === acl.host) &&
    isPatternWanted(acl, filter.patternType, resourceName)
  )
}

function isPatternWanted(acl: Acl, patternType: number, name: string | null): boolean {
  if (patternType === patternTypes.MATCH) return name === null || coversName(acl, name)
  return isWanted(acl.patternType, patternType) && (name === null || name === acl.resourceName)
}

/** 1 is "any" in every enumeration of filters. */
function isWanted(value: number, filter: number): boolean {
  return filter === 1 || filter === value
}
