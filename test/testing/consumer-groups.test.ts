// Consumer groups (KIP-848) without sockets and without waiting: time is a number here. The expected
// epochs and messages are those of a 4.4.0 broker that was sent the same requests.

import { beforeEach, describe, expect, test } from 'vitest'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../src/protocol/messages/consumer-group-heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../src/protocol/messages/join-group.ts'
import type { SyncGroupResponse } from '../../src/protocol/messages/sync-group.ts'
import {
  type BrokerProperties,
  resolveBrokerProperties,
} from '../../src/testing/broker-properties.ts'
import { Deadlines } from '../../src/testing/deadlines.ts'
import type { ConsumerGroup } from '../../src/testing/groups/consumer/consumer-group.ts'
import { decodeAssignment } from '../../src/testing/groups/consumer-protocol.ts'
import type { GroupCoordinator } from '../../src/testing/groups/group-coordinator.ts'
import { GroupError } from '../../src/testing/groups/group-error.ts'
import { admitCommit, admitOffsetFetch } from '../../src/testing/groups/offset-admission.ts'
import { TopicConfig } from '../../src/testing/topic-config.ts'
import { TopicStore } from '../../src/testing/topic-store.ts'
import { coordinatorOf } from './coordinator.ts'
import { encodeTestSubscription, joinOf } from './requests.ts'

const INVALID_REQUEST = 42
const UNKNOWN_MEMBER = 25
const REBALANCING = 27
const NOT_FOUND = 69
const FENCED_INSTANCE = 82
const FENCED_EPOCH = 110
const UNRELEASED_INSTANCE = 111
const UNSUPPORTED_ASSIGNOR = 112
const STALE_EPOCH = 113
const INVALID_REGEX = 128

const client = { clientId: 'c', clientHost: '/h' }

let deadlines: Deadlines
let topics: TopicStore
let coordinator: GroupCoordinator
let properties: BrokerProperties
let now: number
let epochs: Map<string, number>

function start(given: Partial<BrokerProperties> = {}): void {
  deadlines = new Deadlines()
  topics = new TopicStore()
  properties = resolveBrokerProperties(given)
  coordinator = coordinatorOf(properties, deadlines, topics)
  now = 0
  epochs = new Map()
  createTopic('t', 3)
}

beforeEach(() => start())

function createTopic(name: string, partitions: number): void {
  const assignments = Array.from({ length: partitions }, () => [1])
  topics.create(name, assignments, new TopicConfig([], properties), () => true)
}

function pass(ms: number): void {
  now += ms
  deadlines.run(now)
}

function send(
  fields: Partial<ConsumerGroupHeartbeatRequest>,
  version = 1,
): ConsumerGroupHeartbeatResponse {
  const request = {
    groupId: 'g',
    memberId: '',
    memberEpoch: 0,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: null,
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: null,
    ...fields,
  }
  return coordinator.consumerHeartbeat(request, version, client, now)
}

const joining = { memberEpoch: 0, rebalanceTimeoutMs: 60_000, topicPartitions: [] }

/** Sends a heartbeat in the epoch that the member was last given. */
function beat(memberId: string, fields: Partial<ConsumerGroupHeartbeatRequest> = {}): string {
  const response = send({ memberId, memberEpoch: epochs.get(memberId) ?? 0, ...fields })
  epochs.set(memberId, response.memberEpoch)
  return `${response.memberEpoch} ${show(response)}`
}

function join(memberId: string, fields: Partial<ConsumerGroupHeartbeatRequest> = {}): string {
  return beat(memberId, { ...joining, subscribedTopicNames: ['t'], memberEpoch: 0, ...fields })
}

function show({ assignment }: ConsumerGroupHeartbeatResponse): string {
  if (assignment === null) return 'same'
  const parts = assignment.topicPartitions.map(({ topicId, partitions }) => {
    return `${topics.getById(topicId)?.name}:${partitions}`
  })
  return parts.sort().join(' ') || 'nothing'
}

function owned(topic: string, ...partitions: number[]): { topicId: string; partitions: number[] } {
  return { topicId: topics.get(topic)?.id ?? '', partitions }
}

function refusal(run: () => unknown): { code: number; message: string } {
  try {
    run()
  } catch (error) {
    if (error instanceof GroupError) return { code: error.errorCode, message: error.message }
    throw error
  }
  throw new Error('it was not refused')
}

function group(): ConsumerGroup {
  return coordinator.store.consumer('g')
}

