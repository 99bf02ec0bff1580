// What keeps the test broker honest, part two: topics, offsets and versions.

import { test } from 'vitest'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { createPartitions } from '../../src/protocol/messages/create-partitions.ts'
import { createTopics } from '../../src/protocol/messages/create-topics.ts'
import { deleteTopics } from '../../src/protocol/messages/delete-topics.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { type MetadataResponseTopic, metadata } from '../../src/protocol/messages/metadata.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/offset-for-leader-epoch.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { routesByKey } from '../../src/testing/routes.ts'
import { describeReal } from '../harness/real.ts'
import { batch, metadataOf } from '../testing/requests.ts'
import { bothBrokers } from './broker-witness.ts'

const UNKNOWN_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

describeReal('the test broker answers as Apache Kafka does', () => {
  const { compare } = bothBrokers()

  test('to questions for offsets', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t', 2)
      const times = { baseTimestamp: 5000n, maxTimestamp: 5001n }
      await broker.write(topic, 0, batch(['a', 'b']))
      await broker.write(topic, 0, batch(['c', 'd'], times))
      await broker.write(topic, 0, batch(['e']))
      const ask = async (
        timestamp: bigint,
        version = 10,
        partitionIndex = 0,
        currentLeaderEpoch = -1,
      ) =>
        broker.ask(listOffsets, version, {
          replicaId: -1,
          isolationLevel: 0,
          topics: [
            { name: topic, partitions: [{ partitionIndex, currentLeaderEpoch, timestamp }] },
          ],
          timeoutMs: 0,
        })
      for (const time of [-1n, -2n, -3n, -4n, -5n, 0n, 1001n, 1002n, 5001n, 5002n, -9n])
        await ask(time)
      for (const version of [1, 2, 4, 6, 7, 8, 9]) await ask(-1n, version)
      await ask(-3n, 6)
      await ask(-4n, 7)
      await ask(-5n, 8)
      await ask(-6n, 10)
      await ask(-6n, 11)
      await ask(-1n, 10, 1)
      await ask(-3n, 10, 1)
      await ask(-2n, 10, 1)
      await ask(7n, 10, 1)
      await ask(-1n, 10, 7)
      await ask(-1n, 10, 0, 0)
      await ask(-1n, 10, 0, 4)
      const epoch = (leaderEpoch: number, currentLeaderEpoch = -1, partition = 0) =>
        broker.ask(offsetForLeaderEpoch, 4, {
          replicaId: -1,
          topics: [{ topic, partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }],
        })
      for (const leaderEpoch of [-1, 0, 1]) await epoch(leaderEpoch)
      await epoch(0, 0)
      await epoch(0, 2)
      await epoch(0, -1, 6)
    }))

  test('about topics', () =>
    compare(async (broker) => {
      const { topic, topicId } = await broker.topic('a.b', 2)
      await broker.ask(metadata, 12, metadataOf([topic])).then(() => broker.answers.pop())
      const described = await broker.quietly(
        metadata,
        12,
        metadataOf([topic, broker.name('none'), 'no good', '']),
      )
      // Those that there are not come in the order of a hash table.
      const sortKey = ({ errorCode, name }: MetadataResponseTopic) => `${errorCode} ${name}`
      broker.keep(
        'topics',
        described.topics.toSorted((a, b) => sortKey(a).localeCompare(sortKey(b))),
      )
      const byId = metadataOf([])
      byId.topics = [topicId, UNKNOWN_ID].map((id) => ({ topicId: id, name: null }))
      broker.keep(
        'by id',
        (await broker.quietly(metadata, 13, byId)).topics.toSorted(
          (a, b) => a.errorCode - b.errorCode,
        ),
      )
      const wanted = (name: string, fields: object = {}) => ({
        name,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [],
        ...fields,
      })
      const byHand = { numPartitions: -1, replicationFactor: -1 }
      for (const one of [
        wanted(topic),
        wanted(broker.rename(topic.replace('.', '_'), 'a_b')),
        wanted('no good'),
        wanted(''),
        wanted('..'),
        wanted('x'.repeat(250)),
        wanted(broker.name('n'), { numPartitions: 0 }),
        wanted(broker.name('n'), { numPartitions: -2 }),
        wanted(broker.name('n'), { replicationFactor: 0 }),
        wanted(broker.name('n'), { replicationFactor: 9 }),
        wanted(broker.name('n'), { configs: [{ name: 'nonsense', value: '1' }] }),
        wanted(broker.name('n'), { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
        wanted(broker.name('n'), {
          ...byHand,
          assignments: [{ partitionIndex: 0, brokerIds: [99] }],
        }),
        wanted(broker.name('n'), {
          ...byHand,
          assignments: [{ partitionIndex: 1, brokerIds: [1] }],
        }),
        wanted(broker.name('n'), {
          ...byHand,
          assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }],
        }),
        wanted(broker.name('n'), {
          ...byHand,
          assignments: [{ partitionIndex: 0, brokerIds: [] }],
        }),
      ]) {
        await broker.ask(createTopics, 7, { topics: [one], timeoutMs: 5000, validateOnly: false })
      }
      const n = broker.name('n')
      await broker.ask(createTopics, 7, {
        topics: [wanted(n), wanted(n)],
        timeoutMs: 5000,
        validateOnly: false,
      })
      const grow = (
        name: string,
        count: number,
        validateOnly = false,
        assignments: { brokerIds: number[] }[] | null = null,
      ) =>
        broker.ask(createPartitions, 3, {
          topics: [{ name, count, assignments }],
          timeoutMs: 5000,
          validateOnly,
        })
      await grow(topic, 2)
      await grow(topic, 1)
      await grow(broker.name('none'), 3)
      await grow(topic, 4, true)
      await grow(topic, 4, false, [{ brokerIds: [1] }])
      await grow(topic, 3)
      const remove = (name: string | null, id: string) =>
        broker.ask(deleteTopics, 6, {
          topics: [{ name, topicId: id }],
          topicNames: [],
          timeoutMs: 5000,
        })
      await remove(broker.name('none'), ZERO_UUID)
      await remove(null, UNKNOWN_ID)
      await remove(null, topicId)
    }))

  test('to versions and names it does not take', () =>
    compare(async (broker) => {
      const named = {
        clientSoftwareName: 'kafkawire',
        clientSoftwareVersion: '1',
        clusterId: null,
        nodeId: -1,
      }
      const { apiKeys } = await broker.quietly(apiVersions, 4, named)
      const ours = [...routesByKey.keys()]
      broker.keep(
        'ranges',
        apiKeys
          .filter(({ apiKey }) => ours.includes(apiKey))
          .toSorted((a, b) => a.apiKey - b.apiKey),
      )
      await broker.ask(apiVersions, 3, { ...named, clientSoftwareName: '-' })
      const unknown = await broker.other()
      const frame = Buffer.from('000000090012006300000007ffff00', 'hex')
      frame.writeInt32BE(frame.length - 4, 0)
      unknown.socket.write(frame)
      broker.keep('v99', await unknown.receive(apiVersions, 0, 7))
      unknown.close()
      for (const bytes of [
        '0000000a7fff000000000001ffff',
        '0000000e0000000200000001ffff0001000003e8',
        '7fffffff',
      ]) {
        const client = await broker.other()
        client.socket.write(Buffer.from(bytes, 'hex'))
        await client.closed
        broker.keep('closed', bytes)
      }
    }))
})
