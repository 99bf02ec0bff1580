// DescribeClientQuotas and AlterClientQuotas.

import type {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from '../../protocol/messages/alter-client-quotas.ts'
import type {
  ClientQuotaComponentData,
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '../../protocol/messages/describe-client-quotas.ts'
import { QUOTA_ERROR, type QuotaEntity } from '../client-quotas.ts'
import type { RequestContext } from '../handler.ts'
import { clusterError } from '../security/authorize.ts'

const EXACT = 0
const DEFAULT = 1

export function handleDescribeClientQuotas(
  context: RequestContext,
  { components, strict }: DescribeClientQuotasRequest,
): DescribeClientQuotasResponse {
  const refusal = clusterError(context, 'DESCRIBE_CONFIGS')
  if (refusal !== 0)
    return { throttleTimeMs: 0, errorCode: refusal, errorMessage: null, entries: null }
  const { state } = context
  const entries = state.clientQuotas.all
    .filter(({ entity }) => !strict || entity.size === components.length)
    .filter(({ entity }) => components.every((component) => matches(entity, component)))
    .map(({ entity, values }) => ({
      entity: [...entity].map(([entityType, entityName]) => ({ entityType, entityName })),
      values: [...values].map(([key, value]) => ({ key, value })),
    }))
  return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, entries }
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
    const keys = ops.map(({ key }) => key)
    const errorMessage = state.clientQuotas.findProblem(named, keys)
    if (errorMessage === null && !validateOnly) {
      const changes = ops.map(({ key, value, remove }) => [key, remove ? null : value] as const)
      state.clientQuotas.alter(named, new Map(changes))
    }
    return { errorCode: errorMessage === null ? 0 : QUOTA_ERROR, errorMessage, entity }
  })
  return { throttleTimeMs: 0, entries: results }
}
