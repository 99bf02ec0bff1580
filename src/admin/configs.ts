// Configs of topics, brokers, loggers, groups and client metrics subscriptions.

import { UnsupportedVersionError } from '../errors.ts'
import { describeConfigs as describeApi } from '../protocol/messages/describe-configs.ts'
import { incrementalAlterConfigs as alterApi } from '../protocol/messages/incremental-alter-configs.ts'
import { listConfigResources as listApi } from '../protocol/messages/list-config-resources.ts'
import type { WaitOptions } from '../types.ts'
import {
  checkItem,
  checkList,
  checkName,
  checkNames,
  checkOptions,
  configText,
  wrong,
} from './checks.ts'
import {
  type ConfigOperation,
  type ConfigResourceType,
  type ConfigSource,
  type ConfigType,
  configOperations,
  configResourceTypes,
  configSources,
  configTypes,
  constantOf,
  numberOf,
} from './constants.ts'
import type { AdminCall, AdminEngine } from './engine.ts'
import { itemError, tooOld } from './item-errors.ts'
import type { ValidateOptions } from './options.ts'
import { askMetadata, brokerIds, inOrderOf, toNodes } from './routing.ts'

/** What a configuration belongs to. The name of a BROKER is its id; '' means all brokers. */
export interface ConfigResource {
  type: ConfigResourceType
  name: string
}

/** One configuration of a resource. */
export interface ConfigEntry {
  name: string
  /** Null for a sensitive value, and for one that is not set. */
  value: string | null
  source: ConfigSource
  isReadOnly: boolean
  isSensitive: boolean
  /** Where the value comes from and what it would fall back to, in order. Only with `includeSynonyms`. */
  synonyms: { name: string; value: string | null; source: ConfigSource }[]
  type: ConfigType
  /** Only with `includeDocumentation`. */
  documentation: string | null
}

/** The configs of a resource. */
export interface ConfigDescription {
  resource: ConfigResource
  configs: ConfigEntry[]
}

/** A resource, and which of its configs to describe. */
export interface ConfigQuery extends ConfigResource {
  /** @defaultValue all */
  configNames?: readonly string[]
}

export interface DescribeConfigsOptions extends WaitOptions {
  /** @defaultValue false */
  includeSynonyms?: boolean
  /** @defaultValue false */
  includeDocumentation?: boolean
}

/** Changes of one resource's configs. Configs that are not named stay as they are. */
export interface ConfigAlteration extends ConfigResource {
  configs: readonly AlterConfigOp[]
}

/** One change of one config. */
export interface AlterConfigOp {
  name: string
  /** @defaultValue 'SET' */
  operation?: ConfigOperation
  /** Not needed for DELETE, which goes back to the default. */
  value?: string | number | boolean | bigint | null
}

export interface ListConfigResourcesOptions extends WaitOptions {
  /** Which types to list; the empty list means all. @defaultValue [] */
  types?: readonly ConfigResourceType[]
}

const nameOf = ({ type, name }: ConfigResource): string =>
  `${type.toLowerCase().replaceAll('_', ' ')} "${name}"`

const keyOf = (type: number, name: string): string => `${type} ${name}`

export async function describeConfigs(
  engine: AdminEngine,
  resources: Iterable<ConfigQuery>,
  options: DescribeConfigsOptions = {},
): Promise<ConfigDescription[]> {
  const name = 'describeConfigs()'
  checkOptions(name, options)
  const wanted = checkResources(name, resources, 'configNames')
  for (const { configNames } of wanted) {
    if (configNames !== undefined) checkNames(name, 'configNames', configNames)
  }
  const { includeSynonyms = false, includeDocumentation = false } = options
  const call = engine.begin(name, options, ['includeSynonyms', 'includeDocumentation'])
  return call.each(wanted, {
    nameOf,
    route: toNodes((item) => ownerOf(item)),
    send: async ({ target, items }) => {
      const body = {
        resources: items.map(({ type, name, configNames }) => ({
          resourceType: numberOf(call.name, 'type', configResourceTypes, type),
          resourceName: name,
          configurationKeys: configNames === undefined ? null : [...configNames],
        })),
        includeSynonyms,
        includeDocumentation,
      }
      const response = await call.send(
        describeApi,
        (version) => ({ ...body, includeDocumentation: includeDocumentation && version >= 3 }),
        target,
      )
      return inOrderOf(
        items,
        ({ type, name }) => keyOf(configResourceTypes[upper(type)], name),
        response.results,
        ({ resourceType, resourceName }) => keyOf(resourceType, resourceName),
        ({ errorCode, errorMessage, resourceType, resourceName, configs }) => ({
          errorCode,
          errorMessage,
          value: {
            resource: {
              type: constantOf(configResourceTypes, resourceType, 'TOPIC'),
              name: resourceName,
            },
            configs: configs.map((config) => ({
              name: config.name,
              value: config.value,
              source: sourceOf(config.configSource),
              isReadOnly: config.readOnly,
              isSensitive: config.isSensitive,
              synonyms: config.synonyms.map(({ name, value, source }) => ({
                name,
                value,
                source: sourceOf(source),
              })),
              type: constantOf(configTypes, config.configType, 'UNKNOWN'),
              documentation: config.documentation,
            })),
          },
        }),
      )
    },
  })
}

