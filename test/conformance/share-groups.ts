// Share groups (KIP-932): a member acquires records and acknowledges them; then offsets, and the state
// that brokers keep for a group among themselves.

import { alterShareGroupOffsets } from '../../src/protocol/messages/alter-share-group-offsets.ts'
import { deleteShareGroupOffsets } from '../../src/protocol/messages/delete-share-group-offsets.ts'
import { deleteShareGroupState } from '../../src/protocol/messages/delete-share-group-state.ts'
import { describeShareGroupOffsets } from '../../src/protocol/messages/describe-share-group-offsets.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/incremental-alter-configs.ts'
import { initializeShareGroupState } from '../../src/protocol/messages/initialize-share-group-state.ts'
import { readShareGroupState } from '../../src/protocol/messages/read-share-group-state.ts'
import { readShareGroupStateSummary } from '../../src/protocol/messages/read-share-group-state-summary.ts'
import { shareAcknowledge } from '../../src/protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import { shareGroupDescribe } from '../../src/protocol/messages/share-group-describe.ts'
import { shareGroupHeartbeat } from '../../src/protocol/messages/share-group-heartbeat.ts'
import { writeShareGroupState } from '../../src/protocol/messages/write-share-group-state.ts'
import { type Conversation, newUuid } from './conversation.ts'
import type { TestTopic } from './topics.ts'

const GROUP = 32
const ACCEPT = 1
const groupId = 'share'

export async function shareGroupCalls(talk: Conversation, topic: TestTopic): Promise<void> {
  if (!talk.isOffered(shareGroupHeartbeat)) return
  const { name, topicId } = topic
  await talk.call(incrementalAlterConfigs, {
    resources: [
      {
        resourceType: GROUP,
        resourceName: groupId,
        configs: [{ name: 'share.auto.offset.reset', configOperation: 0, value: 'earliest' }],
      },
    ],
    validateOnly: false,
  })
  const memberId = newUuid()
  let memberEpoch = 0
  await talk.callUntil(
    shareGroupHeartbeat,
    () => ({ groupId, memberId, memberEpoch, rackId: null, subscribedTopicNames: [name] }),
    (answer) => {
      memberEpoch = answer.memberEpoch
      return (answer.assignment?.topicPartitions.length ?? 0) > 0
    },
  )
  await talk.call(shareGroupDescribe, { groupIds: [groupId], includeAuthorizedOperations: true })
  let shareSessionEpoch = 0
  const fetched = await talk.callUntil(
    shareFetch,
    () => ({
      groupId,
      memberId,
      shareSessionEpoch: shareSessionEpoch++,
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 1_000_000,
      maxRecords: 10,
      batchSize: 10,
      shareAcquireMode: 0,
      isRenewAck: false,
      topics: [{ topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }],
      forgottenTopicsData: [],
    }),
    ({ responses }) => (responses[0]?.partitions[0].acquiredRecords.length ?? 0) > 0,
  )
  const acquired = fetched?.responses[0].partitions[0].acquiredRecords ?? []
  await talk.call(shareAcknowledge, {
    groupId,
    memberId,
    shareSessionEpoch,
    isRenewAck: false,
    topics: [
      {
        topicId,
        partitions: [
          {
            partitionIndex: 0,
            acknowledgementBatches: acquired.map(({ firstOffset, lastOffset }) => ({
              firstOffset,
              lastOffset,
              acknowledgeTypes: [ACCEPT],
            })),
          },
        ],
      },
    ],
  })
  const leaving = { groupId, memberId, memberEpoch: -1, rackId: null, subscribedTopicNames: null }
  await talk.call(shareGroupHeartbeat, leaving)
  await offsetCalls(talk, name)
  await stateCalls(talk, topicId)
}

async function offsetCalls(talk: Conversation, topicName: string): Promise<void> {
  await talk.call(describeShareGroupOffsets, {
    groups: [{ groupId, topics: [{ topicName, partitions: [0] }] }],
  })
  await talk.call(alterShareGroupOffsets, {
    groupId,
    topics: [{ topicName, partitions: [{ partitionIndex: 0, startOffset: 1n }] }],
  })
  await talk.call(deleteShareGroupOffsets, { groupId, topics: [{ topicName }] })
}

/** On a group of nobody: what a group coordinator asks of a share coordinator. */
async function stateCalls(talk: Conversation, topicId: string): Promise<void> {
  const of = <P>(partition: P) => ({
    groupId: 'share-state',
    topics: [{ topicId, partitions: [partition] }],
  })
  await talk.call(initializeShareGroupState, of({ partition: 0, stateEpoch: 1, startOffset: 0n }))
  await talk.call(
    writeShareGroupState,
    of({
      partition: 0,
      stateEpoch: 1,
      leaderEpoch: 0,
      startOffset: 0n,
      deliveryCompleteCount: 0,
      stateBatches: [{ firstOffset: 0n, lastOffset: 1n, deliveryState: 2, deliveryCount: 1 }],
    }),
  )
  await talk.call(readShareGroupState, of({ partition: 0, leaderEpoch: 0 }))
  await talk.call(readShareGroupStateSummary, of({ partition: 0, leaderEpoch: 0 }))
  await talk.call(deleteShareGroupState, of({ partition: 0 }))
}
