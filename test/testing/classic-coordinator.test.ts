// The classic group protocol without sockets and without waiting: time is a number here.

import { beforeEach, describe, expect, test } from 'vitest'
import type { JoinGroupRequest, JoinGroupResponse } from '../../src/protocol/messages/join-group.ts'
import type { SyncGroupResponse } from '../../src/protocol/messages/sync-group.ts'
import {
  type BrokerProperties,
  resolveBrokerProperties,
} from '../../src/testing/broker-properties.ts'
import { Deadlines } from '../../src/testing/deadlines.ts'
import type { GroupCoordinator } from '../../src/testing/groups/group-coordinator.ts'
import { admitCommit } from '../../src/testing/groups/offset-admission.ts'
import { TopicStore } from '../../src/testing/topic-store.ts'
import { coordinatorOf } from './coordinator.ts'
import { joinOf } from './requests.ts'

const ILLEGAL_GENERATION = 22
const INCONSISTENT_PROTOCOL = 23
const INVALID_GROUP_ID = 24
const UNKNOWN_MEMBER = 25
const INVALID_SESSION_TIMEOUT = 26
const REBALANCING = 27
const NON_EMPTY_GROUP = 68
const GROUP_ID_NOT_FOUND = 69
const MEMBER_ID_REQUIRED = 79
const GROUP_MAX_SIZE_REACHED = 81
const FENCED_INSTANCE = 82

let deadlines: Deadlines
let coordinator: GroupCoordinator
let now: number

function start(properties: Partial<BrokerProperties> = {}): void {
  deadlines = new Deadlines()
  coordinator = coordinatorOf(resolveBrokerProperties(properties), deadlines, new TopicStore())
  now = 0
}

beforeEach(() => start())

function pass(ms: number): void {
  now += ms
  deadlines.run(now)
}

/** A parked answer: null until it comes. */
interface Parked<T> {
  answer: T | null
}

function join(fields: Partial<JoinGroupRequest> = {}, version = 9): Parked<JoinGroupResponse> {
  const parked: Parked<JoinGroupResponse> = { answer: null }
  coordinator.join(
    {
      request: joinOf('g', fields),
      clientId: 'c',
      clientHost: '/h',
      version,
      respond: (answer: JoinGroupResponse) => {
        expect(parked.answer).toBe(null)
        parked.answer = answer
      },
    },
    now,
  )
  return parked
}

/** Joins as a new dynamic member does since v4: first for an id, then with it. */
function joinNew(
  fields: Partial<JoinGroupRequest> = {},
): Parked<JoinGroupResponse> & { id: string } {
  const { answer } = join(fields)
  expect(answer?.errorCode).toBe(MEMBER_ID_REQUIRED)
  const memberId = answer?.memberId ?? ''
  return Object.assign(join({ ...fields, memberId }), { id: memberId })
}

function sync(
  memberId: string,
  generationId: number,
  assignments: Record<string, string> = {},
  fields: { groupInstanceId?: string; protocolName?: string } = {},
): Parked<SyncGroupResponse> {
  const parked: Parked<SyncGroupResponse> = { answer: null }
  const request = {
    groupId: 'g',
    generationId,
    memberId,
    groupInstanceId: fields.groupInstanceId ?? null,
    protocolType: 'consumer',
    protocolName: fields.protocolName ?? 'range',
    assignments: Object.entries(assignments).map(([id, text]) => ({
      memberId: id,
      assignment: Buffer.from(text),
    })),
  }
  coordinator.sync(request, now, (answer: SyncGroupResponse) => {
    expect(parked.answer).toBe(null)
    parked.answer = answer
  })
  return parked
}

function beat(
  memberId: string,
  generationId: number,
  groupInstanceId: string | null = null,
): number {
  return coordinator.heartbeat({ groupId: 'g', generationId, memberId, groupInstanceId }, now)
}

function leave(memberId: string, groupInstanceId: string | null = null): number {
  const members = [{ memberId, groupInstanceId, reason: null }]
  return coordinator.leave('g', members, now)[0].errorCode
}

/** Two members in a stable group of generation 2; the first leads. */
function twoMembers(fields: Partial<JoinGroupRequest> = {}): [string, string] {
  const a = joinNew(fields)
  pass(0)
  sync(a.id, 1, { [a.id]: 'all' })
  const b = joinNew(fields)
  join({ ...fields, memberId: a.id })
  sync(a.id, 2, { [a.id]: 'for a', [b.id]: 'for b' })
  sync(b.id, 2)
  expect(coordinator.store.classic('g')?.state).toBe('Stable')
  return [a.id, b.id]
}

