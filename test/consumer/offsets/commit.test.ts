import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { CommitFailedError, InvalidArgumentError, TimeoutError } from '../../../src/errors.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { listOffsets } from '../../../src/protocol/messages/list-offsets.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { disconnect } from '../../../src/testing/interceptors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill } from '../harness.ts'

describe('commits', () => {
  let cluster: TestCluster
  const open: Consumer[] = []
  beforeEach(async () => {
    cluster = await TestCluster.start({ topics: { t: 2 } })
    await fill(cluster, 't', 0, 100)
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((consumer) => consumer.close()))
    await cluster.close()
  })

  function reader(options: ConsumerOptions = {}): Consumer {
    const consumer = consumerOf(cluster, { groupId: 'g', enableAutoCommit: false, ...options })
    open.push(consumer)
    consumer.assign([{ topic: 't', partition: 0 }])
    return consumer
  }

  const committed = (): bigint | null => cluster.committedOffset('g', 't', 0)

  it('cover what was asked past, not what is in hand, when they are automatic', async () => {
    const consumer = reader({ enableAutoCommit: true })
    let count = 0
    for await (const _ of consumer) if (++count === 10) break
    await consumer.close()
    expect(committed()).toBe(9n)
  })

  it('cover the record in hand, where markDone() says so', async () => {
    const consumer = reader({ enableAutoCommit: true })
    let count = 0
    const loop = consumer.records()
    for await (const _ of loop) {
      if (++count < 10) continue
      loop.markDone()
      break
    }
    const { value: next } = await consumer.records().next()
    expect(next?.offset).toBe(10n)
    await consumer.close()
    expect(committed()).toBe(10n)
  })

  it('leave the record uncommitted in whose handling the loop threw', async () => {
    const consumer = reader({ enableAutoCommit: true })
    let count = 0
    const failing = async (): Promise<void> => {
      for await (const _ of consumer) if (++count === 5) throw new Error('handler')
    }
    await expect(failing()).rejects.toThrow('handler')
    await consumer.close()
    expect(committed()).toBe(4n)
  })

  it('happen by interval while the loop runs', async () => {
    const consumer = reader({ enableAutoCommit: true, autoCommitIntervalMs: 20 })
    const records = consumer.records()
    for (let i = 0; i < 31; i++) await records.next()
    await cluster.waitFor(() => committed() === 30n)
  })

  it('cover the record in hand when asked for by hand', async () => {
    const consumer = reader()
    const records = consumer.records()
    for (let i = 0; i < 10; i++) await records.next()
    await consumer.commit()
    expect(committed()).toBe(10n)
  })

  it('go up to a record, a batch, or given offsets with metadata', async () => {
    const consumer = reader({ maxPollRecords: 25 })
    const records = consumer.records()
    await records.next()
    const { value } = await records.next()
    await consumer.commit(value)
    expect(committed()).toBe(2n)
    await records.return()
    const batches = consumer.batches()
    const batch = await batches.next()
    await batch.value?.commit()
    expect(committed()).toBe(25n)
    await consumer.commit([{ topic: 't', partition: 0, offset: 77n, metadata: 'hello' }])
    expect(await consumer.committed()).toEqual([
      { topic: 't', partition: 0, offset: 77n, leaderEpoch: -1, metadata: 'hello' },
    ])
  })

  it('by interval do not go back behind one made by hand', async () => {
    const consumer = reader({ enableAutoCommit: true, autoCommitIntervalMs: 10 })
    const records = consumer.records()
    for (let i = 0; i < 5; i++) await records.next()
    await consumer.commit()
    const seen = cluster.requests(offsetCommit).length
    await fill(cluster, 't', 0, 1)
    for (let i = 0; i < 5; i++) await records.next()
    await cluster.waitFor(() => committed() === 9n)
    const offsets = cluster
      .requests(offsetCommit)
      .slice(seen - 1)
      .map(({ request }) => request.topics[0].partitions[0].committedOffset)
    expect(offsets).toEqual(offsets.toSorted((a, b) => Number(a - b)))
  })

  it('of a topic that was created again go back to 0 before its beginning is known', async () => {
    const named = await TestCluster.start({
      topics: { t: 1 },
      versions: { OffsetCommit: { maxVersion: 9 } },
    })
    onTestFinished(() => named.close())
    await fill(named, 't', 0, 30)
    const consumer = consumerOf(named, { groupId: 'g', topics: ['t'], autoCommitIntervalMs: 10 })
    open.push(consumer)
    const records = consumer.records()
    for (let i = 0; i < 10; i++) await records.next()
    const committedNow = () => named.committedOffset('g', 't', 0)
    await named.waitFor(() => committedNow() === 9n)
    const letGo: (() => void)[] = []
    const held = (): Promise<void> => new Promise((resolve) => letGo.push(resolve))
    const remove = named.intercept(offsetCommit, async ({ next }) => {
      await held()
      return next()
    })
    // Brokers that know topics by name alone take a late commit of before for the new topic.
    await named.waitFor(() => letGo.length > 0)
    named.intercept(listOffsets, async ({ next }) => {
      await held()
      return next()
    })
    named.recreateTopic('t')
    remove()
    for (const each of letGo.splice(0)) each()
    // A rebalance may come at any time, and its owner begins at what the group has.
    await named.waitFor(() => committedNow() === 0n)
    for (const each of letGo) each()
  })

  it('by interval do not bring back an offset that was lowered by hand meanwhile', async () => {
    const consumer = reader({ enableAutoCommit: true, autoCommitIntervalMs: 10 })
    const records = consumer.records()
    for (let i = 0; i < 5; i++) await records.next()
    await consumer.commit([{ topic: 't', partition: 0, offset: 10n }])
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let isHeld = false
    const remove = cluster.intercept(offsetCommit, async ({ next }) => {
      isHeld = true
      await held
      return next()
    })
    // What the group has is committed again at each interval: once now, and more often behind this one.
    await cluster.waitFor(() => isHeld)
    const lowered = consumer.commit([{ topic: 't', partition: 0, offset: 7n }])
    await setTimeout(100)
    remove()
    letGo()
    await lowered
    expect(committed()).toBe(7n)
    const seen = cluster.requests(offsetCommit).length
    await cluster.waitFor(() => cluster.requests(offsetCommit).length > seen + 3)
    expect(committed()).toBe(7n)
  })

  it('by interval, made while one by hand was in flight, do not follow it with less', async () => {
    const consumer = reader({ enableAutoCommit: true, autoCommitIntervalMs: 10 })
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const records = consumer.records()
    for (let i = 0; i < 5; i++) await records.next()
    await cluster.waitFor(() => committed() === 4n)
    let isHeld = false
    cluster.intercept(offsetCommit, async ({ next }) => {
      isHeld = true
      await held
      return next()
    })
    const byHand = consumer.commit([{ topic: 't', partition: 0, offset: 50n }])
    await cluster.waitFor(() => isHeld)
    await records.next()
    // Several intervals pass.
    const fetches = cluster.requests(fetch).length
    await cluster.waitFor(() => cluster.requests(fetch).length > fetches + 2)
    letGo()
    await byHand
    await records.next()
    await consumer.close()
    expect(committed()).toBe(50n)
    expect(
      cluster
        .requests(offsetCommit)
        .map(({ request }) => request.topics[0].partitions[0].committedOffset)
        .at(-1),
    ).toBe(50n)
  })

  it('are one at a time: what comes meanwhile goes together, the newest offset wins', async () => {
    const consumer = reader()
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let inFlight = 0
    let most = 0
    cluster.intercept(offsetCommit, async ({ next }) => {
      most = Math.max(most, ++inFlight)
      await held
      inFlight--
      return next()
    })
    const at = (offset: bigint) => [{ topic: 't', partition: 0, offset }]
    const commits = [consumer.commit(at(1n))]
    await cluster.waitFor(() => inFlight === 1)
    commits.push(...[2n, 3n, 4n].map((offset) => consumer.commit(at(offset))))
    letGo()
    await Promise.all(commits)
    expect(most).toBe(1)
    expect(
      cluster
        .requests(offsetCommit)
        .map(({ request }) => request.topics[0].partitions[0].committedOffset),
    ).toEqual([1n, 4n])
    expect(committed()).toBe(4n)
  })

  for (const code of [14, 15, 16, 7, 3]) {
    it(`are tried again after error ${code}`, async () => {
      const consumer = reader()
      let failures = 0
      cluster.intercept(offsetCommit, async ({ next, request }) => {
        if (failures++ >= 2) return next()
        const { topics } = request
        return {
          throttleTimeMs: 0,
          topics: topics.map(({ name, topicId, partitions }) => ({
            name,
            topicId,
            partitions: partitions.map(({ partitionIndex }) => ({
              partitionIndex,
              errorCode: code,
            })),
          })),
        }
      })
      await consumer.commit([{ topic: 't', partition: 0, offset: 5n }])
      expect(committed()).toBe(5n)
      expect(failures).toBe(3)
    })
  }

  it('are tried again after a lost answer, but not with an older offset than a later one', async () => {
    const consumer = reader()
    let calls = 0
    cluster.intercept(offsetCommit, async ({ next }) => {
      if (++calls > 1) return next()
      await next()
      return disconnect
    })
    const first = consumer.commit([{ topic: 't', partition: 0, offset: 5n }])
    await cluster.waitFor(() => calls === 1)
    const second = consumer.commit([{ topic: 't', partition: 0, offset: 6n }])
    await Promise.all([first, second])
    expect(
      cluster
        .requests(offsetCommit)
        .map(({ request }) => request.topics[0].partitions[0].committedOffset),
    ).toEqual([5n, 6n])
  })

  it('fail when their time is up, saying what the last error was', async () => {
    const consumer = reader()
    cluster.intercept(offsetCommit, () => Promise.resolve(disconnect))
    const failed = consumer.commit([{ topic: 't', partition: 0, offset: 5n }], { timeoutMs: 100 })
    await expect(failed).rejects.toThrow(TimeoutError)
  })

  it('of too much metadata, or without permission, fail at once', async () => {
    const consumer = reader()
    for (const code of [12, 28, 29, 30]) {
      const remove = cluster.intercept(offsetCommit, async ({ next }) => {
        const answer = await next()
        answer.topics[0].partitions[0].errorCode = code
        return answer
      })
      const failed = consumer.commit([{ topic: 't', partition: 0, offset: 5n }])
      await expect(failed).rejects.toMatchObject({ errorCode: code })
      remove()
    }
  })

  it('are refused for what a member does not own, and for what is no offset', async () => {
    const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
    open.push(consumer)
    const records = consumer.records()
    await records.next()
    await expect(consumer.commit([{ topic: 'other', partition: 0, offset: 1n }])).rejects.toThrow(
      CommitFailedError,
    )
    await expect(consumer.commit([{ topic: 't', partition: 0, offset: -1n }])).rejects.toThrow(
      InvalidArgumentError,
    )
  })

  it('report what fails automatically', async () => {
    const errors: Error[] = []
    const consumer = reader({
      enableAutoCommit: true,
      autoCommitIntervalMs: 10,
      // A problem is reported when it has lasted as long as a call may take, or 5 s.
      defaultApiTimeoutMs: 1000,
      onError: (error) => void errors.push(error),
    })
    cluster.intercept(offsetCommit, async ({ next }) => {
      const answer = await next()
      answer.topics[0].partitions[0].errorCode = 30
      return answer
    })
    const records = consumer.records()
    await records.next()
    await records.next()
    await cluster.waitFor(() => errors.length > 0)
    expect(errors[0].message).toContain('GROUP_AUTHORIZATION_FAILED')
  })
})
