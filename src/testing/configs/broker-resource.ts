// The configurations of brokers as a resource: what is shown of them, and who may change which.

import type { ClusterState } from '../cluster-state.ts'
import { brokerConfigTable, type ConfigScope } from './broker-config-table.ts'
import { ALL_BROKERS, configSources, MIN_ISR } from './broker-configs.ts'
import { type ConfigDefinition, findValueProblem } from './config-definition.ts'
import {
  type ConfigProblem,
  type ConfigResource,
  type DescribedConfig,
  invalid,
  invalidConfig,
} from './config-resource.ts'
import { topicConfigs } from './topic-configs.ts'

export function brokerResource(
  state: ClusterState,
  nodeId: number,
  name: string,
): ConfigResource | ConfigProblem {
  if (name !== ALL_BROKERS && name !== String(nodeId)) {
    return invalid(`Unexpected broker id, expected ${nodeId} or empty string, but received ${name}`)
  }
  const { brokerConfigs } = state
  const given = brokerConfigs.dynamic.get(name) ?? new Map<string, string>()
  const describe = (config: string): DescribedConfig => {
    const { type, scope } = brokerConfigTable.get(config) ?? undefinedConfig
    const all = brokerConfigs.synonymsOf(config, nodeId)
    const isOfAll = name === ALL_BROKERS
    const synonyms = isOfAll ? all.filter(({ source }) => source === ofAllBrokers) : all
    const source = synonyms[0]?.source ?? configSources.DEFAULT
    const isSensitive = type === 'PASSWORD' || type === 'UNKNOWN'
    const value = isSensitive ? null : (synonyms[0]?.value ?? null)
    return { name: config, value, type, readOnly: scope === 'fixed', source, synonyms, isSensitive }
  }
  return {
    given,
    describe: () => {
      if (name === ALL_BROKERS) return [...given.keys()].map(describe)
      const set = [...brokerConfigs.dynamic.values()].flatMap((configs) => [...configs.keys()])
      return [...new Set([...brokerConfigTable.keys(), ...set])].map(describe)
    },
    typeOf: (config) => brokerConfigTable.get(config)?.type ?? null,
    findProblem: (configs, changed) => findProblem(name, configs, changed),
    replace: (configs) => brokerConfigs.set(name, configs),
  }
}

const ofAllBrokers = configSources.DYNAMIC_DEFAULT_BROKER

/** Brokers keep what they have no definition of, and show no value of it. */
const undefinedConfig = { type: 'UNKNOWN', scope: 'fixed' } as const

function findProblem(
  resource: string,
  configs: ReadonlyMap<string, string>,
  changed: readonly string[],
): ConfigProblem | null {
  const isForAll = resource === ALL_BROKERS
  for (const [scope, refusal] of refusals) {
    if (scope === 'broker' && !isForAll) continue
    const refused = changed.filter((name) => {
      return configs.has(name) && brokerConfigTable.get(name)?.scope === scope
    })
    if (refused.length > 0) return invalid(`${refusal}: [${refused.join(', ')}]`)
  }
  for (const [name, value] of configs) {
    const definition = brokerConfigTable.get(name)
    // The synonym of a topic knows more of what the value may be.
    const { oneOf } = synonymOf(name) ?? {}
    const problem = definition ? findValueProblem(name, { ...definition, oneOf }, value) : null
    if (problem !== null) return invalid(problem)
  }
  if (!isForAll && configs.has(MIN_ISR)) {
    return invalidConfig(`Broker-level ${MIN_ISR} cannot be altered while ELR is enabled.`)
  }
  if (isForAll && !configs.has(MIN_ISR)) {
    return invalidConfig(`Cluster-level ${MIN_ISR} cannot be removed while ELR is enabled.`)
  }
  return null
}

const refusals: readonly (readonly [ConfigScope, string])[] = [
  ['fixed', 'Cannot update these configs dynamically'],
  [
    'listener',
    'These security configs can be dynamically updated only per-listener using the listener prefix',
  ],
  ['broker', 'Cannot update these configs at default cluster level, broker id must be specified'],
]

function synonymOf(name: string): ConfigDefinition | undefined {
  return Object.values(topicConfigs).find(({ synonym }) => synonym === name)
}