function text(parked: Parked<SyncGroupResponse>): string | undefined {
  return parked.answer?.assignment.toString()
}

describe('joining', () => {
  test('a new member gets its id first, then leads generation 1', () => {
    const a = joinNew()
    expect(a.id).toMatch(/^c-[0-9a-f-]{36}$/)
    expect(a.answer).toBe(null)
    pass(0)
    expect(a.answer).toMatchObject({
      errorCode: 0,
      generationId: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: a.id,
      memberId: a.id,
      skipAssignment: false,
      members: [{ memberId: a.id, groupInstanceId: null, metadata: Buffer.from('r') }],
    })
  })

  test('before v4 the id comes with the answer', () => {
    const a = join({}, 3)
    pass(0)
    expect(a.answer).toMatchObject({ errorCode: 0, generationId: 1 })
    expect(a.answer?.memberId).toMatch(/^c-/)
  })

  test.each([
    ['no group id', { groupId: '' }, INVALID_GROUP_ID],
    ['a session timeout too short', { sessionTimeoutMs: 5999 }, INVALID_SESSION_TIMEOUT],
    ['a session timeout too long', { sessionTimeoutMs: 1_800_001 }, INVALID_SESSION_TIMEOUT],
    ['a member id nobody gave out', { memberId: 'x' }, UNKNOWN_MEMBER],
    ['no protocol', { protocols: [] }, INCONSISTENT_PROTOCOL],
    ['no protocol type', { protocolType: '' }, INCONSISTENT_PROTOCOL],
  ])('%s is refused', (_, fields, errorCode) => {
    expect(join(fields).answer?.errorCode).toBe(errorCode)
  })

  test('members of a group must share a protocol', () => {
    twoMembers()
    const other = { protocols: [{ name: 'sticky', metadata: Buffer.alloc(0) }] }
    expect(join(other).answer?.errorCode).toBe(INCONSISTENT_PROTOCOL)
    expect(join({ protocolType: 'connect' }).answer?.errorCode).toBe(INCONSISTENT_PROTOCOL)
  })

  test('of the protocols that all speak, the one most prefer is chosen', () => {
    start({ groupInitialRebalanceDelayMs: 100 })
    const speak = (...names: string[]): Partial<JoinGroupRequest> => ({
      protocols: names.map((name) => ({ name, metadata: Buffer.from(name) })),
    })
    const a = joinNew(speak('x', 'range', 'sticky'))
    joinNew(speak('sticky', 'range'))
    joinNew(speak('sticky', 'x', 'range'))
    pass(100)
    pass(100)
    expect(a.answer?.protocolName).toBe('sticky')
    expect(a.answer?.members.map(({ metadata }) => metadata.toString())).toEqual([
      'sticky',
      'sticky',
      'sticky',
    ])
  })

  test('the first rebalance waits for others as long as others come', () => {
    start({ groupInitialRebalanceDelayMs: 3000 })
    const a = joinNew()
    pass(2000)
    const b = joinNew()
    pass(2000)
    expect(a.answer).toBe(null)
    pass(3000)
    expect(a.answer?.members.length).toBe(2)
    expect(b.answer).toMatchObject({ generationId: 1, members: [], leader: a.id })
  })

  test('a full group takes nobody', () => {
    start({ groupMaxSize: 1 })
    const a = joinNew()
    pass(0)
    sync(a.id, 1)
    expect(join().answer?.errorCode).toBe(GROUP_MAX_SIZE_REACHED)
  })
})

