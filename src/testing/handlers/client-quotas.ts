// DescribeClientQuotas and AlterClientQuotas.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from '../../protocol/messages/alter-client-quotas.ts'
import type {
  ClientQuotaComponentData,
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '../../protocol/messages/describe-client-quotas.ts'
import { isQuotaEntityType, QUOTA_ERROR, type QuotaEntity } from '../client-quotas.ts'
import type { RequestContext } from '../handler.ts'
import { clusterError } from '../security/authorize.ts'

const EXACT = 0
const DEFAULT = 1
const SPECIFIED = 2

export function handleDescribeClientQuotas(
  context: RequestContext,
  { components, strict }: DescribeClientQuotasRequest,
): DescribeClientQuotasResponse {
  const refusal = clusterError(context, 'DESCRIBE_CONFIGS')
  if (refusal !== 0)
    return { throttleTimeMs: 0, errorCode: refusal, errorMessage: null, entries: null }
  const { state } = context
  const problem = findFilterProblem(components)
  if (problem !== null) return { throttleTimeMs: 0, ...problem, entries: null }
  const entries = state.clientQuotas.all
    .filter(({ entity }) => !strict || entity.size === components.length)
    .filter(({ entity }) => components.every((component) => matches(entity, component)))
    .map(({ entity, values }) => ({
      entity: [...entity].map(([entityType, entityName]) => ({ entityType, entityName })),
      values: [...values].map(([key, value]) => ({ key, value })),
    }))
  return { throttleTimeMs: 0, errorCode: 0, errorMessage: '', entries }
}

interface Problem {
  readonly errorCode: number
  readonly errorMessage: string
}

function findFilterProblem(components: readonly ClientQuotaComponentData[]): Problem | null {
  const invalid = (errorMessage: string) => ({ errorCode: QUOTA_ERROR, errorMessage })
  const types = new Set<string>()
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') return invalid('Invalid empty entity type.')
    if (types.has(entityType)) {
      return invalid(`Entity type ${entityType} cannot appear more than once in the filter.`)
    }
    if (!isQuotaEntityType(entityType)) {
      const errorMessage = `Unsupported entity type ${entityType}`
      return { errorCode: errorCodes.UNSUPPORTED_VERSION, errorMessage }
    }
    types.add(entityType)
    const problem = findMatchProblem(matchType, match)
    if (problem !== null) return invalid(problem)
  }
  if (!types.has('ip') || types.size === 1) return null
  return invalid(
    'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
  )
}

function findMatchProblem(matchType: number, match: string | null): string | null {
  switch (matchType) {
    case EXACT:
      return match === null
        ? 'Request specified MATCH_TYPE_EXACT, but set match string to null.'
        : null
    case DEFAULT:
      return match === null
        ? null
        : 'Request specified MATCH_TYPE_DEFAULT, but also specified a match string.'
    case SPECIFIED:
      return match === null
        ? null
        : 'Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.'
    default:
      return `Unknown match type ${matchType}`
  }
}

function matches(
  entity: QuotaEntity,
  { entityType, matchType, match }: ClientQuotaComponentData,
): boolean {
  if (!entity.has(entityType)) return false
  const name = entity.get(entityType)
  if (matchType === EXACT) return name === match
  return matchType === DEFAULT ? name === null : true
}

export function handleAlterClientQuotas(
  context: RequestContext,
  { entries, validateOnly }: AlterClientQuotasRequest,
): AlterClientQuotasResponse {
  const refusal = clusterError(context, 'ALTER_CONFIGS')
  if (refusal !== 0)
    return {
      throttleTimeMs: 0,
      entries: entries.map(({ entity }) => ({ errorCode: refusal, errorMessage: null, entity })),
    }
  const { state } = context
  const results = entries.map(({ entity, ops }) => {
    const named = new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]))
    const changes = new Map(ops.map(({ key, value, remove }) => [key, remove ? null : value]))
    const errorMessage = state.clientQuotas.findProblem(named, changes)
    if (errorMessage === null && !validateOnly) state.clientQuotas.alter(named, changes)
    return { errorCode: errorMessage === null ? 0 : QUOTA_ERROR, errorMessage, entity }
  })
  return { throttleTimeMs: 0, entries: results }
}
