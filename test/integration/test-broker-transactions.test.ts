// What keeps the test broker honest, part four: transactions, with KIP-890 and as they were before it.

import { expect, test } from 'vitest'
import { addOffsetsToTxn } from '../../src/protocol/messages/add-offsets-to-txn.ts'
import {
  type AddPartitionsToTxnTopic,
  addPartitionsToTxn,
} from '../../src/protocol/messages/add-partitions-to-txn.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { describeTransactions } from '../../src/protocol/messages/describe-transactions.ts'
import { endTxn } from '../../src/protocol/messages/end-txn.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import {
  type InitProducerIdResponse,
  initProducerId,
} from '../../src/protocol/messages/init-producer-id.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { listTransactions } from '../../src/protocol/messages/list-transactions.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { txnOffsetCommit } from '../../src/protocol/messages/txn-offset-commit.ts'
import { decodeBatches } from '../../src/records/decode-batch.ts'
import { describeReal } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { fetchFrom, fetchPartition, produceTo, sequenced } from '../testing/requests.ts'
import { bothBrokers, type Witness } from './broker-witness.ts'

const TRANSACTIONAL = 0x10
const NOT_FOUND = 105
/** A batch much older than the markers would get a segment of its own, where reads end. */
const now = BigInt(Date.now())

/** One transactional producer, by hand. */
class Transactions {
  readonly transactionalId: string
  producerId = -1n
  producerEpoch = -1
  private readonly broker: Witness

  constructor(broker: Witness) {
    this.broker = broker
    this.transactionalId = broker.name('transactional')
  }

  /** Waits until the coordinator is there. */
  async ready(): Promise<this> {
    await waitUntil('there is a coordinator', async () => {
      const ask = { key: '', keyType: 1, coordinatorKeys: [this.transactionalId] }
      const { coordinators } = await this.broker.quietly(findCoordinator, 4, ask)
      if (coordinators[0].errorCode !== 0) return false
      if ((await this.stateOf()).errorCode !== NOT_FOUND) return false
      const anyone = {
        transactionalId: null,
        transactionTimeoutMs: 1,
        producerId: -1n,
        producerEpoch: -1,
        enable2Pc: false,
        keepPreparedTxn: false,
      }
      return (await this.broker.quietly(initProducerId, 5, anyone)).errorCode === 0
    })
    return this
  }

  async init(
    expected?: [bigint, number],
    timeout = 60_000,
    version = 5,
  ): Promise<InitProducerIdResponse> {
    const [producerId, producerEpoch] = expected ?? [-1n, -1]
    const answer = await this.broker.ask(initProducerId, version, {
      transactionalId: this.transactionalId,
      transactionTimeoutMs: timeout,
      producerId,
      producerEpoch,
      enable2Pc: false,
      keepPreparedTxn: false,
    })
    if (answer.errorCode === 0) {
      this.producerId = answer.producerId
      this.producerEpoch = answer.producerEpoch
    }
    return answer
  }

  async send(
    topic: string,
    sequence: number,
    fields: { epoch?: number; version?: number; id?: string | null; attributes?: number } = {},
  ): Promise<void> {
    const { epoch = this.producerEpoch, version = 12, attributes = TRANSACTIONAL } = fields
    const times = { baseTimestamp: now, maxTimestamp: now + 1n }
    const records = sequenced(this.producerId, epoch, sequence, 2, { attributes, ...times })
    const { id = this.transactionalId } = fields
    await this.broker.ask(produce, version, produceTo(topic, 0, records, { transactionalId: id }))
  }

  async add(
    topics: AddPartitionsToTxnTopic[],
    version = 3,
    epoch = this.producerEpoch,
  ): Promise<void> {
    await this.broker.ask(addPartitionsToTxn, version, {
      transactions: [],
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: this.producerId,
      v3AndBelowProducerEpoch: epoch,
      v3AndBelowTopics: topics,
    })
  }

