// What keeps the test broker honest, part seven: groups of the new types, and requests of the wrong type.

import { test } from 'vitest'
import { consumerGroupDescribe } from '../../src/protocol/messages/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/consumer-group-heartbeat.ts'
import { deleteGroups } from '../../src/protocol/messages/delete-groups.ts'
import { deleteShareGroupOffsets } from '../../src/protocol/messages/delete-share-group-offsets.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { joinGroup } from '../../src/protocol/messages/join-group.ts'
import { leaveGroup } from '../../src/protocol/messages/leave-group.ts'
import { offsetCommit } from '../../src/protocol/messages/offset-commit.ts'
import { offsetDelete } from '../../src/protocol/messages/offset-delete.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import { shareGroupDescribe } from '../../src/protocol/messages/share-group-describe.ts'
import { shareGroupHeartbeat } from '../../src/protocol/messages/share-group-heartbeat.ts'
import { syncGroup } from '../../src/protocol/messages/sync-group.ts'
import { describeReal } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { encodeTestSubscription, joinOf } from '../testing/requests.ts'
import { bothBrokers, type Witness } from './broker-witness.ts'

const types = ['consumer', 'share', 'classic'] as const
type GroupType = (typeof types)[number]

/** Requests to groups, of which what both brokers must have in common is kept: codes, and the broker's words. */
class Requests {
  private readonly broker: Witness
  readonly topic: string
  private readonly topicId: string

  constructor(broker: Witness, { topic, topicId }: { topic: string; topicId: string }) {
    this.broker = broker
    this.topic = topic
    this.topicId = topicId
  }

  /** A group of this name in the comparison, whose coordinator has loaded what it keeps. */
  async group(name: string): Promise<string> {
    const groupId = this.broker.name(name)
    const nobody = { groupId, generationId: 1, memberId: 'nobody', groupInstanceId: null }
    await waitUntil('there is a coordinator', async () => {
      const ask = { key: '', keyType: 0, coordinatorKeys: [groupId] }
      const { coordinators } = await this.broker.quietly(findCoordinator, 4, ask)
      if (coordinators[0].errorCode !== 0) return false
      return (await this.broker.quietly(heartbeat, 4, nobody)).errorCode === 25
    })
    return groupId
  }

  async consumer(groupId: string, memberId: string, memberEpoch: number, fields: object = {}) {
    const isJoin = memberEpoch === 0
    const answer = await this.broker.quietly(consumerGroupHeartbeat, 1, {
      groupId,
      memberId,
      memberEpoch,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: isJoin ? 5000 : -1,
      subscribedTopicNames: isJoin ? [this.topic] : null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: isJoin ? [] : null,
      ...fields,
    })
    this.keep('ConsumerGroupHeartbeat', answer)
    return answer
  }

  async share(groupId: string, memberId: string, memberEpoch: number, fields: object = {}) {
    const answer = await this.broker.quietly(shareGroupHeartbeat, 1, {
      groupId,
      memberId,
      memberEpoch,
      rackId: null,
      subscribedTopicNames: memberEpoch === 0 ? [this.topic] : null,
      ...fields,
    })
    this.keep('ShareGroupHeartbeat', answer)
    return answer
  }

  async join(groupId: string, memberId = '', metadata: Buffer = Buffer.from('r')) {
    const request = joinOf(groupId, { memberId, protocols: [{ name: 'range', metadata }] })
    const { errorCode, ...answer } = await this.broker.quietly(joinGroup, 9, request)
    this.broker.keep('JoinGroup', { errorCode })
    return { errorCode, ...answer }
  }

  async beat(groupId: string): Promise<void> {
    const member = { generationId: 1, memberId: 'nobody', groupInstanceId: null }
    await this.broker.ask(heartbeat, 4, { groupId, ...member })
  }

  async commit(groupId: string, memberId: string, epoch: number): Promise<void> {
    const partition = {
      partitionIndex: 0,
      committedOffset: 0n,
      committedLeaderEpoch: -1,
      committedMetadata: null,
    }
    const { topic: name, topicId } = this
    await this.broker.ask(offsetCommit, 9, {
      groupId,
      generationIdOrMemberEpoch: epoch,
      memberId,
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics: [{ name, topicId, partitions: [partition] }],
    })
  }

  async fetch(groupId: string, memberId: string | null, memberEpoch: number): Promise<void> {
    const { topic: name, topicId } = this
    const topics = [{ name, topicId, partitionIndexes: [0] }]
    const groups = [{ groupId, memberId, memberEpoch, topics }]
    await this.broker.ask(offsetFetch, 9, { groupId: '', topics: [], requireStable: true, groups })
  }

