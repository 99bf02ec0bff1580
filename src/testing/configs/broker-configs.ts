// The configurations of brokers: the static ones are the properties that the cluster was started with,
// the dynamic ones are set by clients for one broker or for all.

import { type BrokerProperties, resolveBrokerProperties } from '../broker-properties.ts'
import { brokerConfigTable } from './broker-config-table.ts'

/** Properties that are not configurations in Kafka, or not by this name. */
const notConfigs = new Set<keyof BrokerProperties>([
  'rackAwareReplicaSelector',
  'groupVersion',
  'shareVersion',
  'transactionVersion',
  'transactionMarkerDelayMs',
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

export const MIN_ISR = 'min.insync.replicas'

export class BrokerConfigs {
  /** By broker id as text, or `ALL_BROKERS`. */
  readonly dynamic: Map<string, Map<string, string>> = new Map()
  private readonly properties: BrokerProperties
  private readonly given: Readonly<BrokerProperties>
  private readonly defaults: Readonly<BrokerProperties>
  private readonly autoCreateTopics: boolean

  /** `properties` are changed when dynamic configurations are. */
  constructor(properties: BrokerProperties, defaults: BrokerProperties, autoCreateTopics: boolean) {
    this.autoCreateTopics = autoCreateTopics
    this.properties = properties
    this.given = { ...properties }
    this.defaults = defaults
    // With eligible leader replicas (KIP-966), a controller keeps this one for the cluster.
    this.dynamic.set(ALL_BROKERS, new Map([[MIN_ISR, String(properties.minInsyncReplicas)]]))
  }

  /** Where the value of that configuration comes from, the one in force first. */
  synonymsOf(name: string, nodeId: number): ConfigSynonym[] {
    const synonyms: ConfigSynonym[] = []
    const add = (value: unknown, source: number): void => {
      if (value !== undefined && value !== null) {
        synonyms.push({ name, value: String(value), source })
      }
    }
    add(this.dynamic.get(String(nodeId))?.get(name), configSources.DYNAMIC_BROKER)
    add(this.dynamic.get(ALL_BROKERS)?.get(name), configSources.DYNAMIC_DEFAULT_BROKER)
    const fallback = brokerConfigTable.get(name)?.default ?? null
    add(this.staticValueOf(name, nodeId, fallback), configSources.STATIC_BROKER)
    add(fallback, configSources.DEFAULT)
    return synonyms
  }

  /** What the cluster was started with, where that is not Kafka's default. */
  private staticValueOf(name: string, nodeId: number, fallback: string | null): unknown {
    if (name === 'node.id' || name === 'broker.id') return nodeId
    if (name === 'auto.create.topics.enable') return this.autoCreateTopics ? undefined : false
    const property = propertyNames.get(name)
    if (property === undefined || !isConfig(property)) return undefined
    const given = this.given[property]
    const usual = fallback ?? String(this.defaults[property])
    return String(given) === usual ? undefined : given
  }

  set(resource: string, configs: Map<string, string>): void {
    this.dynamic.set(resource, configs)
    for (const [name, property] of propertyNames) {
      if (brokerConfigTable.get(name)?.scope === 'dynamic') this.apply(name, property)
    }
  }

  /** All nodes share one set of properties: what is set for any broker holds for all. */
  private apply<Name extends keyof BrokerProperties>(name: string, property: Name): void {
    const perBroker = [...this.dynamic].find(([id, configs]) => id !== '' && configs.has(name))
    const value = perBroker?.[1].get(name) ?? this.dynamic.get(ALL_BROKERS)?.get(name)
    const isNumber = typeof this.given[property] === 'number'
    const parsed = value === undefined ? this.given[property] : isNumber ? Number(value) : value
    this.properties[property] = parsed as BrokerProperties[Name]
  }
}

/** The property behind each configuration that has one. */
const propertyNames: ReadonlyMap<string, keyof BrokerProperties> = new Map(
  (Object.keys(resolveBrokerProperties()) as (keyof BrokerProperties)[]).map((property) => [
    configNameOf(property),
    property,
  ]),
)

function isConfig(property: keyof BrokerProperties): boolean {
  return !notConfigs.has(property)
}

/** `messageMaxBytes` is `message.max.bytes`. */
function configNameOf(property: string): string {
  return property.replaceAll(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`)
}
