// The group APIs over a socket. The protocol itself is tested in classic-coordinator.test.ts.

import { describe, expect, test } from 'vitest'
import { deleteGroups } from '../../../src/protocol/messages/delete-groups.ts'
import { describeGroups } from '../../../src/protocol/messages/describe-groups.ts'
import { findCoordinator } from '../../../src/protocol/messages/find-coordinator.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { leaveGroup } from '../../../src/protocol/messages/leave-group.ts'
import { listGroups } from '../../../src/protocol/messages/list-groups.ts'
import {
  type OffsetCommitRequest,
  offsetCommit,
} from '../../../src/protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { ZERO_UUID } from '../../../src/protocol/uuid.ts'
import type { RawClient } from '../raw-client.ts'
import { joinOf } from '../requests.ts'
import { connectTo, startCluster } from '../with-cluster.ts'

async function joined(client: RawClient, groupId = 'g'): Promise<string> {
  const { memberId } = await client.request(joinGroup, 9, joinOf(groupId))
  const answer = await client.request(joinGroup, 9, joinOf(groupId, { memberId }))
  expect(answer).toMatchObject({ errorCode: 0, generationId: 1, leader: memberId })
  const sync = await client.request(syncGroup, 5, {
    groupId,
    generationId: 1,
    memberId,
    groupInstanceId: null,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId, assignment: Buffer.from('mine') }],
  })
  expect(sync).toMatchObject({ errorCode: 0, assignment: Buffer.from('mine') })
  return memberId
}

function commitOf(
  fields: Partial<OffsetCommitRequest> & { offset?: bigint } = {},
): OffsetCommitRequest {
  const { offset = 5n, ...rest } = fields
  return {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1n,
    topics: [
      {
        name: 't',
        topicId: ZERO_UUID,
        partitions: [
          {
            partitionIndex: 0,
            committedOffset: offset,
            committedLeaderEpoch: 3,
            committedMetadata: 'm',
          },
        ],
      },
    ],
    ...rest,
  }
}

async function commit(
  client: RawClient,
  request: OffsetCommitRequest,
  version = 9,
): Promise<number> {
  const response = await client.request(offsetCommit, version, request)
  return response.topics[0].partitions[0].errorCode
}

describe('coordinators', () => {
  test('are found for one group, for many, and for transactional ids', async () => {
    const cluster = await startCluster({ nodes: 3 })
    const client = await connectTo(cluster)
    const nodeId = cluster.coordinatorOf('g')
    const where = { nodeId, host: '127.0.0.1', port: cluster.portOf(nodeId) }
    const single = { key: 'g', keyType: 0, coordinatorKeys: [] }
    expect(await client.request(findCoordinator, 3, single)).toMatchObject({
      errorCode: 0,
      ...where,
    })
    const many = { key: '', keyType: 1, coordinatorKeys: ['g', 'h'] }
    const { coordinators } = await client.request(findCoordinator, 4, many)
    expect(coordinators[0]).toMatchObject({ key: 'g', errorCode: 0, ...where })
    expect(coordinators.length).toBe(2)
    const bad = { key: '', keyType: 7, coordinatorKeys: ['g'] }
    const answer = await client.request(findCoordinator, 4, bad)
    expect(answer.coordinators[0]).toMatchObject({ errorCode: 42, nodeId: -1 })
  })

  test('others send the client away', async () => {
    const cluster = await startCluster({ nodes: 2, topics: { t: 1 } })
    const other = await connectTo(cluster, 3 - cluster.coordinatorOf('g'))
    expect((await other.request(joinGroup, 9, joinOf('g'))).errorCode).toBe(16)
    const member = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
    expect((await other.request(heartbeat, 4, member)).errorCode).toBe(16)
    expect(await commit(other, commitOf())).toBe(16)
    const groups = [{ groupId: 'g', memberId: null, memberEpoch: -1, topics: null }]
    const fetched = await other.request(offsetFetch, 9, {
      groupId: '',
      topics: [],
      groups,
      requireStable: true,
    })
    expect(fetched.groups[0].errorCode).toBe(16)
  })

  test('move with their groups, and who is parked hears of it', async () => {
    const cluster = await startCluster({ nodes: 2, topics: { t: 1 } })
    const from = cluster.coordinatorOf('g')
    const client = await connectTo(cluster, from)
    const a = await joined(client)
    const second = await connectTo(cluster, from)
    const { memberId } = await second.request(joinGroup, 9, joinOf('g'))
    const parked = second.request(joinGroup, 9, joinOf('g', { memberId }))
    await cluster.waitFor(() => cluster.requests(joinGroup).length === 4)
    cluster.moveCoordinator('g', 3 - from)
    expect((await parked).errorCode).toBe(16)
    const moved = await connectTo(cluster, 3 - from)
    const member = { groupId: 'g', generationId: 1, memberId: a, groupInstanceId: null }
    expect((await moved.request(heartbeat, 4, member)).errorCode).toBe(27)
  })

  test('a stopped one is replaced', async () => {
    const cluster = await startCluster({ nodes: 2 })
    const before = cluster.coordinatorOf('g')
    await cluster.stopNode(before)
    expect(cluster.coordinatorOf('g')).toBe(3 - before)
  })
})

