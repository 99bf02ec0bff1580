import { describe, expect, it } from 'vitest'
import { NO_TOPIC_ID } from '../../../src/consumer/assignment/assigned-partition.ts'
import { FetchSession, type FetchTarget } from '../../../src/consumer/fetching/fetch-session.ts'

type Target = { -readonly [Key in keyof FetchTarget]: FetchTarget[Key] }

function target(partition: number, fetchOffset = 0n, topicId = 'id-of-t'): Target {
  return { topic: 't', partition, topicId, fetchOffset, leaderEpoch: 1, version: 1 }
}

function answer(
  partitions: number[],
  given: Partial<{ errorCode: number; sessionId: number; throttleTimeMs: number }> = {},
) {
  return {
    errorCode: 0,
    sessionId: 7,
    throttleTimeMs: 0,
    ...given,
    responses: [
      {
        topic: 't',
        topicId: 'id-of-t',
        partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
      },
    ],
  }
}

const summary = (request: ReturnType<FetchSession<Target>['next']>) => ({
  id: request.sessionId,
  epoch: request.sessionEpoch,
  changed: request.changed.map(({ partition, fetchOffset }) => `${partition}@${fetchOffset}`),
  forgotten: request.forgotten.map(({ partition, topicId }) => `${topicId}-${partition}`),
})