export async function incrementalAlterConfigs(
  engine: AdminEngine,
  alterations: Iterable<ConfigAlteration>,
  options: ValidateOptions = {},
): Promise<void> {
  const name = 'incrementalAlterConfigs()'
  checkOptions(name, options)
  const wanted = checkResources(name, alterations, 'configs')
  const bodies = new Map(wanted.map((item) => [item, checkAlteration(name, item)]))
  const { validateOnly = false } = options
  const call = engine.begin(name, options, ['validateOnly'])
  await call.each(wanted, {
    nameOf,
    // The active controller writes down the configs of every broker; loggers are a node's own.
    route: toNodes((item) =>
      engine.cluster.options.usesControllers && upper(item.type) === 'BROKER'
        ? null
        : ownerOf(item),
    ),
    send: async ({ target, items }) => {
      const resources = items.flatMap((item) => bodies.get(item) ?? [])
      const response = await call.send(alterApi, () => ({ resources, validateOnly }), target)
      return inOrderOf(
        items,
        ({ type, name }) => keyOf(configResourceTypes[upper(type)], name),
        response.responses,
        ({ resourceType, resourceName }) => keyOf(resourceType, resourceName),
        ({ errorCode, errorMessage }) => ({ errorCode, errorMessage, value: undefined }),
      )
    },
  })
}

export async function listConfigResources(
  engine: AdminEngine,
  options: ListConfigResourcesOptions = {},
): Promise<ConfigResource[]> {
  const name = 'listConfigResources()'
  checkOptions(name, options)
  const types = checkList(name, 'types', options.types ?? []).map((type) => {
    numberOf(name, 'each of types', configResourceTypes, type)
    return upper(type)
  })
  const call = engine.begin(name, options, ['types'])
  return call.retry('', async () => {
    try {
      const response = await call.send(
        listApi,
        (version) => {
          const isOnlyMetrics = types.length === 1 && types[0] === 'CLIENT_METRICS'
          if (version === 0 && !isOnlyMetrics) throw tooOld(name, 'list config resources', '4.1')
          // v0 lists client metrics subscriptions, and nothing else.
          const numbers = types.map((type) => configResourceTypes[type])
          return { resourceTypes: version === 0 ? [] : numbers }
        },
        'any',
      )
      if (response.errorCode !== 0) throw itemError(response.errorCode, name)
      return response.configResources.map(({ resourceType, resourceName }) => ({
        type: constantOf(configResourceTypes, resourceType || 16, 'TOPIC'),
        name: resourceName,
      }))
    } catch (error) {
      if (!(error instanceof UnsupportedVersionError)) throw error
      const listed = await listByMetadata(call, types)
      if (listed === null) throw error
      return listed
    }
  })
}

/** Brokers before 4.1: topics and brokers are known from metadata; null for what is not. */
async function listByMetadata(
  call: AdminCall,
  types: readonly ConfigResourceType[],
): Promise<ConfigResource[] | null> {
  const listed: ConfigResource[] = []
  if (types.length === 0) return null
  for (const type of types) {
    if (type === 'TOPIC') {
      const { topics } = await askMetadata(call, null)
      for (const { name } of topics) if (name !== null) listed.push({ type, name })
    } else if (type === 'BROKER' || type === 'BROKER_LOGGER') {
      for (const id of await brokerIds(call)) listed.push({ type, name: String(id) })
    } else {
      return null
    }
  }
  return listed
}

/** Only a broker itself knows its configs and loggers; any broker knows the rest. */
function ownerOf({ type, name }: ConfigResource): number | null {
  const isOfBroker = upper(type) === 'BROKER' || upper(type) === 'BROKER_LOGGER'
  return isOfBroker && /^\d+$/.test(name) ? Number(name) : null
}

function checkResources<T extends ConfigResource>(
  call: string,
  resources: Iterable<T>,
  content: string,
): T[] {
  const list = checkList(call, 'resources', resources)
  for (const resource of list) {
    checkItem(call, 'each of resources', resource, ['type', 'name', content])
    numberOf(call, 'type of each of resources', configResourceTypes, resource.type)
    if (typeof resource.name !== 'string') {
      throw wrong(call, 'name of each of resources', 'a string', resource.name)
    }
    if (resource.name !== '' || upper(resource.type) === 'BROKER') continue
    checkName(call, `name of the ${resource.type}`, resource.name)
  }
  return list
}

function checkAlteration(
  call: string,
  { type, name, configs }: ConfigAlteration,
): {
  resourceType: number
  resourceName: string
  configs: { name: string; configOperation: number; value: string | null }[]
} {
  const at = `of ${type} "${name}"`
  return {
    resourceType: configResourceTypes[upper(type)],
    resourceName: name,
    configs: checkList(call, `configs ${at}`, configs).map((config) => {
      checkItem(call, `each of configs ${at}`, config, ['name', 'value', 'operation'])
      checkName(call, `name of each of configs ${at}`, config.name)
      const { operation = 'SET', value } = config
      const what = `operation of config "${config.name}" ${at}`
      const configOperation = numberOf(call, what, configOperations, operation)
      const isDelete = configOperation === configOperations.DELETE
      const text = isDelete
        ? null
        : configText(call, `value of config "${config.name}" ${at}`, value)
      return { name: config.name, configOperation, value: text }
    }),
  }
}

function upper(type: ConfigResourceType): ConfigResourceType {
  return type.toUpperCase() as ConfigResourceType
}

function sourceOf(source: number): ConfigSource {
  return constantOf(configSources, source, 'UNKNOWN')
}
