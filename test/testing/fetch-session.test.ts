import { beforeEach, describe, expect, test } from 'vitest'
import type { FetchRequest, PartitionData } from '../../src/protocol/messages/fetch.ts'
import {
  type FetchContext,
  type FetchedPartition,
  type FetchResult,
  FetchSessions,
} from '../../src/testing/fetch-session.ts'
import { fetchFrom, fetchPartition } from './requests.ts'

const NOT_FOUND = 70
const INVALID_EPOCH = 71
const TOPIC_ID_ERROR = 106
const ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

let sessions: FetchSessions
let names: Map<string, string>

beforeEach(() => {
  sessions = new FetchSessions(3)
  names = new Map([[ID, 't']])
})

function begin(request: FetchRequest, version = 12, now = 0): FetchContext {
  return sessions.begin(request, version, (id) => names.get(id), now)
}

function data({ request }: FetchedPartition, fields: Partial<PartitionData> = {}): PartitionData {
  return {
    partitionIndex: request.partition,
    errorCode: 0,
    highWatermark: 5n,
    lastStableOffset: 5n,
    logStartOffset: 0n,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: Buffer.alloc(0),
    divergingEpoch: { epoch: -1, endOffset: -1n },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1n, epoch: -1 },
    ...fields,
  }
}

function finish(
  context: FetchContext,
  by: Record<number, Partial<PartitionData>> = {},
): FetchResult {
  return context.finish(
    context.partitions.map((partition) => ({
      partition,
      data: data(partition, by[partition.request.partition]),
    })),
  )
}

const asked = (context: FetchContext): number[] =>
  context.partitions.map(({ request }) => request.partition)
const said = (result: FetchResult): number[] =>
  result.results.map(({ partition }) => partition.request.partition)
const of = (...indexes: number[]) => indexes.map((index) => fetchPartition(index, 0n))

/** A session on partitions 0, 1 and 2; its id. */
function opened(version = 12): number {
  const context = begin(fetchFrom('t', of(0, 1, 2), { sessionEpoch: 0, topicId: ID }), version)
  return finish(context).sessionId
}

describe('opening and closing', () => {
  test('epoch 0 opens one, -1 does not', () => {
    expect(opened()).toBeGreaterThan(0)
    expect(finish(begin(fetchFrom('t', of(0)))).sessionId).toBe(0)
    expect(sessions.size).toBe(1)
  })

  test('a full request with an id closes that session', () => {
    const first = opened()
    begin(fetchFrom('t', of(0), { sessionId: first, sessionEpoch: -1 }))
    expect(sessions.size).toBe(0)
    const second = opened()
    const result = finish(begin(fetchFrom('t', of(0), { sessionId: second, sessionEpoch: 0 })))
    expect(result.sessionId).not.toBe(second)
    expect(sessions.size).toBe(1)
  })

  test('without room there is no session, unless an old one is no larger', () => {
    for (let i = 0; i < 3; i++) opened()
    const open = (now: number, ...indexes: number[]): number =>
      finish(begin(fetchFrom('t', of(...indexes), { sessionEpoch: 0 }), 12, now)).sessionId
    expect(open(1000, 0, 1, 2)).toBe(0)
    expect(open(120_001, 0)).toBe(0)
    expect(open(120_001, 0, 1, 2)).toBeGreaterThan(0)
    expect(sessions.size).toBe(3)
  })

  test('a session without partitions ends', () => {
    const sessionId = opened()
    const forget = { topic: 't', topicId: ID, partitions: [0, 1, 2] }
    const context = begin(
      fetchFrom('t', [], { sessionId, sessionEpoch: 1, forgottenTopicsData: [forget] }),
    )
    expect(finish(context)).toEqual({ errorCode: 0, sessionId: 0, results: [] })
    expect(sessions.size).toBe(0)
  })
})