describe('members', () => {
  test('heartbeat, are described, leave', async () => {
    const cluster = await startCluster()
    const client = await connectTo(cluster)
    const memberId = await joined(client)
    const member = { groupId: 'g', generationId: 1, memberId, groupInstanceId: null }
    expect((await client.request(heartbeat, 4, member)).errorCode).toBe(0)
    const ask = { groups: ['g', 'none'], includeAuthorizedOperations: false }
    const { groups } = await client.request(describeGroups, 6, ask)
    expect(groups).toMatchObject([
      {
        errorCode: 0,
        groupState: 'Stable',
        protocolType: 'consumer',
        protocolData: 'range',
        members: [
          {
            memberId,
            clientId: 'raw',
            clientHost: '/127.0.0.1',
            memberAssignment: Buffer.from('mine'),
          },
        ],
      },
      { errorCode: 69, groupState: 'Dead' },
    ])
    expect((await client.request(describeGroups, 5, ask)).groups[1]).toMatchObject({
      errorCode: 0,
      groupState: 'Dead',
    })
    const list = (states: string[], types: string[]) =>
      client.request(listGroups, 5, { statesFilter: states, typesFilter: types })
    const listed = {
      groupId: 'g',
      protocolType: 'consumer',
      groupState: 'Stable',
      groupType: 'classic',
    }
    expect((await list([], [])).groups).toEqual([listed])
    expect((await list(['stable'], ['Classic'])).groups).toEqual([listed])
    expect((await list(['Empty'], [])).groups).toEqual([])
    expect((await list([], ['consumer'])).groups).toEqual([])
    const members = [{ memberId, groupInstanceId: null, reason: null }]
    const left = await client.request(leaveGroup, 5, { groupId: 'g', memberId: '', members })
    expect(left.members).toEqual([{ memberId, groupInstanceId: null, errorCode: 0 }])
    const again = { groupId: 'g', memberId, members: [] }
    expect((await client.request(leaveGroup, 2, again)).errorCode).toBe(25)
  })

  test('who sends nothing for its session timeout is out', async () => {
    const cluster = await startCluster({ properties: { groupMinSessionTimeoutMs: 10 } })
    const client = await connectTo(cluster)
    const short = { sessionTimeoutMs: 30, rebalanceTimeoutMs: 30 }
    const { memberId } = await client.request(joinGroup, 9, joinOf('g', short))
    await client.request(joinGroup, 9, joinOf('g', { ...short, memberId }))
    const list = { statesFilter: ['Empty'], typesFilter: [] }
    await expect.poll(async () => (await client.request(listGroups, 5, list)).groups.length).toBe(1)
  })

  test('before v7 no protocol is an empty name', async () => {
    const client = await connectTo(await startCluster())
    const answer = await client.request(joinGroup, 6, joinOf('g'))
    expect(answer).toMatchObject({ errorCode: 79, protocolName: '' })
  })
})

