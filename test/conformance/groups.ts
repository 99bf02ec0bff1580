// Classic groups, consumer groups (KIP-848), streams groups (KIP-1071), and committed offsets.

import { consumerGroupDescribe } from '../../src/protocol/messages/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/consumer-group-heartbeat.ts'
import { deleteGroups } from '../../src/protocol/messages/delete-groups.ts'
import { describeGroups } from '../../src/protocol/messages/describe-groups.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { joinGroup } from '../../src/protocol/messages/join-group.ts'
import { leaveGroup } from '../../src/protocol/messages/leave-group.ts'
import { listGroups } from '../../src/protocol/messages/list-groups.ts'
import { offsetCommit } from '../../src/protocol/messages/offset-commit.ts'
import { offsetDelete } from '../../src/protocol/messages/offset-delete.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import { streamsGroupDescribe } from '../../src/protocol/messages/streams-group-describe.ts'
import { streamsGroupHeartbeat } from '../../src/protocol/messages/streams-group-heartbeat.ts'
import { streamsGroupTopologyDescriptionUpdate } from '../../src/protocol/messages/streams-group-topology-description-update.ts'
import { syncGroup } from '../../src/protocol/messages/sync-group.ts'
import { type Conversation, newUuid } from './conversation.ts'
import type { TestTopic } from './topics.ts'

/** Groups of the calls below. */
export const groupIds = ['classic', 'offsets', 'modern', 'streams'] as const

export async function classicGroupCalls(talk: Conversation): Promise<void> {
  const groupId = 'classic'
  const joining = (memberId: string) => ({
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId,
    groupInstanceId: null,
    protocolType: 'conformance',
    protocols: [{ name: 'one', metadata: Buffer.from('metadata') }],
    reason: 'conformance',
  })
  const first = await talk.call(joinGroup, joining(''), ['MEMBER_ID_REQUIRED'])
  const joined =
    first?.errorCode === 0 ? first : await talk.call(joinGroup, joining(first?.memberId ?? ''))
  const { memberId = '', generationId = -1 } = joined ?? {}
  const member = { groupId, generationId, memberId, groupInstanceId: null }
  await talk.call(syncGroup, {
    ...member,
    protocolType: 'conformance',
    protocolName: 'one',
    assignments: [{ memberId, assignment: Buffer.from('assignment') }],
  })
  await talk.call(heartbeat, member)
  await talk.call(describeGroups, (version) => ({
    groups: [groupId],
    includeAuthorizedOperations: version >= 3,
  }))
  await talk.call(listGroups, (version) => ({
    statesFilter: version >= 4 ? ['Stable'] : [],
    typesFilter: version >= 5 ? ['classic'] : [],
  }))
  await talk.call(leaveGroup, (version) => ({
    groupId,
    memberId: version >= 3 ? '' : memberId,
    members: version >= 3 ? [{ memberId, groupInstanceId: null, reason: 'done' }] : [],
  }))
}

export async function offsetCalls(talk: Conversation, topic: TestTopic): Promise<void> {
  const { name, topicId } = topic
  const groupId = 'offsets'
  await talk.call(offsetCommit, {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1n,
    topics: [
      {
        name,
        topicId,
        partitions: [
          {
            partitionIndex: 0,
            committedOffset: 2n,
            committedLeaderEpoch: 0,
            committedMetadata: 'm',
          },
        ],
      },
    ],
  })
  const partitionIndexes = [0, 1]
  await talk.call(offsetFetch, (version) => ({
    groupId: version >= 8 ? '' : groupId,
    topics: version >= 8 ? [] : [{ name, partitionIndexes }],
    groups:
      version >= 8
        ? [
            {
              groupId,
              memberId: null,
              memberEpoch: -1,
              topics: [{ name, topicId, partitionIndexes }],
            },
          ]
        : [],
    requireStable: version >= 7,
  }))
  await talk.call(offsetDelete, {
    groupId,
    topics: [{ name, partitions: [{ partitionIndex: 0 }] }],
  })
  await talk.call(deleteGroups, { groupsNames: [groupId] }, ['GROUP_ID_NOT_FOUND'])
}

