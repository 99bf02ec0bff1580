// What keeps the test broker honest, part nine: requests about what does not exist, what is named twice or not at
// all, and what the principal may do.

import { test } from 'vitest'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { createTopics } from '../../src/protocol/messages/create-topics.ts'
import { deleteTopics } from '../../src/protocol/messages/delete-topics.ts'
import { describeCluster } from '../../src/protocol/messages/describe-cluster.ts'
import { describeGroups } from '../../src/protocol/messages/describe-groups.ts'
import { describeProducers } from '../../src/protocol/messages/describe-producers.ts'
import { describeTopicPartitions } from '../../src/protocol/messages/describe-topic-partitions.ts'
import { electLeaders } from '../../src/protocol/messages/elect-leaders.ts'
import { type MetadataResponse, metadata } from '../../src/protocol/messages/metadata.ts'
import { shareGroupDescribe } from '../../src/protocol/messages/share-group-describe.ts'
import { shareGroupHeartbeat } from '../../src/protocol/messages/share-group-heartbeat.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { describeReal } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { bothBrokers, type Witness } from './broker-witness.ts'

const UNKNOWN_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const MEMBER = 'AAAAAAAAAAAAAAAAAAAAAA'

describeReal('the test broker answers as Apache Kafka does', () => {
  const { compare } = bothBrokers()

  test('to Metadata of topics by name and by id, once, twice and mixed', () =>
    compare(async (broker) => {
      const { topic, topicId } = await broker.topic('t')
      const none = broker.name('none')
      const ask = async (version: number, ...topics: [string | null, string][]) => {
        const answer = await broker.quietly(
          metadata,
          version,
          metadata.request({
            topics: topics.map(([name, id]) => ({ name, topicId: id })),
            allowAutoTopicCreation: false,
            includeTopicAuthorizedOperations: true,
            includeClusterAuthorizedOperations: version <= 10,
          }),
        )
        keepTopics(broker, answer)
      }
      await ask(
        8,
        [topic, ZERO_UUID],
        [topic, ZERO_UUID],
        [none, ZERO_UUID],
        ['no good', ZERO_UUID],
      )
      await ask(10, [none, ZERO_UUID], [none, ZERO_UUID])
      await ask(12, [null, topicId], [topic, ZERO_UUID], [null, ZERO_UUID])
      await ask(13, [null, topicId], [null, topicId], [null, UNKNOWN_ID], [none, ZERO_UUID])
    }))

  test('to DescribeTopicPartitions from each place', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t', 3)
      const none = broker.name('z-none')
      const names = [topic, none, 'no good', topic]
      const ask = async (limit: number, topicName?: string, partitionIndex = 0) => {
        const cursor = topicName === undefined ? null : { topicName, partitionIndex }
        const topics = names.map((name) => ({ name }))
        const request = { topics, responsePartitionLimit: limit, cursor }
        await broker.ask(describeTopicPartitions, 0, request)
      }
      for (const limit of [0, 1, 2, 2000]) await ask(limit)
      for (const index of [-1, 0, 1, 2, 9]) await ask(2, topic, index)
      for (const name of [none, 'no good', 'elsewhere']) await ask(2, name)
    }))

  test('to ApiVersions that mean another broker, or name half of one (KIP-1242)', () =>
    compare(async (broker) => {
      const software = { clientSoftwareName: 'kafkawire', clientSoftwareVersion: '1' }
      for (const meant of [
        { clusterId: null, nodeId: 1 },
        { clusterId: 'elsewhere', nodeId: -1 },
        { clusterId: 'elsewhere', nodeId: 1 },
      ]) {
        await broker.ask(apiVersions, 5, { ...software, ...meant })
      }
    }))

  test('about what may be done', () =>
    compare(async (broker) => {
      for (const endpointType of [0, 1, 2, 3]) {
        const fields = { endpointType, includeClusterAuthorizedOperations: true }
        const answer = await broker.quietly(describeCluster, 1, describeCluster.request(fields))
        const { clusterId: _, errorMessage, ...rest } = answer
        broker.keep('DescribeCluster', { ...rest, words: errorMessage })
      }
      const { topic } = await broker.topic('t')
      const groupId = broker.name('g')
      const join = { groupId, memberId: MEMBER, subscribedTopicNames: [topic] }
      await waitUntil('the group has its member', async () => {
        const answer = await broker.quietly(
          shareGroupHeartbeat,
          1,
          shareGroupHeartbeat.request(join),
        )
        return answer.errorCode === 0
      })
      for (const includeAuthorizedOperations of [true, false])
        for (const id of [groupId, broker.name('none')]) {
          const options = { includeAuthorizedOperations }
          const old = describeGroups.request({ groups: [id], ...options })
          for (const version of [5, 6]) await broker.ask(describeGroups, version, old)
          const request = shareGroupDescribe.request({ groupIds: [id], ...options })
          const { groups } = await broker.quietly(shareGroupDescribe, 1, request)
          const { errorCode, authorizedOperations } = groups[0]
          broker.keep('ShareGroupDescribe', { errorCode, authorizedOperations })
        }
    }))

  test('to topics and partitions that do not exist', () =>
    compare(async (broker) => {
      const { topic, topicId } = await broker.topic('t')
      const none = broker.name('none')
      const keep = (what: string, answer: unknown) =>
        broker.keep(what, broker.words(JSON.stringify(answer)))
      for (const name of [topic, none, '', 'no good']) {
        const topics = [{ name, partitionIndexes: [0, 7] }]
        const { topics: described } = await broker.quietly(describeProducers, 0, { topics })
        keep('DescribeProducers', described)
        const topicPartitions = [{ topic: name, partitions: [0, 7] }]
        for (const electionType of [0, 1]) {
          const request = { electionType, topicPartitions, timeoutMs: 5000 }
          const { replicaElectionResults } = await broker.quietly(electLeaders, 2, request)
          keep('ElectLeaders', replicaElectionResults)
        }
      }
      const wrong = { electionType: 2, topicPartitions: null, timeoutMs: 5000 }
      await broker.ask(electLeaders, 2, wrong)
      const neither = { name: null, topicId: ZERO_UUID }
      const topics = [neither, neither, { name: none, topicId: ZERO_UUID }]
      const byId = [
        { name: null, topicId: UNKNOWN_ID },
        { name: topic, topicId },
      ]
      for (const asked of [topics, byId]) {
        const request = deleteTopics.request({ topics: asked, timeoutMs: 5000 })
        const { responses } = await broker.quietly(deleteTopics, 6, request)
        const texts = responses.map(({ errorCode, errorMessage }) => `${errorCode} ${errorMessage}`)
        broker.keep('DeleteTopics', texts.sort())
      }
      const nothing = { name: none, numPartitions: 0, replicationFactor: 0 }
      for (const fields of [{}, { numPartitions: 1 }, { replicationFactor: 1 }]) {
        const request = { topics: [{ ...nothing, ...fields }], validateOnly: true, timeoutMs: 5000 }
        await broker.ask(createTopics, 7, createTopics.request(request))
      }
      const planned = { topics: [{ name: none, numPartitions: 1, replicationFactor: 1 }] }
      const plan = createTopics.request({ ...planned, validateOnly: true, timeoutMs: 5000 })
      const answer = await broker.quietly(createTopics, 7, plan)
      broker.keep('has an id', answer.topics[0].topicId !== ZERO_UUID)
    }))
})

/** Topics come in no order. */
function keepTopics(broker: Witness, { topics, clusterAuthorizedOperations }: MetadataResponse) {
  const sorted = topics.toSorted((a, b) => `${a.errorCode}`.localeCompare(`${b.errorCode}`))
  broker.keep('Metadata', { topics: sorted, clusterAuthorizedOperations })
}