  async addOffsets(groupId: string, version = 3): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = this
    const request = { transactionalId, producerId, producerEpoch, groupId }
    await this.broker.ask(addOffsetsToTxn, version, request)
  }

  async commitOffsets(
    groupId: string,
    topic: string,
    version = 5,
    fields: { epoch?: number; generationId?: number; memberId?: string } = {},
  ): Promise<void> {
    const { epoch = this.producerEpoch, generationId = -1, memberId = '' } = fields
    await this.broker.ask(txnOffsetCommit, version, {
      transactionalId: this.transactionalId,
      groupId,
      producerId: this.producerId,
      producerEpoch: epoch,
      generationIdOrMemberEpoch: generationId,
      memberId,
      groupInstanceId: null,
      topics: [
        {
          name: topic,
          topicId: '',
          partitions: [0, 7].map((partitionIndex) => ({
            partitionIndex,
            committedOffset: 42n,
            committedLeaderEpoch: 0,
            committedMetadata: 'metadata',
          })),
        },
      ],
    })
  }

  /** `epoch`: not its own; then its own stays as it is. */
  async end(committed: boolean, version = 5, epoch = this.producerEpoch): Promise<void> {
    const { transactionalId, producerId } = this
    const isOwn = epoch === this.producerEpoch
    const request = { transactionalId, producerId, producerEpoch: epoch, committed }
    const answer = await this.broker.ask(endTxn, version, request)
    if (answer.errorCode !== 0 || version < 5 || !isOwn) return
    this.producerId = answer.producerId
    this.producerEpoch = answer.producerEpoch
  }

  async stateOf() {
    const request = { transactionalIds: [this.transactionalId] }
    return (await this.broker.quietly(describeTransactions, 0, request)).transactionStates[0]
  }

  /** Waits until the markers are written. */
  async ended(): Promise<void> {
    await waitUntil('the transaction is over', async () =>
      /^(Complete|Empty)/.test((await this.stateOf()).transactionState),
    )
  }

  /** What a consumer can see, and the batches without what no two brokers share. */
  async read(topic: string): Promise<void> {
    for (const isolationLevel of [0, 1]) {
      const request = fetchFrom(topic, [fetchPartition(0, 0n)], { isolationLevel })
      const { responses } = await this.broker.quietly(fetch, 12, request)
      const { records, ...rest } = responses[0].partitions[0]
      const batches = await decodeBatches(records ?? Buffer.alloc(0))
      this.broker.keep('read', {
        ...rest,
        batches: batches.map((batch) => ({
          baseOffset: batch.baseOffset,
          lastOffsetDelta: batch.lastOffsetDelta,
          attributes: batch.attributes,
          producerId: batch.producerId,
          producerEpoch: batch.producerEpoch,
          baseSequence: batch.baseSequence,
          keys: (batch.attributes & 0x20) === 0 ? [] : batch.records.map(({ key }) => key),
        })),
      })
      const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }]
      const topics = [{ name: topic, partitions }]
      await this.broker.ask(listOffsets, 7, { replicaId: -1, isolationLevel, topics, timeoutMs: 0 })
    }
  }

  async committed(groupId: string, topic: string): Promise<void> {
    for (const requireStable of [false, true]) {
      const asked = { name: topic, topicId: '', partitionIndexes: [0] }
      const groups = [{ groupId, memberId: null, memberEpoch: -1, topics: [asked] }]
      await this.broker.ask(offsetFetch, 9, { groupId: '', topics: [], groups, requireStable })
    }
  }

  async describe(): Promise<void> {
    const state = await this.stateOf()
    this.broker.keep('transaction', {
      ...state,
      transactionStartTimeMs: state.transactionStartTimeMs > 0n,
    })
  }
}

