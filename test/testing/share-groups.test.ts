// Share groups (KIP-932) over sockets, with the time of the cluster in the hands of the test. What a
// member gets, and what is refused, was compared with a 4.4.0 broker that was sent the same requests.

import { describe, expect, test } from 'vitest'
import { produce } from '../../src/protocol/messages/produce.ts'
import {
  type ShareAcknowledgeRequest,
  shareAcknowledge,
} from '../../src/protocol/messages/share-acknowledge.ts'
import { type ShareFetchRequest, shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import { shareGroupDescribe } from '../../src/protocol/messages/share-group-describe.ts'
import {
  type ShareGroupHeartbeatRequest,
  shareGroupHeartbeat,
} from '../../src/protocol/messages/share-group-heartbeat.ts'
import type { BrokerProperties } from '../../src/testing/broker-properties.ts'
import { ManualClock } from '../../src/testing/clock.ts'
import type { TestCluster } from '../../src/testing/test-cluster.ts'
import type { RawClient } from './raw-client.ts'
import { batch, produceTo } from './requests.ts'
import { connectTo, startCluster } from './with-cluster.ts'

const INVALID_REQUEST = 42
const INVALID_STATE = 121
const NO_SESSION = 122
const WRONG_EPOCH = 123

interface Setting {
  cluster: TestCluster
  client: RawClient
  clock: ManualClock
  topicId: string
}

async function begin(properties: Partial<BrokerProperties> = {}): Promise<Setting> {
  const clock = new ManualClock()
  const cluster = await startCluster({
    clock,
    topics: { t: 1 },
    properties: { shareAutoOffsetReset: 'earliest', ...properties },
  })
  return { cluster, clock, client: await connectTo(cluster), topicId: cluster.topicId('t') }
}

async function put({ client }: Setting, count: number): Promise<void> {
  const values = Array.from({ length: count }, (_, i) => `v${i}`)
  const now = BigInt(Date.now())
  const records = batch(values, { baseTimestamp: now, maxTimestamp: now + BigInt(count - 1) })
  const { responses } = await client.request(produce, 12, produceTo('t', 0, records))
  expect(responses[0].partitionResponses[0].errorCode).toBe(0)
}

type Acks = ShareFetchRequest['topics'][number]['partitions'][number]['acknowledgementBatches']

function ack(first: number, last: number, ...acknowledgeTypes: number[]): Acks[number] {
  return { firstOffset: BigInt(first), lastOffset: BigInt(last), acknowledgeTypes }
}

async function fetchShare(
  { client, topicId }: Setting,
  memberId: string,
  shareSessionEpoch: number,
  acks: Acks = [],
  fields: Partial<ShareFetchRequest> = {},
  version = 2,
): Promise<string> {
  const partitions = [{ partitionIndex: 0, acknowledgementBatches: acks }]
  const response = await client.request(shareFetch, version, {
    groupId: 'g',
    memberId,
    shareSessionEpoch,
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1_000_000,
    maxRecords: 500,
    batchSize: 500,
    shareAcquireMode: 0,
    isRenewAck: false,
    topics: [{ topicId, partitions }],
    forgottenTopicsData: [],
    ...fields,
  })
  if (response.errorCode !== 0) return `error ${response.errorCode}`
  const parts = response.responses.flatMap((topic) => topic.partitions)
  return parts
    .map(({ errorCode, acknowledgeErrorCode, acquiredRecords }) => {
      const codes = [errorCode, acknowledgeErrorCode].filter((code) => code !== 0)
      const ranges = acquiredRecords.map(
        ({ firstOffset, lastOffset, deliveryCount }) =>
          `${firstOffset}-${lastOffset}x${deliveryCount}`,
      )
      return [...codes, ...ranges].join(' ') || 'nothing'
    })
    .join(', ')
}

async function acknowledge(
  { client, topicId }: Setting,
  memberId: string,
  shareSessionEpoch: number,
  acks: Acks,
  fields: Partial<ShareAcknowledgeRequest> = {},
): Promise<number> {
  const partitions = [{ partitionIndex: 0, acknowledgementBatches: acks }]
  const response = await client.request(shareAcknowledge, 2, {
    groupId: 'g',
    memberId,
    shareSessionEpoch,
    isRenewAck: false,
    topics: [{ topicId, partitions }],
    ...fields,
  })
  return response.errorCode || response.responses[0].partitions[0].errorCode
}

describe('delivery', () => {
  test('each record goes to one member, until it is released', async () => {
    const s = await begin()
    await put(s, 2)
    expect(await fetchShare(s, 'm', 0)).toBe('0-1x1')
    expect(await fetchShare(s, 'n', 0)).toBe('nothing')
    await put(s, 3)
    const one = { maxRecords: 1 }
    expect(await fetchShare(s, 'm', 1, [ack(0, 1, 1, 2)], one)).toBe('1-1x2')
    expect(await fetchShare(s, 'n', 1)).toBe('2-4x1')
    expect(await acknowledge(s, 'm', 2, [ack(1, 1, 1)])).toBe(0)
    expect(await acknowledge(s, 'n', 2, [ack(2, 4, 2)])).toBe(0)
    expect(await fetchShare(s, 'm', 3)).toBe('2-4x2')
  })

  test('a record that was delivered often enough is archived', async () => {
    const s = await begin({ groupShareDeliveryCountLimit: 2 })
    await put(s, 1)
    expect(await fetchShare(s, 'm', 0)).toBe('0-0x1')
    expect(await fetchShare(s, 'm', 1, [ack(0, 0, 2)])).toBe('0-0x2')
    expect(await fetchShare(s, 'm', 2, [ack(0, 0, 2)])).toBe('nothing')
  })

  test('a lock that ends gives the record to another member', async () => {
    const s = await begin()
    await put(s, 1)
    await fetchShare(s, 'm', 0)
    s.clock.advance(29_999)
    expect(await fetchShare(s, 'n', 0)).toBe('nothing')
    s.clock.advance(1)
    expect(await fetchShare(s, 'n', 1)).toBe('0-0x2')
    expect(await acknowledge(s, 'm', 1, [ack(0, 0, 1)])).toBe(INVALID_STATE)
    expect(await acknowledge(s, 'n', 2, [ack(0, 0, 1)])).toBe(0)
  })

  test('a lock can be renewed', async () => {
    const s = await begin()
    await put(s, 1)
    await fetchShare(s, 'm', 0)
    s.clock.advance(29_000)
    expect(await acknowledge(s, 'm', 1, [ack(0, 0, 4)])).toBe(INVALID_REQUEST)
    expect(await acknowledge(s, 'm', 2, [ack(0, 0, 4)], { isRenewAck: true })).toBe(0)
    s.clock.advance(29_000)
    expect(await fetchShare(s, 'n', 0)).toBe('nothing')
    s.clock.advance(1000)
    expect(await fetchShare(s, 'n', 1)).toBe('0-0x2')
  })

  test('a fetch that waits is woken by new and by released records', async () => {
    const s = await begin()
    const other = { ...s, client: await connectTo(s.cluster) }
    const waiting = fetchShare(other, 'n', 0, [], { maxWaitMs: 60_000 })
    await s.cluster.waitFor(() => s.cluster.requests(shareFetch).length === 1)
    await put(s, 1)
    expect(await waiting).toBe('0-0x1')
    const again = fetchShare(s, 'm', 0, [], { maxWaitMs: 60_000 })
    await s.cluster.waitFor(() => s.cluster.requests(shareFetch).length === 2)
    expect(await acknowledge(other, 'n', 1, [ack(0, 0, 2)])).toBe(0)
    expect(await again).toBe('0-0x2')
  })

  test('limits: whole batches, or exactly so many records', async () => {
    const s = await begin()
    await put(s, 4)
    await put(s, 4)
    await put(s, 4)
    expect(await fetchShare(s, 'm', 0, [], { maxRecords: 3 })).toBe('0-3x1')
    const strict = { maxRecords: 3, shareAcquireMode: 1 }
    expect(await fetchShare(s, 'm', 1, [], strict)).toBe('4-6x1')
    expect(await fetchShare(s, 'm', 2, [], { batchSize: 1 })).toBe('7-7x1 8-11x1')
  })

  test('the records in flight are bounded', async () => {
    const s = await begin({ groupSharePartitionMaxRecordLocks: 3 })
    await put(s, 5)
    expect(await fetchShare(s, 'm', 0)).toBe('0-2x1')
    expect(await fetchShare(s, 'm', 1)).toBe('')
    expect(await fetchShare(s, 'm', 2, [ack(0, 0, 1)])).toBe('3-3x1')
  })

  test('a group that starts at the latest record skips what was there', async () => {
    const s = await begin({ shareAutoOffsetReset: 'latest' })
    await put(s, 2)
    expect(await fetchShare(s, 'm', 0)).toBe('nothing')
    await put(s, 1)
    expect(await fetchShare(s, 'm', 1)).toBe('2-2x1')
  })

  test('what the log no longer has is done', async () => {
    const s = await begin()
    await put(s, 4)
    expect(await fetchShare(s, 'm', 0)).toBe('0-3x1')
    s.cluster.partition('t', 0).deleteRecordsBefore(2n)
    expect(await fetchShare(s, 'm', 1, [ack(0, 3, 2)])).toBe('2-3x2')
  })

  test('a new leader knows of no locks', async () => {
    const clock = new ManualClock()
    const properties = { shareAutoOffsetReset: 'earliest' }
    const cluster = await startCluster({ nodes: 2, clock, topics: { t: 1 }, properties })
    const from = cluster.leaderOf('t', 0)
    const to = from === 1 ? 2 : 1
    const topicId = cluster.topicId('t')
    const s = { cluster, clock, topicId, client: await connectTo(cluster, from) }
    await put(s, 1)
    expect(await fetchShare(s, 'm', 0)).toBe('0-0x1')
    cluster.moveLeader('t', 0, to)
    expect(await fetchShare(s, 'm', 1)).toBe('6')
    const moved = { ...s, client: await connectTo(cluster, to) }
    expect(await fetchShare(moved, 'm', 1)).toBe(`error ${NO_SESSION}`)
    expect(await fetchShare(moved, 'm', 0)).toBe('0-0x1')
  })
})

describe('sessions', () => {
  test('have epochs that follow each other', async () => {
    const s = await begin()
    expect(await fetchShare(s, 'm', 5)).toBe(`error ${NO_SESSION}`)
    expect(await fetchShare(s, 'm', 0)).toBe('nothing')
    expect(await fetchShare(s, 'm', 1, [], { topics: [] })).toBe('')
    expect(await fetchShare(s, 'm', 1)).toBe(`error ${WRONG_EPOCH}`)
    expect(await acknowledge(s, 'm', 0, [])).toBe(WRONG_EPOCH)
    expect(await fetchShare(s, 'm', 0, [ack(0, 0, 1)])).toBe(`error ${INVALID_REQUEST}`)
    expect(await fetchShare(s, 'm', 0, [], { groupId: null })).toBe(`error ${INVALID_REQUEST}`)
  })

  test('remember their partitions, and forget those that they are told to', async () => {
    const s = await begin()
    await fetchShare(s, 'm', 0)
    await put(s, 1)
    expect(await fetchShare(s, 'm', 1, [], { topics: [] })).toBe('0-0x1')
    const forgottenTopicsData = [{ topicId: s.topicId, partitions: [0] }]
    expect(await fetchShare(s, 'm', 2, [], { topics: [], forgottenTopicsData })).toBe('')
    await put(s, 1)
    expect(await fetchShare(s, 'm', 3, [], { topics: [] })).toBe('')
  })

  test('give back what they hold when they end, by request or with the connection', async () => {
    const s = await begin()
    await put(s, 1)
    expect(await fetchShare(s, 'm', 0)).toBe('0-0x1')
    expect(await fetchShare(s, 'm', -1)).toBe('')
    expect(await fetchShare(s, 'm', 2)).toBe(`error ${NO_SESSION}`)
    const other = { ...s, client: await connectTo(s.cluster) }
    expect(await fetchShare(other, 'n', 0)).toBe('0-0x2')
    const waiting = fetchShare(s, 'm', 0, [], { maxWaitMs: 60_000 })
    await s.cluster.waitFor(() => s.cluster.requests(shareFetch).length === 5)
    other.client.close()
    expect(await waiting).toBe('0-0x3')
  })

  test('are limited in number', async () => {
    const s = await begin({ groupShareMaxShareSessions: 1 })
    await fetchShare(s, 'm', 0)
    expect(await fetchShare(s, 'n', 0)).toBe('error 133')
    expect(await fetchShare(s, 'm', 0)).toBe('nothing')
  })
})

describe('acknowledgements', () => {
  test.each([
    ['of records of another member', [ack(0, 0, 1)], 'n', INVALID_STATE],
    ['beyond the records', [ack(100, 100, 1)], 'm', INVALID_REQUEST],
    ['of an unknown type', [ack(0, 0, 9)], 'm', INVALID_REQUEST],
    ['with too few types', [ack(0, 2, 1, 1)], 'm', INVALID_REQUEST],
    ['with no type', [ack(0, 0)], 'm', INVALID_REQUEST],
    ['backwards', [ack(1, 0, 1)], 'm', INVALID_REQUEST],
    ['out of order', [ack(2, 2, 1), ack(0, 0, 1)], 'm', INVALID_REQUEST],
    ['twice', [ack(0, 0, 1), ack(0, 0, 1)], 'm', INVALID_STATE],
  ])('%s are refused, and nothing of them is applied', async (_, acks, memberId, code) => {
    const s = await begin()
    await put(s, 3)
    await fetchShare(s, 'm', 0)
    await fetchShare(s, 'n', 0)
    expect(await acknowledge(s, memberId, 1, acks)).toBe(code)
    const epoch = memberId === 'm' ? 2 : 1
    expect(await acknowledge(s, 'm', epoch, [ack(0, 2, 1)])).toBe(0)
  })

  test('for partitions that are not there', async () => {
    const s = await begin()
    const nowhere = { ...s, topicId: 'AAAAAAAAAAAAAAAAAAAAAB' }
    expect(await fetchShare(nowhere, 'm', 0)).toBe('100')
  })
})

describe('the group', () => {
  function beat(
    client: RawClient,
    memberId: string,
    memberEpoch: number,
    fields: Partial<ShareGroupHeartbeatRequest> = {},
  ) {
    return client.request(shareGroupHeartbeat, 1, {
      groupId: 'g',
      memberId,
      memberEpoch,
      rackId: null,
      subscribedTopicNames: null,
      ...fields,
    })
  }
  const joining = { subscribedTopicNames: ['t'] }

  test('shares its partitions, also when there are more members than partitions', async () => {
    const { client, clock, topicId } = await begin()
    const a = await beat(client, 'a', 0, joining)
    expect(a).toMatchObject({ errorCode: 0, memberEpoch: 2, heartbeatIntervalMs: 500 })
    const all = { topicPartitions: [{ topicId, partitions: [0] }] }
    expect(a.assignment).toEqual(all)
    const b = await beat(client, 'b', 0, joining)
    expect(b).toMatchObject({ memberEpoch: 3, assignment: all })
    expect(await beat(client, 'a', 2)).toMatchObject({ memberEpoch: 3, assignment: null })
    const request = { groupIds: ['g', 'none'], includeAuthorizedOperations: false }
    const { groups } = await client.request(shareGroupDescribe, 1, request)
    expect(groups[0]).toMatchObject({ groupState: 'Stable', groupEpoch: 3, assignorName: 'simple' })
    expect(groups[1]).toMatchObject({ errorCode: 69, errorMessage: 'Group none not found.' })
    clock.advance(44_000)
    await beat(client, 'a', 3)
    clock.advance(1000)
    expect((await beat(client, 'b', 3)).errorMessage).toBe('Member b is not a member of group g.')
    expect(await beat(client, 'a', -1)).toMatchObject({ errorCode: 0, memberEpoch: -1 })
  })

  test.each([
    [{ memberId: '' }, INVALID_REQUEST, "MemberId can't be empty."],
    [{ groupId: '' }, INVALID_REQUEST, "GroupId can't be empty."],
    [{ memberEpoch: -2 }, INVALID_REQUEST, 'MemberEpoch is invalid.'],
    [
      { subscribedTopicNames: [] },
      INVALID_REQUEST,
      'SubscribedTopicNames must be set in first request.',
    ],
    [{ memberEpoch: 3 }, 69, 'Share group g not found.'],
  ])('refuses %o', async (fields, errorCode, errorMessage) => {
    const { client } = await begin()
    const response = await beat(client, 'a', 0, { ...joining, ...fields })
    expect(response).toMatchObject({ errorCode, errorMessage })
  })
})

test('a response names partitions that are new, acknowledged or have records', async () => {
  const s = await begin()
  expect(await fetchShare(s, 'm', 0)).toBe('nothing')
  expect(await fetchShare(s, 'm', 1)).toBe('')
  await put(s, 3)
  await put(s, 2)
  const limit = { maxRecords: 4, batchSize: 1 }
  expect(await fetchShare(s, 'm', 2, [], { ...limit, shareAcquireMode: 1 })).toBe('0-3x1')
  const forgottenTopicsData = [{ topicId: s.topicId, partitions: [0] }]
  expect(await fetchShare(s, 'm', 3, [ack(0, 3, 1)], { forgottenTopicsData })).toBe('nothing')
  expect(await fetchShare(s, '', 0)).toBe(`error ${INVALID_REQUEST}`)
})
