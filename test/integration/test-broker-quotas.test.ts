// What keeps the test broker honest, part ten: client quotas, subscriptions to client metrics, and how
// configurations are asked for.

import { test } from 'vitest'
import { alterClientQuotas } from '../../src/protocol/messages/alter-client-quotas.ts'
import { describeClientQuotas } from '../../src/protocol/messages/describe-client-quotas.ts'
import { describeConfigs } from '../../src/protocol/messages/describe-configs.ts'
import { describeUserScramCredentials } from '../../src/protocol/messages/describe-user-scram-credentials.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/incremental-alter-configs.ts'
import { describeReal } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { bothBrokers, type Witness } from './broker-witness.ts'

const TOPIC = 2
const CLIENT_METRICS = 16
const SET = 0
const DELETE = 1
const APPEND = 2

type Entity = readonly (readonly [type: string, name: string | null])[]
type Op = readonly [key: string, value: number | null]

describeReal('the test broker answers as Apache Kafka does', () => {
  const { compare } = bothBrokers()

  test('to client quotas', () =>
    compare(async (broker) => {
      const [user, client] = [broker.name('user'), broker.name('client')]
      const alter = async (entity: Entity, ...ops: Op[]): Promise<void> => {
        const entry = {
          entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
          ops: ops.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
        }
        const request = { entries: [entry], validateOnly: false }
        const { entries } = await broker.quietly(alterClientQuotas, 1, request)
        const { errorCode, errorMessage } = entries[0]
        broker.keep('AlterClientQuotas', { errorCode, words: broker.words(errorMessage) })
      }
      const rate = 'producer_byte_rate'
      await alter([['user', user]], [rate, 1024])
      for (const value of [0, -1, 0.5, 1.000_000_1, 1e20])
        await alter([['user', user]], [rate, value])
      await alter([['client-id', client]], ['request_percentage', 0.5])
      await alter([['client-id', client]], ['controller_mutation_rate', 2.5])
      await alter([['user', user]], ['nonsense', 1])
      await alter([['user', user]], ['nonsense', null], ['connection_creation_rate', null])
      await alter([['user', '']], [rate, 1])
      await alter([], [rate, 1])
      await alter([['planet', 'earth']], [rate, 1])
      await alter([['ip', 'no ip']], ['connection_creation_rate', 1])
      await alter([['ip', '127.0.0.7']], [rate, 1])
      await alter([['ip', '127.0.0.7']], ['connection_creation_rate', 1e10])
      await alter(
        [
          ['ip', null],
          ['user', user],
        ],
        ['connection_creation_rate', 1],
      )
      await alter(
        [
          ['user', user],
          ['client-id', client],
        ],
        [rate, 7],
      )

      const describe = async (
        components: [entityType: string, matchType: number, match: string | null][],
        strict: boolean,
      ) => {
        const asked = components.map(([entityType, matchType, match]) => {
          return { entityType, matchType, match }
        })
        const request = { components: asked, strict }
        const answer = await broker.quietly(describeClientQuotas, 1, request)
        return { ...answer, errorMessage: broker.words(answer.errorMessage) }
      }
      await waitUntil('the broker knows the quotas', async () => {
        return (await describe([['user', 0, user]], false)).entries?.length === 2
      })
      for (const strict of [true, false]) {
        const { entries, ...rest } = await describe([['user', 0, user]], strict)
        const sorted = entries?.toSorted((a, b) => a.entity.length - b.entity.length)
        broker.keep('DescribeClientQuotas', {
          ...rest,
          values: sorted?.map(({ values }) => values),
        })
      }
      for (const [entityType, matchType, match] of [
        ['planet', 0, 'earth'],
        ['', 0, 'x'],
        ['user', 0, null],
        ['user', 1, user],
        ['user', 2, user],
        ['user', 7, null],
      ] as const)
        await keepFailure(broker, await describe([[entityType, matchType, match]], false))
      const twice = await describe(
        [
          ['user', 0, user],
          ['user', 2, null],
        ],
        false,
      )
      await keepFailure(broker, twice)
      const mixed = await describe(
        [
          ['ip', 2, null],
          ['user', 2, null],
        ],
        false,
      )
      await keepFailure(broker, mixed)
      await alter([['user', user]], [rate, null])
      await alter(
        [
          ['user', user],
          ['client-id', client],
        ],
        [rate, null],
      )
      await alter(
        [['client-id', client]],
        ['request_percentage', null],
        ['controller_mutation_rate', null],
      )
    }))

  test('to subscriptions to client metrics', () =>
    compare(async (broker) => {
      const settings = new Settings(broker, CLIENT_METRICS, broker.name('subscription'))
      await settings.keep({})
      const match = [
        'true',
        'client_id',
        'client_id=',
        '=a',
        'nope=a',
        'client_id=(',
        'client_id=a=b',
      ]
      for (const value of match) await settings.change('match', SET, value)
      await settings.change('match', SET, ' client_id = a, client_source_port=1')
      for (const value of ['99', 'x', '1.5', '3600001', '100'])
        await settings.change('interval.ms', SET, value)
      await settings.change('metrics', APPEND, 'a')
      await settings.change('metrics', SET, ' a, b')
      await settings.keep({ match: 'client_id = a,client_source_port=1', metrics: 'a,b' })
      for (const name of ['metrics', 'match', 'interval.ms'])
        await settings.change(name, DELETE, null)
      await settings.keep({ metrics: '' })
      await new Settings(broker, CLIENT_METRICS, '').change('interval.ms', SET, '1000')
    }))

  test('to numbers of configurations, and to lists of their names', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const settings = new Settings(broker, TOPIC, topic)
      const name = 'min.cleanable.dirty.ratio'
      for (const [value, shown] of [
        ['0', '0.0'],
        ['.25', '0.25'],
        ['0.50', '0.5'],
        ['1', '1.0'],
      ]) {
        await settings.change(name, SET, value)
        await settings.keep({ [name]: shown }, [name])
      }
      const all = await settings.describe([])
      broker.keep(
        'some',
        all.some((config) => config.name === 'retention.ms'),
      )
      broker.keep('none', await settings.describe(['none']))
      const users = [broker.name('nobody')].flatMap((user) => [{ name: user }, { name: user }])
      await broker.ask(describeUserScramCredentials, 0, { users })
    }))
})