describe('rebalancing', () => {
  test('members hear of it by heartbeat, join again, and get what the leader assigns', () => {
    const a = joinNew()
    pass(0)
    expect(text(sync(a.id, 1, { [a.id]: 'all' }))).toBe('all')
    expect(beat(a.id, 1)).toBe(0)
    const b = joinNew()
    expect(beat(a.id, 1)).toBe(REBALANCING)
    const again = join({ memberId: a.id })
    expect(again.answer?.members.map(({ memberId }) => memberId)).toEqual([a.id, b.id])
    expect(b.answer).toMatchObject({ generationId: 2, leader: a.id, members: [] })
    const waits = sync(b.id, 2)
    expect(waits.answer).toBe(null)
    expect(text(sync(a.id, 2, { [a.id]: 'for a', [b.id]: 'for b' }))).toBe('for a')
    expect(waits.answer).toMatchObject({ errorCode: 0, protocolName: 'range' })
    expect(text(waits)).toBe('for b')
    expect(text(sync(b.id, 2))).toBe('for b')
  })

  test('who does not join again in time is out', () => {
    const [a, b] = twoMembers()
    const again = join({ memberId: a })
    pass(5000)
    beat(b, 2)
    pass(15_000)
    expect(again.answer).toMatchObject({ generationId: 3, leader: a })
    expect(again.answer?.members.length).toBe(1)
    expect(beat(b, 2)).toBe(UNKNOWN_MEMBER)
  })

  test('who does not sync in time is out, and the others rebalance', () => {
    const [a, b] = twoMembers({ sessionTimeoutMs: 30_000 })
    join({ memberId: a, sessionTimeoutMs: 30_000 })
    join({ memberId: b, sessionTimeoutMs: 30_000 })
    sync(a, 3, { [a]: 'x' })
    expect(coordinator.store.classic('g')?.state).toBe('Stable')
    pass(20_000)
    expect(beat(a, 3)).toBe(REBALANCING)
    expect(beat(b, 3)).toBe(UNKNOWN_MEMBER)
  })

  test('a join while others wait for their assignment starts over', () => {
    const [a, b] = twoMembers()
    join({ memberId: a })
    join({ memberId: b })
    const waits = sync(b, 3)
    joinNew()
    expect(waits.answer?.errorCode).toBe(REBALANCING)
    expect(sync(b, 3).answer?.errorCode).toBe(REBALANCING)
  })

  test('a leader that joins again makes a rebalance, a follower with nothing new does not', () => {
    const [a, b] = twoMembers()
    expect(join({ memberId: b }).answer).toMatchObject({ generationId: 2, members: [] })
    expect(beat(a, 2)).toBe(0)
    const changed = { memberId: b, protocols: [{ name: 'range', metadata: Buffer.from('new') }] }
    expect(join(changed).answer).toBe(null)
    expect(beat(a, 2)).toBe(REBALANCING)
    const again = join({ memberId: a })
    expect(again.answer?.generationId).toBe(3)
    sync(a, 3)
    sync(b, 3)
    expect(beat(b, 3)).toBe(0)
    expect(join({ memberId: a }).answer).toBe(null)
    expect(beat(b, 3)).toBe(REBALANCING)
  })

  test('a join whose answer was lost is answered again', () => {
    const a = joinNew()
    pass(0)
    expect(join({ memberId: a.id }).answer).toMatchObject({ generationId: 1, leader: a.id })
    expect(join({ memberId: a.id }).answer?.members.length).toBe(1)
  })

  test.each([
    ['another generation', 3, 'range', ILLEGAL_GENERATION],
    ['another protocol', 2, 'sticky', INCONSISTENT_PROTOCOL],
  ])('a sync of %s is refused', (_, generation, protocolName, errorCode) => {
    const [a] = twoMembers()
    expect(sync(a, generation, {}, { protocolName }).answer?.errorCode).toBe(errorCode)
  })

  test('a sync of nobody is refused', () => {
    expect(sync('x', 1).answer?.errorCode).toBe(UNKNOWN_MEMBER)
    twoMembers()
    expect(sync('x', 2).answer?.errorCode).toBe(UNKNOWN_MEMBER)
  })
})

