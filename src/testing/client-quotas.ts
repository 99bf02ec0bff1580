// Client quotas: stored and described, not enforced.

import { errorCodes } from '../protocol/error-codes.ts'

/** Entity type to name; null stands for the default of the type. */
export type QuotaEntity = ReadonlyMap<string, string | null>

export interface QuotaEntry {
  readonly entity: QuotaEntity
  readonly values: Map<string, number>
}

const USER_KEYS = [
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'controller_mutation_rate',
]
const IP_KEYS = ['connection_creation_rate']
const ENTITY_TYPES = ['user', 'client-id', 'ip']

export class ClientQuotas {
  private readonly byEntity = new Map<string, QuotaEntry>()

  get all(): QuotaEntry[] {
    return [...this.byEntity.values()]
  }

  /** What is wrong with that change; null when it can be made. */
  findProblem(entity: QuotaEntity, keys: readonly string[]): string | null {
    if (entity.size === 0) return 'Invalid empty client quota entity'
    const unknown = [...entity.keys()].find((type) => !ENTITY_TYPES.includes(type))
    if (unknown !== undefined) return `Unhandled client quota entity type: ${unknown}`
    if (entity.has('ip') && entity.size > 1) {
      return 'Invalid quota entity combination, IP entity should not be combined with user or client-id'
    }
    const known = entity.has('ip') ? IP_KEYS : USER_KEYS
    const invalid = keys.find((key) => !known.includes(key))
    return invalid === undefined ? null : `Invalid configuration key ${invalid}`
  }

  /** Null removes a value. */
  alter(entity: QuotaEntity, changes: ReadonlyMap<string, number | null>): void {
    const key = keyOf(entity)
    const entry = this.byEntity.get(key) ?? { entity, values: new Map<string, number>() }
    for (const [name, value] of changes) {
      if (value === null) entry.values.delete(name)
      else entry.values.set(name, value)
    }
    if (entry.values.size === 0) this.byEntity.delete(key)
    else this.byEntity.set(key, entry)
  }
}

export const QUOTA_ERROR: number = errorCodes.INVALID_REQUEST

function keyOf(entity: QuotaEntity): string {
  return JSON.stringify([...entity].sort(([a], [b]) => (a < b ? -1 : 1)))
}
