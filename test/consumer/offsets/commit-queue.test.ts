import { describe, expect, it } from 'vitest'
import { type CommitEntry, CommitQueue } from '../../../src/consumer/offsets/commit-queue.ts'

const none = new Map<CommitEntry, Error>()

function entry(partition: number, offset: bigint, isAutomatic = false): CommitEntry {
  const point = { offset, leaderEpoch: -1, metadata: '' }
  return { topic: 't', partition, ...point, isAutomatic, state: null, era: 0, topicId: null }
}

function add(queue: CommitQueue, entries: CommitEntry[], deadline = 1000) {
  const outcome: { error: Error | null | undefined } = { error: undefined }
  queue.add({
    entries,
    timeoutMs: 1000,
    deadline,
    settle: (error) => {
      outcome.error = error
    },
  })
  return outcome
}

const show = (entries: readonly CommitEntry[] | null): string[] | null =>
  entries === null ? null : entries.map(({ partition, offset }) => `${partition}@${offset}`)

describe('the commit queue', () => {
  it('knows until when callers wait, however many they are', () => {
    const queue = new CommitQueue()
    for (let i = 0; i < 200_000; i++) add(queue, [entry(0, BigInt(i))], i)
    expect(show(queue.take())).toEqual(['0@199999'])
    expect(queue.deadline).toBe(199_999)
  })

  it('has one commit in flight; what comes meanwhile is one commit, the newest offset wins', () => {
    const queue = new CommitQueue()
    const first = add(queue, [entry(0, 1n)])
    expect(show(queue.take())).toEqual(['0@1'])
    const second = add(queue, [entry(0, 2n), entry(1, 5n)])
    const third = add(queue, [entry(0, 3n)])
    expect(queue.take()).toBe(null)
    queue.finish(none, none)
    expect(first.error).toBe(null)
    expect(second.error).toBe(undefined)
    expect(show(queue.take())).toEqual(['0@3', '1@5'])
    queue.finish(none, none)
    expect([second.error, third.error]).toEqual([null, null])
    expect(queue.take()).toBe(null)
    expect(queue.size).toBe(0)
  })

  it('tries again what failed, beneath what is newer', () => {
    const queue = new CommitQueue()
    const [a, b] = [entry(0, 1n), entry(1, 1n)]
    const first = add(queue, [a, b])
    queue.take()
    const second = add(queue, [entry(0, 9n)])
    const lost = new Error('lost')
    queue.finish(
      none,
      new Map([
        [a, lost],
        [b, lost],
      ]),
    )
    expect(first.error).toBe(undefined)
    expect(show(queue.take())?.toSorted()).toEqual(['0@9', '1@1'])
    queue.finish(none, none)
    expect([first.error, second.error]).toEqual([null, null])
  })

  it('lets no automatic entry replace one by hand that is beyond it, a retried one neither', () => {
    const queue = new CommitQueue()
    add(queue, [entry(0, 5n)])
    add(queue, [entry(0, 4n, true)])
    const [byHand] = queue.take() ?? []
    expect(byHand.offset).toBe(5n)
    add(queue, [entry(0, 4n, true)])
    queue.finish(none, new Map([[byHand, new Error('lost')]]))
    expect(show(queue.take())).toEqual(['0@5'])
    add(queue, [entry(0, 9n, true)])
    add(queue, [entry(0, 3n)])
    queue.finish(none, none)
    expect(show(queue.take())).toEqual(['0@3'])
  })

  it('fails whoever had a part in what failed for good, and nobody else', () => {
    const queue = new CommitQueue()
    const bad = entry(0, 1n)
    const first = add(queue, [bad, entry(2, 1n)])
    const second = add(queue, [entry(1, 1n)])
    queue.take()
    const error = new Error('refused')
    queue.finish(new Map([[bad, error]]), none)
    expect(first.error).toBe(error)
    expect(second.error).toBe(null)
  })

  it('gives up those whose time is over, and what nobody else wants', () => {
    const queue = new CommitQueue()
    const first = add(queue, [entry(0, 1n), entry(1, 1n)], 100)
    const second = add(queue, [entry(1, 2n)], 200)
    queue.expire(99, () => new Error('early'))
    expect(first.error).toBe(undefined)
    queue.expire(100, () => new Error('late'))
    expect(first.error?.message).toBe('late')
    expect(show(queue.take())).toEqual(['1@2'])
    expect(queue.deadline).toBe(200)
    queue.finish(none, none)
    expect(second.error).toBe(null)
  })

  it('settles everybody when it is aborted', () => {
    const queue = new CommitQueue()
    const outcomes = [add(queue, [entry(0, 1n)])]
    queue.take()
    outcomes.push(add(queue, [entry(0, 2n)]))
    queue.abort(new Error('closed'))
    expect(outcomes.map(({ error }) => error?.message)).toEqual(['closed', 'closed'])
    expect(queue.size).toBe(0)
  })
})
