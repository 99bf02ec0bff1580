import { expect, test } from 'vitest'
import { type Acceptance, type Asked, MetadataView } from '../../src/cluster/metadata.ts'
import type {
  MetadataResponse,
  MetadataResponseTopic,
} from '../../src/protocol/messages/metadata.ts'
import { idOf, topicAnswer, topicError } from './fake-cluster.ts'

const ORDERS = new Set(['orders'])

function answer(
  topics: MetadataResponseTopic[],
  more: Partial<MetadataResponse> = {},
): MetadataResponse {
  return {
    throttleTimeMs: 0,
    brokers: [0, 1, 2].map((nodeId) => ({
      nodeId,
      host: `broker-${nodeId}`,
      port: 9092,
      rack: null,
    })),
    clusterId: 'c',
    controllerId: 0,
    topics,
    clusterAuthorizedOperations: -2147483648,
    errorCode: 0,
    ...more,
  }
}

/** A view, and how to feed it: what differs from a question for `orders` at time 0 is given. */
function view(): {
  view: MetadataView
  take: (
    topics: MetadataResponseTopic[],
    asked?: Partial<Asked>,
    more?: Partial<MetadataResponse>,
  ) => Acceptance
} {
  const made = new MetadataView()
  return {
    view: made,
    take: (topics, asked, more) =>
      made.accept(answer(topics, more), {
        topics: ORDERS,
        keep: ORDERS,
        nodeId: 0,
        now: 0,
        ...asked,
      }),
  }
}

function orders(leaderId: number, leaderEpoch: number, errorCode = 0): MetadataResponseTopic {
  return topicAnswer('orders', [{ leaderId, leaderEpoch, errorCode }])
}

function leader(of: MetadataView): [number, number] | undefined {
  const partition = of.snapshot.topics.get('orders')?.partitions[0]
  return partition && [partition.leader, partition.leaderEpoch]
}

test('a snapshot holds what the brokers said, and is replaced as a whole', () => {
  const { view: made, take } = view()
  const empty = made.snapshot
  const change = take([orders(1, 5)])
  expect(change).toMatchObject({
    refused: null,
    isNews: true,
    isIncomplete: false,
    isLeaderless: false,
  })
  expect(made.snapshot).toBe(change.snapshot)
  expect(made.snapshot).toMatchObject({ clusterId: 'c', controllerId: 0, generation: 1 })
  expect(made.snapshot.brokers.get(2)).toEqual({
    nodeId: 2,
    host: 'broker-2',
    port: 9092,
    rack: null,
  })
  expect(leader(made)).toEqual([1, 5])
  expect(empty.topics.size).toBe(0)
  expect(take([orders(1, 5)])).toMatchObject({ isNews: false })
  expect(take([orders(2, 6)])).toMatchObject({ isNews: true })
})

test('an answer without brokers is ignored', () => {
  const { view: made, take } = view()
  take([orders(1, 5)])
  expect(take([orders(2, 6)], {}, { brokers: [] })).toMatchObject({
    refused: /no broker/,
    isIncomplete: true,
  })
  expect(leader(made)).toEqual([1, 5])
})

test('another cluster is refused, unless the client began again', () => {
  const { view: made, take } = view()
  take([orders(1, 5)])
  const other = take([orders(2, 6)], {}, { clusterId: 'other' })
  expect(other.refused).toMatch(/'other'.*'c'/)
  expect(made.snapshot.clusterId).toBe('c')
  made.allowOtherCluster()
  expect(take([orders(2, 6)], {}, { clusterId: 'other' }).refused).toBeNull()
  expect(made.snapshot.clusterId).toBe('other')
  expect(take([orders(2, 6)]).refused).toMatch(/'c'/)
})

test('a leader epoch does not go back, and -1 does not replace a known one', () => {
  const { view: made, take } = view()
  take([orders(1, 5)])
  expect(take([orders(2, 4)])).toMatchObject({ isIncomplete: true })
  expect(leader(made)).toEqual([1, 5])
  expect(take([orders(2, -1)])).toMatchObject({ isIncomplete: true })
  expect(leader(made)).toEqual([1, 5])
  take([orders(2, 6)])
  expect(leader(made)).toEqual([2, 6])
})

test('the same epoch without a leader does not undo a leader; a later one does', () => {
  const { view: made, take } = view()
  take([orders(1, 5)])
  expect(take([orders(-1, 5, 5)])).toMatchObject({ isIncomplete: true, isLeaderless: false })
  expect(leader(made)).toEqual([1, 5])
  expect(take([orders(-1, 6, 5)])).toMatchObject({ isIncomplete: true, isLeaderless: true })
  expect(leader(made)).toEqual([-1, 6])
})

test('old brokers know no epoch: their word counts', () => {
  const { view: made, take } = view()
  take([orders(1, -1)])
  take([orders(2, -1)])
  expect(leader(made)).toEqual([2, -1])
  take([orders(0, 0)])
  expect(leader(made)).toEqual([0, 0])
})

