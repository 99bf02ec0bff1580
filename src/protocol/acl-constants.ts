// The enumerations of ACLs: Java's names of the constants, and the numbers that stand for them on the wire.

export const aclResourceTypes = {
  UNKNOWN: 0,
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const

/** What an ACL protects. ANY is for filters. */
export type AclResourceType = keyof typeof aclResourceTypes

export const patternTypes = { UNKNOWN: 0, ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const

/** How an ACL's resource name is compared. ANY and MATCH are for filters. */
export type PatternType = keyof typeof patternTypes

export const aclOperations = {
  UNKNOWN: 0,
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
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const

/** An operation that an ACL allows or denies. ANY is for filters. */
export type AclOperation = keyof typeof aclOperations

export const aclPermissionTypes = { UNKNOWN: 0, ANY: 1, DENY: 2, ALLOW: 3 } as const

/** Whether an ACL allows or denies. ANY is for filters. */
export type AclPermissionType = keyof typeof aclPermissionTypes