describe('joining', () => {
  test('the first member gets everything at once, in epoch 2', () => {
    const response = send({ ...joining, memberId: 'a', subscribedTopicNames: ['t'] })
    expect(response).toMatchObject({ memberId: 'a', memberEpoch: 2, heartbeatIntervalMs: 500 })
    expect(show(response)).toBe('t:0,1,2')
    expect(group().state).toBe('Stable')
    expect(beat('a', { memberEpoch: 2 })).toBe('2 same')
  })

  test('a full request is told its assignment again', () => {
    join('a')
    const full = { ...joining, subscribedTopicNames: ['t'], topicPartitions: [owned('t', 0, 1, 2)] }
    expect(beat('a', { ...full, memberEpoch: 2 })).toBe('2 t:0,1,2')
  })

  test('before v1 the coordinator makes the member id', () => {
    const { memberId } = send({ ...joining, subscribedTopicNames: ['t'] }, 0)
    expect(memberId).toMatch(/^[\w-]{22}$/)
  })

  test.each([
    [{ groupId: '' }, "GroupId can't be empty."],
    [{ instanceId: '' }, "InstanceId can't be empty."],
    [{ rackId: '' }, "RackId can't be empty."],
    [{ memberId: '' }, "MemberId can't be empty."],
    [{ memberEpoch: -3 }, 'MemberEpoch is invalid.'],
    [{ memberEpoch: -2 }, "InstanceId can't be null."],
    [{ rebalanceTimeoutMs: -1 }, 'RebalanceTimeoutMs must be provided in first request.'],
    [{ topicPartitions: null }, 'TopicPartitions must be empty when (re-)joining.'],
    [
      { subscribedTopicNames: null },
      'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
    ],
  ])('%o is refused', (fields, message) => {
    const request = { ...joining, memberId: 'a', subscribedTopicNames: ['t'], ...fields }
    expect(refusal(() => send(request))).toEqual({ code: INVALID_REQUEST, message })
    expect([...coordinator.store.all]).toEqual([])
  })

  test('unknown assignors, groups and members are refused by name', () => {
    expect(refusal(() => join('a', { serverAssignor: 'foo' }))).toEqual({
      code: UNSUPPORTED_ASSIGNOR,
      message: 'ServerAssignor foo is not supported. Supported assignors: uniform, range.',
    })
    expect(refusal(() => beat('a', { memberEpoch: 2 }))).toEqual({
      code: NOT_FOUND,
      message: 'Consumer group g not found.',
    })
    join('a')
    expect(refusal(() => beat('z', { memberEpoch: 2 }))).toEqual({
      code: UNKNOWN_MEMBER,
      message: 'Member z is not a member of group g.',
    })
  })

  test('a full group refuses another member, not one that it has', () => {
    start({ groupConsumerMaxSize: 1 })
    join('a')
    expect(refusal(() => join('b')).code).toBe(81)
    expect(join('a')).toBe('2 t:0,1,2')
  })
})