describe('sessions', () => {
  test('a member that stays silent is out after its session timeout', () => {
    const [a, b] = twoMembers()
    pass(9000)
    expect(beat(a, 2)).toBe(0)
    pass(1000)
    expect(beat(a, 2)).toBe(REBALANCING)
    expect(beat(b, 2)).toBe(UNKNOWN_MEMBER)
    expect(join({ memberId: a }).answer).toMatchObject({ generationId: 3, leader: a })
  })

  test('when the last one is gone the group is empty', () => {
    const a = joinNew()
    pass(0)
    sync(a.id, 1)
    pass(10_000)
    expect(coordinator.store.classic('g')).toMatchObject({ state: 'Empty', generationId: 2 })
  })

  test('an id that nobody joins with is forgotten, and holds up a rebalance till then', () => {
    const [a] = twoMembers({ sessionTimeoutMs: 6000 })
    const { answer } = join({ sessionTimeoutMs: 6000 })
    const id = answer?.memberId ?? ''
    leave(a)
    expect(coordinator.store.classic('g')?.state).toBe('PreparingRebalance')
    pass(6000)
    expect(join({ memberId: id }).answer?.errorCode).toBe(UNKNOWN_MEMBER)
  })

  test('a heartbeat of another generation is refused and does not count', () => {
    const [a] = twoMembers()
    expect(beat(a, 1)).toBe(ILLEGAL_GENERATION)
    expect(beat('x', 2)).toBe(UNKNOWN_MEMBER)
  })

  test('who waits for the rebalance is not silent', () => {
    const [a, b] = twoMembers({ sessionTimeoutMs: 6000 })
    const again = join({
      memberId: b,
      sessionTimeoutMs: 6000,
      protocols: [{ name: 'range', metadata: Buffer.from('2') }],
    })
    for (let i = 0; i < 3; i++) {
      pass(5000)
      expect(beat(a, 2)).toBe(REBALANCING)
    }
    expect(again.answer).toBe(null)
    join({ memberId: a })
    expect(again.answer?.errorCode).toBe(0)
  })
})

describe('leaving', () => {
  test('the others rebalance, and the next member leads', () => {
    const [a, b] = twoMembers()
    expect(leave(a)).toBe(0)
    expect(beat(b, 2)).toBe(REBALANCING)
    expect(join({ memberId: b }).answer).toMatchObject({ generationId: 3, leader: b })
    expect(leave(a)).toBe(UNKNOWN_MEMBER)
  })

  test('one that has only its id may leave too', () => {
    twoMembers()
    const id = join().answer?.memberId ?? ''
    expect(leave(id)).toBe(0)
    expect(join({ memberId: id }).answer?.errorCode).toBe(UNKNOWN_MEMBER)
  })

  test('the last to join completes a rebalance by leaving', () => {
    const [a, b] = twoMembers()
    const again = join({ memberId: a })
    expect(again.answer).toBe(null)
    leave(b)
    expect(again.answer).toMatchObject({ generationId: 3 })
  })

  test('only an empty group can be deleted', () => {
    const [a, b] = twoMembers()
    expect(coordinator.delete('g')).toBe(NON_EMPTY_GROUP)
    leave(a)
    leave(b)
    expect(coordinator.delete('g')).toBe(0)
    expect(coordinator.delete('g')).toBe(GROUP_ID_NOT_FOUND)
  })
})

describe('static members', () => {
  const asA = { groupInstanceId: 'a' }
  const asB = { groupInstanceId: 'b' }

  function twoStatic(): [string, string] {
    start({ groupInitialRebalanceDelayMs: 100 })
    const a = join(asA)
    const b = join(asB)
    pass(100)
    pass(100)
    const ids: [string, string] = [a.answer?.memberId ?? '', b.answer?.memberId ?? '']
    sync(ids[0], 1, { [ids[0]]: 'for a', [ids[1]]: 'for b' }, asA)
    sync(ids[1], 1, {}, asB)
    return ids
  }

  test('need no second join, and their id starts with their name', () => {
    const [a] = twoStatic()
    expect(a).toMatch(/^a-/)
  })

  test('one that comes back gets its assignment without a rebalance, the old one is fenced', () => {
    const [a, b] = twoStatic()
    const back = join(asB)
    const id = back.answer?.memberId ?? ''
    expect(back.answer).toMatchObject({ errorCode: 0, generationId: 1, members: [] })
    expect(id).not.toBe(b)
    expect(beat(a, 1, 'a')).toBe(0)
    expect(text(sync(id, 1, {}, asB))).toBe('for b')
    expect(beat(b, 1, 'b')).toBe(FENCED_INSTANCE)
    expect(sync(b, 1, {}, asB).answer?.errorCode).toBe(FENCED_INSTANCE)
    expect(join({ ...asB, memberId: b }).answer?.errorCode).toBe(FENCED_INSTANCE)
    expect(leave(b, 'b')).toBe(FENCED_INSTANCE)
  })

  test('a leader that comes back is told to skip the assignment', () => {
    const [a] = twoStatic()
    const back = join(asA)
    expect(back.answer).toMatchObject({ skipAssignment: true, leader: back.answer?.memberId })
    expect(back.answer?.members.length).toBe(2)
    const old = join(asA, 8)
    expect(old.answer).toMatchObject({ skipAssignment: false, members: [] })
    expect(old.answer?.leader).not.toBe(old.answer?.memberId)
    expect(old.answer?.memberId).not.toBe(a)
  })

  test('one that comes back in the midst of a rebalance starts over', () => {
    const [a] = twoStatic()
    join({ ...asA, memberId: a })
    const waits = join(asB)
    expect(waits.answer).toMatchObject({ generationId: 2 })
    const back = join(asB)
    expect(back.answer).toBe(null)
    expect(coordinator.store.classic('g')?.state).toBe('PreparingRebalance')
  })

  test('one that is parked when its successor comes is fenced at once', () => {
    const [, b] = twoStatic()
    const parked = join({
      ...asB,
      memberId: b,
      protocols: [{ name: 'range', metadata: Buffer.from('2') }],
    })
    expect(parked.answer).toBe(null)
    join(asB)
    expect(parked.answer?.errorCode).toBe(FENCED_INSTANCE)
  })

  test('can be removed by name alone', () => {
    const [a] = twoStatic()
    expect(leave('', 'b')).toBe(0)
    expect(leave('', 'x')).toBe(UNKNOWN_MEMBER)
    expect(beat(a, 1, 'a')).toBe(REBALANCING)
  })

  test('keep their place in a rebalance that they miss', () => {
    const [a, b] = twoStatic()
    const again = join({ ...asA, memberId: a })
    for (let i = 0; i < 4; i++) {
      pass(5000)
      beat(b, 1, 'b')
    }
    expect(again.answer?.members.map(({ groupInstanceId }) => groupInstanceId)).toEqual(['a', 'b'])
  })
})

