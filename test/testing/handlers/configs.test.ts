// DescribeConfigs, AlterConfigs, IncrementalAlterConfigs, ListConfigResources. Codes, messages and sources
// are those of a 4.4.0 broker that was sent the same requests.

import { expect, test } from 'vitest'
import { alterConfigs } from '../../../src/protocol/messages/alter-configs.ts'
import {
  type DescribeConfigsResult,
  describeConfigs,
} from '../../../src/protocol/messages/describe-configs.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/incremental-alter-configs.ts'
import { listConfigResources } from '../../../src/protocol/messages/list-config-resources.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { ClientQuotas } from '../../../src/testing/client-quotas.ts'
import type { RawClient } from '../raw-client.ts'
import { batch, produceTo } from '../requests.ts'
import { connectTo, startCluster } from '../with-cluster.ts'

const TOPIC = 2
const BROKER = 4
const LOGGER = 8
const METRICS = 16
const GROUP = 32
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3]

async function describeOne(
  client: RawClient,
  resourceType: number,
  resourceName: string,
  configurationKeys: string[] | null = null,
): Promise<DescribeConfigsResult> {
  const resources = [{ resourceType, resourceName, configurationKeys }]
  const request = { resources, includeSynonyms: true, includeDocumentation: false }
  return (await client.request(describeConfigs, 4, request)).results[0]
}

async function alter(
  client: RawClient,
  resourceType: number,
  resourceName: string,
  changes: [name: string, operation: number, value: string | null][],
  validateOnly = false,
): Promise<string> {
  const configs = changes.map(([name, configOperation, value]) => ({
    name,
    configOperation,
    value,
  }))
  const resources = [{ resourceType, resourceName, configs }]
  const { responses } = await client.request(incrementalAlterConfigs, 1, {
    resources,
    validateOnly,
  })
  const [{ errorCode, errorMessage }] = responses
  return errorCode === 0 ? 'done' : `${errorCode} ${errorMessage}`
}

test('a topic shows its own values, the broker’s and the defaults', async () => {
  const cluster = await startCluster({ properties: { messageMaxBytes: 5000 } })
  cluster.createTopic('t', { configs: { 'retention.ms': '7' } })
  const client = await connectTo(cluster)
  const { configs } = await describeOne(client, TOPIC, 't')
  expect(configs.length).toBe(37)
  const of = (name: string) => configs.find((config) => config.name === name)
  expect(of('retention.ms')).toMatchObject({
    value: '7',
    configSource: 1,
    configType: 5,
    synonyms: [{ name: 'retention.ms', value: '7', source: 1 }],
  })
  expect(of('max.message.bytes')).toMatchObject({
    value: '5000',
    configSource: 4,
    synonyms: [
      { name: 'message.max.bytes', value: '5000', source: 4 },
      { name: 'message.max.bytes', value: '1048588', source: 5 },
    ],
  })
  expect(of('cleanup.policy')).toMatchObject({ value: 'delete', configSource: 5, configType: 7 })
  const { configs: one } = await describeOne(client, TOPIC, 't', ['retention.ms', 'foo'])
  expect(one.map(({ name }) => name)).toEqual(['retention.ms'])
})

test('what does not exist is said so', async () => {
  const client = await connectTo(await startCluster())
  expect(await describeOne(client, TOPIC, 'nope')).toMatchObject({ errorCode: 3 })
  expect(await describeOne(client, TOPIC, 'a b')).toMatchObject({ errorCode: 17 })
  expect(await describeOne(client, BROKER, '9')).toMatchObject({
    errorCode: 42,
    errorMessage: 'Unexpected broker id, expected 1 or empty string, but received 9',
  })
  expect(await describeOne(client, 77, 'x')).toMatchObject({ errorCode: 42 })
  expect(await describeOne(client, LOGGER, '1')).toMatchObject({ errorCode: 42 })
})

