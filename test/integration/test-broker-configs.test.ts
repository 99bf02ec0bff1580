// What keeps the test broker honest: configurations, what they change, and requests at their edges.

import { test } from 'vitest'
import { alterConfigs } from '../../src/protocol/messages/alter-configs.ts'
import { createPartitions } from '../../src/protocol/messages/create-partitions.ts'
import { createTopics } from '../../src/protocol/messages/create-topics.ts'
import { deleteRecords } from '../../src/protocol/messages/delete-records.ts'
import { deleteTopics } from '../../src/protocol/messages/delete-topics.ts'
import { describeConfigs } from '../../src/protocol/messages/describe-configs.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/incremental-alter-configs.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { offsetCommit } from '../../src/protocol/messages/offset-commit.ts'
import { offsetDelete } from '../../src/protocol/messages/offset-delete.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { topicConfigs } from '../../src/testing/configs/topic-configs.ts'
import { describeReal } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { batch, produceTo, sequenced } from '../testing/requests.ts'
import { bothBrokers, type Witness } from './broker-witness.ts'

const TOPIC = 2
const MARKER = 'flush.messages'
let changes = 0
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3]

const odd =
  ' |-1|0|1|-2|-3|22|1000|2147483647|2147483648|-2147483649|9223372036854775807|9223372036854775808|1.5|0.5|1e3|NaN|Infinity|+5| 5 |0x10|5L|true|TRUE| true |yes|delete|compact|delete,delete|compact,delete|delete,|,delete| delete , compact |none|none,delete|gzip|GZIP|producer|uncompressed|CreateTime|createtime|LogAppendTime|*|0:1|0:1,0:1|0:1,*|x|é'.split(
    '|',
  )

/** What a broker shows of a topic, once it has heard of all changes, of which the marker is the last. */
async function shown(broker: Witness, topic: string, names: string[]): Promise<string[]> {
  const resources = [
    { resourceType: TOPIC, resourceName: topic, configurationKeys: [...names, MARKER] },
  ]
  const request = { resources, includeSynonyms: false, includeDocumentation: false }
  const value = String(++changes)
  const configs = [{ name: MARKER, configOperation: SET, value }]
  await broker.quietly(incrementalAlterConfigs, 1, {
    resources: [{ resourceType: TOPIC, resourceName: topic, configs }],
    validateOnly: false,
  })
  let found: { name: string; value: string | null; configSource: number }[] = []
  await waitUntil('the broker has heard of the change', async () => {
    found = (await broker.quietly(describeConfigs, 4, request)).results[0].configs
    return found.some((config) => config.name === MARKER && config.value === value)
  })
  return found
    .filter(({ name }) => name !== MARKER)
    .map(({ name, value, configSource }) => `${name}=${value} ${configSource}`)
    .toSorted()
}