function keepFailure(
  broker: Witness,
  { errorCode, errorMessage }: { errorCode: number; errorMessage: string | null },
): void {
  broker.keep('DescribeClientQuotas', { errorCode, words: errorMessage })
}

/** The configurations of one resource. */
class Settings {
  private readonly broker: Witness
  private readonly resourceType: number
  private readonly resourceName: string

  constructor(broker: Witness, resourceType: number, resourceName: string) {
    this.broker = broker
    this.resourceType = resourceType
    this.resourceName = resourceName
  }

  async change(name: string, configOperation: number, value: string | null): Promise<void> {
    const { resourceType, resourceName } = this
    const configs = [{ name, configOperation, value }]
    const request = { resources: [{ resourceType, resourceName, configs }], validateOnly: false }
    const answer = await this.broker.quietly(incrementalAlterConfigs, 1, request)
    const { errorCode, errorMessage } = answer.responses[0]
    this.broker.keep(name, { value, errorCode, words: this.broker.words(errorMessage) })
  }

  async describe(configurationKeys: string[] | null) {
    const { resourceType, resourceName } = this
    const resources = [{ resourceType, resourceName, configurationKeys }]
    const request = describeConfigs.request({ resources, includeSynonyms: true })
    const { results } = await this.broker.quietly(describeConfigs, 4, request)
    return results[0].configs.map(({ documentation: _, ...config }) => config)
  }

  /** Keeps what is shown once the broker shows these values. */
  async keep(wanted: Record<string, string>, names: string[] | null = null): Promise<void> {
    const shown = await waitUntil('the broker shows what was set', async () => {
      const configs = await this.describe(names)
      const isShown = Object.entries(wanted).every(([name, value]) =>
        configs.some((config) => config.name === name && config.value === value),
      )
      return isShown ? configs : null
    })
    this.broker.keep(
      'shown',
      shown.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    )
  }
}
