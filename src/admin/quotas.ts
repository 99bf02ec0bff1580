// Client quotas: describe and alter them (KIP-546).

import {
  type AlterClientQuotasEntityData,
  alterClientQuotas as alterApi,
} from '../protocol/messages/alter-client-quotas.ts'
import { describeClientQuotas as describeApi } from '../protocol/messages/describe-client-quotas.ts'
import type { WaitOptions } from '../types.ts'
import { checkItem, checkList, checkObject, checkOptions, checkText, wrong } from './checks.ts'
import type { AdminEngine } from './engine.ts'
import type { ValidateOptions } from './options.ts'
import { inOrderOf } from './routing.ts'

/** What a quota applies to. */
export type QuotaEntityType = 'user' | 'client-id' | 'ip'

/** A user, a client id, both, or an address; null stands for the default of those that have none. */
export type QuotaEntity = Partial<Record<QuotaEntityType, string | null>>

/**
 * The quotas of an entity, such as `producer_byte_rate`, `consumer_byte_rate`, `request_percentage`,
 * `controller_mutation_rate` or `connection_creation_rate`.
 */
export interface ClientQuota {
  entity: QuotaEntity
  quotas: Record<string, number>
}

/** Changes of an entity's quotas; null removes one. */
export interface ClientQuotaAlteration {
  entity: QuotaEntity
  quotas: Readonly<Record<string, number | null>>
}

/** Which quotas to describe. */
export interface ClientQuotaFilter {
  /**
   * What the entity must have: a name, `{ default: true }`, or `{ any: true }`.
   * @defaultValue every entity
   */
  components?: Partial<Record<QuotaEntityType, string | { default: true } | { any: true }>>
  /** Whether entities that have further parts are left out. @defaultValue false */
  strict?: boolean
}

const entityTypes: readonly string[] = ['user', 'client-id', 'ip']

export async function describeClientQuotas(
  engine: AdminEngine,
  filter: ClientQuotaFilter = {},
  options: WaitOptions = {},
): Promise<ClientQuota[]> {
  const name = 'describeClientQuotas()'
  checkItem(name, 'filter', filter, ['components', 'strict'])
  const { components: given = {} } = filter
  checkObject(name, 'components of the filter', given)
  const components = Object.entries(given).map(([entityType, match]) => {
    checkType(name, entityType)
    if (typeof match === 'string') return { entityType, matchType: 0, match }
    const what = `${entityType} of the filter`
    checkItem(name, what, match, ['default', 'any'])
    if ('default' in match === 'any' in match) {
      throw wrong(name, what, 'a name, { default: true } or { any: true }', match)
    }
    return { entityType, matchType: 'default' in match ? 1 : 2, match: null }
  })
  const { strict = false } = filter
  if (typeof strict !== 'boolean') throw wrong(name, 'strict of filter', 'true or false', strict)
  const body = { components, strict }
  const call = engine.begin(name, options)
  const { entries } = await call.one(describeApi, () => body, 'any')
  return (entries ?? []).map(({ entity, values }) => ({
    entity: Object.fromEntries(
      entity.map(({ entityType, entityName }) => [entityType, entityName]),
    ),
    quotas: Object.fromEntries(values.map(({ key, value }) => [key, value])),
  }))
}

export async function alterClientQuotas(
  engine: AdminEngine,
  alterations: Iterable<ClientQuotaAlteration>,
  options: ValidateOptions = {},
): Promise<void> {
  const name = 'alterClientQuotas()'
  checkOptions(name, options)
  const wanted = checkList(name, 'alterations', alterations)
  for (const item of wanted) {
    checkItem(name, 'each of alterations', item, ['entity', 'quotas'])
    const { entity, quotas } = item
    checkObject(name, 'entity', entity)
    checkObject(name, 'quotas', quotas)
    if (Object.keys(entity).length === 0)
      throw wrong(name, 'entity', 'a user, client-id or ip', entity)
    for (const [type, value] of Object.entries(entity)) {
      checkType(name, type)
      if (value !== null) checkText(name, `${type} of entity`, value)
    }
    for (const [key, value] of Object.entries(quotas)) {
      if (value === null || (typeof value === 'number' && Number.isFinite(value))) continue
      throw wrong(name, `quota "${key}"`, 'a number, or null to remove it', value)
    }
  }
  const { validateOnly = false } = options
  const call = engine.begin(name, options, ['validateOnly'])
  await call.each(wanted, {
    nameOf: ({ entity }) => entityName(entity),
    send: async ({ target, items }) => {
      const entries = items.map(({ entity, quotas }) => ({
        entity: entityData(entity),
        ops: Object.entries(quotas).map(([key, value]) => ({
          key,
          value: value ?? 0,
          remove: value === null,
        })),
      }))
      const response = await call.send(alterApi, () => ({ entries, validateOnly }), target)
      return inOrderOf(
        items,
        ({ entity }) => keyOf(entityData(entity)),
        response.entries,
        ({ entity }) => keyOf(entity),
        ({ errorCode, errorMessage }) => ({ errorCode, errorMessage, value: undefined }),
      )
    },
  })
}

/** An entity in words, such as `user "alice", client-id default`. */
export function entityName(entity: QuotaEntity): string {
  return Object.entries(entity)
    .map(([type, name]) => (name === null ? `${type} default` : `${type} "${name}"`))
    .join(', ')
}

function entityData(entity: QuotaEntity): AlterClientQuotasEntityData[] {
  return Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
}

function keyOf(entity: readonly AlterClientQuotasEntityData[]): string {
  const parts = entity.map(({ entityType, entityName }) => [entityType, entityName])
  return JSON.stringify(parts.sort())
}

function checkType(call: string, type: string): void {
  if (!entityTypes.includes(type)) throw wrong(call, 'an entity type', entityTypes.join(', '), type)
}
