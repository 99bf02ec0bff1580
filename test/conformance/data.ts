// Records in and out, and the transactions around them.

import { addOffsetsToTxn } from '../../src/protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../src/protocol/messages/add-partitions-to-txn.ts'
import { deleteRecords } from '../../src/protocol/messages/delete-records.ts'
import { describeProducers } from '../../src/protocol/messages/describe-producers.ts'
import { describeTransactions } from '../../src/protocol/messages/describe-transactions.ts'
import { endTxn } from '../../src/protocol/messages/end-txn.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { listTransactions } from '../../src/protocol/messages/list-transactions.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/offset-for-leader-epoch.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { txnOffsetCommit } from '../../src/protocol/messages/txn-offset-commit.ts'
import { writeTxnMarkers } from '../../src/protocol/messages/write-txn-markers.ts'
import { decodeBatches } from '../../src/records/decode-batch.ts'
import { batch, fetchPartition, produceTo } from '../testing/requests.ts'
import type { Conversation } from './conversation.ts'
import type { TestTopic } from './topics.ts'

const attributeTransactional = 16

/** Writes values and reads them back; answers what was read. */
export async function recordCalls(talk: Conversation, topic: TestTopic): Promise<string[]> {
  const { name, topicId } = topic
  await talk.call(produce, produceTo(name, 0, batch(['a', 'b', 'c']), { topicId }))
  await talk.call(listOffsets, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }] }],
    timeoutMs: 1000,
  })
  await talk.call(offsetForLeaderEpoch, {
    replicaId: -1,
    topics: [
      { topic: name, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] },
    ],
  })
  const answer = await talk.callUntil(
    fetch,
    {
      clusterId: null,
      replicaId: -1,
      replicaState: { replicaId: -1, replicaEpoch: -1n },
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 1_000_000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: 0,
      topics: [{ topic: name, topicId, partitions: [fetchPartition(0, 0n)] }],
      forgottenTopicsData: [],
      rackId: '',
    },
    ({ responses }) => (responses[0]?.partitions[0].records?.length ?? 0) > 0,
  )
  const read = await decodeBatches(answer?.responses[0].partitions[0].records ?? Buffer.alloc(0))
  await talk.call(deleteRecords, {
    topics: [{ name, partitions: [{ partitionIndex: 0, offset: 1n }] }],
    timeoutMs: 5000,
  })
  return read.flatMap(({ records }) => records.map(({ value }) => String(value)))
}

export async function findCoordinators(talk: Conversation, groups: string[]): Promise<void> {
  const find = (keyType: number, key: string) =>
    talk.call(findCoordinator, (version) => ({
      key: version >= 4 ? '' : key,
      keyType,
      coordinatorKeys: version >= 4 ? [key] : [],
    }))
  await find(1, 'tx')
  for (const group of groups) await find(0, group)
}

export async function transactionCalls(talk: Conversation, topic: TestTopic): Promise<void> {
  const { name, topicId } = topic
  const transactionalId = 'tx'
  const owner = await talk.call(initProducerId, {
    transactionalId,
    transactionTimeoutMs: 60_000,
    producerId: -1n,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  })
  if (owner === null) throw new Error('every broker gives out producer ids')
  const { producerId, producerEpoch } = owner
  const topics = [{ name, partitions: [0, 1] }]
  await talk.call(addPartitionsToTxn, (version) =>
    version >= 4
      ? {
          transactions: [{ transactionalId, producerId, producerEpoch, verifyOnly: false, topics }],
          v3AndBelowTransactionalId: '',
          v3AndBelowProducerId: 0n,
          v3AndBelowProducerEpoch: 0,
          v3AndBelowTopics: [],
        }
      : {
          transactions: [],
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: producerEpoch,
          v3AndBelowTopics: topics,
        },
  )
  const stamp = { attributes: attributeTransactional, producerId, producerEpoch, baseSequence: 0 }
  await talk.call(
    produce,
    produceTo(name, 1, batch(['in transaction'], stamp), { topicId, transactionalId }),
  )
  await talk.call(addOffsetsToTxn, { transactionalId, producerId, producerEpoch, groupId: 'tx' })
  await talk.call(txnOffsetCommit, {
    transactionalId,
    groupId: 'tx',
    producerId,
    producerEpoch,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    topics: [
      {
        name,
        topicId,
        partitions: [
          {
            partitionIndex: 0,
            committedOffset: 1n,
            committedLeaderEpoch: -1,
            committedMetadata: 'm',
          },
        ],
      },
    ],
  })
  await talk.call(describeProducers, { topics: [{ name, partitionIndexes: [1] }] })
  await talk.call(describeTransactions, { transactionalIds: [transactionalId] })
  await talk.call(listTransactions, (version) => ({
    stateFilters: [],
    producerIdFilters: [],
    durationFilter: version >= 1 ? 0n : -1n,
    transactionalIdPattern: null,
  }))
  await talk.call(endTxn, { transactionalId, producerId, producerEpoch, committed: true })
  // As a coordinator would abort it: the partition has no transaction of that producer.
  await talk.call(
    writeTxnMarkers,
    {
      markers: [
        {
          producerId: producerId + 1000n,
          producerEpoch: 0,
          transactionResult: false,
          topics: [{ name, partitionIndexes: [2] }],
          coordinatorEpoch: 0,
          transactionVersion: 0,
        },
      ],
    },
    [],
  )
}
