// The resources that have configurations: how each is found, read, checked and changed.

import { errorCodes } from '../../protocol/error-codes.ts'
import { findIllegalPattern } from '../client-telemetry.ts'
import type { ClusterState } from '../cluster-state.ts'
import { findNameProblem } from '../topic-store.ts'
import { configSources } from './broker-configs.ts'
import { brokerResource } from './broker-resource.ts'
import { type ConfigTable, findValueProblem, shownValue } from './config-definition.ts'
import {
  type ConfigProblem,
  type ConfigResource,
  type DescribedConfig,
  invalid,
  invalidConfig,
} from './config-resource.ts'
import { findGroupConfigProblem, groupConfigs } from './group-configs.ts'
import { findTopicConfigProblem, topicConfigs } from './topic-configs.ts'

/** Kafka's numbers of resource types. */
export const resourceTypes = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const

export function findResource(
  state: ClusterState,
  nodeId: number,
  type: number,
  name: string,
): ConfigResource | ConfigProblem {
  switch (type) {
    case resourceTypes.TOPIC:
      return topicResource(state, nodeId, name)
    case resourceTypes.BROKER:
      return brokerResource(state, nodeId, name)
    case resourceTypes.GROUP:
      return groupResource(state, nodeId, name)
    case resourceTypes.CLIENT_METRICS:
      return metricsResource(state, name)
    case resourceTypes.BROKER_LOGGER:
      return invalid('The in-process broker has no loggers.')
    default:
      return invalid(`Unknown resource type ${type}`)
  }
}

function topicResource(
  state: ClusterState,
  nodeId: number,
  name: string,
): ConfigResource | ConfigProblem {
  if (name === '') return invalid('Default topic resources are not allowed.')
  const nameProblem = findNameProblem(name)
  if (nameProblem !== null) {
    const errorMessage = `Topic name is invalid: ${nameProblem}`
    return { errorCode: errorCodes.INVALID_TOPIC_EXCEPTION, errorMessage }
  }
  const topic = state.topics.get(name)
  if (topic === undefined) {
    const errorMessage = `The topic '${name}' does not exist.`
    return { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage }
  }
  const { given } = topic.config
  return {
    given,
    describe: () => describeTopicConfigs(state, nodeId, given),
    typeOf: (config) => (Object.hasOwn(topicConfigs, config) ? topicConfigs[config].type : null),
    findProblem: (configs) => invalidConfig(findTopicConfigProblem(configs)),
    replace: (configs) => topic.config.replace(configs),
  }
}

/** Every configuration of a topic that was given some of them. */
export function describeTopicConfigs(
  state: ClusterState,
  nodeId: number,
  given: ReadonlyMap<string, string>,
): DescribedConfig[] {
  return Object.entries(topicConfigs).map(([name, { type, default: fallback, synonym }]) => {
    const inherited = synonym === undefined ? [] : state.brokerConfigs.synonymsOf(synonym, nodeId)
    const own = given.get(name)
    const synonyms =
      own === undefined
        ? inherited
        : [
            { name, value: shownValue(topicConfigs[name], own), source: configSources.TOPIC },
            ...inherited,
          ]
    const value = synonyms[0]?.value ?? fallback
    const source = synonyms[0]?.source ?? configSources.DEFAULT
    return { name, value, type, readOnly: false, source, synonyms }
  })
}

function groupResource(
  state: ClusterState,
  nodeId: number,
  name: string,
): ConfigResource | ConfigProblem {
  if (name === '') return invalid('Group name is empty')
  const { configs } = state.groupSettings
  const given = configs.get(name) ?? new Map<string, string>()
  return {
    given,
    describe: () =>
      Object.entries(groupConfigs).map(
        ([config, { type, default: fallback, synonym = config }]) => {
          const broker = state.brokerConfigs.synonymsOf(synonym, nodeId)
          const inherited =
            broker.length > 0
              ? broker
              : [{ name: synonym, value: fallback, source: configSources.DEFAULT }]
          const own = given.get(config)
          const synonyms =
            own === undefined
              ? inherited
              : [{ name: config, value: own, source: configSources.GROUP }, ...inherited]
          const { value, source } = synonyms[0]
          return { name: config, value, type, readOnly: false, source, synonyms }
        },
      ),
    // Controllers know no types of theirs: nothing is appended or subtracted.
    typeOf: () => null,
    findProblem: (wanted) => {
      for (const [config, value] of wanted) {
        const problem = findGroupConfigProblem(config, value)
        if (problem !== null) return invalidConfig(problem)
      }
      return null
    },
    replace: (wanted) => {
      if (wanted.size === 0) configs.delete(name)
      else configs.set(name, wanted)
    },
  }
}

const metricsConfigs: ConfigTable = {
  'interval.ms': { type: 'INT', default: '300000' },
  match: { type: 'LIST', default: '' },
  metrics: { type: 'LIST', default: '' },
}
const MIN_INTERVAL_MS = 100
const MAX_INTERVAL_MS = 3_600_000

function metricsResource(state: ClusterState, name: string): ConfigResource | ConfigProblem {
  if (name === '') return invalid("Subscription name can't be empty")
  const { clientMetrics } = state
  const given = clientMetrics.get(name) ?? new Map<string, string>()
  return {
    given,
    describe: () =>
      Object.entries(metricsConfigs).map(([config, definition]) => {
        const own = given.get(config)
        const value = own === undefined ? definition.default : shownValue(definition, own)
        const source = own === undefined ? configSources.DEFAULT : configSources.CLIENT_METRICS
        const synonyms = own === undefined ? [] : [{ name: config, value, source }]
        return { name: config, value, type: definition.type, readOnly: false, source, synonyms }
      }),
    typeOf: () => null,
    findProblem: (configs) => {
      for (const [config, value] of configs) {
        const problem = findMetricsProblem(config, value)
        if (problem !== null) return problem
      }
      return null
    },
    replace: (configs) => {
      if (configs.size === 0) clientMetrics.delete(name)
      else clientMetrics.set(name, configs)
    },
  }
}

function findMetricsProblem(name: string, value: string): ConfigProblem | null {
  if (!Object.hasOwn(metricsConfigs, name)) {
    return invalid(`Unknown client metrics configuration: ${name}`)
  }
  const problem = findValueProblem(name, metricsConfigs[name], value)
  if (problem !== null) return invalidConfig(problem)
  const illegal = name === 'match' ? findIllegalPattern(value) : null
  if (illegal !== null) return invalidConfig(`Illegal client matching pattern: ${illegal}`)
  const interval = Number(value)
  if (name !== 'interval.ms') return null
  if (interval >= MIN_INTERVAL_MS && interval <= MAX_INTERVAL_MS) return null
  return invalid(
    `Invalid value ${value} for interval.ms, interval must be between ${MIN_INTERVAL_MS} and ${MAX_INTERVAL_MS} (1 hour)`,
  )
}