describe('offsets', () => {
  test('are committed and fetched, by name and by id, of one group and of many', async () => {
    const cluster = await startCluster({ topics: { t: 2 } })
    const client = await connectTo(cluster)
    expect(await commit(client, commitOf())).toBe(0)
    expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
    expect(cluster.committedOffset('g', 't', 1)).toBe(null)
    const byId = commitOf({ offset: 6n })
    byId.topics[0].topicId = cluster.topicId('t')
    expect(await commit(client, byId, 10)).toBe(0)
    const found = {
      partitionIndex: 0,
      committedOffset: 6n,
      committedLeaderEpoch: 3,
      metadata: 'm',
      errorCode: 0,
    }
    const none = {
      partitionIndex: 1,
      committedOffset: -1n,
      committedLeaderEpoch: -1,
      metadata: '',
      errorCode: 0,
    }
    const named = { name: 't', partitionIndexes: [0, 1] }
    const old = { groupId: 'g', topics: [named], groups: [], requireStable: false }
    expect(await client.request(offsetFetch, 5, old)).toMatchObject({
      errorCode: 0,
      topics: [{ name: 't', partitions: [found, none] }],
    })
    const group = { groupId: 'g', memberId: null, memberEpoch: -1 }
    const groups = [
      { ...group, topics: [{ name: '', topicId: cluster.topicId('t'), partitionIndexes: [0, 1] }] },
      { ...group, topics: null },
      { ...group, groupId: 'none', topics: null },
    ]
    const answer = await client.request(offsetFetch, 10, {
      groupId: '',
      topics: [],
      groups,
      requireStable: true,
    })
    expect(answer.groups).toMatchObject([
      {
        groupId: 'g',
        errorCode: 0,
        topics: [{ topicId: cluster.topicId('t'), partitions: [found, none] }],
      },
      { groupId: 'g', errorCode: 0, topics: [{ partitions: [found] }] },
      { groupId: 'none', errorCode: 0, topics: [] },
    ])
  })

  test.each([
    ['an id nobody knows', 10, { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }, 100],
    ['a topic nobody knows', 9, { name: 'x' }, 3],
  ])('%s', async (_, version, fields, errorCode) => {
    const client = await connectTo(await startCluster({ topics: { t: 1 } }))
    const request = commitOf()
    Object.assign(request.topics[0], fields)
    expect(await commit(client, request, version)).toBe(errorCode)
  })

  test('metadata has a limit, and a partition must be there', async () => {
    const cluster = await startCluster({
      topics: { t: 1 },
      properties: { offsetMetadataMaxBytes: 0 },
    })
    const client = await connectTo(cluster)
    expect(await commit(client, commitOf())).toBe(12)
    const request = commitOf()
    request.topics[0].partitions[0].partitionIndex = 4
    expect(await commit(client, request)).toBe(3)
  })

  test('the group must agree', async () => {
    const client = await connectTo(await startCluster({ topics: { t: 1 } }))
    const memberId = await joined(client)
    expect(await commit(client, commitOf())).toBe(25)
    expect(await commit(client, commitOf({ memberId, generationIdOrMemberEpoch: 7 }))).toBe(22)
    expect(await commit(client, commitOf({ memberId, generationIdOrMemberEpoch: 1 }))).toBe(0)
    expect(await commit(client, commitOf({ groupId: 'x', generationIdOrMemberEpoch: 1 }), 9)).toBe(
      69,
    )
  })

  test('go with the topic, and with the group', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const client = await connectTo(cluster)
    await commit(client, commitOf())
    cluster.recreateTopic('t')
    expect(cluster.committedOffset('g', 't', 0)).toBe(null)
    await commit(client, commitOf())
    const { results } = await client.request(deleteGroups, 2, { groupsNames: ['g', 'g', ''] })
    expect(results.map(({ errorCode }) => errorCode)).toEqual([0, 69, 69])
    expect(cluster.committedOffset('g', 't', 0)).toBe(null)
  })
})

test('every idempotent producer gets an id of its own', async () => {
  const client = await connectTo(await startCluster())
  const ask = {
    transactionalId: null,
    transactionTimeoutMs: 1000,
    producerId: -1n,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  }
  const first = await client.request(initProducerId, 4, ask)
  const second = await client.request(initProducerId, 4, {
    ...ask,
    producerId: first.producerId,
    producerEpoch: 0,
  })
  expect(first).toMatchObject({ errorCode: 0, producerEpoch: 0 })
  expect(second).toMatchObject({ errorCode: 0, producerEpoch: 0 })
  expect(second.producerId).not.toBe(first.producerId)
})