describe('reconciliation', () => {
  test('a partition moves once its owner says that it has given it up', () => {
    join('a')
    expect(join('b')).toBe('3 nothing')
    expect(beat('a')).toBe('2 t:0,1')
    expect(group().state).toBe('Reconciling')
    expect(beat('a')).toBe('2 same')
    expect(beat('b')).toBe('3 same')
    expect(beat('a', { topicPartitions: [owned('t', 0, 1, 2)] })).toBe('2 same')
    expect(beat('a', { topicPartitions: [owned('t', 0, 1)] })).toBe('3 same')
    expect(beat('b')).toBe('3 t:2')
    expect(group().state).toBe('Stable')
  })

  test('a member whose response was lost may repeat its previous epoch', () => {
    join('a')
    join('b')
    beat('a')
    const revoked = { topicPartitions: [owned('t', 0, 1)] }
    expect(beat('a', revoked)).toBe('3 same')
    expect(beat('a', { ...revoked, memberEpoch: 2 })).toBe('3 same')
    expect(refusal(() => send({ memberId: 'a', memberEpoch: 2 }))).toEqual({
      code: FENCED_EPOCH,
      message:
        'The consumer group member has a smaller member epoch (2) than the one known by the group coordinator (3). The member must abandon all its partitions and rejoin.',
    })
    expect(refusal(() => send({ memberId: 'a', memberEpoch: 9 })).message).toContain('greater')
    expect(beat('a')).toBe('3 same')
  })

  test('a member that rejoins in epoch 0 gives up what it had', () => {
    join('a')
    join('b')
    expect(join('a')).toBe('3 t:0,1')
    expect(beat('b')).toBe('3 t:2')
  })

  test('what a narrower subscription loses is revoked before the next target', () => {
    start({ groupConsumerAssignmentIntervalMs: 1000 })
    createTopic('u', 1)
    join('a', { subscribedTopicNames: ['t', 'u'] })
    expect(beat('a', { subscribedTopicNames: ['u'] })).toBe('2 u:0')
    expect(beat('a', { topicPartitions: [owned('u', 0)] })).toBe('2 same')
    pass(1000)
    expect(beat('a')).toBe('3 same')
  })

  test('targets keep their distance', () => {
    start({ groupConsumerAssignmentIntervalMs: 1000 })
    join('a')
    expect(join('b')).toBe('2 nothing')
    expect(group().state).toBe('Assigning')
    pass(999)
    expect(beat('a')).toBe('2 same')
    pass(1)
    expect(beat('a')).toBe('2 t:0,1')
  })

  test('new partitions, topics and deletions raise the epoch', () => {
    join('a', { subscribedTopicNames: ['t', 'later'] })
    topics.addPartitions(topicOf('t'), [[1]], () => true)
    expect(beat('a')).toBe('3 t:0,1,2,3')
    createTopic('later', 1)
    expect(beat('a')).toBe('4 later:0 t:0,1,2,3')
    createTopic('other', 1)
    expect(beat('a')).toBe('4 same')
    topics.delete('later')
    expect(beat('a')).toBe('4 t:0,1,2,3')
    expect(beat('a', { topicPartitions: [owned('t', 0, 1, 2, 3)] })).toBe('5 same')
  })

  test('another assignor raises the epoch, the name of the default one does not', () => {
    join('a')
    expect(beat('a', { serverAssignor: 'uniform' })).toBe('2 same')
    expect(beat('a', { serverAssignor: 'range' })).toBe('3 same')
    expect(group().assignorName).toBe('range')
  })
})

function topicOf(name: string) {
  const topic = topics.get(name)
  if (topic === undefined) throw new Error(`there is no topic ${name}`)
  return topic
}

describe('regular expressions', () => {
  test('are resolved after the first heartbeat and followed from then on', () => {
    createTopic('tt', 1)
    const regex = { subscribedTopicNames: null, subscribedTopicRegex: 't+' }
    expect(join('a', regex)).toBe('1 nothing')
    expect(beat('a')).toBe('2 t:0,1,2 tt:0')
    createTopic('ttt', 1)
    createTopic('not', 1)
    expect(beat('a')).toBe('3 t:0,1,2 tt:0 ttt:0')
    expect(beat('a', { subscribedTopicRegex: '' })).toBe('3 nothing')
  })

  test('that match no topic raise no epoch', () => {
    join('a')
    expect(beat('a', { subscribedTopicRegex: 'none.*' })).toBe('2 same')
    expect(beat('a')).toBe('2 same')
    createTopic('none-yet', 1)
    expect(beat('a')).toBe('3 none-yet:0 t:0,1,2')
  })

  test.each([
    ['(', 'missing closing )'],
    ['(?=a)b', 'invalid or unsupported Perl syntax'],
    ['(?<!a)b', 'invalid or unsupported Perl syntax'],
    ['(a)\\1', 'invalid escape sequence'],
    ['[a', 'missing closing ]'],
    ['*a', 'missing argument to repetition operator'],
    ['a**', 'invalid nested repetition operator'],
    ['a{1001}', 'invalid repetition size'],
  ])('%s is refused', (subscribedTopicRegex, reason) => {
    const fields = { subscribedTopicNames: null, subscribedTopicRegex }
    expect(refusal(() => join('a', fields))).toEqual({
      code: INVALID_REGEX,
      message: `SubscribedTopicRegex \`${subscribedTopicRegex}\` is not a valid regular expression: ${reason}.`,
    })
  })

  test.each([
    ['(?i)T', ['t']],
    ['\\Qa.b\\E', ['a.b']],
    ['a[[:punct:]]b', ['a.b']],
    ['a\\.b|t', ['a.b', 't']],
    ['\\p{Ll}', ['t']],
    ['(?P<x>t)', ['t']],
    ['\\At\\z', ['t']],
  ])('%s is understood', (subscribedTopicRegex, names) => {
    createTopic('a.b', 1)
    createTopic('axb', 1)
    join('a', { subscribedTopicNames: null, subscribedTopicRegex })
    expect([...(group().resolvedRegexes.get(subscribedTopicRegex) ?? [])].sort()).toEqual(names)
  })
})

