// ListConfigResources: every resource that has, or can have, configurations. v0 lists client metrics.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  ConfigResource,
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from '../../protocol/messages/list-config-resources.ts'
import { resourceTypes } from '../configs/config-resources.ts'
import type { RequestContext } from '../handler.ts'
import { clusterError } from '../security/authorize.ts'

const TYPES_SINCE = 1

export function handleListConfigResources(
  context: RequestContext,
  request: ListConfigResourcesRequest,
): ListConfigResourcesResponse {
  const refusal = clusterError(context, 'DESCRIBE_CONFIGS')
  if (refusal !== 0) return { throttleTimeMs: 0, errorCode: refusal, configResources: [] }
  const { state, version } = context
  const all: Record<number, () => string[]> = {
    [resourceTypes.CLIENT_METRICS]: () => [...state.clientMetrics.keys()],
    [resourceTypes.BROKER_LOGGER]: () => state.upNodes.map(({ id }) => String(id)),
    [resourceTypes.BROKER]: () => state.upNodes.map(({ id }) => String(id)),
    [resourceTypes.TOPIC]: () => [...state.topics.all].map(({ name }) => name),
    [resourceTypes.GROUP]: () => [...state.groupSettings.configs.keys()],
  }
  const wanted = version < TYPES_SINCE ? [resourceTypes.CLIENT_METRICS] : request.resourceTypes
  const types = wanted.length === 0 ? Object.keys(all).map(Number) : wanted
  if (types.some((type) => all[type] === undefined)) {
    const errorCode = errorCodes.UNSUPPORTED_VERSION
    return { throttleTimeMs: 0, errorCode, configResources: [] }
  }
  const configResources = types.flatMap((resourceType): ConfigResource[] => {
    return all[resourceType]().map((resourceName) => ({ resourceName, resourceType }))
  })
  return { throttleTimeMs: 0, errorCode: 0, configResources }
}