test('topics are altered one configuration at a time, and honour it at once', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  expect(await alter(client, TOPIC, 't', [['max.message.bytes', SET, '70']])).toBe('done')
  const { responses } = await client.request(produce, 12, produceTo('t', 0, batch(['x'.repeat(9)])))
  expect(responses[0].partitionResponses[0].errorCode).toBe(10)
  expect(await alter(client, TOPIC, 't', [['cleanup.policy', APPEND, 'compact']])).toBe('done')
  const value = async () => (await describeOne(client, TOPIC, 't', ['cleanup.policy'])).configs[0]
  expect((await value()).value).toBe('delete,compact')
  expect(await alter(client, TOPIC, 't', [['cleanup.policy', SUBTRACT, 'delete']])).toBe('done')
  expect((await value()).value).toBe('compact')
  expect(await alter(client, TOPIC, 't', [['cleanup.policy', DELETE, null]])).toBe('done')
  expect((await value()).value).toBe('delete')
  expect(await alter(client, TOPIC, 't', [['retention.ms', SET, '5']], true)).toBe('done')
  const { configs } = await describeOne(client, TOPIC, 't', ['retention.ms'])
  expect(configs[0].configSource).toBe(5)
})

test.each([
  [TOPIC, 't', ['foo', SET, '1'], '40 Unknown topic config name: foo'],
  [
    TOPIC,
    't',
    ['retention.ms', APPEND, '1'],
    "40 Can't APPEND to key retention.ms because its type is not LIST.",
  ],
  [TOPIC, 't', ['retention.ms', SET, null], '42 Null value not supported for : retention.ms'],
  [TOPIC, 't', ['retention.ms', 9, '1'], '-1 null'],
  [TOPIC, 'nope', ['retention.ms', SET, '1'], "3 The topic 'nope' does not exist."],
  [
    BROKER,
    '1',
    ['num.partitions', SET, '2'],
    '42 Cannot update these configs dynamically: [num.partitions]',
  ],
  [
    GROUP,
    'g',
    ['consumer.session.timeout.ms', SET, '5'],
    '40 consumer.session.timeout.ms must be in the range 45000 to 60000 inclusive.',
  ],
  [GROUP, 'g', ['foo', SET, '5'], '40 Unknown group config name: foo'],
  [
    METRICS,
    'm',
    ['interval.ms', SET, '1'],
    '42 Invalid value 1 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
  ],
  [77, 'x', ['a', SET, 'b'], '42 Unknown resource type 77'],
] as [number, string, [string, number, string | null], string][])(
  'resource %i %s refuses %j',
  async (type, name, change, message) => {
    const client = await connectTo(await startCluster({ topics: { t: 1 } }))
    expect(await alter(client, type, name, [change])).toBe(message)
  },
)

test('a key that is given twice is refused', async () => {
  const client = await connectTo(await startCluster({ topics: { t: 1 } }))
  const twice: [string, number, string][] = [
    ['retention.ms', SET, '1'],
    ['retention.ms', SET, '2'],
  ]
  expect(await alter(client, TOPIC, 't', twice)).toBe('42 Error due to duplicate config keys')
})

test('brokers, groups and client metrics keep what they are given', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  expect(await alter(client, BROKER, '', [['message.max.bytes', SET, '3000']])).toBe('done')
  const { configs } = await describeOne(client, TOPIC, 't', ['max.message.bytes'])
  expect(configs[0]).toMatchObject({ value: '3000', configSource: 3 })
  expect(await alter(client, BROKER, '', [['message.max.bytes', DELETE, null]])).toBe('done')
  const { configs: ofAll } = await describeOne(client, BROKER, '')
  expect(ofAll.map(({ name, value }) => `${name}=${value}`)).toEqual(['min.insync.replicas=1'])
  expect(await alter(client, GROUP, 'g', [['share.delivery.count.limit', SET, '3']])).toBe('done')
  const group = await describeOne(client, GROUP, 'g', ['share.delivery.count.limit'])
  expect(group.configs[0]).toMatchObject({
    value: '3',
    configSource: 8,
    synonyms: [
      { name: 'share.delivery.count.limit', value: '3', source: 8 },
      { name: 'group.share.delivery.count.limit', value: '5', source: 5 },
    ],
  })
  expect(await alter(client, METRICS, 'm', [['metrics', SET, 'org.apache']])).toBe('done')
  const listed = await client.request(listConfigResources, 1, { resourceTypes: [] })
  expect(listed.configResources).toEqual([
    { resourceType: TOPIC, resourceName: 't' },
    { resourceType: BROKER, resourceName: '1' },
    { resourceType: LOGGER, resourceName: '1' },
    { resourceType: METRICS, resourceName: 'm' },
    { resourceType: GROUP, resourceName: 'g' },
  ])
})