test('a partition in error is believed from before for 30 s', () => {
  const { view: made, take } = view()
  take([orders(1, 5)])
  take([orders(-1, -1, 5)], { now: 1000 })
  take([orders(-1, -1, 5)], { now: 30_999 })
  expect(leader(made)).toEqual([1, 5])
  take([orders(1, 5)], { now: 31_000 })
  take([orders(-1, -1, 5)], { now: 31_001 })
  take([orders(-1, -1, 5)], { now: 61_000 })
  expect(leader(made)).toEqual([1, 5])
  take([orders(-1, -1, 5)], { now: 61_001 })
  expect(leader(made)).toEqual([-1, 5])
})

test.each([0, 1, 4])(
  'a lower epoch is believed when five answers agree (%d differ)',
  (differing) => {
    const { view: made, take } = view()
    take([orders(1, 9)])
    for (let i = 0; i < 4; i++) take([orders(2, 3)], { now: i * 2000, nodeId: i % 2 })
    expect(leader(made)).toEqual([1, 9])
    // One answer that says otherwise begins the count anew.
    for (let i = 0; i < differing; i++) take([orders(1, 9)], { now: 8000 })
    take([orders(2, 3)], { now: 8000, nodeId: 1 })
    expect(leader(made)).toEqual(differing === 0 ? [2, 3] : [1, 9])
  },
)

test.each([
  ['from one broker of three', () => ({ nodeId: 1 }), 10_000],
  ['within less than five seconds', (i: number) => ({ nodeId: i % 3 }), 900],
])('a lower epoch is not believed %s', (_, from, stepMs) => {
  const { view: made, take } = view()
  take([orders(1, 9)])
  for (let i = 0; i < 6; i++) take([orders(2, 3)], { ...from(i), now: i * stepMs })
  expect(leader(made)).toEqual([1, 9])
})

test('the only broker of a cluster is believed alone', () => {
  const { view: made, take } = view()
  const alone = { brokers: [{ nodeId: 0, host: 'b', port: 1, rack: null }] }
  take([orders(0, 9)], {}, alone)
  for (let i = 0; i < 5; i++) take([orders(0, 3)], { now: i * 1250 }, alone)
  expect(leader(made)).toEqual([0, 3])
})

test('another topic id: epochs begin anew, and it is told', () => {
  const { view: made, take } = view()
  take([orders(1, 9)])
  const again = topicAnswer('orders', [{ leaderId: 2, leaderEpoch: 0 }], idOf('second'))
  expect(take([again])).toMatchObject({ recreated: ['orders'], isNews: true })
  expect(leader(made)).toEqual([2, 0])
  expect(take([again]).recreated).toEqual([])
})

test('an answer of an old broker has no topic id: the known one stays', () => {
  const { view: made, take } = view()
  take([orders(1, 9)])
  const old = topicAnswer('orders', [{ leaderId: 2, leaderEpoch: 10 }], 'AAAAAAAAAAAAAAAAAAAAAA')
  expect(take([old]).recreated).toEqual([])
  expect(made.snapshot.topics.get('orders')?.topicId).toBe(idOf('orders'))
})

test('a topic error keeps what was known for 30 s, and is told at once', () => {
  const { view: made, take } = view()
  take([orders(1, 5)])
  const change = take([topicError('orders', 3)], { now: 1000 })
  expect(change).toMatchObject({ unknown: ['orders'], isIncomplete: true })
  expect(change.topicErrors.get('orders')).toBe(3)
  take([topicError('orders', 3)], { now: 30_000 })
  expect(leader(made)).toEqual([1, 5])
  take([topicError('orders', 3)], { now: 31_000 })
  expect(made.snapshot.topics.has('orders')).toBe(false)
})

test('no partition and no error is an unknown topic', () => {
  const { view: made, take } = view()
  const change = take([topicAnswer('orders', [])])
  expect(change).toMatchObject({ unknown: ['orders'], isIncomplete: true })
  expect(change.topicErrors.get('orders')).toBe(3)
  expect(made.snapshot.topics.has('orders')).toBe(false)
})

test('a topic that the answer leaves out is kept for 30 s', () => {
  const { view: made, take } = view()
  take([orders(1, 5)])
  expect(take([], { now: 1000 })).toMatchObject({ unknown: [], isIncomplete: true })
  take([orders(1, 5)], { now: 5000 })
  take([], { now: 6000 })
  take([], { now: 35_000 })
  expect(leader(made)).toEqual([1, 5])
  take([], { now: 36_000 })
  expect(leader(made)).toBeUndefined()
})

