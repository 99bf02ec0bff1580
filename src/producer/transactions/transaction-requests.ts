// The requests of a transactional producer to its coordinators, one attempt each. What a response says is
// returned as an error code; what to do about it is for transaction-lifecycle.ts.

import type { Cluster } from '../../cluster/cluster.ts'
import { CoordinatorClient } from '../../cluster/coordinator-client.ts'
import type { Api } from '../../protocol/api.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { addOffsetsToTxn } from '../../protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../protocol/messages/add-partitions-to-txn.ts'
import { endTxn } from '../../protocol/messages/end-txn.ts'
import { initProducerId } from '../../protocol/messages/init-producer-id.ts'
import { txnOffsetCommit } from '../../protocol/messages/txn-offset-commit.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { ConsumerGroupMetadata, TopicPartition, TransactionOffsets } from '../../types.ts'
import { noProducerId } from '../idempotence/producer-id-request.ts'
import type { ProducerIdentity } from '../idempotence/producer-identity.ts'
import { worst } from './coordinator-error-table.ts'

export interface Attempt {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Who a producer is. */
export interface ProducerIdAndEpoch {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface InitAnswer extends ProducerIdAndEpoch {
  readonly errorCode: number
  /** Whether the coordinator can raise the epoch of a producer that it knows. */
  readonly canBump: boolean
}

/** An offset, with the id of its topic if that is known. */
export type OffsetInTransaction = TransactionOffsets['offsets'][number]

const noIdentity: ProducerIdAndEpoch = { producerId: -1n, producerEpoch: -1 }

/** From here on InitProducerId takes the identity held so far (KIP-360). */
const FIRST_INIT_WITH_IDENTITY = 3
/** From here on these versions speak the protocol of KIP-890. */
const kip890 = { endTxn: 5, txnOffsetCommit: 5 }
/** v4 is for brokers. */
const MOST_ADD_PARTITIONS = 3

export class TransactionRequests {
  private readonly cluster: Cluster
  private readonly producer: ProducerIdentity
  private readonly transactionalId: string
  private readonly coordinator: CoordinatorClient
  /** The coordinator that was asked last: the transaction's, or that of a group. */
  private asked: CoordinatorClient

  constructor(cluster: Cluster, producer: ProducerIdentity, transactionalId: string) {
    this.cluster = cluster
    this.producer = producer
    this.transactionalId = transactionalId
    this.coordinator = new CoordinatorClient(cluster, transactionalId, 'transaction')
    this.asked = this.coordinator
  }

  /** The broker that was asked last; -1: none yet. */
  get askedNode(): number {
    return this.asked.askedNode
  }

  /** @param kind a first id fences the producer that had the transactional id; a bump gives ours its next epoch */
  async initProducerId(
    kind: 'first' | 'bump',
    transactionTimeoutMs: number,
    attempt: Attempt,
  ): Promise<InitAnswer> {
    const { transactionalId } = this
    let canBump = false
    const response = await this.ask(
      initProducerId,
      (version) => {
        canBump = version >= FIRST_INIT_WITH_IDENTITY
        const identity = kind === 'bump' ? this.identity : noIdentity
        return {
          transactionalId,
          transactionTimeoutMs,
          ...identity,
          enable2Pc: false,
          keepPreparedTxn: false,
        }
      },
      attempt,
    )
    if (response.errorCode === errorCodes.NONE && response.producerId < 0n) throw noProducerId()
    return { ...response, canBump }
  }

  /** What the response leaves out may not have been done: nothing is written to it before it is added. */
  async addPartitions(partitions: readonly TopicPartition[], attempt: Attempt): Promise<number> {
    const { producerId, producerEpoch } = this.identity
    const topics = byTopic(partitions).map(([name, ofTopic]) => ({
      name,
      topicId: ZERO_UUID,
      partitions: ofTopic.map(({ partition }) => partition),
    }))
    const body = {
      transactions: [],
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: topics,
    }
    const response = await this.ask(addPartitionsToTxn, () => body, attempt, MOST_ADD_PARTITIONS)
    const codes = new Map<string, number>()
    for (const { name, resultsByPartition } of response.resultsByTopicV3AndBelow) {
      for (const { partitionIndex, partitionErrorCode } of resultsByPartition) {
        codes.set(`${name}-${partitionIndex}`, partitionErrorCode)
      }
    }
    return worst('addPartitionsToTxn', [
      response.errorCode,
      ...partitions.map((each) => codeOf(codes, each)),
    ])
  }

