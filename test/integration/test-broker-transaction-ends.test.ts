// What keeps the test broker honest, part eight: EndTxn and InitProducerId that repeat, follow or interrupt an
// end, each in the versions from before KIP-890 (4) and since (5).

import { test } from 'vitest'
import { addPartitionsToTxn } from '../../src/protocol/messages/add-partitions-to-txn.ts'
import { describeTransactions } from '../../src/protocol/messages/describe-transactions.ts'
import { type EndTxnResponse, endTxn } from '../../src/protocol/messages/end-txn.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'
import { txnOffsetCommit } from '../../src/protocol/messages/txn-offset-commit.ts'
import { describeReal } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { bothBrokers, type Witness } from './broker-witness.ts'

const CONCURRENT_TRANSACTIONS = 51
const nobody: readonly [bigint, number] = [-1n, -1]

/** The owner of one transactional id, whose epoch can be stated relative to its own. */
class Owner {
  producerId = -1n
  producerEpoch = -1
  private readonly broker: Witness
  private readonly topic: string
  private readonly transactionalId: string

  constructor(broker: Witness, topic: string) {
    this.broker = broker
    this.topic = topic
    this.transactionalId = broker.name('transactional')
  }

  /** An owner of epoch 2 with a transaction. */
  static async begin(broker: Witness, topic: string): Promise<Owner> {
    const owner = new Owner(broker, topic)
    await waitUntil('there is a coordinator', async () => {
      const ask = { key: '', keyType: 1, coordinatorKeys: [owner.transactionalId] }
      return (await broker.quietly(findCoordinator, 4, ask)).coordinators[0].errorCode === 0
    })
    await owner.init(nobody)
    await owner.init(owner.at(0))
    await owner.init(owner.at(0))
    await owner.add()
    return owner
  }

  at(epochs: number): readonly [bigint, number] {
    return [this.producerId, this.producerEpoch + epochs]
  }

  /** InitProducerId, again while the transaction that it ended is still being ended. */
  async init(expected: readonly [bigint, number]): Promise<void> {
    await waitUntil('the producer has an answer', async () => {
      return (await this.initOnce(expected)) !== CONCURRENT_TRANSACTIONS
    })
  }

  async initOnce([producerId, producerEpoch]: readonly [bigint, number]): Promise<number> {
    const { transactionalId } = this
    const request = { transactionalId, transactionTimeoutMs: 60_000, producerId, producerEpoch }
    const answer = await this.broker.quietly(initProducerId, 5, initProducerId.request(request))
    if (answer.errorCode === CONCURRENT_TRANSACTIONS) return answer.errorCode
    this.broker.keep('InitProducerId', answer)
    if (answer.errorCode === 0) {
      this.producerId = answer.producerId
      this.producerEpoch = answer.producerEpoch
    }
    return answer.errorCode
  }

  async add(): Promise<void> {
    const request = addPartitionsToTxn.request({
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: this.producerId,
      v3AndBelowProducerEpoch: this.producerEpoch,
      v3AndBelowTopics: [{ name: this.topic, partitions: [0] }],
    })
    await waitUntil('the partition is added', async () => {
      const { resultsByTopicV3AndBelow } = await this.broker.quietly(addPartitionsToTxn, 3, request)
      const { partitionErrorCode } = resultsByTopicV3AndBelow[0].resultsByPartition[0]
      return partitionErrorCode !== CONCURRENT_TRANSACTIONS
    })
  }

  async end(version: number, committed: boolean, epochs = 0): Promise<EndTxnResponse> {
    const [producerId, producerEpoch] = this.at(epochs)
    const request = { transactionalId: this.transactionalId, producerId, producerEpoch, committed }
    const answer = await this.broker.ask(endTxn, version, request)
    await this.ended()
    if (answer.errorCode === 0 && version >= 5) this.producerEpoch = answer.producerEpoch
    return answer
  }

  /** Waits until the markers are written. */
  async ended(): Promise<void> {
    await waitUntil('the transaction is over', async () =>
      /^(Complete|Empty)/.test((await this.state()).transactionState),
    )
  }

  async describe(): Promise<void> {
    await this.ended()
    const { transactionStartTimeMs, ...state } = await this.state()
    this.broker.keep('transaction', { ...state, hasStarted: transactionStartTimeMs > 0n })
  }

  async commitOffsets(groupId: string): Promise<void> {
    const { transactionalId, producerId, producerEpoch, topic } = this
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: 1n }] }]
    const request = { transactionalId, groupId, producerId, producerEpoch, topics }
    await this.broker.ask(txnOffsetCommit, 5, txnOffsetCommit.request(request))
  }

  private async state() {
    const request = { transactionalIds: [this.transactionalId] }
    return (await this.broker.quietly(describeTransactions, 0, request)).transactionStates[0]
  }
}

describeReal('the test broker ends transactions as Apache Kafka does', () => {
  const { compare } = bothBrokers()
  const versions = [4, 5]
  const outcomes = [true, false]

  test.each(versions.flatMap((first) => versions.map((second) => [first, second] as const)))(
    'EndTxn v%i, then v%i',
    (first, second) =>
      compare(async (broker) => {
        const { topic } = await broker.topic('t')
        for (const committed of outcomes)
          for (const commits of outcomes)
            for (const epochs of [0, -1]) {
              const owner = await Owner.begin(broker, topic)
              await owner.end(first, committed)
              await owner.end(second, commits, epochs)
              await owner.end(second, commits, epochs)
              await owner.describe()
            }
      }),
  )

  test('EndTxn, then InitProducerId of the same producer', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      for (const version of versions)
        for (const epochs of [0, -1, -2, 1]) {
          const owner = await Owner.begin(broker, topic)
          await owner.end(version, true)
          await owner.init(owner.at(epochs))
          await owner.init(owner.at(-1))
          await owner.describe()
        }
    }))

  test('InitProducerId while a transaction is open', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      for (const epochs of [0, -1, 1]) {
        const owner = await Owner.begin(broker, topic)
        await owner.init(owner.at(epochs))
        await owner.describe()
        await owner.init(owner.at(-1))
        await owner.init(owner.at(-2))
      }
      for (const committed of outcomes) {
        const owner = await Owner.begin(broker, topic)
        await owner.initOnce(nobody)
        await owner.describe()
        await owner.end(4, committed)
        await owner.end(5, committed)
        await owner.describe()
      }
    }))

  test('a commit of offsets for the group without a name', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const owner = await Owner.begin(broker, topic)
      await owner.commitOffsets('')
    }))
})