describe('commits', () => {
  const outside = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null }

  test('from outside make a group of their own, which members may not be in', () => {
    expect(admitCommit(coordinator, outside, [], 9, now)).toBe(0)
    expect(coordinator.store.classic('g')?.state).toBe('Empty')
    twoMembers()
    expect(admitCommit(coordinator, outside, [], 9, now)).toBe(UNKNOWN_MEMBER)
  })

  test.each([
    [
      'of a group that is not there',
      { groupId: 'none', generationId: 1, memberId: 'x' },
      9,
      GROUP_ID_NOT_FOUND,
    ],
    [
      'of such a group before v9',
      { groupId: 'none', generationId: 1, memberId: 'x' },
      8,
      ILLEGAL_GENERATION,
    ],
    ['of another generation', { generationId: 1 }, 9, ILLEGAL_GENERATION],
    ['of nobody', { memberId: 'x' }, 9, UNKNOWN_MEMBER],
    ['of a static member that is none', { groupInstanceId: 'x' }, 9, UNKNOWN_MEMBER],
  ])('%s are refused', (_, fields, version, errorCode) => {
    const [a] = twoMembers()
    const committer = { groupId: 'g', generationId: 2, memberId: a, groupInstanceId: null }
    expect(admitCommit(coordinator, { ...committer, ...fields }, [], version, now)).toBe(errorCode)
    expect(admitCommit(coordinator, committer, [], version, now)).toBe(0)
  })

  test('keep a session alive, also while others join, but not before the assignment', () => {
    const [a, b] = twoMembers()
    const member = { groupId: 'g', generationId: 2, memberId: a, groupInstanceId: null }
    pass(9000)
    beat(b, 2)
    expect(admitCommit(coordinator, member, [], 9, now)).toBe(0)
    pass(9000)
    beat(b, 2)
    expect(beat(a, 2)).toBe(0)
    join({ memberId: a })
    expect(admitCommit(coordinator, { ...member, memberId: b }, [], 9, now)).toBe(0)
    join({ memberId: b })
    expect(admitCommit(coordinator, { ...member, generationId: 3 }, [], 9, now)).toBe(REBALANCING)
  })
})

test('what is parked at a coordinator that goes is answered', () => {
  const [a, b] = twoMembers()
  const joining = join({ memberId: a })
  coordinator.failParked('g', 16)
  expect(joining.answer?.errorCode).toBe(16)
  join({ memberId: a })
  join({ memberId: b })
  const syncing = sync(b, 3)
  coordinator.failParked('g', 16)
  expect(syncing.answer?.errorCode).toBe(16)
})
