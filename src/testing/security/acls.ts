// Access control as Kafka's StandardAuthorizer decides it: entries that allow and deny, for literal names
// and prefixes; a denial wins.

import { ConfigError } from '../../errors.ts'

/** Kafka's numbers of operations. */
export const operations = {
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const
export type Operation = keyof typeof operations

/** Kafka's numbers of the types of resources that entries are for. */
export const aclResources = {
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const
export type AclResource = keyof typeof aclResources

export const patterns = { ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const
export const permissions = { ANY: 1, DENY: 2, ALLOW: 3 } as const

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
const implied: Partial<Record<Operation, readonly Operation[]>> = {
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
    operation: Operation,
    resource: AclResource,
    name: string,
  ): boolean {
    if (this.superUsers.has(principal)) return true
    const entries = [...this.acls.values()].filter(
      (acl) => acl.resourceType === aclResources[resource] && coversName(acl, name),
    )
    if (entries.length === 0) return this.allowsUnlisted
    const mine = entries.filter(
      (acl) =>
        (acl.principal === principal || acl.principal === ANY_PRINCIPAL) &&
        (acl.host === host || acl.host === '*'),
    )
    const isFor = (acl: Acl, wanted: readonly Operation[]): boolean =>
      acl.operation === operations.ALL || wanted.some((each) => acl.operation === operations[each])
    const denied = mine.some(
      (acl) => acl.permissionType === permissions.DENY && isFor(acl, [operation]),
    )
    if (denied) return false
    const sufficient = [operation, ...(implied[operation] ?? [])]
    return mine.some((acl) => acl.permissionType === permissions.ALLOW && isFor(acl, sufficient))
  }

  /** Whether the principal may do that to at least one resource of the type. */
  allowsAny(principal: string, host: string, operation: Operation, resource: AclResource): boolean {
    const names = [...this.acls.values()]
      .filter((acl) => acl.resourceType === aclResources[resource])
      .map((acl) => acl.resourceName)
    return names.some((name) => this.allows(principal, host, operation, resource, name))
  }
}

function coversName({ patternType, resourceName }: Acl, name: string): boolean {
  if (patternType === patterns.PREFIXED) return name.startsWith(resourceName)
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
  if (patternType === patterns.MATCH) return name === null || coversName(acl, name)
  return isWanted(acl.patternType, patternType) && (name === null || name === acl.resourceName)
}

/** 1 is "any" in every enumeration of filters. */
function isWanted(value: number, filter: number): boolean {
  return filter === 1 || filter === value
}
