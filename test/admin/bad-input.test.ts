// Arguments that are wrong: a typed error that names the call, what it expected and what came, before
// anything is sent.

import { expect, test } from 'vitest'
import type { Admin } from '../../src/admin/admin.ts'
import { ConfigError, InvalidArgumentError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { failure, startAdmin } from './with-admin.ts'

/** An admin client as a program without types calls it. */
type Loose = { [Name in keyof Admin]: (...args: unknown[]) => Promise<unknown> }

const place = { topic: 'orders', partition: 0 }

const wrongCalls: [string, (admin: Loose) => Promise<unknown>, string][] = [
  ['no topics', (a) => a.createTopics(), 'createTopics(): topics must be an array'],
  [
    'a string for topics',
    (a) => a.createTopics('orders'),
    'topics must be an array, got "orders" (string)',
  ],
  [
    'a topic that is a string',
    (a) => a.createTopics(['orders']),
    'must be an object, got "orders"',
  ],
  [
    'no name',
    (a) => a.createTopics([{ numPartitions: 1 }]),
    'topic of each of topics must be a string',
  ],
  [
    '0 partitions',
    (a) => a.createTopics([{ topic: 'a', numPartitions: 0 }]),
    'numPartitions of topic "a" must be a whole number from 1, got 0 (number)',
  ],
  [
    '1.5 replicas',
    (a) => a.createTopics([{ topic: 'a', replicationFactor: 1.5 }]),
    'replicationFactor',
  ],
  [
    'both ways to place',
    (a) => a.createTopics([{ topic: 'a', numPartitions: 1, assignments: [[1]] }]),
    'assignments',
  ],
  [
    'configs as a list',
    (a) => a.createTopics([{ topic: 'a', configs: ['x'] }]),
    'configs of topic "a" must be an object, got an array',
  ],
  [
    'a number as a name',
    (a) => a.deleteTopics([5]),
    'each of topics must be a string that is not empty, got 5 (number)',
  ],
  ['an empty name', (a) => a.describeTopics(['']), 'each of topics'],
  [
    'a total of text',
    (a) => a.createPartitions([{ topic: 'a', totalCount: '9' }]),
    'totalCount of topic "a" must be a whole number from 1, got "9" (string)',
  ],
  [
    'an election of no kind',
    (a) => a.electLeaders('CLEAN'),
    'electionType must be one of PREFERRED, UNCLEAN, got "CLEAN"',
  ],
  [
    'an offset as a number',
    (a) => a.deleteRecords([{ ...place, beforeOffset: 5 }]),
    'beforeOffset of "orders" partition 0 must be a bigint from 0n, got 5 (number)',
  ],
  [
    'a negative partition',
    (a) => a.deleteRecords([{ topic: 'a', partition: -1, beforeOffset: 5n }]),
    'partition of each of records',
  ],
  [
    'an offset of no kind',
    (a) => a.listOffsets([{ ...place, offset: 'first' }]),
    'one of latest, earliest',
  ],
  [
    'a date',
    (a) => a.listOffsets([{ ...place, offset: { timestamp: new Date() } }]),
    '{ timestamp }',
  ],
  ['an isolation level', (a) => a.listOffsets([], { isolationLevel: 'none' }), 'isolationLevel'],
  [
    'a resource type',
    (a) => a.describeConfigs([{ type: 'TABLE', name: 'a' }]),
    'one of TOPIC, BROKER',
  ],
  [
    'a value that is missing',
    (a) => a.incrementalAlterConfigs([{ type: 'TOPIC', name: 'a', configs: [{ name: 'x' }] }]),
    'value of config "x" of TOPIC "a"',
  ],
  [
    'a config operation',
    (a) =>
      a.incrementalAlterConfigs([
        { type: 'TOPIC', name: 'a', configs: [{ name: 'x', operation: 'PUT', value: 1 }] },
      ]),
    'SET, DELETE, APPEND, SUBTRACT',
  ],
  ['a group type', (a) => a.listGroups({ types: ['old'] }), 'classic, consumer, share, streams'],
  ['an empty group', (a) => a.alterConsumerGroupOffsets('', []), 'groupId'],
  [
    'an offset to commit',
    (a) => a.alterConsumerGroupOffsets('g', [{ ...place, offset: '5' }]),
    'must be a bigint from 0n, got "5" (string)',
  ],
  ['no target', (a) => a.resetConsumerGroupOffsets('g', {}), "to must be 'earliest', 'latest'"],
  ['no options', (a) => a.resetConsumerGroupOffsets('g'), "to must be 'earliest', 'latest'"],
  [
    'an unknown target',
    (a) => a.resetConsumerGroupOffsets('g', { to: { offest: 5n } }),
    'to must be { offset }',
  ],
  [
    'a shift by a number',
    (a) => a.resetConsumerGroupOffsets('g', { to: { shiftBy: -5 } }),
    'to.shiftBy must be a bigint',
  ],
  [
    'an ACL operation',
    (a) =>
      a.createAcls([
        { resourceType: 'TOPIC', resourceName: 'a', principal: 'User:x', operation: 'LOOK' },
      ]),
    'operation must be one of',
  ],
  [
    'a mechanism',
    (a) => a.alterUserScramCredentials([{ user: 'x', mechanism: 'PLAIN', password: 'p' }]),
    'SCRAM-SHA-256 or SCRAM-SHA-512',
  ],
  [
    'few iterations',
    (a) =>
      a.alterUserScramCredentials([
        { user: 'x', mechanism: 'SCRAM-SHA-256', password: 'p', iterations: 1 },
      ]),
    'from 4096',
  ],
  [
    'two passwords of a user',
    (a) =>
      a.alterUserScramCredentials([
        { user: 'x', mechanism: 'SCRAM-SHA-256', password: 'p' },
        { user: 'x', mechanism: 'SCRAM-SHA-512', password: 'p' },
        { user: 'x', mechanism: 'SCRAM-SHA-256', delete: true },
      ]),
    'alterUserScramCredentials(): SCRAM-SHA-256 of user "x" is given twice',
  ],
  [
    'a quota of text',
    (a) => a.alterClientQuotas([{ entity: { user: 'x' }, quotas: { producer_byte_rate: '5' } }]),
    'quota "producer_byte_rate" must be a number',
  ],
  [
    'an entity',
    (a) => a.alterClientQuotas([{ entity: { person: 'x' }, quotas: {} }]),
    'user, client-id, ip',
  ],
  [
    'a principal',
    (a) => a.createDelegationToken({ owner: 'alice' }),
    'a principal such as "User:alice"',
  ],
  ['an hmac of text', (a) => a.renewDelegationToken('secret-hmac'), 'hmac must be a Buffer'],
  ['a broker id', (a) => a.unregisterBroker('1'), 'brokerId must be a whole number'],
  ['a log dir', (a) => a.alterReplicaLogDirs([{ ...place, brokerId: 1 }]), 'logDir'],
  [
    'replicas',
    (a) => a.alterPartitionReassignments([{ ...place, replicas: 3 }]),
    'replicas must be an array',
  ],
  [
    'a producer id',
    (a) => a.abortTransaction({ ...place, producerId: 5 }),
    'producerId must be a bigint',
  ],
  // What is misspelt would be taken for left out: the default, or everything.
  ['a misspelt key of a filter', (a) => a.deleteAcls([{ name: 'orders' }]), 'unknown key "name"'],
  [
    'a misspelt key of a topic',
    (a) => a.createTopics([{ topic: 'a', partitions: 3 }]),
    'each of topics has the unknown key "partitions"',
  ],
  [
    'a misspelt key of a config',
    (a) => a.incrementalAlterConfigs([{ type: 'TOPIC', name: 'a', config: [] }]),
    'unknown key "config"',
  ],
  [
    'a misspelt match',
    (a) => a.describeClientQuotas({ components: { user: { defualt: true } } }),
    'unknown key "defualt"',
  ],
  [
    'a Map of configs',
    (a) => a.createTopics([{ topic: 'a', configs: new Map([['retention.ms', '5']]) }]),
    'configs of topic "a" must be an object, got an object (Map)',
  ],
  [
    'a promise of a filter',
    (a) => a.deleteAcls([Promise.resolve({ resourceName: 'orders' })]),
    'the filter must be an object',
  ],
  // Neither is "all".
  [
    'no list of members',
    (a) => a.removeMembersFromConsumerGroup('g', { members: '' }),
    'members must be an array, got "" (string)',
  ],
  [
    'a member without an id',
    (a) => a.removeMembersFromConsumerGroup('g', { members: ['m'] }),
    'each of members must be an object',
  ],
  [
    'null for topics',
    (a) => a.resetConsumerGroupOffsets('g', { topics: null, to: 'earliest' }),
    'topics must be an array',
  ],
  ['null for partitions', (a) => a.electLeaders('PREFERRED', { partitions: null }), 'partitions'],
  [
    'null for reassignments',
    (a) => a.listPartitionReassignments({ partitions: null }),
    'partitions must be an array',
  ],
  ['0 for brokers', (a) => a.describeLogDirs({ brokerIds: 0 }), 'brokerIds must be an array'],
  ['topics of no name', (a) => a.describeLogDirs({ topics: [5] }), 'each of topics'],
  ['a type by itself', (a) => a.listConfigResources({ types: 'TOPIC' }), 'types must be an array'],
  [
    'a config name by itself',
    (a) => a.describeConfigs([{ type: 'TOPIC', name: 'a', configNames: 'retention.ms' }]),
    'configNames must be an array',
  ],
  ['an update of nothing', (a) => a.updateFeatures([null]), 'each of updates must be an object'],
  ['a group of nothing', (a) => a.listConsumerGroupOffsets([null]), 'each of groups'],
  [
    'an iterator that is none',
    (a) => a.deleteTopics({ [Symbol.iterator]: 5 }),
    'topics must be an array',
  ],
]

test.each(wrongCalls)('%s', async (_, call, text) => {
  const { admin, cluster } = await startAdmin()
  const error = await failure(call(admin as unknown as Loose))
  expect(error).toBeInstanceOf(InvalidArgumentError)
  expect(error.message).toContain(text)
  expect(error.message).not.toContain('secret')
  expect(cluster.requests()).toHaveLength(0)
})

test.each<[string, (admin: Loose) => Promise<unknown>, string]>([
  ['createTopics', (a) => a.createTopics([], { waitUntillReady: true }), 'waitUntillReady'],
  ['listGroups', (a) => a.listGroups({ state: ['Empty'] }), 'state'],
  ['describeCluster', (a) => a.describeCluster({ timeout: 5 }), 'timeout'],
  ['deleteTopics', (a) => a.deleteTopics(['x'], { validateOnly: true }), 'validateOnly'],
])('an unknown option of %s() is refused', async (_, call, name) => {
  const { admin, cluster } = await startAdmin()
  // Without its types, as JavaScript calls it.
  const error = await failure(call(admin as unknown as Loose))
  expect(error).toBeInstanceOf(InvalidArgumentError)
  expect(error.message).toContain(`unknown option "${name}"`)
  expect(cluster.requests()).toHaveLength(0)
})

test('an unknown option of admin() is refused, with the name that was meant', () => {
  const kafka = new Kafka({ bootstrapServers: 'localhost:9092' })
  expect(() => kafka.admin({ defaultApiTimeout: 5 } as object)).toThrow(ConfigError)
  expect(() => kafka.admin({ defaultApiTimeout: 5 } as object)).toThrow("'defaultApiTimeoutMs'")
})