export async function consumerGroupCalls(talk: Conversation, topic: TestTopic): Promise<void> {
  const groupId = 'modern'
  let member = { memberId: newUuid(), memberEpoch: 0 }
  // A broker that offers the API may have it switched off.
  const off = ['UNSUPPORTED_VERSION'] as const
  await talk.callUntil(
    consumerGroupHeartbeat,
    () => ({
      groupId,
      ...member,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 30_000,
      subscribedTopicNames: [topic.name],
      subscribedTopicRegex: null,
      serverAssignor: 'uniform',
      topicPartitions: [],
    }),
    (answer) => {
      const { memberId, memberEpoch, assignment, errorCode } = answer
      member = { memberId: memberId ?? member.memberId, memberEpoch }
      return errorCode !== 0 || (assignment?.topicPartitions.length ?? 0) > 0
    },
    off,
  )
  await talk.call(
    consumerGroupDescribe,
    (version) => ({
      groupIds: [groupId],
      includeAuthorizedOperations: true,
      includeTopologyDescription: version >= 1,
    }),
    off,
  )
  const node = {
    name: 'KSTREAM-SOURCE-0000000000',
    nodeType: 1,
    sourceTopics: [topic.name],
    sinkTopic: null,
    stores: [],
    successors: [],
  }
  await talk.call(
    streamsGroupTopologyDescriptionUpdate,
    {
      groupId,
      memberId: newUuid(),
      topologyEpoch: 0,
      topologyDescription: {
        subtopologies: [{ subtopologyId: '0', nodes: [node] }],
        globalStores: [],
      },
    },
    [...off, 'UNKNOWN_MEMBER_ID', 'STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED', 'INVALID_REQUEST'],
  )
}

export async function streamsGroupCalls(talk: Conversation, topic: TestTopic): Promise<void> {
  const groupId = 'streams'
  const none = { sourceTopicRegex: [], repartitionSinkTopics: [], repartitionSourceTopics: [] }
  const off = ['UNSUPPORTED_VERSION'] as const
  await talk.call(
    streamsGroupHeartbeat,
    {
      groupId,
      memberId: newUuid(),
      memberEpoch: 0,
      endpointInformationEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 30_000,
      topology: {
        epoch: 0,
        subtopologies: [
          {
            ...none,
            subtopologyId: '0',
            sourceTopics: [topic.name],
            stateChangelogTopics: [
              { name: 'store-changelog', partitions: 0, replicationFactor: 1, topicConfigs: [] },
            ],
            copartitionGroups: [],
          },
        ],
      },
      activeTasks: [],
      standbyTasks: [],
      warmupTasks: [],
      processId: newUuid(),
      userEndpoint: { host: 'localhost', port: 1 },
      clientTags: [{ key: 'zone', value: 'a' }],
      taskOffsets: null,
      taskEndOffsets: null,
      shutdownApplication: false,
    },
    off,
  )
  await talk.call(
    streamsGroupDescribe,
    (version) => ({
      groupIds: [groupId],
      includeAuthorizedOperations: true,
      includeTopologyDescription: version >= 1,
    }),
    off,
  )
  const node = {
    name: 'KSTREAM-SOURCE-0000000000',
    nodeType: 1,
    sourceTopics: [topic.name],
    sinkTopic: null,
    stores: [],
    successors: [],
  }
  await talk.call(
    streamsGroupTopologyDescriptionUpdate,
    {
      groupId,
      memberId: newUuid(),
      topologyEpoch: 0,
      topologyDescription: {
        subtopologies: [{ subtopologyId: '0', nodes: [node] }],
        globalStores: [],
      },
    },
    [...off, 'UNKNOWN_MEMBER_ID', 'STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED', 'INVALID_REQUEST'],
  )
}