describe('static members', () => {
  test('come back under another id and keep their partitions and epoch', () => {
    join('s1', { instanceId: 'i' })
    const taken = refusal(() => join('s2', { instanceId: 'i' }))
    expect(taken.code).toBe(UNRELEASED_INSTANCE)
    expect(beat('s1', { instanceId: 'i', memberEpoch: -2 })).toBe('-2 same')
    expect(group().state).toBe('Reconciling')
    expect(join('s2', { instanceId: 'i' })).toBe('2 t:0,1,2')
    expect(refusal(() => beat('s1', { instanceId: 'i', memberEpoch: 2 }))).toEqual({
      code: FENCED_INSTANCE,
      message: 'Static member s1 with instance id i was fenced by member s2.',
    })
    expect(refusal(() => beat('s2', { instanceId: 'x' })).message).toBe('Instance id x is unknown.')
  })

  test('that leave for good are gone', () => {
    join('s1', { instanceId: 'i' })
    beat('s1', { instanceId: 'i', memberEpoch: -1 })
    expect(group()).toMatchObject({ state: 'Empty', groupEpoch: 3, assignmentEpoch: 3 })
  })
})

describe('time', () => {
  test('a member that falls silent is fenced when its session ends', () => {
    join('a')
    join('b')
    pass(44_000)
    beat('a')
    pass(1000)
    expect([...group().members.keys()]).toEqual(['a'])
    expect(beat('a', { topicPartitions: [owned('t', 0, 1)] })).toBe('4 t:0,1,2')
  })

  test('a member that does not revoke is fenced when its rebalance time-out ends', () => {
    join('a', { rebalanceTimeoutMs: 5000 })
    join('b')
    beat('a')
    pass(4999)
    expect(beat('a')).toBe('2 same')
    pass(1)
    expect(refusal(() => beat('a')).code).toBe(UNKNOWN_MEMBER)
    expect(beat('b')).toBe('4 t:0,1,2')
  })

  test('leaving stops every timer', () => {
    join('a')
    beat('a', { memberEpoch: -1 })
    expect(deadlines.next).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('offsets', () => {
  const committer = { groupId: 'g', memberId: 'a', groupInstanceId: null }
  const commit = (generationId: number, partitions = [0], version = 9): number => {
    const id = topicOf('t').id
    const ids = partitions.map((partition) => [id, partition] as const)
    return admitCommit(coordinator, { ...committer, generationId }, ids, version, now)
  }

  test('an older epoch will do for partitions that the member had then', () => {
    join('a')
    topics.addPartitions(topicOf('t'), [[1]], () => true)
    beat('a')
    expect(commit(3)).toBe(0)
    expect(commit(2)).toBe(0)
    expect(commit(2, [0, 3])).toBe(STALE_EPOCH)
    expect(commit(1)).toBe(STALE_EPOCH)
    expect(commit(4)).toBe(STALE_EPOCH)
    expect(commit(-1)).toBe(STALE_EPOCH)
    expect(commit(3, [0], 8)).toBe(35)
  })

  test('an admin commits to an empty group alone', () => {
    join('a')
    const admin = { groupId: 'g', memberId: '', groupInstanceId: null, generationId: -1 }
    expect(admitCommit(coordinator, admin, [], 9, now)).toBe(UNKNOWN_MEMBER)
    beat('a', { memberEpoch: -1 })
    expect(admitCommit(coordinator, admin, [], 9, now)).toBe(0)
  })

  test('reading needs the epoch of the member', () => {
    join('a')
    expect(admitOffsetFetch(coordinator, 'g', 'a', 2)).toBe(0)
    expect(admitOffsetFetch(coordinator, 'g', 'a', 1)).toBe(STALE_EPOCH)
    expect(admitOffsetFetch(coordinator, 'g', 'z', 2)).toBe(UNKNOWN_MEMBER)
    expect(admitOffsetFetch(coordinator, 'g', null, -1)).toBe(0)
  })
})

describe('migration', () => {
  function joinClassic(fields: Partial<JoinGroupRequest> = {}): JoinGroupResponse {
    let response: JoinGroupResponse | null = null
    const metadata = encodeTestSubscription(['t'])
    const request = joinOf('g', { protocols: [{ name: 'range', metadata }], ...fields })
    coordinator.join(
      { request, ...client, version: 9, respond: (given) => (response = given) },
      now,
    )
    if (response === null) throw new Error('the join is parked')
    return response
  }

  function newClassicMember(): { memberId: string; generationId: number } {
    const { memberId } = joinClassic()
    return joinClassic({ memberId })
  }

  function sync(member: { memberId: string; generationId: number }): SyncGroupResponse {
    let response: SyncGroupResponse | null = null
    const { memberId, generationId } = member
    coordinator.sync(
      {
        groupId: 'g',
        memberId,
        generationId,
        groupInstanceId: null,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [],
      },
      now,
      (given) => (response = given),
    )
    if (response === null) throw new Error('the sync is parked')
    return response
  }

  function heartbeat(member: { memberId: string; generationId: number }): number {
    return coordinator.heartbeat({ groupId: 'g', groupInstanceId: null, ...member }, now)
  }

  test('a classic member joins a consumer group and is rebalanced by the coordinator', () => {
    join('a')
    const classic = newClassicMember()
    expect(classic).toMatchObject({ generationId: 3, protocolName: 'range', leader: '' })
    expect(decodeAssignment(sync(classic).assignment)).toEqual([])
    beat('a')
    expect(heartbeat(classic)).toBe(0)
    beat('a', { topicPartitions: [owned('t', 0, 1)] })
    expect(heartbeat(classic)).toBe(REBALANCING)
    const again = joinClassic({ memberId: classic.memberId })
    expect(decodeAssignment(sync(again).assignment)).toEqual([{ topic: 't', partitions: [2] }])
    expect(heartbeat(again)).toBe(0)
  })

  test('the last member of the new protocol leaves a classic group behind', () => {
    join('a')
    const classic = newClassicMember()
    beat('a', { memberEpoch: -1 })
    expect(coordinator.store.classic('g')).toMatchObject({
      state: 'PreparingRebalance',
      generationId: 3,
    })
    expect(heartbeat(classic)).toBe(REBALANCING)
    expect(joinClassic({ memberId: classic.memberId })).toMatchObject({ generationId: 4 })
  })

  test('LeaveGroup removes members of the new protocol too', () => {
    join('a')
    join('b', { instanceId: 'i' })
    const classic = newClassicMember()
    const leave = (memberId: string, groupInstanceId: string | null = null) => {
      const members = [{ memberId, groupInstanceId, reason: null }]
      return coordinator.leave('g', members, now)
    }
    const left = { memberId: '', groupInstanceId: 'i', errorCode: 0 }
    expect(leave('', 'i')).toEqual([left])
    expect(refusal(() => beat('b')).code).toBe(UNKNOWN_MEMBER)
    expect(leave('a')).toEqual([{ memberId: 'a', groupInstanceId: null, errorCode: 0 }])
    // Only a classic member is left, so the group is a classic one again.
    expect(coordinator.store.classic('g')).toMatchObject({ state: 'PreparingRebalance' })
    expect(coordinator.store.classic('g')?.members.has(classic.memberId)).toBe(true)
  })

  test('a member of the new protocol converts a classic group', () => {
    const classic = newClassicMemberAlone()
    expect(join('a')).toBe('2 t:2')
    expect(group().members.get(classic.memberId)?.classic).not.toBe(null)
    expect(heartbeat(classic)).toBe(REBALANCING)
  })

  function newClassicMemberAlone(): { memberId: string; generationId: number } {
    const { memberId } = joinClassic()
    let joined: JoinGroupResponse | null = null
    const protocols = [{ name: 'range', metadata: encodeTestSubscription(['t']) }]
    const request = joinOf('g', { memberId, protocols })
    coordinator.join({ request, ...client, version: 9, respond: (given) => (joined = given) }, now)
    pass(0)
    expect(joined).toMatchObject({ generationId: 1 })
    sync({ memberId, generationId: 1 })
    return { memberId, generationId: 1 }
  }

  test('the policy may forbid it', () => {
    start({ groupConsumerMigrationPolicy: 'disabled' })
    newClassicMemberAlone()
    expect(refusal(() => join('a'))).toEqual({
      code: NOT_FOUND,
      message: 'Group g is not a consumer group.',
    })
  })

  test('an empty group takes any protocol', () => {
    join('a')
    beat('a', { memberEpoch: -1 })
    newClassicMemberAlone()
    expect(coordinator.store.get('g')?.type).toBe('classic')
  })
})
