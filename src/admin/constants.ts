// Kafka's enumerations: Java's names of the constants, and the numbers that stand for them on the wire.

import { type AclOperation, aclOperations } from '../protocol/acl-constants.ts'
import { wrong } from './checks.ts'

export const configResourceTypes = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const

/** What a configuration belongs to. */
export type ConfigResourceType = keyof typeof configResourceTypes

export const configSources = {
  UNKNOWN: 0,
  DYNAMIC_TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  DYNAMIC_CLIENT_METRICS_CONFIG: 7,
  DYNAMIC_GROUP_CONFIG: 8,
} as const

/** Where the value of a configuration comes from. */
export type ConfigSource = keyof typeof configSources

export const configTypes = {
  UNKNOWN: 0,
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
} as const

/** The type of a configuration's value. */
export type ConfigType = keyof typeof configTypes

export const configOperations = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

/** What to do with a configuration. APPEND and SUBTRACT work on lists. */
export type ConfigOperation = keyof typeof configOperations

export const electionTypes = { PREFERRED: 0, UNCLEAN: 1 } as const

/** PREFERRED: the first replica. UNCLEAN: any replica, when none is in sync; records can be lost. */
export type ElectionType = keyof typeof electionTypes

export const scramMechanisms = { UNKNOWN: 0, 'SCRAM-SHA-256': 1, 'SCRAM-SHA-512': 2 } as const

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export const upgradeTypes = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const

/** UPGRADE only raises a level; the downgrades may lose metadata that the lower level cannot hold. */
export type FeatureUpgradeType = keyof typeof upgradeTypes

/** The name of a number; `fallback` for one that this client does not know. */
export function constantOf<Name extends string>(
  table: Readonly<Record<Name, number>>,
  value: number,
  fallback: Name,
): Name {
  for (const name of Object.keys(table) as Name[]) if (table[name] === value) return name
  return fallback
}

/**
 * The number of a constant that a caller gave, in any case.
 * @throws InvalidArgumentError naming the constants that exist
 */
export function numberOf<Name extends string>(
  call: string,
  what: string,
  table: Readonly<Record<Name, number>>,
  value: Name,
): number {
  const name = typeof value === 'string' ? value.toUpperCase() : ''
  if (Object.hasOwn(table, name)) return table[name as Name]
  throw wrong(call, what, `one of ${Object.keys(table).join(', ')}`, value)
}

/** The operations of a bit field; null where the broker does not say. */
export function operationsOf(bits: number): AclOperation[] | null {
  if (bits === -2_147_483_648) return null
  const names = Object.keys(aclOperations) as AclOperation[]
  return names.filter((name) => ((bits >>> aclOperations[name]) & 1) === 1)
}
