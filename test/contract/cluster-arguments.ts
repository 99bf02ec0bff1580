// The calls of the in-process broker with arguments that they take.

import { metadata } from '../../src/protocol/messages/metadata.ts'
import { ManualClock } from '../../src/testing/clock.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import type { ArgumentRow } from './argument-tables.ts'

type Loose = Record<string, (...args: unknown[]) => unknown>

function method(
  name: string,
  args: () => readonly unknown[],
  accepts?: ArgumentRow['accepts'],
): ArgumentRow {
  const call = (
    { testCluster }: { testCluster: TestCluster },
    given: readonly unknown[],
  ): unknown => (testCluster as unknown as Loose)[name](...given)
  return { call, args, ...(accepts !== undefined && { accepts }) }
}

const noop = (): void => {}
let created = 0

/** What is not looked at: any object with a key and a name is an API. */
const ofApi = Object.fromEntries(
  ['decodeRequest', 'encodeRequest', 'decodeResponse', 'encodeResponse', 'minVersion', 'maxVersion']
    .concat('flexibleFrom', 'request', 'response')
    .map((name) => [name, 'anything'] as const),
)

export const clusterRows: Readonly<Record<string, ArgumentRow>> = {
  'start()': {
    call: async (_, args: readonly [never]) => (await TestCluster.start(...args)).close(),
    args: () => [
      {
        nodes: 1,
        port: 0,
        racks: ['r'],
        topics: { t: 1 },
        autoCreateTopics: true,
        properties: { numPartitions: 2, deleteTopicEnable: true },
        versions: { Fetch: { minVersion: 4, maxVersion: 11 } },
        record: true,
        sasl: { mechanisms: ['PLAIN'], users: { u: 'p' }, maxReauthMs: 5 },
        authorizer: { superUsers: ['User:u'], allowEveryoneIfNoAclFound: true },
        onClientTelemetry: noop,
        onProtocolError: noop,
      },
    ],
    accepts: { 'versions.Fetch': ['null'] },
  },
  'portOf()': method('portOf', () => [1]),
  'createTopic()': {
    call: ({ testCluster }, [name, settings]: readonly [never, never]) =>
      testCluster.createTopic(name === 'new' ? `new-${created++}` : name, settings),
    args: () => ['new', { partitions: 1, replicationFactor: 1, configs: { 'retention.ms': '5' } }],
  },
  'createTopic() with assignments': {
    call: ({ testCluster }, [settings]: readonly [never]) =>
      testCluster.createTopic(`new-${created++}`, settings),
    args: () => [{ assignments: [[1]] }],
  },
  'createPartitions()': method('createPartitions', () => ['t', 2]),
  'deleteTopic()': method('deleteTopic', () => ['gone']),
  'recreateTopic()': method('recreateTopic', () => ['again']),
  'topicId()': method('topicId', () => ['t']),
  'partition()': method('partition', () => ['t', 0]),
  'leaderOf()': method('leaderOf', () => ['t', 0]),
  'moveLeader()': method('moveLeader', () => ['t', 0, 1]),
  'coordinatorOf()': method('coordinatorOf', () => ['g']),
  'moveCoordinator()': method('moveCoordinator', () => ['g', 1]),
  'committedOffset()': method('committedOffset', () => ['g', 't', 0]),
  'stopNode()': {
    call: async ({ testCluster }, args: readonly [never, never]) => {
      await testCluster.stopNode(...args)
      await testCluster.startNode(args[0])
    },
    args: () => [2, { electLeaders: false }],
  },
  'startNode()': {
    call: async ({ testCluster }, args: readonly [never]) => {
      if (args[0] === 2) await testCluster.stopNode(2)
      await testCluster.startNode(...args)
    },
    args: () => [2],
  },
  'pauseNode()': method('pauseNode', () => [2]),
  'resumeNode()': method('resumeNode', () => [2]),
  'disconnectAll()': method('disconnectAll', () => [2]),
  'forgetProducerState()': method('forgetProducerState', () => ['t', 0]),
  'intercept()': {
    call: ({ testCluster }, args: readonly [never, never]) => testCluster.intercept(...args)(),
    args: () => [metadata, ({ next }: { next: () => unknown }) => next()],
    accepts: ofApi,
  },
  'requests()': method('requests', () => [metadata], ofApi),
  'waitFor()': method('waitFor', () => [() => true, { timeoutMs: 5 }]),
  'waitFor() what is not true': method('waitFor', () => [() => false, { timeoutMs: 60_000 }]),
  'new ManualClock()': {
    call: (_, args: readonly [never]) => new ManualClock(...args),
    args: () => [5],
    accepts: { '': ['-1', '1.5'] },
  },
  'advance()': {
    call: (_, args: readonly [never]) => new ManualClock().advance(...args),
    args: () => [5],
  },
  'setWall()': {
    call: (_, args: readonly [never]) => new ManualClock().setWall(...args),
    args: () => [5],
  },
  'schedule()': {
    call: (_, args: readonly [never, never]) => new ManualClock().schedule(...args)(),
    args: () => [5, noop],
  },
}
