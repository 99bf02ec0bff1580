// What keeps the test broker honest, part eleven: ShareFetch and ShareAcknowledge by hand, of one partition.

import { test } from 'vitest'
import { alterConfigs } from '../../src/protocol/messages/alter-configs.ts'
import { alterShareGroupOffsets } from '../../src/protocol/messages/alter-share-group-offsets.ts'
import { describeShareGroupOffsets } from '../../src/protocol/messages/describe-share-group-offsets.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { shareAcknowledge } from '../../src/protocol/messages/share-acknowledge.ts'
import { type ShareFetchRequest, shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import { shareGroupDescribe } from '../../src/protocol/messages/share-group-describe.ts'
import { shareGroupHeartbeat } from '../../src/protocol/messages/share-group-heartbeat.ts'
import { describeReal } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { batch } from '../testing/requests.ts'
import { bothBrokers, type Witness } from './broker-witness.ts'

const GROUP = 32
const MEMBERS = ['AAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBA']
const [GAP, ACCEPT, RELEASE, REJECT] = [0, 1, 2, 3]

type Acknowledgement = readonly [first: number, last: number, ...types: number[]]

/** One member with a session on a connection of its own, which the broker ends with the connection. */
class Member {
  private epoch = 0
  private readonly group: ShareGroup
  private readonly memberId: string
  private readonly client: RawClient

  constructor(group: ShareGroup, memberId: string, client: RawClient) {
    this.group = group
    this.memberId = memberId
    this.client = client
  }

  async fetch(
    fields: Partial<ShareFetchRequest> & {
      acknowledge?: Acknowledgement[]
      isQuiet?: boolean
    } = {},
  ): Promise<boolean> {
    const { acknowledge = [], isQuiet = false, ...rest } = fields
    const { broker, groupId, topicId } = this.group
    const partition = { partitionIndex: 0, acknowledgementBatches: toBatches(acknowledge) }
    const isNamed = this.epoch === 0 || acknowledge.length > 0
    const request = shareFetch.request({
      groupId,
      memberId: this.memberId,
      shareSessionEpoch: this.epoch,
      maxWaitMs: 200,
      maxBytes: 1_000_000,
      maxRecords: 500,
      batchSize: 500,
      topics: isNamed ? [{ topicId, partitions: [partition] }] : [],
      ...rest,
    })
    const answer = await this.client.request(shareFetch, 2, request)
    this.follow(answer.errorCode)
    const partitions = answer.responses.flatMap((topic) => topic.partitions)
    if (!isQuiet) {
      const shown = partitions.map(({ records, ...data }) => ({
        ...data,
        any: records?.length !== 0,
      }))
      broker.keep('ShareFetch', { errorCode: answer.errorCode, shown })
    }
    return partitions.some(({ acquiredRecords }) => acquiredRecords.length > 0)
  }

  async acknowledge(...acknowledgements: Acknowledgement[]): Promise<void> {
    const { broker, groupId, topicId } = this.group
    const partition = { partitionIndex: 0, acknowledgementBatches: toBatches(acknowledgements) }
    const request = shareAcknowledge.request({
      groupId,
      memberId: this.memberId,
      shareSessionEpoch: this.epoch,
      topics: [{ topicId, partitions: [partition] }],
    })
    const answer = await this.client.request(shareAcknowledge, 1, request)
    this.follow(answer.errorCode)
    broker.keep('ShareAcknowledge', answer)
  }

  close(): void {
    this.client.close()
  }

  private follow(errorCode: number): void {
    this.epoch = errorCode === 0 ? this.epoch + 1 : 0
  }
}

class ShareGroup {
  readonly broker: Witness
  readonly groupId: string
  readonly topic: string
  readonly topicId: string

  private constructor(broker: Witness, topic: string, topicId: string) {
    this.broker = broker
    this.groupId = broker.name('g')
    this.topic = topic
    this.topicId = topicId
  }

  /** A group that reads a topic from its first record: batches of 3, 2, 1 and 4 records. */
  static async open(broker: Witness): Promise<ShareGroup> {
    const { topic, topicId } = await broker.topic('t')
    for (const values of [['a', 'b', 'c'], ['d', 'e'], ['f'], ['g', 'h', 'i', 'j']])
      await broker.write(topic, 0, batch(values))
    const group = new ShareGroup(broker, topic, topicId)
    const { groupId } = group
    await waitUntil('there is a coordinator', async () => {
      const ask = { key: '', keyType: 0, coordinatorKeys: [groupId] }
      return (await broker.quietly(findCoordinator, 4, ask)).coordinators[0].errorCode === 0
    })
    const configs = [
      { name: 'share.auto.offset.reset', value: 'earliest' },
      { name: 'share.session.timeout.ms', value: '60000' },
    ]
    const resources = [{ resourceType: GROUP, resourceName: groupId, configs }]
    await broker.quietly(alterConfigs, 2, { resources, validateOnly: false })
    for (const memberId of MEMBERS) await group.join(memberId)
    return group
  }

  /** A member with records: their partition needs time to be opened the first time. */
  async member(index: number, maxRecords = 500): Promise<Member> {
    const member = new Member(this, MEMBERS[index], await this.broker.other())
    await waitUntil('there are records', () => member.fetch({ isQuiet: true, maxRecords }))
    return member
  }

  async idle(index: number): Promise<Member> {
    return new Member(this, MEMBERS[index], await this.broker.other())
  }

  /** Keeps the offsets once the group is as far as that. */
  async offsets(startOffset: bigint, lag: bigint): Promise<void> {
    const { broker, groupId, topic } = this
    const topics = [{ topicName: topic, partitions: [0] }]
    await waitUntil('the offsets are stored', async () => {
      const request = { groups: [{ groupId, topics }] }
      const { groups } = await broker.quietly(describeShareGroupOffsets, 1, request)
      const partition = groups[0].topics[0].partitions[0]
      return partition.startOffset === startOffset && partition.lag === lag
    })
  }

  private async join(memberId: string): Promise<void> {
    const fields = { groupId: this.groupId, memberId, subscribedTopicNames: [this.topic] }
    let memberEpoch = 0
    await waitUntil('the member has its partition', async () => {
      const request = shareGroupHeartbeat.request({ ...fields, memberEpoch })
      const answer = await this.broker.quietly(shareGroupHeartbeat, 1, request)
      if (answer.errorCode === 0) memberEpoch = answer.memberEpoch
      return (answer.assignment?.topicPartitions.length ?? 0) > 0
    })
  }
}

describeReal('the test broker answers as Apache Kafka does', () => {
  const { compare } = bothBrokers()

  test('to fetches of a session, and to acknowledgements within them', () =>
    compare(async (broker) => {
      const group = await ShareGroup.open(broker)
      const a = await group.member(0)
      await a.fetch()
      // In a fetch, what is released comes at once or with the next one.
      await a.acknowledge([0, 2, RELEASE])
      await a.fetch()
      await a.fetch({ acknowledge: [[0, 99, ACCEPT]] })
      await a.fetch({ acknowledge: [[50, 99, ACCEPT]] })
      await a.fetch({ acknowledge: [[0, 2, ACCEPT]] })
      const forgottenTopicsData = [{ topicId: group.topicId, partitions: [0] }]
      await a.fetch({ acknowledge: [[3, 4, ACCEPT]], forgottenTopicsData })
      await a.fetch()
      const nobody = new Member(group, '', await broker.other())
      await nobody.fetch()
      await nobody.acknowledge([5, 5, ACCEPT])
      for (const member of [a, nobody]) member.close()
    }))

  test('to acknowledgements in any order and of any records', () =>
    compare(async (broker) => {
      const group = await ShareGroup.open(broker)
      const a = await group.member(0)
      await a.acknowledge([6, 7, ACCEPT, REJECT])
      await group.offsets(0n, 8n)
      await a.acknowledge([0, 1, ACCEPT], [2, 2, GAP], [9, 10, ACCEPT])
      await a.acknowledge([3, 4, RELEASE], [3, 4, ACCEPT])
      await a.acknowledge([3, 4, ACCEPT, 9])
      await a.acknowledge([3, 4, ACCEPT, ACCEPT, ACCEPT])
      await a.acknowledge([0, 4, ACCEPT])
      const b = await group.idle(1)
      await b.acknowledge([5, 5, ACCEPT])
      for (const member of [a, b]) member.close()
    }))

  test('to what no member sends', () =>
    compare(async (broker) => {
      const groupId = broker.name('g')
      await waitUntil('the group has a coordinator', async () => {
        const answer = await broker.quietly(findCoordinator, 6, {
          key: '',
          keyType: 0,
          coordinatorKeys: [groupId],
        })
        return answer.coordinators[0].errorCode === 0
      })
      const idOf = (length: number) => broker.rename('m'.repeat(length), `${length} characters`)
      for (const memberId of [idOf(36), idOf(37)]) {
        const fields = { groupId, memberId, shareSessionEpoch: 5, topics: [] }
        await broker.ask(shareAcknowledge, 2, shareAcknowledge.request(fields))
        for (const memberEpoch of [0, -1]) {
          const subscribedTopicNames = memberEpoch === 0 ? ['x'] : null
          const beat = { groupId, memberId, memberEpoch, subscribedTopicNames }
          const { errorCode } = await broker.quietly(
            shareGroupHeartbeat,
            1,
            shareGroupHeartbeat.request(beat),
          )
          broker.keep(`${memberId.length} ${memberEpoch}`, errorCode)
        }
        const none = { maxWaitMs: 0, minBytes: 0, maxBytes: 0, maxRecords: 0, batchSize: 0 }
        await broker.ask(shareFetch, 2, shareFetch.request({ ...fields, ...none }))
        const wishes = ['maxWaitMs', 'minBytes', 'maxBytes', 'maxRecords', 'batchSize', 'none']
        for (const wish of wishes) {
          const renewal = { ...fields, ...none, isRenewAck: true, [wish]: 1 }
          delete (renewal as Record<string, unknown>).none
          await broker.ask(shareFetch, 2, shareFetch.request(renewal))
        }
      }
      const partition = (partitionIndex: number) => ({ partitionIndex, startOffset: 0n })
      const { topic } = await broker.topic('t')
      const none = broker.name('none')
      for (const topics of [
        [{ topicName: none, partitions: [partition(0)] }],
        [{ topicName: none, partitions: [] }],
        [
          { topicName: none, partitions: [partition(0)] },
          { topicName: none, partitions: [partition(1)] },
        ],
        [{ topicName: topic, partitions: [partition(7)] }],
        [{ topicName: topic, partitions: [partition(0)] }],
      ]) {
        const request = { groupId: broker.name('altered'), topics }
        const { responses } = await broker.quietly(alterShareGroupOffsets, 0, request)
        const shown = responses.map(({ partitions }) => partitions.map((each) => each.errorCode))
        broker.keep('AlterShareGroupOffsets', shown)
        const asked = { groupIds: [request.groupId], includeAuthorizedOperations: false }
        const { groups } = await broker.quietly(shareGroupDescribe, 1, asked)
        broker.keep('the group', [groups[0].errorCode, groups[0].groupState])
      }
    }))

  test('to limits of records, exact and not', () =>
    compare(async (broker) => {
      const group = await ShareGroup.open(broker)
      const a = await group.member(0, 1)
      await a.acknowledge([0, 2, ACCEPT])
      await a.fetch({ maxRecords: 3, batchSize: 1 })
      await a.acknowledge([3, 5, RELEASE])
      await a.fetch({ maxRecords: 500, batchSize: 1, shareAcquireMode: 1 })
      a.close()
    }))
})

function toBatches(acknowledgements: readonly Acknowledgement[]) {
  return acknowledgements.map(([first, last, ...acknowledgeTypes]) => ({
    firstOffset: BigInt(first),
    lastOffset: BigInt(last),
    acknowledgeTypes,
  }))
}
