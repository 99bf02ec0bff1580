// What keeps the test broker honest, part three: groups.

import { expect, test } from 'vitest'
import { deleteGroups } from '../../src/protocol/messages/delete-groups.ts'
import { describeGroups } from '../../src/protocol/messages/describe-groups.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { type JoinGroupRequest, joinGroup } from '../../src/protocol/messages/join-group.ts'
import { leaveGroup } from '../../src/protocol/messages/leave-group.ts'
import { offsetCommit } from '../../src/protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import { syncGroup } from '../../src/protocol/messages/sync-group.ts'
import { describeReal } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { joinOf } from '../testing/requests.ts'
import { bothBrokers } from './broker-witness.ts'

const UNKNOWN_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

describeReal('the test broker answers as Apache Kafka does', () => {
  const { compare } = bothBrokers()

  test('in groups', () =>
    compare(async (broker) => {
      const { topic, topicId } = await broker.topic('t')
      const groupId = broker.name('g')
      await waitUntil('there is a coordinator', async () => {
        const ask = { key: '', keyType: 0, coordinatorKeys: [groupId] }
        if ((await broker.quietly(findCoordinator, 4, ask)).coordinators[0].errorCode !== 0)
          return false
        const nobody = { groupId, generationId: 1, memberId: 'nobody', groupInstanceId: null }
        return (await broker.quietly(heartbeat, 4, nobody)).errorCode === 25
      })
      const other = await broker.other()
      const join = (fields: Partial<JoinGroupRequest> = {}, version = 9) =>
        broker.ask(joinGroup, version, joinOf(groupId, fields))
      const sync = (
        memberId: string,
        generationId: number,
        assigned: string[] = [],
        fields: object = {},
      ) =>
        broker.ask(syncGroup, 5, {
          groupId,
          generationId,
          memberId,
          groupInstanceId: null,
          protocolType: 'consumer',
          protocolName: 'range',
          assignments: assigned.map((id) => ({ memberId: id, assignment: Buffer.from('x') })),
          ...fields,
        })
      const beat = (
        memberId: string,
        generationId: number,
        groupInstanceId: string | null = null,
      ) => broker.ask(heartbeat, 4, { groupId, generationId, memberId, groupInstanceId })
      const commit = (memberId: string, generation: number, fields: object = {}, version = 9) =>
        broker.ask(offsetCommit, version, {
          groupId,
          generationIdOrMemberEpoch: generation,
          memberId,
          groupInstanceId: null,
          retentionTimeMs: -1n,
          topics: [
            {
              name: topic,
              topicId,
              partitions: [
                {
                  partitionIndex: 0,
                  committedOffset: 5n,
                  committedLeaderEpoch: 0,
                  committedMetadata: 'metadata',
                },
                {
                  partitionIndex: 4,
                  committedOffset: 5n,
                  committedLeaderEpoch: 0,
                  committedMetadata: null,
                },
              ],
            },
          ],
          ...fields,
        })
      const leave = (memberId: string, groupInstanceId: string | null = null) =>
        broker.ask(leaveGroup, 5, {
          groupId,
          memberId: '',
          members: [{ memberId, groupInstanceId, reason: null }],
        })
      const describeIt = async (): Promise<void> => {
        const answer = await broker.quietly(describeGroups, 6, {
          groups: [groupId, broker.name('none'), ''],
          includeAuthorizedOperations: false,
        })
        for (const group of answer.groups) {
          for (const member of group.members) expect(member.clientHost).toBe('/127.0.0.1')
        }
        broker.keep(
          'groups',
          answer.groups.toSorted((x, y) => x.groupId.localeCompare(y.groupId)),
        )
      }

      // Nobody is there yet.
      await beat('nobody', 1)
      await sync('nobody', 1)
      await leave('nobody')
      await commit('nobody', 1)
      await commit('nobody', 1, {}, 8)
      await commit('', -1)
      await commit(
        '',
        -1,
        {
          topics: [
            {
              name: '',
              topicId: UNKNOWN_ID,
              partitions: [
                {
                  partitionIndex: 0,
                  committedOffset: 1n,
                  committedLeaderEpoch: -1,
                  committedMetadata: null,
                },
              ],
            },
          ],
        },
        10,
      )
      await commit('', -1, {}, 10)
      await describeIt()

      // One member, then two.
      for (const fields of [
        { sessionTimeoutMs: 1 },
        { sessionTimeoutMs: 10_000_000 },
        { memberId: 'nobody' },
        { protocols: [] },
        { protocolType: '' },
        { groupId: '' },
      ]) {
        await join(fields)
      }
      const { memberId: a } = await join()
      await join({ memberId: a })
      await commit(a, 1)
      await beat(a, 1)
      await describeIt()
      await sync(a, 7, [a])
      await sync(a, 1, [a], { protocolName: 'sticky' })
      await sync(a, 1, [a])
      await describeIt()
      await join({ protocols: [{ name: 'sticky', metadata: Buffer.alloc(1) }] })
      await commit('', -1)
      await commit(a, 9)
      await commit(a, 1)
      await commit('nobody', 1)
      const { memberId: b } = await join()
      const parked = other.request(joinGroup, 9, joinOf(groupId, { memberId: b }))
      await waitUntil('the group rebalances', async () => {
        const answer = await broker.quietly(heartbeat, 4, {
          groupId,
          generationId: 1,
          memberId: a,
          groupInstanceId: null,
        })
        return answer.errorCode === 27
      })
      await beat(a, 1)
      await sync(a, 1)
      await commit(a, 1)
      await describeIt()
      await join({ memberId: a })
      broker.keep('the other one joined', await parked)
      await beat(b, 2)
      await commit(b, 2)
      const waits = other.request(syncGroup, 5, {
        groupId,
        generationId: 2,
        memberId: b,
        groupInstanceId: null,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [],
      })
      await sync(a, 2, [a, b])
      broker.keep('the other one synced', await waits)
      await join({ memberId: b })
      await broker.ask(deleteGroups, 2, { groupsNames: [groupId] })
      await leave(b)
      await beat(a, 2)
      await leave(a)
      await beat(a, 2)
      await describeIt()

      // A static member.
      const named = { groupInstanceId: 'one' }
      const { memberId: s } = await join(named)
      await sync(s, 5, [s], named)
      const { memberId: again } = await join(named)
      await sync(again, 5, [], named)
      await beat(s, 5, 'one')
      await join({ ...named, memberId: s })
      await join(named, 8)
      await beat(again, 5, 'two')
      await leave('', 'two')
      await leave('', 'one')

      const fetchGroup = { groupId, memberId: null, memberEpoch: -1 }
      const groups = [
        { ...fetchGroup, topics: [{ name: topic, topicId, partitionIndexes: [0, 4] }] },
        { ...fetchGroup, topics: null },
        { ...fetchGroup, groupId: broker.name('none'), topics: null },
        {
          ...fetchGroup,
          groupId: broker.name('none'),
          topics: [{ name: topic, topicId, partitionIndexes: [0] }],
        },
      ]
      const none = { groupId: '', topics: [], requireStable: true }
      await broker.ask(offsetFetch, 9, { ...none, groups })
      await broker.ask(offsetFetch, 10, { ...none, groups })
      const byUnknown = {
        ...fetchGroup,
        topics: [{ name: '', topicId: UNKNOWN_ID, partitionIndexes: [0] }],
      }
      await broker.ask(offsetFetch, 10, { ...none, groups: [byUnknown] })
      const old = {
        groupId,
        topics: [{ name: topic, partitionIndexes: [0, 1] }],
        groups: [],
        requireStable: false,
      }
      for (const version of [1, 2, 5, 7])
        await broker.ask(offsetFetch, version, { ...old, requireStable: version === 7 })
      await broker.ask(deleteGroups, 2, { groupsNames: [broker.name('none')] })
      await broker.ask(deleteGroups, 2, { groupsNames: [groupId] })
      const ask = { key: '', keyType: 0, coordinatorKeys: [groupId] }
      await broker.ask(findCoordinator, 4, { ...ask, keyType: 9 })
      await broker.ask(findCoordinator, 3, { key: groupId, keyType: 9, coordinatorKeys: [] })
      await broker.ask(findCoordinator, 4, ask)
      await broker.ask(findCoordinator, 3, { key: groupId, keyType: 0, coordinatorKeys: [] })
      other.close()
    }))
})
