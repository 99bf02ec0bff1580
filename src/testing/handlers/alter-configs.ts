// AlterConfigs, which replaces all configurations of a resource, and IncrementalAlterConfigs, which sets,
// deletes, appends and subtracts.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  AlterConfigsRequest,
  AlterConfigsResponse,
} from '../../protocol/messages/alter-configs.ts'
import type {
  IncrementalAlterableConfig,
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../../protocol/messages/incremental-alter-configs.ts'
import { configRefusal } from '../configs/config-access.ts'
import { splitList } from '../configs/config-definition.ts'
import type { ConfigProblem, ConfigResource } from '../configs/config-resource.ts'
import { findResource } from '../configs/config-resources.ts'
import type { RequestContext } from '../handler.ts'
import { repeatedKeys } from '../repeated-keys.ts'

const operations = ['SET', 'DELETE', 'APPEND', 'SUBTRACT'] as const

export function handleAlterConfigs(
  context: RequestContext,
  request: AlterConfigsRequest,
): AlterConfigsResponse {
  const { resources } = request
  const twice = repeatedKeys(resources.map(keyOf))
  const responses = resources.map((resource) => {
    const { resourceType, resourceName, configs } = resource
    if (twice.has(keyOf(resource))) return { ...repeated, resourceType, resourceName }
    const problem = change(context, resourceType, resourceName, request.validateOnly, () => {
      if (new Set(configs.map(({ name }) => name)).size < configs.length) return duplicateKeys
      const missing = configs.find(({ value }) => value === null)
      if (missing !== undefined) return nullValue(missing.name)
      return new Map(configs.map(({ name, value }) => [name, value ?? '']))
    })
    return { ...(problem ?? accepted), resourceType, resourceName }
  })
  return { throttleTimeMs: 0, responses }
}

export function handleIncrementalAlterConfigs(
  context: RequestContext,
  request: IncrementalAlterConfigsRequest,
): IncrementalAlterConfigsResponse {
  const { resources } = request
  const twice = repeatedKeys(resources.map(keyOf))
  const responses = resources.map((resource) => {
    const { resourceType, resourceName, configs } = resource
    if (twice.has(keyOf(resource))) return { ...repeated, resourceType, resourceName }
    const problem = change(context, resourceType, resourceName, request.validateOnly, (named) =>
      applyOperations(named, configs),
    )
    return { ...(problem ?? accepted), resourceType, resourceName }
  })
  return { throttleTimeMs: 0, responses }
}

const accepted: ConfigProblem = { errorCode: 0, errorMessage: null }
const repeated: ConfigProblem = {
  errorCode: errorCodes.INVALID_REQUEST,
  errorMessage: 'Each resource must appear at most once.',
}
const duplicateKeys: ConfigProblem = {
  errorCode: errorCodes.INVALID_REQUEST,
  errorMessage: 'Error due to duplicate config keys',
}

function keyOf({
  resourceType,
  resourceName,
}: {
  readonly resourceType: number
  readonly resourceName: string
}): string {
  return `${resourceType} ${resourceName}`
}

function change(
  context: RequestContext,
  type: number,
  name: string,
  validateOnly: boolean,
  plan: (resource: ConfigResource) => Map<string, string> | ConfigProblem,
): ConfigProblem | null {
  const { state, node } = context
  const refusal = configRefusal(context, 'ALTER_CONFIGS', type, name)
  if (refusal !== 0) return { errorCode: refusal, errorMessage: null }
  const resource = findResource(state, node.id, type, name)
  if (!('describe' in resource)) return resource
  const wanted = plan(resource)
  if (!(wanted instanceof Map)) return wanted
  const changed = [...wanted.keys(), ...resource.given.keys()].filter((config) => {
    return wanted.get(config) !== resource.given.get(config)
  })
  const problem = resource.findProblem(wanted, changed)
  if (problem !== null || validateOnly) return problem
  resource.replace(wanted)
  return null
}

function applyOperations(
  resource: ConfigResource,
  changes: readonly IncrementalAlterableConfig[],
): Map<string, string> | ConfigProblem {
  if (new Set(changes.map(({ name }) => name)).size < changes.length) {
    return duplicateKeys
  }
  const wanted = new Map(resource.given)
  for (const { name, configOperation, value } of changes) {
    const operation = operations[configOperation]
    if (operation === undefined) {
      return { errorCode: errorCodes.UNKNOWN_SERVER_ERROR, errorMessage: null }
    }
    if (operation === 'DELETE') {
      wanted.delete(name)
      continue
    }
    if (value === null) return nullValue(name)
    if (operation === 'SET') {
      wanted.set(name, value)
      continue
    }
    if (resource.typeOf(name) !== 'LIST') {
      const errorMessage = `Can't ${operation} to key ${name} because its type is not LIST.`
      return { errorCode: errorCodes.INVALID_CONFIG, errorMessage }
    }
    const now = resource.describe().find((config) => config.name === name)?.value ?? ''
    const before = splitList(wanted.get(name) ?? now)
    const named = splitList(value)
    const after =
      operation === 'APPEND'
        ? [...before, ...named.filter((each) => !before.includes(each))]
        : before.filter((each) => !named.includes(each))
    wanted.set(name, after.join(','))
  }
  return wanted
}

function nullValue(name: string): ConfigProblem {
  const errorMessage = `Null value not supported for : ${name}`
  return { errorCode: errorCodes.INVALID_REQUEST, errorMessage }
}