describe('incremental', () => {
  test('asks for all, with what the request changes, adds and forgets', () => {
    const sessionId = opened()
    const context = begin(
      fetchFrom('t', [fetchPartition(1, 77n), fetchPartition(4, 0n)], {
        sessionId,
        sessionEpoch: 1,
        forgottenTopicsData: [{ topic: 't', topicId: ID, partitions: [2] }],
      }),
    )
    expect(asked(context)).toEqual([0, 1, 4])
    expect(context.partitions[1].request.fetchOffset).toBe(77n)
    expect(said(finish(context))).toEqual([4])
  })

  test('says only what is new', () => {
    const sessionId = opened()
    let epoch = 1
    const next = (by: Record<number, Partial<PartitionData>> = {}): number[] =>
      said(finish(begin(fetchFrom('t', [], { sessionId, sessionEpoch: epoch++ })), by))
    expect(next()).toEqual([])
    expect(next({ 0: { highWatermark: 6n }, 1: { logStartOffset: 1n } })).toEqual([0, 1])
    expect(next({ 0: { highWatermark: 6n }, 1: { logStartOffset: 1n } })).toEqual([])
    expect(next({ 2: { preferredReadReplica: 3 } })).toEqual([0, 1, 2])
    expect(next({ 2: { divergingEpoch: { epoch: 1, endOffset: 2n } } })).toEqual([2])
    expect(next({ 1: { errorCode: 6 } })).toEqual([1])
    expect(next({ 1: { errorCode: 6 } })).toEqual([1])
    // The error is over: the partition is said again, though nothing else is new.
    expect(next()).toEqual([1])
  })

  test('what brought records is asked last the next time', () => {
    const sessionId = opened()
    const first = begin(fetchFrom('t', [], { sessionId, sessionEpoch: 1 }))
    expect(said(finish(first, { 0: { records: Buffer.alloc(1) } }))).toEqual([0])
    expect(asked(begin(fetchFrom('t', [], { sessionId, sessionEpoch: 2 })))).toEqual([1, 2, 0])
  })

  test.each([0, 2, 5])('epoch %i where 1 is due: an error or a new session', (sessionEpoch) => {
    const sessionId = opened()
    const context = begin(fetchFrom('t', of(0), { sessionId, sessionEpoch }))
    expect(context.errorCode).toBe(sessionEpoch === 0 ? 0 : INVALID_EPOCH)
  })

  test('an unknown session is not found', () => {
    expect(begin(fetchFrom('t', [], { sessionId: 9, sessionEpoch: 1 })).errorCode).toBe(NOT_FOUND)
    expect(finish(begin(fetchFrom('t', [], { sessionId: 9, sessionEpoch: 1 })))).toEqual({
      errorCode: NOT_FOUND,
      sessionId: 0,
      results: [],
    })
  })

  test('a request that was overtaken by its own repetition is refused', () => {
    const sessionId = opened()
    const waits = begin(fetchFrom('t', [], { sessionId, sessionEpoch: 1 }))
    begin(fetchFrom('t', [], { sessionId, sessionEpoch: 2 }))
    expect(finish(waits)).toMatchObject({ errorCode: INVALID_EPOCH, sessionId, results: [] })
  })
})

describe('topic ids', () => {
  test('a session uses them in all its requests or in none', () => {
    const withIds = opened(13)
    const without = opened(12)
    const code = (sessionId: number, version: number): number =>
      begin(fetchFrom('t', [], { sessionId, sessionEpoch: 1 }), version).errorCode
    expect(code(withIds, 12)).toBe(TOPIC_ID_ERROR)
    expect(code(without, 13)).toBe(TOPIC_ID_ERROR)
    expect(code(withIds, 13)).toBe(0)
    expect(code(without, 12)).toBe(0)
  })

  test('an id unknown at first is resolved as soon as it is known', () => {
    names.clear()
    const sessionId = opened(13)
    const request = fetchFrom('', [], { sessionId, sessionEpoch: 1 })
    expect(begin(request, 13).partitions[0].topic).toBe(null)
    names.set(ID, 't')
    expect(begin({ ...request, sessionEpoch: 2 }, 13).partitions[0].topic).toBe('t')
  })
})