test('a broker shows every configuration that Kafka has, and keeps those that start with it', async () => {
  const client = await connectTo(await startCluster())
  const { configs } = await describeOne(client, BROKER, '1')
  expect(configs.length).toBeGreaterThan(300)
  const [threads] = (await describeOne(client, BROKER, '1', ['log.cleaner.threads'])).configs
  expect(threads).toMatchObject({ value: '1', configSource: 5, readOnly: false, configType: 3 })
  for (const [name, value] of [
    ['node.id', '9'],
    ['listeners', 'PLAINTEXT://:1'],
    ['ssl.key.password', 'x'],
    ['log.cleaner.threads', 'many'],
  ]) {
    expect(await alter(client, BROKER, '', [[name, SET, value]])).toMatch(/^42 /)
  }
  expect(await alter(client, BROKER, '1', [['log.cleaner.threads', SET, '2']])).toBe('done')
  expect(await alter(client, BROKER, '1', [['my.own', SET, 'secret']])).toBe('done')
  const after = await describeOne(client, BROKER, '1', ['log.cleaner.threads', 'my.own'])
  expect(after.configs).toMatchObject([
    { value: '2', configSource: 2 },
    { value: null, isSensitive: true, synonyms: [{ value: null }] },
  ])
})

test('AlterConfigs replaces everything that the topic was given', async () => {
  const cluster = await startCluster()
  cluster.createTopic('t', { configs: { 'retention.ms': '7' } })
  const client = await connectTo(cluster)
  const configs = [{ name: 'retention.bytes', value: '9' }]
  const resources = [{ resourceType: TOPIC, resourceName: 't', configs }]
  const { responses } = await client.request(alterConfigs, 2, { resources, validateOnly: false })
  expect(responses[0]).toMatchObject({ errorCode: 0, errorMessage: null })
  const keys = ['retention.ms', 'retention.bytes']
  const described = await describeOne(client, TOPIC, 't', keys)
  expect(described.configs.map(({ name, value }) => [name, value])).toEqual([
    ['retention.bytes', '9'],
    ['retention.ms', '604800000'],
  ])
})

test('an empty list of names asks for all, and client metrics have defaults', async () => {
  const client = await connectTo(await startCluster({ topics: { t: 1 } }))
  const all = await describeOne(client, TOPIC, 't')
  expect((await describeOne(client, TOPIC, 't', [])).configs).toEqual(all.configs)
  const change = (match: string) => alter(client, METRICS, 'm', [['match', SET, match]])
  expect(await change('client_id')).toBe('40 Illegal client matching pattern: client_id')
  expect(await change('client_id=shop.*, client_source_port=1')).toBe('done')
  const { configs } = await describeOne(client, METRICS, 'm')
  expect(configs.map(({ name, value }) => `${name}=${value}`)).toEqual([
    'interval.ms=300000',
    'match=client_id=shop.*,client_source_port=1',
    'metrics=',
  ])
})

test('quotas are checked as by a controller', () => {
  const quotas = new ClientQuotas()
  const problem = (type: string, name: string | null, key: string, value: number | null) =>
    quotas.findProblem(new Map([[type, name]]), new Map([[key, value]]))
  const rate = 'producer_byte_rate'
  expect(problem('user', 'u', rate, 1)).toBe(null)
  expect(problem('user', '', rate, 1)).toBe('Empty user not supported')
  expect(problem('user', 'u', rate, 0)).toBe(`Quota ${rate} must be greater than 0`)
  expect(problem('user', 'u', rate, 0.5)).toBe(`${rate} cannot be a fractional value.`)
  expect(problem('user', 'u', rate, 1e20)).toBe(
    `Proposed value for ${rate} is too large for a LONG.`,
  )
  expect(problem('user', 'u', 'request_percentage', 0.5)).toBe(null)
  expect(problem('user', 'u', 'nonsense', 1)).toBe('Invalid configuration key nonsense')
  expect(problem('user', 'u', 'nonsense', null)).toBe(null)
  expect(problem('ip', 'no ip', 'connection_creation_rate', 1)).toBe(
    'no ip is not a valid IP or resolvable host.',
  )
})