describeReal('the test broker ends transactions as Apache Kafka does', () => {
  const { compare } = bothBrokers()

  test('when the broker adds partitions and each end raises the epoch', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const mine = await new Transactions(broker).ready()
      await mine.init()
      const first = mine.producerId
      await mine.init()
      await mine.init([first, 1])
      await mine.init([first, 1])
      await mine.init([first, 0])
      await mine.init([first, 0], 60_000, 3)
      await mine.init([first + 1000n, 0])
      await mine.init([first, -1])
      await mine.init(undefined, 0)
      await mine.init(undefined, 900_001)
      expect(mine.producerEpoch).toBe(2)

      // Nothing was written.
      await mine.end(true)
      await mine.end(true, 4)
      await mine.end(false, 4)
      await mine.end(false)
      await mine.ended()
      await mine.describe()
      await mine.end(false)
      await mine.ended()

      // Written to, in order and out of it.
      await mine.send(topic, 4)
      await mine.send(topic, 0)
      await mine.send(topic, 2)
      await mine.send(topic, 2)
      await mine.send(topic, 6)
      await mine.send(topic, 4, { id: null })
      await mine.send(topic, 4, { attributes: 0 })
      await mine.send(topic, 0, { epoch: mine.producerEpoch + 1 })
      await mine.send(topic, 0, { epoch: mine.producerEpoch - 1 })
      await mine.describe()
      await mine.read(topic)
      const before = mine.producerEpoch
      await mine.end(true, 5, before + 1)
      await mine.end(true)
      await mine.ended()
      await mine.read(topic)
      await mine.end(true, 5, before)
      await mine.end(false, 5, before)
      await mine.end(true, 5, before - 1)
      await mine.end(true)
      await mine.describe()

      // The next one is aborted.
      await mine.send(topic, 4, { epoch: before })
      await mine.send(topic, 4)
      await mine.send(topic, 0)
      await mine.read(topic)
      const second = mine.producerEpoch
      await mine.end(false)
      await mine.ended()
      await mine.read(topic)
      await mine.end(false, 5, second)
      await mine.end(true, 5, second)
    }))

  test('when a new producer takes over', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const mine = await new Transactions(broker).ready()
      await mine.init()
      const { producerId, producerEpoch } = mine
      await mine.send(topic, 0)
      await mine.init()
      await mine.ended()
      await mine.describe()
      await mine.read(topic)
      await mine.end(true)
      await mine.end(false)
      await mine.end(false, 4)
      mine.producerId = producerId
      mine.producerEpoch = producerEpoch
      await mine.send(topic, 2)
      await mine.init()
      const after = mine.producerEpoch
      mine.producerEpoch = producerEpoch
      await mine.send(topic, 2)
      await mine.end(true, 5)
      await mine.end(true, 1)
      await mine.add([{ name: topic, partitions: [0] }], 3)
      await mine.add([{ name: topic, partitions: [0] }], 1)
      await mine.addOffsets(broker.name('g'))
      await mine.init([producerId, producerEpoch])
      mine.producerEpoch = after
      await mine.send(topic, 0)
      await mine.end(true)
      await mine.ended()
      await mine.read(topic)
    }))

  test('when the client adds partitions and epochs stay', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const none = broker.name('none')
      const mine = await new Transactions(broker).ready()
      await mine.add([{ name: topic, partitions: [0] }])
      await mine.end(true, 4)
      await mine.addOffsets(broker.name('g'))
      await mine.init()
      await mine.send(topic, 0, { version: 11 })
      await mine.send(topic, 0, { version: 10 })
      await mine.send(topic, 0, { version: 11, id: broker.name('another') })
      await mine.end(true, 4)
      await mine.add([
        { name: topic, partitions: [0, 5] },
        { name: none, partitions: [0] },
      ])
      await mine.add([{ name: topic, partitions: [0] }], 3, mine.producerEpoch + 1)
      await mine.add([{ name: topic, partitions: [0] }])
      await mine.add([{ name: topic, partitions: [0] }])
      await mine.describe()
      await mine.send(topic, 3, { version: 11 })
      await mine.send(topic, 5, { version: 10 })
      await mine.end(true, 4, mine.producerEpoch + 1)
      await mine.end(true, 4)
      await mine.ended()
      await mine.end(true, 4)
      await mine.end(false, 4)
      await mine.describe()
      await mine.read(topic)
      await mine.add([{ name: topic, partitions: [0] }])
      await mine.send(topic, 7, { version: 11 })
      await mine.send(topic, 9, { version: 11, epoch: mine.producerEpoch + 1 })
      await mine.end(false, 4)
      await mine.ended()
      await mine.end(false, 4)
      await mine.end(true, 4)
      await mine.read(topic)
      const { producerId, producerEpoch } = mine
      await mine.init([producerId, producerEpoch])
      await mine.add([{ name: topic, partitions: [0] }])
      await mine.send(topic, 9, { version: 11 })
      await mine.send(topic, 0, { version: 11 })
      await mine.end(true, 4)
      await mine.ended()
      await mine.read(topic)
    }))

  test('with the offsets of groups', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const [g, h] = [broker.name('g'), broker.name('h')]
      const mine = await new Transactions(broker).ready()
      await waitUntil('the group has a coordinator', async () => {
        const groups = [{ groupId: g, memberId: null, memberEpoch: -1, topics: null }]
        const ask = { groupId: '', topics: [], groups, requireStable: true }
        const find = { key: '', keyType: 0, coordinatorKeys: [g, h] }
        const found = await broker.quietly(findCoordinator, 4, find)
        if (found.coordinators.some(({ errorCode }) => errorCode !== 0)) return false
        return (await broker.quietly(offsetFetch, 9, ask)).groups[0].errorCode === 0
      })
      await mine.commitOffsets(g, topic)
      await mine.init()

      // KIP-890.
      await mine.commitOffsets(g, topic, 5, { generationId: 3, memberId: 'nobody' })
      await mine.commitOffsets(g, topic, 5, { epoch: mine.producerEpoch + 1 })
      await mine.commitOffsets(g, topic)
      await mine.committed(g, topic)
      await mine.describe().then(() => broker.answers.pop())
      await mine.end(false)
      await mine.ended()
      await mine.committed(g, topic)
      await mine.commitOffsets(g, topic)
      await mine.commitOffsets(g, topic, 5, { epoch: mine.producerEpoch - 1 })
      await mine.end(true)
      await mine.ended()
      await mine.committed(g, topic)

      // Before it.
      await mine.init()
      await mine.commitOffsets(h, topic, 4)
      await mine.commitOffsets(h, topic, 3)
      await mine.addOffsets(h)
      await mine.commitOffsets(h, topic, 3)
      await mine.commitOffsets(h, topic, 3, { generationId: 1, memberId: 'nobody' })
      await mine.committed(h, topic)
      await mine.end(true, 4)
      await mine.ended()
      await mine.committed(h, topic)
    }))

  test('and lists them', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const mine = await new Transactions(broker).ready()
      await mine.init()
      const ask = async (fields: object): Promise<void> => {
        await broker.ask(listTransactions, 2, {
          stateFilters: [],
          producerIdFilters: [],
          durationFilter: -1n,
          transactionalIdPattern: `${mine.transactionalId}.*`,
          ...fields,
        })
      }
      await ask({ durationFilter: 600_000n })
      await mine.send(topic, 0)
      await ask({})
      await ask({ stateFilters: ['Ongoing', 'Nonsense', 'Nonsense'] })
      await ask({ stateFilters: ['Empty'] })
      await ask({ producerIdFilters: [mine.producerId], transactionalIdPattern: null })
      await ask({ durationFilter: 600_000n })
      await mine.end(true)
      await mine.ended()
      await ask({})
      const { finalizedFeatures } = await broker.quietly(apiVersions, 4, {
        clientSoftwareName: 'a',
        clientSoftwareVersion: '1',
        clusterId: null,
        nodeId: -1,
      })
      broker.keep(
        'features',
        finalizedFeatures.filter(({ name }) => name === 'transaction.version'),
      )
    }))
})
