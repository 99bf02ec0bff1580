// The configurations of brokers: the static ones are the properties that the cluster was started with,
// the dynamic ones are set by clients for one broker or for all.

import type { BrokerProperties } from '../broker-properties.ts'
import type { ConfigType } from './config-definition.ts'
import { topicConfigs } from './topic-configs.ts'

/** Properties that are not configurations in Kafka, or not by this name. */
const notConfigs = new Set<keyof BrokerProperties>([
  'rackAwareReplicaSelector',
  'groupVersion',
  'shareVersion',
  'transactionVersion',
  'transactionMarkerDelayMs',
])

/** What a client may change while the broker runs, beside the synonyms of topic configurations. */
const dynamicNames = new Set<keyof BrokerProperties>([
  'messageMaxBytes',
  'minInsyncReplicas',
  'compressionType',
  'logCleanupPolicy',
  'logRetentionMs',
  'logRetentionBytes',
  'logMessageTimestampType',
  'groupConsumerSessionTimeoutMs',
  'groupConsumerHeartbeatIntervalMs',
  'groupShareRecordLockDurationMs',
  'groupShareDeliveryCountLimit',
])

/** Kafka's numbers of where a value comes from. */
export const configSources = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  CLIENT_METRICS: 7,
  GROUP: 8,
} as const

export interface ConfigSynonym {
  readonly name: string
  readonly value: string
  readonly source: number
}

/** The resource name of what holds for all brokers. */
export const ALL_BROKERS = ''

export class BrokerConfigs {
  /** By broker id as text, or `ALL_BROKERS`. */
  readonly dynamic: Map<string, Map<string, string>> = new Map()
  private readonly properties: BrokerProperties
  private readonly given: Readonly<BrokerProperties>
  private readonly defaults: Readonly<BrokerProperties>

  /** `properties` are changed when dynamic configurations are. */
  constructor(properties: BrokerProperties, defaults: BrokerProperties) {
    this.properties = properties
    this.given = { ...properties }
    this.defaults = defaults
  }

  /** Every name with its type. */
  get names(): ReadonlyMap<string, ConfigType> {
    const names = new Map<string, ConfigType>()
    for (const property of properties(this.given)) {
      names.set(configNameOf(property), typeOf(this.given[property]))
    }
    for (const { synonym, type } of Object.values(topicConfigs)) {
      if (synonym !== undefined && !names.has(synonym)) names.set(synonym, type)
    }
    return names
  }

  /** Whether a client may change that configuration of a running broker. */
  isDynamic(name: string): boolean {
    const isTopicSynonym = Object.values(topicConfigs).some(({ synonym }) => synonym === name)
    return isTopicSynonym || [...dynamicNames].some((property) => configNameOf(property) === name)
  }

  /** Where the value of that configuration comes from, the one in force first. */
  synonymsOf(name: string, nodeId: number): ConfigSynonym[] {
    const synonyms: ConfigSynonym[] = []
    const add = (value: unknown, source: number): void => {
      if (value !== undefined) synonyms.push({ name, value: String(value), source })
    }
    add(this.dynamic.get(String(nodeId))?.get(name), configSources.DYNAMIC_BROKER)
    add(this.dynamic.get(ALL_BROKERS)?.get(name), configSources.DYNAMIC_DEFAULT_BROKER)
    const property = properties(this.given).find((each) => configNameOf(each) === name)
    if (property !== undefined) {
      const isGiven = this.given[property] !== this.defaults[property]
      if (isGiven) add(this.given[property], configSources.STATIC_BROKER)
      add(this.defaults[property], configSources.DEFAULT)
    } else {
      const definition = Object.values(topicConfigs).find(({ synonym }) => synonym === name)
      add(definition?.default, configSources.DEFAULT)
    }
    return synonyms
  }

  set(resource: string, configs: Map<string, string>): void {
    this.dynamic.set(resource, configs)
    for (const property of dynamicNames) this.apply(property)
  }

  /** All nodes share one set of properties: what is set for any broker holds for all. */
  private apply<Name extends keyof BrokerProperties>(property: Name): void {
    const name = configNameOf(property)
    const perBroker = [...this.dynamic].find(([id, configs]) => id !== '' && configs.has(name))
    const value = perBroker?.[1].get(name) ?? this.dynamic.get(ALL_BROKERS)?.get(name)
    const isNumber = typeof this.given[property] === 'number'
    const parsed = value === undefined ? this.given[property] : isNumber ? Number(value) : value
    this.properties[property] = parsed as BrokerProperties[Name]
  }
}

function properties(all: BrokerProperties): (keyof BrokerProperties)[] {
  const names = Object.keys(all) as (keyof BrokerProperties)[]
  return names.filter((name) => !notConfigs.has(name))
}

/** `messageMaxBytes` is `message.max.bytes`. */
function configNameOf(property: string): string {
  let name = configNames.get(property)
  if (name === undefined) {
    name = property.replaceAll(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`)
    configNames.set(property, name)
  }
  return name
}

const configNames = new Map<string, string>()

function typeOf(value: unknown): ConfigType {
  if (typeof value === 'boolean') return 'BOOLEAN'
  return typeof value === 'number' ? 'INT' : 'STRING'
}