  async addOffsets(groupId: string, attempt: Attempt): Promise<number> {
    const { transactionalId } = this
    const body = { transactionalId, ...this.identity, groupId }
    return (await this.ask(addOffsetsToTxn, () => body, attempt)).errorCode
  }

  /** The code of each partition. What the response leaves out may not have been done. */
  async commitOffsets(
    offsets: readonly OffsetInTransaction[],
    group: ConsumerGroupMetadata,
    usesVersion2: boolean,
    attempt: Attempt,
  ): Promise<ReadonlyMap<OffsetInTransaction, number>> {
    const topics = byTopic(offsets).map(([name, ofTopic]) => ({
      name,
      topicId: ofTopic[0].topicId ?? ZERO_UUID,
      partitions: ofTopic.map(({ partition, offset, leaderEpoch, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch ?? -1,
        committedMetadata: metadata ?? '',
      })),
    }))
    const { groupId, generationId, memberId, groupInstanceId } = group
    const body = {
      transactionalId: this.transactionalId,
      ...this.identity,
      groupId,
      generationIdOrMemberEpoch: generationId,
      memberId,
      groupInstanceId,
      topics,
    }
    // Later versions name topics by their ids alone: one that was created again takes no offset of before.
    const hasIds = topics.every(({ topicId }) => topicId !== ZERO_UUID)
    const byName = kip890.txnOffsetCommit - (usesVersion2 ? 0 : 1)
    const most = hasIds && usesVersion2 ? undefined : byName
    const nameOfId = new Map(topics.map(({ topicId, name }) => [topicId, name]))
    const response = await this.ask(txnOffsetCommit, () => body, attempt, most, group.groupId)
    const codes = new Map<string, number>()
    for (const { name, topicId, partitions } of response.topics) {
      const topic = topicId === ZERO_UUID ? name : nameOfId.get(topicId)
      for (const { partitionIndex, errorCode } of partitions) {
        codes.set(`${topic}-${partitionIndex}`, errorCode)
      }
    }
    return new Map(offsets.map((entry) => [entry, codeOf(codes, entry)]))
  }

  /** With KIP-890 `next` is the identity of the next transaction. */
  async endTxn(
    committed: boolean,
    usesVersion2: boolean,
    attempt: Attempt,
  ): Promise<{ errorCode: number; next: ProducerIdAndEpoch | null }> {
    const body = { transactionalId: this.transactionalId, ...this.identity, committed }
    const most = usesVersion2 ? undefined : kip890.endTxn - 1
    const { errorCode, producerId, producerEpoch } = await this.ask(
      endTxn,
      () => body,
      attempt,
      most,
    )
    return { errorCode, next: producerId < 0n ? null : { producerId, producerEpoch } }
  }

  /** The broker that was asked last does not coordinate: it is looked up before the next attempt. */
  forgetCoordinator(): void {
    this.asked.forgetLast()
  }

  private get identity(): ProducerIdAndEpoch {
    const { producerId, epoch: producerEpoch } = this.producer
    return { producerId, producerEpoch }
  }

  private async ask<Q, A>(
    api: Api<Q, A>,
    body: (version: number) => Q,
    attempt: Attempt,
    maxVersion?: number,
    groupId: string | null = null,
  ): Promise<A> {
    this.asked = groupId === null ? this.coordinator : new CoordinatorClient(this.cluster, groupId)
    const { response } = await this.asked.request(api, body, {
      ...attempt,
      ...(maxVersion !== undefined && { maxVersion }),
    })
    return response
  }
}

/** @param codes by topic and partition */
function codeOf(codes: ReadonlyMap<string, number>, { topic, partition }: TopicPartition): number {
  return codes.get(`${topic}-${partition}`) ?? errorCodes.REQUEST_TIMED_OUT
}

function byTopic<T extends TopicPartition>(partitions: readonly T[]): [string, T[]][] {
  const topics = new Map<string, T[]>()
  for (const entry of partitions) {
    const ofTopic = topics.get(entry.topic)
    if (ofTopic === undefined) topics.set(entry.topic, [entry])
    else ofTopic.push(entry)
  }
  return [...topics]
}