  /** A member of a new group joins. @returns what makes it leave */
  async open(type: GroupType, groupId: string): Promise<() => Promise<void>> {
    if (type === 'consumer') {
      await this.consumer(groupId, 'a', 0)
      return async () => void (await this.consumer(groupId, 'a', -1))
    }
    if (type === 'share') {
      await this.share(groupId, MEMBER_A, 0)
      return async () => void (await this.share(groupId, MEMBER_A, -1))
    }
    const { memberId } = await this.join(groupId)
    await this.join(groupId, memberId)
    return async () => {
      const members = [{ memberId, groupInstanceId: null, reason: null }]
      await this.broker.quietly(leaveGroup, 5, { groupId, memberId: '', members })
    }
  }

  private keep(
    name: string,
    { errorCode, errorMessage }: { errorCode: number; errorMessage: string | null },
  ): void {
    this.broker.keep(name, { errorCode, words: this.broker.words(errorMessage) })
  }
}

const MEMBER_A = 'AAAAAAAAAAAAAAAAAAAAAA'
const MEMBER_B = 'BBBBBBBBBBBBBBBBBBBBBA'

describeReal('the test broker answers as Apache Kafka does', () => {
  const { compare } = bothBrokers()

  const begin = async (broker: Witness): Promise<Requests> =>
    new Requests(broker, await broker.topic('t'))

  test('to members of groups that are not there, and in steps that do not fit', () =>
    compare(async (broker) => {
      const to = await begin(broker)
      const none = await to.group('none')
      for (const epoch of [5, -1, -2]) await to.consumer(none, 'a', epoch)
      await to.consumer(none, 'a', -2, { instanceId: 'i' })
      for (const epoch of [5, -1]) await to.share(none, MEMBER_A, epoch)
      await to.commit(none, 'a', 5)
      await to.fetch(none, 'a', 5)

      const c = await to.group('c')
      await to.consumer(c, 'a', 0, { serverAssignor: 'nonesuch' })
      await to.consumer(c, 'a', 0, { subscribedTopicRegex: '(a' })
      await to.consumer(c, 'a', 0, { subscribedTopicRegex: 'a(?=b)' })
      await to.consumer(c, 'a', 0, { topicPartitions: null })
      await to.consumer(c, 'a', 0, { rebalanceTimeoutMs: -1 })
      await to.consumer(c, 'a', 0, { subscribedTopicNames: null })
      await to.consumer(c, '', 0)
      await to.consumer('', 'a', 0)
      const { memberEpoch } = await to.consumer(c, 'a', 0)
      await to.consumer(c, 'a', memberEpoch)
      await to.consumer(c, 'a', memberEpoch + 7)
      await to.consumer(c, 'nobody', memberEpoch)
      await to.consumer(c, 'a', memberEpoch, { serverAssignor: 'nonesuch' })
      await to.commit(c, 'a', memberEpoch)
      await to.commit(c, 'a', memberEpoch + 7)
      await to.commit(c, 'nobody', memberEpoch)
      await to.fetch(c, 'a', memberEpoch)
      await to.fetch(c, 'a', memberEpoch + 7)
      await to.fetch(c, 'nobody', memberEpoch)
      // Static members: one that lives, one that has left for a while, one that is gone.
      const s = await to.group('s')
      const named = { instanceId: 'i' }
      const one = await to.consumer(s, 'one', 0, named)
      await to.consumer(s, 'two', 0, named)
      await to.consumer(s, 'two', one.memberEpoch, named)
      await to.consumer(s, 'two', -2, named)
      await to.consumer(s, 'one', -2, { instanceId: 'other' })
      await to.consumer(s, 'one', -2, named)
      const two = await to.consumer(s, 'two', 0, named)
      await to.consumer(s, 'one', one.memberEpoch, named)
      await to.consumer(s, 'two', -1, named)
      await to.consumer(s, 'two', two.memberEpoch, named)

      const q = await to.group('q')
      await to.share(q, MEMBER_A, 0, { subscribedTopicNames: null })
      await to.share('', MEMBER_A, 0)
      const joined = await to.share(q, MEMBER_A, 0)
      await to.share(q, MEMBER_A, joined.memberEpoch)
      await to.share(q, MEMBER_A, joined.memberEpoch + 7)
      await to.share(q, MEMBER_B, joined.memberEpoch)
      await to.share(q, MEMBER_B, -1)
    }))

  test('to assignors and regular expressions that change nothing, and to LeaveGroup', () =>
    compare(async (broker) => {
      const to = await begin(broker)
      const leave = (groupId: string, memberId: string, groupInstanceId: string | null = null) => {
        const members = [{ memberId, groupInstanceId, reason: null }]
        return broker.ask(leaveGroup, 5, { groupId, memberId: '', members })
      }
      // Targets may be computed later, so that members are behind.
      const epochOf = async (groupId: string): Promise<void> => {
        const request = consumerGroupDescribe.request({ groupIds: [groupId] })
        const { groups } = await broker.quietly(consumerGroupDescribe, 1, request)
        broker.keep('group epoch', groups[0].groupEpoch)
      }
      const c = await to.group('c')
      let epoch = (await to.consumer(c, MEMBER_A, 0)).memberEpoch
      for (const serverAssignor of ['uniform', 'range', 'range', 'uniform']) {
        epoch = (await to.consumer(c, MEMBER_A, epoch, { serverAssignor })).memberEpoch
        await epochOf(c)
      }
      for (const subscribedTopicRegex of ['nothing.matches', null, null]) {
        epoch = (await to.consumer(c, MEMBER_A, epoch, { subscribedTopicRegex })).memberEpoch
        await epochOf(c)
      }
      await leave(c, 'nobody')
      await leave(c, MEMBER_A)
      await to.consumer(c, MEMBER_A, epoch)
      await to.consumer(c, MEMBER_B, 0, { instanceId: 'i' })
      await leave(c, 'nobody', 'i')
      await leave(c, '', 'other')
      await leave(c, '', 'i')
      await to.consumer(c, MEMBER_B, 1, { instanceId: 'i' })

      // The last member of the new protocol leaves a classic group behind.
      const g = await to.group('g')
      await to.consumer(g, MEMBER_A, 0)
      const { memberId } = await to.join(g)
      await to.join(g, memberId)
      await to.join(g, memberId, encodeTestSubscription([to.topic]))
      await leave(g, MEMBER_A)
      await broker.ask(leaveGroup, 5, {
        groupId: g,
        memberId: '',
        members: [{ memberId, groupInstanceId: null, reason: null }],
      })
    }))

  test('to groups without a name, and to SyncGroup without a protocol', () =>
    compare(async (broker) => {
      await begin(broker)
      await (await begin(broker)).group('g')
      const groupIds = ['']
      await broker.ask(consumerGroupDescribe, 1, consumerGroupDescribe.request({ groupIds }))
      await broker.ask(shareGroupDescribe, 1, shareGroupDescribe.request({ groupIds }))
      await broker.ask(deleteShareGroupOffsets, 0, { groupId: '', topics: [] })
      await broker.ask(offsetDelete, 0, { groupId: '', topics: [] })
      for (const groupId of ['', broker.name('none')]) {
        await broker.ask(syncGroup, 5, syncGroup.request({ groupId, protocolType: 'consumer' }))
        await broker.ask(syncGroup, 4, syncGroup.request({ groupId }))
      }
    }))

  for (const type of types) {
    test(`to requests of other types to a ${type} group, with members and without`, () =>
      compare(async (broker) => {
        const to = await begin(broker)
        const ask = async (groupId: string): Promise<void> => {
          if (type !== 'consumer')
            for (const epoch of [5, -1]) await to.consumer(groupId, 'b', epoch)
          if (type !== 'share')
            for (const epoch of [5, -1]) await to.share(groupId, MEMBER_B, epoch)
          if (type === 'share') await to.consumer(groupId, 'b', 0)
          if (type === 'share') await to.join(groupId)
          await to.beat(groupId)
          if (type !== 'classic') await to.commit(groupId, '', -1)
          await to.fetch(groupId, null, -1)
          await to.fetch(groupId, 'b', 5)
        }
        const groupId = await to.group('g')
        const leave = await to.open(type, groupId)
        await ask(groupId)
        if (type !== 'share') await to.share(groupId, MEMBER_B, 0)
        await broker.ask(deleteGroups, 2, { groupsNames: [groupId] })
        await leave()
        await ask(groupId)
        // The empty group becomes one of the type that asks, or does not.
        if (type === 'consumer') await to.share(groupId, MEMBER_B, 0)
        if (type === 'consumer') await to.join(groupId)
        if (type === 'classic') await to.consumer(groupId, 'b', 0)
        await broker.ask(deleteGroups, 2, { groupsNames: [groupId] })
      }))
  }
})