describe('a fetch session', () => {
  it('asks for everything first, then only for what changed', () => {
    const session = new FetchSession<Target>()
    const targets = [target(0), target(1)]
    expect(summary(session.next(targets, true))).toEqual({
      id: 0,
      epoch: 0,
      changed: ['0@0', '1@0'],
      forgotten: [],
    })
    expect(session.handleResponse(answer([0, 1]))).toBe(true)
    targets[1].fetchOffset = 5n
    expect(summary(session.next(targets, true))).toEqual({
      id: 7,
      epoch: 1,
      changed: ['1@5'],
      forgotten: [],
    })
    expect(session.handleResponse(answer([1]))).toBe(true)
    targets[0].leaderEpoch = 2
    expect(summary(session.next(targets, true)).changed).toEqual(['0@0'])
    expect(session.handleResponse(answer([]))).toBe(true)
    expect(summary(session.next(targets, true))).toMatchObject({ epoch: 3, changed: [] })
  })

  it('forgets what is not wanted any more, once, and takes it back', () => {
    const session = new FetchSession<Target>()
    const targets = [target(0), target(1)]
    session.next(targets, true)
    session.handleResponse(answer([0, 1]))
    expect(summary(session.next([targets[0]], true)).forgotten).toEqual(['id-of-t-1'])
    session.handleResponse(answer([]))
    expect(summary(session.next([targets[0]], true)).forgotten).toEqual([])
    expect(session.size).toBe(1)
    session.handleResponse(answer([]))
    expect(summary(session.next(targets, true)).changed).toEqual(['1@0'])
  })

  it('forgets a partition under its old topic id and adds it under the new one', () => {
    const session = new FetchSession<Target>()
    session.next([target(0)], true)
    session.handleResponse(answer([0]))
    expect(summary(session.next([target(0, 0n, 'new-id')], true))).toMatchObject({
      changed: ['0@0'],
      forgotten: ['id-of-t-0'],
    })
    expect(session.find('t', 'new-id', 0)).toBeDefined()
    expect(session.find('t', 'id-of-t', 0)).toBeUndefined()
  })

  it('uses topic ids only if every partition has one and the broker knows them', () => {
    const session = new FetchSession<Target>()
    expect(session.next([target(0)], false).usesTopicIds).toBe(false)
    session.handleResponse(answer([0]))
    // From names to ids: a new session, that closes the old one.
    const request = session.next([target(0)], true)
    expect(request).toMatchObject({ usesTopicIds: true, sessionId: 7, sessionEpoch: 0 })
    session.handleResponse(answer([0]))
    expect(session.next([target(0), target(1, 0n, NO_TOPIC_ID)], true).usesTopicIds).toBe(false)
  })

  it('stays full where the broker gives no session', () => {
    const session = new FetchSession<Target>()
    session.next([target(0)], true)
    expect(session.handleResponse(answer([0], { sessionId: 0 }))).toBe(true)
    expect(summary(session.next([target(0)], true))).toMatchObject({ id: 0, epoch: 0 })
  })

  it('takes an empty full answer under throttling for a "later"', () => {
    const session = new FetchSession<Target>()
    session.next([target(0)], true)
    expect(session.handleResponse(answer([], { throttleTimeMs: 100 }))).toBe(true)
    expect(summary(session.next([target(0)], true))).toMatchObject({ id: 0, epoch: 0 })
  })

  it.each([
    ['misses all partitions', []],
    ['invents one', [0, 1, 2]],
    ['names one twice', [0, 0]],
  ])('begins anew when a full answer %s', (_, partitions) => {
    const session = new FetchSession<Target>()
    session.next([target(0), target(1)], true)
    expect(session.handleResponse(answer(partitions))).toBe(false)
    expect(summary(session.next([target(0), target(1)], true))).toMatchObject({ id: 0, epoch: 0 })
  })

  it('takes what is there of a full answer that misses a partition, names the rest, and begins anew', () => {
    const session = new FetchSession<Target>()
    session.next([target(0), target(1)], true)
    expect(session.handleResponse(answer([0]))).toBe(true)
    expect(session.missing()).toEqual([target(1)])
    expect(summary(session.next([target(0), target(1)], true))).toMatchObject({ id: 0, epoch: 0 })
    expect(session.handleResponse(answer([0, 1]))).toBe(true)
    expect(session.missing()).toEqual([])
  })

  it('closes the session and begins anew when an incremental answer invents a partition', () => {
    const session = new FetchSession<Target>()
    session.next([target(0)], true)
    session.handleResponse(answer([0]))
    session.next([target(0)], true)
    expect(session.handleResponse(answer([1]))).toBe(false)
    expect(summary(session.next([target(0)], true))).toMatchObject({ id: 7, epoch: 0 })
  })

  it.each([
    [70, 0],
    [71, 7],
    [106, 7],
    [-1, 7],
  ])('after error %i asks for everything with session id %i', (errorCode, id) => {
    const session = new FetchSession<Target>()
    session.next([target(0)], true)
    session.handleResponse(answer([0]))
    session.next([target(0)], true)
    expect(session.handleResponse(answer([], { errorCode }))).toBe(false)
    expect(summary(session.next([target(0)], true))).toEqual({
      id,
      epoch: 0,
      changed: ['0@0'],
      forgotten: [],
    })
  })

  it('uses the data of an incremental answer that closes the session', () => {
    const session = new FetchSession<Target>()
    session.next([target(0)], true)
    session.handleResponse(answer([0]))
    session.next([target(0)], true)
    expect(session.handleResponse(answer([0], { sessionId: 0 }))).toBe(true)
    expect(session.find('t', 'id-of-t', 0)).toBeDefined()
    expect(summary(session.next([target(0)], true))).toMatchObject({ id: 0, epoch: 0 })
  })

  it('closes what may be left of the session after a lost answer', () => {
    const session = new FetchSession<Target>()
    session.next([target(0)], true)
    session.handleResponse(answer([0]))
    session.next([target(0)], true)
    session.handleFailure()
    expect(summary(session.next([target(0)], true))).toMatchObject({ id: 7, epoch: 0 })
  })

  it('ends with epoch -1, if there is a session', () => {
    const session = new FetchSession<Target>()
    expect(session.close()).toBe(null)
    session.next([target(0)], true)
    session.handleResponse(answer([0]))
    expect(session.close()).toEqual({ sessionId: 7, sessionEpoch: -1 })
    expect(session.close()).toBe(null)
  })

  it('wraps the epoch from the greatest int32 to 1', () => {
    const session = new FetchSession<Target>()
    session.next([target(0)], true)
    session.handleResponse(answer([0]))
    Object.assign(session, { epoch: 2147483647 })
    session.next([target(0)], true)
    session.handleResponse(answer([]))
    expect(session.next([target(0)], true).sessionEpoch).toBe(1)
  })
})