describeReal('the test broker answers as Apache Kafka does', () => {
  const { compare } = bothBrokers()

  test('to values of topic configurations', { timeout: 120_000 }, () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const others = ['no.such', 'internal.segment.bytes', 'internal.no.such', 'flush.message']
      for (const name of [...Object.keys(topicConfigs), ...others]) {
        const codes: string[] = []
        for (const value of ['', ...odd]) {
          const configs = [{ name, configOperation: SET, value }]
          const resources = [{ resourceType: TOPIC, resourceName: topic, configs }]
          const request = { resources, validateOnly: true }
          const { responses } = await broker.quietly(incrementalAlterConfigs, 1, request)
          codes.push(`${value}: ${responses[0].errorCode}`)
        }
        broker.keep(name, codes)
      }
    }),
  )

  test('to changes of topic configurations, and shows them', { timeout: 60_000 }, () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const replicas = 'follower.replication.throttled.replicas'
      const names = ['cleanup.policy', 'retention.ms', replicas, 'compression.type', 'preallocate']
      const lags = ['min.compaction.lag.ms', 'max.compaction.lag.ms']
      const alter = async (...changes: [string, number, string | null][]) => {
        const configs = changes.map(([name, configOperation, value]) => {
          return { name, configOperation, value }
        })
        const resources = [{ resourceType: TOPIC, resourceName: topic, configs }]
        const request = { resources, validateOnly: false }
        const { responses } = await broker.quietly(incrementalAlterConfigs, 1, request)
        broker.keep(JSON.stringify(changes), responses[0].errorCode)
        broker.keep('shown', await shown(broker, topic, [...names, ...lags]))
      }
      await alter(['cleanup.policy', APPEND, 'compact'])
      await alter(['cleanup.policy', APPEND, 'compact'])
      await alter(['cleanup.policy', APPEND, 'nonsense'])
      await alter(['cleanup.policy', SUBTRACT, 'delete,compact'])
      await alter(['cleanup.policy', SUBTRACT, 'x'])
      await alter(['cleanup.policy', SET, 'compact , delete'])
      await alter(['cleanup.policy', SET, 'delete,delete'])
      await alter(['cleanup.policy', DELETE, 'ignored'])
      await alter([replicas, APPEND, '0:1'])
      await alter([replicas, APPEND, '0:1,1:1'])
      await alter([replicas, SUBTRACT, '0:1'])
      await alter(['retention.ms', SET, ' +5 '], ['preallocate', SET, ' TRUE '])
      await alter(['retention.ms', SET, null])
      await alter(['retention.ms', DELETE, null], ['no.such', DELETE, null])
      await alter(['min.compaction.lag.ms', SET, '10'], ['max.compaction.lag.ms', SET, '5'])
      await alter(['min.compaction.lag.ms', SET, '10'])
      await alter(['max.compaction.lag.ms', SET, '5'])
      await alter(['compression.type', SET, 'zstd'], ['compression.type', SET, 'gzip'])
      await alter()
      const whole = async (given: [string, string | null][], validateOnly = false) => {
        const configs = given.map(([name, value]) => ({ name, value }))
        const resources = [{ resourceType: TOPIC, resourceName: topic, configs }]
        const { responses } = await broker.quietly(alterConfigs, 2, { resources, validateOnly })
        broker.keep(JSON.stringify(given), responses[0].errorCode)
        broker.keep('shown', await shown(broker, topic, [...names, ...lags]))
      }
      await whole([['retention.ms', '7']])
      await whole([['retention.ms', null]])
      await whole([['no.such', '7']])
      await whole([
        ['retention.ms', '7'],
        ['retention.ms', '8'],
      ])
      await whole([['compression.type', 'zstd']], true)
      await whole([])
    }),
  )

  test('to changes of what there is not', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const named: [number, string][] = [
        ...['nope', '', 'a b'].map((name): [number, string] => [TOPIC, name]),
        ...['1', '77', 'x'].map((name): [number, string] => [4, name]),
        [16, 'm'],
        [32, 'g'],
        [32, ''],
        [0, 'x'],
        [99, 'x'],
      ]
      const ask = async (resources: { resourceType: number; resourceName: string }[]) => {
        const request = {
          resources: resources.map((each) => ({ ...each, configs: [] })),
          validateOnly: true,
        }
        const one = await broker.quietly(incrementalAlterConfigs, 1, request)
        broker.keep(
          JSON.stringify(resources.map(({ resourceType }) => resourceType)),
          one.responses.map(({ errorCode }) => errorCode),
        )
      }
      for (const [resourceType, resourceName] of named) await ask([{ resourceType, resourceName }])
      await ask([1, 2].map(() => ({ resourceType: TOPIC, resourceName: topic })))
    }))

  test('to DeleteRecords', () =>
    compare(async (broker) => {
      const policies = ['delete', 'compact', 'compact,delete']
      for (const [i, policy] of policies.entries()) {
        const { topic } = await broker.topic(`t${i}`, 2, { 'cleanup.policy': policy })
        const records = [0, 1, 2].map((offsetDelta) => {
          return { timestampDelta: 0n, offsetDelta, key: 'k', value: 'v', headers: [] }
        })
        await broker.write(topic, 0, batch(['a', 'b', 'c'], { records }))
        await broker.write(topic, 0, batch(['a', 'b', 'c'], { records }))
        const before = async (partitionIndex: number, ...offsets: bigint[]) => {
          for (const offset of offsets) {
            const partitions = [{ partitionIndex, offset }]
            const topics = [{ name: topic, partitions }]
            await broker.ask(deleteRecords, 2, { topics, timeoutMs: 3000 })
          }
        }
        await before(0, 1n, 0n, 5n, -1n, -2n, 99n)
        await before(1, -1n, 0n, 1n)
        await before(7, 0n)
        await before(0, 6n)
      }
    }))

  test('to topics that are asked for twice, or not at all', { timeout: 60_000 }, () =>
    compare(async (broker) => {
      const { topic, topicId } = await broker.topic('t', 2)
      const more = async (count: number, brokers: number[][] | null, ...names: string[]) => {
        const assignments = brokers?.map((brokerIds) => ({ brokerIds })) ?? null
        const named = names.length === 0 ? [topic] : names
        const topics = named.map((name) => ({ name, count, assignments }))
        const request = { topics, timeoutMs: 3000, validateOnly: true }
        await broker.ask(createPartitions, 3, request)
      }
      for (const count of [-1, 0, 1, 2, 3, 10_001]) await more(count, null)
      for (const ids of [[], [[]], [[1]], [[1, 1]], [[9]], [[-1]], [[1], [1]]]) await more(3, ids)
      for (const name of [broker.name('none'), '', 'a b']) await more(3, null, name)
      await more(4, null, topic, topic)
      const remove = async (...topics: { name: string | null; topicId: string }[]) => {
        const request = { topics, topicNames: [], timeoutMs: 3000 }
        const { responses } = await broker.quietly(deleteTopics, 6, request)
        broker.keep(
          'deleted',
          responses.map(({ errorCode }) => errorCode),
        )
      }
      await remove({ name: topic, topicId })
      for (const name of [null, '', 'a b']) await remove({ name, topicId: ZERO_UUID })
      await remove({ name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' })
      await remove({ name: topic, topicId: ZERO_UUID }, { name: topic, topicId: ZERO_UUID })
      await remove({ name: null, topicId }, { name: null, topicId })
      const twice = ['1', '2'].map((value) => ({ name: 'retention.ms', value }))
      for (const fields of [
        { numPartitions: 10_001 },
        { configs: [{ name: 'cleanup.policy', value: '' }] },
        { configs: [{ name: 'retention.ms', value: null }] },
        { configs: twice },
        { numPartitions: -1, replicationFactor: -1 },
      ]) {
        for (const validateOnly of [true, false]) {
          const one = { name: broker.name('c'), numPartitions: 1, replicationFactor: 1 }
          const topics = [{ ...one, assignments: [], configs: [], ...fields }]
          if (!validateOnly && topics[0].numPartitions > 10) continue
          const request = { topics, timeoutMs: 3000, validateOnly }
          const [result] = (await broker.quietly(createTopics, 7, request)).topics
          const { errorCode, numPartitions, replicationFactor, configs } = result
          const values = configs
            ?.map(({ name, value, configSource }) => `${name}=${value} ${configSource}`)
            // A cluster of 4.x sets it for all of its brokers.
            .filter((text) => !text.startsWith('min.insync.replicas'))
            .toSorted()
          broker.keep('created', [errorCode, numPartitions, replicationFactor, values])
        }
      }
    }),
  )

  test('to OffsetDelete, and commits at their edges', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t', 2)
      const groupId = broker.name('g')
      await waitUntil('there is a coordinator', async () => {
        const ask = { key: '', keyType: 0, coordinatorKeys: [groupId] }
        const { coordinators } = await broker.quietly(findCoordinator, 4, ask)
        if (coordinators[0].errorCode !== 0) return false
        const nobody = { groupId, generationId: 1, memberId: 'nobody', groupInstanceId: null }
        return (await broker.quietly(heartbeat, 4, nobody)).errorCode === 25
      })
      const outside = { generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null }
      const commit = async (offset: bigint, metadata: string | null, epoch = -1, partition = 0) => {
        const partitions = [
          {
            partitionIndex: partition,
            committedOffset: offset,
            committedLeaderEpoch: epoch,
            committedMetadata: metadata,
          },
        ]
        const topics = [{ name: topic, topicId: ZERO_UUID, partitions }]
        const request = { groupId, ...outside, retentionTimeMs: -1n, topics }
        await broker.ask(offsetCommit, 9, request)
        const groups = [{ groupId, memberId: null, memberEpoch: -1, topics: null }]
        const asked = { groupId: '', topics: [], groups, requireStable: false }
        broker.keep('offsets', (await broker.quietly(offsetFetch, 8, asked)).groups)
      }
      await commit(5n, null)
      await commit(-1n, 'x')
      await commit(-7n, 'x')
      await commit(3n, 'é'.repeat(4096))
      await commit(3n, 'é'.repeat(4097))
      await commit(4n, 'm', -5)
      await commit(4n, 'm', -1, 9)
      const drop = async (partitions: number[], name = topic, group = groupId) => {
        const ofTopic = partitions.map((partitionIndex) => ({ partitionIndex }))
        const topics = [{ name, partitions: ofTopic }]
        await broker.ask(offsetDelete, 0, { groupId: group, topics })
      }
      await drop([1])
      await drop([0, 9])
      await drop([0])
      await drop([0], broker.name('none'))
      await drop([0], topic, broker.name('no group'))
    }))

  test('to times, sizes and attributes of batches', { timeout: 60_000 }, () =>
    compare(async (broker) => {
      const now = BigInt(Date.now())
      const at = (time: bigint) => batch(['a'], { baseTimestamp: time, maxTimestamp: time })
      const old = { 'message.timestamp.before.max.ms': '1000' }
      const cases: [Record<string, string>, Buffer][] = [
        [old, batch(['a'])],
        [old, at(now)],
        [{ 'message.timestamp.after.max.ms': '1000' }, at(now + 60_000n)],
        [{ 'message.timestamp.type': 'LogAppendTime', ...old }, batch(['a'])],
        [{}, at(-1n)],
        [{}, at(-5n)],
        [{}, batch(['a', 'b'], { baseTimestamp: 5n, maxTimestamp: 5n })],
        [{}, batch(['a'], { maxTimestamp: 99n })],
        [{ 'max.message.bytes': '69' }, batch(['a'])],
        [{ 'max.message.bytes': '68' }, batch(['a'])],
        [{ 'min.insync.replicas': '2' }, batch(['a'])],
        [{ 'cleanup.policy': 'compact' }, batch(['a', 'b'])],
        [{}, batch(['a'], { attributes: 0x10 })],
        [{}, batch(['a'], { attributes: 0x08 })],
        [{}, batch(['a'], { attributes: 0x40 })],
        [{}, sequenced(77n, 0, 5)],
        [{}, sequenced(77n, -1, 0)],
        [{}, sequenced(-1n, 0, 0)],
        [{}, batch(['a'], { partitionLeaderEpoch: 99 })],
      ]
      for (const [i, [configs, records]] of cases.entries()) {
        const { topic } = await broker.topic(`t${i}`, 1, configs)
        const written = await broker.quietly(produce, 11, produceTo(topic, 0, records))
        const { errorCode, baseOffset, logAppendTimeMs, logStartOffset, recordErrors } =
          written.responses[0].partitionResponses[0]
        const refused = recordErrors.map(({ batchIndex }) => batchIndex)
        const isNow = logAppendTimeMs > 0n
        broker.keep(`case ${i}`, [errorCode, baseOffset, isNow, logStartOffset, refused])
        for (const timestamp of [-3n, 0n, 50n]) {
          const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }]
          const topics = [{ name: topic, partitions }]
          const asked = { replicaId: -1, isolationLevel: 0, topics, timeoutMs: 0 }
          const [found] = (await broker.quietly(listOffsets, 7, asked)).topics[0].partitions
          const time = found.timestamp > 1_000_000n ? 'now' : found.timestamp
          broker.keep(`times ${i}`, [found.errorCode, found.offset, found.leaderEpoch, time])
        }
      }
    }),
  )
})
