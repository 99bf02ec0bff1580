// Client quotas: stored and described, not enforced.

import { isIP } from 'node:net'
import { errorCodes } from '../protocol/error-codes.ts'

/** Entity type to name; null stands for the default of the type. */
export type QuotaEntity = ReadonlyMap<string, string | null>

export interface QuotaEntry {
  readonly entity: QuotaEntity
  readonly values: Map<string, number>
}

type ValueType = 'INT' | 'LONG' | 'DOUBLE'

const userKeys: ReadonlyMap<string, ValueType> = new Map([
  ['producer_byte_rate', 'LONG'],
  ['consumer_byte_rate', 'LONG'],
  ['request_percentage', 'DOUBLE'],
  ['controller_mutation_rate', 'DOUBLE'],
])
const ipKeys: ReadonlyMap<string, ValueType> = new Map([['connection_creation_rate', 'INT']])
const ENTITY_TYPES: readonly string[] = ['user', 'client-id', 'ip']
/** How far a value may be from the whole number that is kept of it. */
const EPSILON = 1e-6
const greatest = { INT: 2 ** 31 - 1, LONG: 2 ** 63 }

export class ClientQuotas {
  private readonly byEntity = new Map<string, QuotaEntry>()

  get all(): QuotaEntry[] {
    return [...this.byEntity.values()]
  }

  /** What is wrong with that change; null when it can be made. A value that is null is removed. */
  findProblem(entity: QuotaEntity, changes: ReadonlyMap<string, number | null>): string | null {
    const problem = findEntityProblem(entity)
    if (problem !== null) return problem
    const known = entity.has('ip') ? ipKeys : userKeys
    for (const [key, value] of changes) {
      const valueProblem = value === null ? null : findValueProblem(known, key, value)
      if (valueProblem !== null) return valueProblem
    }
    return null
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

function findEntityProblem(entity: QuotaEntity): string | null {
  if (entity.size === 0) return 'Invalid empty client quota entity'
  for (const [type, name] of entity) {
    if (!isQuotaEntityType(type)) return `Unhandled client quota entity type: ${type}`
    if (name === '') return `Empty ${type} not supported`
  }
  const ip = entity.get('ip')
  if (ip === undefined) return null
  if (entity.size > 1) {
    return 'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId'
  }
  const isHost = ip === null || isIP(ip) !== 0 || /^[a-z0-9.-]+$/i.test(ip)
  return isHost ? null : `${ip} is not a valid IP or resolvable host.`
}

function findValueProblem(
  known: ReadonlyMap<string, ValueType>,
  key: string,
  value: number,
): string | null {
  const type = known.get(key)
  if (type === undefined) return `Invalid configuration key ${key}`
  if (value <= 0) return `Quota ${key} must be greater than 0`
  if (type === 'DOUBLE') return null
  if (value > greatest[type]) {
    return `Proposed value for ${key} is too large for ${type === 'INT' ? 'an INT' : 'a LONG'}.`
  }
  const whole = Math.floor(value + EPSILON)
  return Math.abs(whole - value) <= EPSILON ? null : `${key} cannot be a fractional value.`
}

export function isQuotaEntityType(type: string): boolean {
  return ENTITY_TYPES.includes(type)
}

export const QUOTA_ERROR: number = errorCodes.INVALID_REQUEST

function keyOf(entity: QuotaEntity): string {
  return JSON.stringify([...entity].sort(([a], [b]) => (a < b ? -1 : 1)))
}