test('a topic that was not asked for is left alone', () => {
  const { view: made, take } = view()
  take([orders(1, 5)])
  take([topicAnswer('other', [{ leaderId: 0, leaderEpoch: 0 }])], { topics: new Set(['other']) })
  expect([...made.snapshot.topics.keys()]).toEqual(['orders', 'other'])
  made.forget(['other'])
  expect([...made.snapshot.topics.keys()]).toEqual(['orders'])
})

test('of all topics, one that is left out is gone, unless it is wanted by name', () => {
  const { view: made, take } = view()
  const other = topicAnswer('other', [{ leaderId: 0, leaderEpoch: 0 }])
  take([orders(1, 5), other], { topics: null })
  expect(take([], { topics: null })).toMatchObject({ unknown: ['other'], isIncomplete: true })
  expect([...made.snapshot.topics.keys()]).toEqual(['orders'])
})

test('a partition that was known and is missing is kept, then gone; a hole has no leader', () => {
  const { view: made, take } = view()
  const two = topicAnswer('orders', [
    { leaderId: 1, leaderEpoch: 5 },
    { leaderId: 2, leaderEpoch: 6 },
  ])
  take([two])
  expect(take([orders(1, 5)], { now: 1 })).toMatchObject({ isIncomplete: true })
  expect(made.snapshot.topics.get('orders')?.partitions.length).toBe(2)
  take([orders(1, 5)], { now: 30_001 })
  expect(made.snapshot.topics.get('orders')?.partitions.length).toBe(1)
  const hole = { ...two, partitions: [two.partitions[1], two.partitions[1]] }
  const { view: second, take: takeSecond } = view()
  takeSecond([hole])
  expect(second.snapshot.topics.get('orders')?.partitions.map((p) => p.leader)).toEqual([-1, 2])
})

test('partition numbers that cannot be are not believed', () => {
  const { view: made, take } = view()
  const wild = orders(1, 5)
  wild.partitions.push({ ...wild.partitions[0], partitionIndex: 2_000_000_000 })
  wild.partitions.push({ ...wild.partitions[0], partitionIndex: -1 })
  take([wild])
  expect(made.snapshot.topics.get('orders')?.partitions.length).toBeLessThan(4)
})

test('an offline replica says nothing of the leader', () => {
  const { view: made, take } = view()
  expect(take([orders(1, 5, 9)])).toMatchObject({ isIncomplete: false })
  expect(made.snapshot.topics.get('orders')?.partitions[0].errorCode).toBe(0)
})

test('a leader hint is taken if it is newer and its broker is known or comes along', () => {
  const { view: made, take } = view()
  take([orders(1, 5)])
  const topicId = made.snapshot.topics.get('orders')?.topicId ?? ''
  const hint = { topic: 'orders', topicId, partition: 0, leaderId: 2, leaderEpoch: 6 }
  const refused = [
    { ...hint, leaderEpoch: 5 },
    { ...hint, leaderId: 7 },
    { ...hint, leaderId: -1 },
    { ...hint, partition: 1 },
    { ...hint, topic: 'nope' },
    // The topic of that name before this one.
    { ...hint, topicId: idOf('former') },
  ]
  expect(made.applyLeaderHints(refused, []).taken.size).toBe(0)
  const before = made.snapshot
  const { snapshot, taken } = made.applyLeaderHints([...refused, hint, { ...hint }], [])
  expect([...taken]).toEqual([hint])
  expect(snapshot).toBe(made.snapshot)
  expect(snapshot.generation).toBe(before.generation + 1)
  expect(leader(made)).toEqual([2, 6])
  expect(before.topics.get('orders')?.partitions[0].leader).toBe(1)
  const seven = { nodeId: 7, host: 'new', port: 9093, rack: null }
  const newest = { ...hint, leaderId: 7, leaderEpoch: 7 }
  expect(made.applyLeaderHints([newest], [seven]).taken.has(newest)).toBe(true)
  expect(made.snapshot.brokers.get(7)).toEqual(seven)
  take([orders(2, 6)])
  expect(leader(made)).toEqual([7, 7])
})

test('a name that never came to anything is forgotten without a new snapshot', () => {
  const { view: made, take } = view()
  take([orders(1, 5)])
  const { snapshot } = made
  made.forget(['never'])
  expect(made.snapshot).toBe(snapshot)
  made.forget(['never', 'orders'])
  expect(made.snapshot.topics.size).toBe(0)
})

test('partitions of a topic that was forgotten are believed in as long as any, when it is known again', () => {
  const { view: made, take } = view()
  const first = { leaderId: 1, leaderEpoch: 5 }
  const leaderless = { leaderId: -1, leaderEpoch: 5, errorCode: 5 }
  take([topicAnswer('orders', [first, first])])
  take([topicAnswer('orders', [first, leaderless])])
  made.forget(['orders'])
  take([topicAnswer('orders', [first, leaderless])], { now: 100_000 })
  take([topicAnswer('orders', [first])], { now: 100_000 })
  expect(made.snapshot.topics.get('orders')?.partitions).toHaveLength(2)
})
