// Topics, their settings and partitions, and the cluster as a whole.

import { addRaftVoter } from '../../src/protocol/messages/add-raft-voter.ts'
import { alterConfigs } from '../../src/protocol/messages/alter-configs.ts'
import { alterPartitionReassignments } from '../../src/protocol/messages/alter-partition-reassignments.ts'
import { alterReplicaLogDirs } from '../../src/protocol/messages/alter-replica-log-dirs.ts'
import { createPartitions } from '../../src/protocol/messages/create-partitions.ts'
import { createTopics } from '../../src/protocol/messages/create-topics.ts'
import { deleteTopics } from '../../src/protocol/messages/delete-topics.ts'
import { describeCluster } from '../../src/protocol/messages/describe-cluster.ts'
import { describeConfigs } from '../../src/protocol/messages/describe-configs.ts'
import { describeLogDirs } from '../../src/protocol/messages/describe-log-dirs.ts'
import { describeQuorum } from '../../src/protocol/messages/describe-quorum.ts'
import { describeTopicPartitions } from '../../src/protocol/messages/describe-topic-partitions.ts'
import { electLeaders } from '../../src/protocol/messages/elect-leaders.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/incremental-alter-configs.ts'
import { listConfigResources } from '../../src/protocol/messages/list-config-resources.ts'
import { listPartitionReassignments } from '../../src/protocol/messages/list-partition-reassignments.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { removeRaftVoter } from '../../src/protocol/messages/remove-raft-voter.ts'
import { unregisterBroker } from '../../src/protocol/messages/unregister-broker.ts'
import { unregisterController } from '../../src/protocol/messages/unregister-controller.ts'
import { updateFeatures } from '../../src/protocol/messages/update-features.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { type Conversation, newUuid } from './conversation.ts'

const TOPIC = 2
const BROKER = 4
const GROUP = 32
const timeoutMs = 30_000

export interface TestTopic {
  name: string
  topicId: string
}

/** Makes the topic that all other calls are about. */
export async function makeTopic(talk: Conversation, name: string): Promise<TestTopic> {
  const topic = { name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  const configs = [{ name: 'retention.ms', value: '3600000' }]
  await talk.call(createTopics, {
    topics: [
      { ...topic, configs },
      { ...topic, name: `${name}-gone` },
    ],
    timeoutMs,
    validateOnly: false,
  })
  const answer = await talk.callUntil(
    metadata,
    (version) => ({
      topics: [{ topicId: ZERO_UUID, name }],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: version >= 8 && version <= 10,
      includeTopicAuthorizedOperations: version >= 8,
    }),
    ({ topics }) => topics[0]?.partitions.length === 2,
  )
  return { name, topicId: answer?.topics[0].topicId ?? ZERO_UUID }
}

export async function topicCalls(talk: Conversation, { name }: TestTopic): Promise<void> {
  await talk.call(describeTopicPartitions, {
    topics: [{ name }],
    responsePartitionLimit: 1,
    cursor: null,
  })
  await talk.call(createPartitions, {
    topics: [{ name, count: 3, assignments: null }],
    timeoutMs,
    validateOnly: false,
  })
  await talk.call(describeConfigs, (version) => ({
    resources: [
      { resourceType: TOPIC, resourceName: name, configurationKeys: null },
      { resourceType: BROKER, resourceName: '1', configurationKeys: null },
    ],
    includeSynonyms: true,
    includeDocumentation: version >= 3,
  }))
  await talk.call(alterConfigs, {
    resources: [
      {
        resourceType: TOPIC,
        resourceName: name,
        configs: [{ name: 'retention.ms', value: '7200000' }],
      },
    ],
    validateOnly: false,
  })
  await talk.call(incrementalAlterConfigs, {
    resources: [
      {
        resourceType: TOPIC,
        resourceName: name,
        configs: [{ name: 'retention.ms', configOperation: 0, value: '86400000' }],
      },
    ],
    validateOnly: false,
  })
  await talk.call(listConfigResources, (version) => ({
    resourceTypes: version >= 1 ? [TOPIC, BROKER, GROUP] : [],
  }))
  await talk.call(
    electLeaders,
    { electionType: 0, topicPartitions: [{ topic: name, partitions: [0] }], timeoutMs },
    ['ELECTION_NOT_NEEDED'],
  )
  await talk.call(alterPartitionReassignments, {
    timeoutMs,
    allowReplicationFactorChange: true,
    topics: [{ name, partitions: [{ partitionIndex: 0, replicas: [1] }] }],
  })
  await talk.call(listPartitionReassignments, { timeoutMs, topics: null })
  const dirs = await talk.call(describeLogDirs, { topics: [{ topic: name, partitions: [0] }] })
  // To where it is already: nothing moves.
  const path = dirs?.results[0].logDir ?? ''
  await talk.call(alterReplicaLogDirs, {
    dirs: [{ path, topics: [{ name, partitions: [0] }] }],
  })
  await talk.call(deleteTopics, (version) => ({
    topics: version >= 6 ? [{ name: `${name}-gone`, topicId: ZERO_UUID }] : [],
    topicNames: version >= 6 ? [] : [`${name}-gone`],
    timeoutMs,
  }))
}

export async function clusterCalls(talk: Conversation): Promise<void> {
  await talk.call(describeCluster, (version) => ({
    includeClusterAuthorizedOperations: true,
    endpointType: 1,
    includeFencedBrokers: version >= 2,
  }))
  await talk.call(describeQuorum, {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  })
  // A feature that no broker has.
  await talk.call(
    updateFeatures,
    {
      timeoutMs,
      featureUpdates: [
        { feature: 'no.such.feature', maxVersionLevel: 1, allowDowngrade: false, upgradeType: 1 },
      ],
      validateOnly: false,
    },
    ['INVALID_REQUEST', 'INVALID_UPDATE_VERSION', 'UNSUPPORTED_VERSION'],
  )
  // Nodes that do not exist; the voters of this quorum are fixed besides.
  const refused = ['INVALID_REQUEST', 'UNSUPPORTED_VERSION', 'VOTER_NOT_FOUND'] as const
  await talk.call(unregisterBroker, { brokerId: 99 }, ['BROKER_ID_NOT_REGISTERED', ...refused])
  await talk.call(unregisterController, { controllerId: 99 }, [
    'CONTROLLER_ID_NOT_REGISTERED',
    ...refused,
  ])
  await talk.call(
    addRaftVoter,
    {
      clusterId: null,
      timeoutMs: 1000,
      voterId: 99,
      voterDirectoryId: newUuid(),
      listeners: [{ name: 'CONTROLLER', host: '127.0.0.1', port: 1 }],
      ackWhenCommitted: true,
    },
    refused,
  )
  await talk.call(
    removeRaftVoter,
    { clusterId: null, voterId: 99, voterDirectoryId: newUuid() },
    refused,
  )
}
