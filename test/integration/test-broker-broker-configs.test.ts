// What keeps the test broker honest, part ten: configurations of brokers and groups, and features.

import { test } from 'vitest'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { describeConfigs } from '../../src/protocol/messages/describe-configs.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/incremental-alter-configs.ts'
import { updateFeatures } from '../../src/protocol/messages/update-features.ts'
import { describeReal } from '../harness/real.ts'
import { bothBrokers, type Witness } from './broker-witness.ts'

const [TOPIC, BROKER, GROUP] = [2, 4, 32]
const [SET, DELETE, APPEND] = [0, 1, 2]
const DEFAULT = 5

type Change = [name: string, operation: number, value: string | null]

const brokerChanges: Change[] = [
  ['node.id', SET, '1000'],
  ['node.id', DELETE, null],
  ['log.cleaner.threads', SET, 'abc'],
  ['log.cleaner.threads', SET, '2'],
  ['message.max.bytes', SET, '-1'],
  ['min.insync.replicas', SET, '2'],
  ['my.own', SET, 'z'],
  ['my.own', APPEND, 'z'],
  ['log.retention.ms', APPEND, '1'],
  ['ssl.keystore.password', SET, 'x'],
  ['compression.type', SET, 'nope'],
  ['compression.lz4.level', SET, '18'],
  ['unclean.leader.election.enable', SET, 'maybe'],
  ['group.consumer.assignment.interval.ms', SET, '-5'],
  ['group.consumer.session.timeout.ms', SET, '50000'],
  ['log.cleaner.min.cleanable.ratio', SET, '1.5'],
]

const groupChanges: Change[] = [
  ['streams.num.standby.replicas', SET, '3'],
  ['streams.num.standby.replicas', SET, '2'],
  ['streams.session.timeout.ms', SET, '5'],
  ['streams.heartbeat.interval.ms', SET, '6000'],
  ['streams.initial.rebalance.delay.ms', SET, '-1'],
  ['streams.assignment.interval.ms', SET, '99999'],
  ['streams.assignor.name', SET, 'x'],
  ['streams.assignor.name', SET, 'sticky'],
  ['streams.rack.aware.assignment.tags', SET, 'a,b'],
  ['streams.rack.aware.assignment.tags', APPEND, 'a'],
  ['errors.deadletterqueue.topic.name', SET, 'ok'],
  ['errors.deadletterqueue.topic.name', SET, '__x'],
  ['errors.deadletterqueue.copy.record.enable', SET, 'x'],
]

async function tryChange(broker: Witness, type: number, name: string, change: Change) {
  const [config, configOperation, value] = change
  const configs = [{ name: config, configOperation, value }]
  const resources = [{ resourceType: type, resourceName: name, configs }]
  const request = { resources, validateOnly: true }
  const { responses } = await broker.quietly(incrementalAlterConfigs, 1, request)
  broker.keep(`${type} ${name === '' ? 'all' : 'one'} ${change}`, responses[0].errorCode)
}

describeReal('the test broker answers as Apache Kafka does', () => {
  const { compare } = bothBrokers()

  test('to DescribeConfigs of a broker, a group and a topic', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t', 1, { 'retention.ms': '7' })
      const names: [number, string][] = [
        [BROKER, '1'],
        [GROUP, broker.name('g')],
        [TOPIC, topic],
      ]
      for (const [resourceType, resourceName] of names) {
        const resources = [{ resourceType, resourceName, configurationKeys: null }]
        const request = { resources, includeSynonyms: true, includeDocumentation: false }
        const { results } = await broker.quietly(describeConfigs, 4, request)
        const configs = results[0].configs
          .map(({ name, configType, readOnly, isSensitive, synonyms }) => {
            const defaults = synonyms.filter(({ source }) => source === DEFAULT)
            return { name, configType, readOnly, isSensitive, defaults }
          })
          .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        broker.keep(`configs of ${resourceType}`, configs)
      }
      const resources = [{ resourceType: BROKER, resourceName: '', configurationKeys: null }]
      const request = { resources, includeSynonyms: true, includeDocumentation: false }
      await broker.ask(describeConfigs, 4, request)
    }))

  test('to changes of brokers and groups', () =>
    compare(async (broker) => {
      for (const change of brokerChanges) {
        await tryChange(broker, BROKER, '1', change)
        await tryChange(broker, BROKER, '', change)
      }
      await tryChange(broker, BROKER, '', ['min.insync.replicas', DELETE, null])
      const group = broker.name('g')
      for (const change of groupChanges) await tryChange(broker, GROUP, group, change)
    }))

  test('about features', () =>
    compare(async (broker) => {
      const request = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
      const answer = await broker.quietly(apiVersions, 4, apiVersions.request(request))
      // The test broker has no groups of Kafka Streams.
      const without = <T extends { name: string }>(features: T[]) =>
        features
          .filter(({ name }) => name !== 'streams.version')
          .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      broker.keep('supported', without(answer.supportedFeatures))
      broker.keep('finalized', without(answer.finalizedFeatures))
      const levels: [string, number, number][] = [
        ['kraft.version', 0, 1],
        ['kraft.version', 2, 1],
        ['eligible.leader.replicas.version', 0, 1],
        ['eligible.leader.replicas.version', 1, 1],
        ['eligible.leader.replicas.version', 2, 1],
        ['metadata.version', 33, 1],
        ['metadata.version', 7, 2],
        ['metadata.version', 34, 1],
        ['group.version', 0, 1],
        ['group.version', 0, 2],
        ['none.version', 1, 1],
      ]
      for (const [feature, maxVersionLevel, upgradeType] of levels) {
        const update = { feature, maxVersionLevel, upgradeType, allowDowngrade: false }
        const options = { timeoutMs: 5000, featureUpdates: [update], validateOnly: true }
        const { errorCode } = await broker.quietly(updateFeatures, 2, options)
        broker.keep(`${feature} ${maxVersionLevel} ${upgradeType}`, errorCode)
      }
    }))
})
