// Groups of the consumer protocol (KIP-848), on the in-process broker: each state, each error.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { ConfigError, InvalidArgumentError } from '../../../src/errors.ts'
import {
  type ConsumerGroupHeartbeatRequest,
  consumerGroupHeartbeat,
} from '../../../src/protocol/messages/consumer-group-heartbeat.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { disconnect } from '../../../src/testing/interceptors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, deleteGroup, fill, latch, textOf } from '../harness.ts'

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({
    topics: { t: 4, u: 2 },
    properties: { groupConsumerHeartbeatIntervalMs: 20, groupConsumerSessionTimeoutMs: 3000 },
  })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function member(options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, {
    groupId: 'g',
    topics: ['t'],
    groupProtocol: 'consumer',
    heartbeatIntervalMs: undefined,
    ...options,
  })
  open.push(consumer)
  return consumer
}

function reading(consumer: Consumer): { got: string[]; done: Promise<void> } {
  const got: string[] = []
  const done = consumer.run({ eachRecord: (record) => void got.push(textOf(record)) })
  return { got, done }
}

const beats = (): ConsumerGroupHeartbeatRequest[] =>
  cluster.requests(consumerGroupHeartbeat).map(({ request }) => request)

const sizes = (...consumers: Consumer[]): string =>
  String(consumers.map((consumer) => consumer.assignment().length).sort())

describe('a member of a consumer group', () => {
  it('asks for committed offsets as the member that it is, by the newest epoch', async () => {
    await fill(cluster, 't', 0, 5)
    const first = member()
    const loop = first.records()
    expect(textOf((await loop.next()).value as never)).toBe('t-0:0')
    loop.markDone()
    await first.commit()
    await first.close()
    cluster.clearRequests()
    let stale = 0
    const epochs: number[] = []
    cluster.intercept(offsetFetch, async (call) => {
      const response = await call.next()
      for (const { memberEpoch } of call.request.groups) epochs.push(memberEpoch)
      if (stale++ > 0) return response
      const groups = response.groups.map((group) => ({ ...group, errorCode: 113, topics: [] }))
      return { ...response, groups }
    })
    const second = member()
    const before = beats().length
    expect(textOf((await second.records().next()).value as never)).toBe('t-0:1')
    const { memberId, generationId } = second.groupMetadata()
    const asked = cluster.requests(offsetFetch).flatMap(({ request }) => request.groups)
    expect(new Set(asked.map((each) => each.memberId))).toEqual(new Set([memberId]))
    expect(epochs.at(-1)).toBe(generationId)
    expect(asked.length).toBeGreaterThan(1)
    expect(beats().length).toBeGreaterThan(before + 1)
  })

  it('asks as no member with the classic protocol', async () => {
    await fill(cluster, 't', 0, 1)
    const consumer = member({ groupProtocol: 'classic' })
    await consumer.records().next()
    const asked = cluster.requests(offsetFetch).flatMap(({ request }) => request.groups)
    expect(asked.length).toBeGreaterThan(0)
    for (const each of asked) expect(each).toMatchObject({ memberId: null, memberEpoch: -1 })
  })

  it('joins, reads, commits under its epoch, and leaves', async () => {
    for (let partition = 0; partition < 4; partition++) await fill(cluster, 't', partition, 5)
    const events: string[] = []
    const consumer = member({
      onAssigned: (list) => void events.push(`assigned ${list.length}`),
      onRevoked: (list) => void events.push(`revoked ${list.length}`),
      onLost: (list) => void events.push(`lost ${list.length}`),
    })
    const { got, done } = reading(consumer)
    await cluster.waitFor(() => got.length === 20)
    expect(consumer.health()).toMatchObject({
      state: 'stable',
      isReady: true,
      group: { protocol: 'consumer', rebalances: 1 },
    })
    const { memberId, generationId } = consumer.groupMetadata()
    expect(generationId).toBeGreaterThan(0)
    expect(consumer.health().group).toMatchObject({ memberId, generationId })
    // What did not change is not said again.
    await cluster.waitFor(() =>
      beats().some((each) => each.subscribedTopicNames === null && each.topicPartitions === null),
    )
    await consumer.close()
    await done
    expect(events).toEqual(['assigned 4', 'revoked 4'])
    expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
    const all = beats()
    expect(all[0]).toMatchObject({
      memberEpoch: 0,
      subscribedTopicNames: ['t'],
      topicPartitions: [],
    })
    expect(new Set(all.map((each) => each.memberId))).toEqual(new Set([memberId]))
    expect(all.at(-1)?.memberEpoch).toBe(-1)
    expect(cluster.requests(joinGroup)).toEqual([])
  })

  it('shares with others that come and go, and each record is read once', async () => {
    const first = member()
    const one = reading(first)
    await cluster.waitFor(() => first.assignment().length === 4)
    const second = member()
    const two = reading(second)
    await cluster.waitFor(() => sizes(first, second) === '2,2')
    for (let partition = 0; partition < 4; partition++) await fill(cluster, 't', partition, 10)
    await cluster.waitFor(() => one.got.length + two.got.length === 40)
    expect(one.got).toHaveLength(20)
    await second.close()
    await two.done
    await cluster.waitFor(() => first.assignment().length === 4)
    for (let partition = 0; partition < 4; partition++) await fill(cluster, 't', partition, 1)
    await cluster.waitFor(() => one.got.length + two.got.length === 44)
    expect(new Set([...one.got, ...two.got]).size).toBe(44)
  })

  it('gives a partition up only when its handler is done, and keeps the others meanwhile', async () => {
    for (let partition = 0; partition < 4; partition++) await fill(cluster, 't', partition, 1)
    const first = member()
    const held = latch()
    let begun = 0
    const done = first.run({
      concurrency: 4,
      eachRecord: async () => {
        begun++
        await held.promise
      },
    })
    await cluster.waitFor(() => begun === 4)
    const second = member()
    const two = reading(second)
    const before = beats().length
    await cluster.waitFor(() => beats().length > before + 20)
    expect(second.assignment()).toEqual([])
    held.open()
    await cluster.waitFor(() => sizes(first, second) === '2,2')
    expect(two.got).toEqual([])
    await Promise.all([first.close(), second.close()])
    await Promise.all([done, two.done])
    for (let partition = 0; partition < 4; partition++) {
      expect(cluster.committedOffset('g', 't', partition)).toBe(1n)
    }
  })

  it('says everything after a lost response, and is sent its assignment again', async () => {
    await fill(cluster, 't', 0, 1)
    let count = 0
    cluster.intercept(consumerGroupHeartbeat, async ({ next }) => {
      const answer = await next()
      // The one that carries the assignment.
      if (answer.assignment !== null && count++ === 0) return disconnect
      return answer
    })
    const consumer = member()
    const { value: record } = await consumer.records().next()
    expect(record?.offset).toBe(0n)
    const full = beats().filter((each) => each.subscribedTopicNames !== null)
    expect(full.length).toBeGreaterThan(1)
    expect(full.at(-1)?.topicPartitions).toEqual([])
  })

  it('acknowledges an assignment that takes back what it never had', async () => {
    await fill(cluster, 't', 0, 1)
    const consumer = member()
    await consumer.records().next()
    const held = { topicId: cluster.topicId('t'), partitions: [0, 1, 2, 3] }
    // The second topic is not in the metadata yet.
    const assignments = [[held, { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [0] }], [held]]
    let ackedFrom = Number.POSITIVE_INFINITY
    cluster.intercept(consumerGroupHeartbeat, async ({ next }) => {
      const response = await next()
      const topicPartitions = assignments.shift()
      if (topicPartitions === undefined) return response
      if (assignments.length === 0) ackedFrom = beats().length
      return { ...response, assignment: { topicPartitions } }
    })
    const acked = (): unknown[] =>
      beats()
        .slice(ackedFrom)
        .flatMap(({ topicPartitions }) => (topicPartitions === null ? [] : [topicPartitions]))
    await cluster.waitFor(() => acked().length > 0)
    const count = beats().length
    await cluster.waitFor(() => beats().length > count + 5)
    // Once.
    expect(acked()).toEqual([[held]])
  })

  for (const code of [110, 25]) {
    it(`that is fenced (${code}) loses what it has, and joins again under its id`, async () => {
      await fill(cluster, 't', 0, 3)
      const events: string[] = []
      const consumer = member({
        onAssigned: (list) => void events.push(`assigned ${list.length}`),
        onRevoked: (list) => void events.push(`revoked ${list.length}`),
        onLost: (list) => void events.push(`lost ${list.length}`),
      })
      const { got } = reading(consumer)
      await cluster.waitFor(() => got.length === 3)
      const { memberId } = consumer.groupMetadata()
      let isDone = false
      cluster.intercept(consumerGroupHeartbeat, async ({ next }) => {
        const answer = await next()
        if (!isDone) Object.assign(answer, { errorCode: code, assignment: null })
        isDone = true
        return answer
      })
      await cluster.waitFor(() => events.length >= 3)
      expect(events).toEqual(['assigned 4', 'lost 4', 'assigned 4'])
      expect(consumer.groupMetadata().memberId).toBe(memberId)
      await fill(cluster, 't', 0, 1)
      await cluster.waitFor(() => got.includes('t-0:3'))
    })
  }

  it('whose group was deleted while it was not heard of joins again', async () => {
    await fill(cluster, 't', 0, 1)
    const consumer = member()
    const { got } = reading(consumer)
    await cluster.waitFor(() => got.length === 1)
    const { memberId } = consumer.groupMetadata()
    const stop = cluster.intercept(consumerGroupHeartbeat, () => disconnect)
    await deleteGroup(cluster, 'g')
    stop()
    await fill(cluster, 't', 0, 1)
    const joins = (): number => beats().filter(({ memberEpoch }) => memberEpoch === 0).length
    await cluster.waitFor(() => joins() === 2 && consumer.health().state === 'stable')
    await cluster.waitFor(() => got.includes('t-0:1'))
    expect(consumer.groupMetadata().memberId).toBe(memberId)
    expect(consumer.health().error).toBeNull()
  })

  it('is the same member when it subscribes again, although the coordinator did not hear it leave', async () => {
    await fill(cluster, 't', 0, 1)
    for (const groupInstanceId of [undefined, 'mine']) {
      const consumer = member({ groupId: `g${groupInstanceId}`, groupInstanceId })
      const { got } = reading(consumer)
      await cluster.waitFor(() => got.length === 1)
      const { memberId } = consumer.groupMetadata()
      const stop = cluster.intercept(consumerGroupHeartbeat, ({ request, next }) =>
        request.memberEpoch < 0 ? disconnect : next(),
      )
      await consumer.unsubscribe()
      stop()
      consumer.subscribe(['t'])
      await cluster.waitFor(() => consumer.assignment().length === 4)
      expect(consumer.groupMetadata().memberId).toBe(memberId)
      await consumer.close()
    }
  })

  it('retries a commit under the newest epoch after STALE_MEMBER_EPOCH', async () => {
    await fill(cluster, 't', 0, 3)
    const consumer = member({ enableAutoCommit: false })
    await consumer.records().next()
    let count = 0
    cluster.intercept(offsetCommit, async ({ next }) => {
      const answer = await next()
      if (count++ < 2) for (const each of answer.topics[0].partitions) each.errorCode = 113
      return answer
    })
    await consumer.commit()
    expect(count).toBe(3)
  })

  it('whose record takes too long leaves, and comes back when more is asked for', async () => {
    await fill(cluster, 't', 0, 3)
    const lost = latch()
    const consumer = member({ maxPollIntervalMs: 100, onLost: lost.open })
    const records = consumer.records()
    await records.next()
    await lost.promise
    await cluster.waitFor(() => consumer.health().state === 'idle')
    await cluster.waitFor(() => beats().some(({ memberEpoch }) => memberEpoch === -1))
    const { value: again } = await records.next()
    expect(again?.offset).toBe(0n)
    expect(consumer.health().state).toBe('stable')
  })

  it('that is static keeps its partitions over a restart', async () => {
    const other = member({ groupInstanceId: 'other' })
    const two = reading(other)
    const first = member({ groupInstanceId: 'mine' })
    const one = reading(first)
    await cluster.waitFor(() => sizes(first, other) === '2,2')
    const before = first.assignment()
    await first.close()
    await one.done
    expect(beats().some(({ memberEpoch }) => memberEpoch === -2)).toBe(true)
    expect(other.assignment()).toHaveLength(2)
    const second = member({ groupInstanceId: 'mine' })
    const three = reading(second)
    await cluster.waitFor(() => second.assignment().length === 2)
    expect(second.assignment()).toEqual(before)
    await Promise.all([second.close({ leave: true }), other.close({ leave: true })])
    await Promise.all([two.done, three.done])
  })

  it('whose predecessor is alive waits, and says why', async () => {
    cluster.intercept(consumerGroupHeartbeat, async ({ next }) => ({
      ...(await next()),
      errorCode: 111,
    }))
    const consumer = member({ groupInstanceId: 'mine' })
    const next = consumer.records().next()
    next.catch(() => {})
    await cluster.waitFor(() => consumer.health().problems.length > 0)
    expect(consumer.health().problems[0].reason).toMatch(/UNRELEASED_INSTANCE_ID.*groupInstanceId/)
    expect(consumer.health().error).toBeNull()
  })

  it('follows a topic that is created, or is subscribed to later', async () => {
    const consumer = member({ topics: ['t', 'late'], allowAutoCreateTopics: false })
    const { got } = reading(consumer)
    await cluster.waitFor(() => consumer.assignment().length === 4)
    cluster.createTopic('late', { partitions: 1 })
    await fill(cluster, 'late', 0, 1)
    await cluster.waitFor(() => got.includes('late-0:0'))
    consumer.subscribe(['u'])
    await cluster.waitFor(() => String(consumer.assignment().map(({ topic }) => topic)) === 'u,u')
  })

  const fatal: [number, RegExp][] = [
    [112, /UNSUPPORTED_ASSIGNOR.*groupRemoteAssignor/],
    [128, /INVALID_REGULAR_EXPRESSION.*RE2J/],
    [81, /GROUP_MAX_SIZE_REACHED.*group\.consumer\.max\.size/],
    [30, /GROUP_AUTHORIZATION_FAILED.*READ/],
    [35, /UNSUPPORTED_VERSION.*groupProtocol/],
    [23, /INCONSISTENT_GROUP_PROTOCOL.*groupProtocol/],
    [69, /GROUP_ID_NOT_FOUND.*groupProtocol/],
  ]
  for (const [code, text] of fatal) {
    it(`ends for ${code}, and says what to change`, async () => {
      cluster.intercept(consumerGroupHeartbeat, async ({ next }) => ({
        ...(await next()),
        errorCode: code,
        errorMessage: 'the broker says so',
      }))
      const next = member().records().next()
      await expect(next).rejects.toThrow(text)
      await expect(next).rejects.toThrow('the broker says so')
      await expect(next).rejects.toMatchObject({ code: 'ERR_KAFKA_BROKER', errorCode: code })
    })
  }
})

describe('patterns', () => {
  it('are evaluated by the broker', async () => {
    cluster.createTopic('orders-eu', { partitions: 1 })
    cluster.createTopic('reorders', { partitions: 1 })
    await fill(cluster, 'orders-eu', 0, 1)
    const consumer = member({ topics: [/^orders-[a-z]+$/] })
    const { got } = reading(consumer)
    await cluster.waitFor(() => got.length === 1)
    expect(consumer.assignment()).toEqual([{ topic: 'orders-eu', partition: 0 }])
    cluster.createTopic('orders-us', { partitions: 1 })
    await fill(cluster, 'orders-us', 0, 1)
    await cluster.waitFor(() => got.includes('orders-us-0:0'))
    expect(beats()[0].subscribedTopicRegex).toContain('^orders-[a-z]+$')
  })

  it('that RE2J cannot say are refused by name', () => {
    for (const [pattern, text] of [
      [/a(?=b)/, /lookahead/],
      [/(?<!a)b/, /lookbehind/],
      [/(a)\1/, /backreferences/],
      [/(?<x>a)\k<x>/, /named backreferences/],
    ] as const) {
      expect(() => member({ topics: [pattern] }), String(pattern)).toThrow(InvalidArgumentError)
      expect(() => member({ topics: [pattern] }), String(pattern)).toThrow(text)
    }
  })
})

describe("groupProtocol 'auto'", () => {
  const auto = { groupProtocol: 'auto' } as const

  it('speaks the consumer protocol where it can', async () => {
    await fill(cluster, 't', 0, 1)
    await member(auto).records().next()
    expect(cluster.requests(joinGroup)).toEqual([])
  })

  it('speaks the classic one, cooperatively, where the broker does not have it', async () => {
    const old = await TestCluster.start({ topics: { t: 1 }, properties: { groupVersion: 0 } })
    await fill(old, 't', 0, 1)
    const consumer = consumerOf(old, { groupId: 'g', topics: ['t'], ...auto })
    const { value: record } = await consumer.records().next()
    expect(record?.offset).toBe(0n)
    const [{ request }] = old.requests(joinGroup)
    expect(request.protocols.map(({ name }) => name)).toEqual(['cooperative-sticky'])
    expect(consumer.health().group?.protocol).toBe('classic')
    await consumer.close()
    await old.close()
  })
})

describe('a group', () => {
  it('moves from the classic protocol to the new one and back, with nothing lost or read twice', async () => {
    const got: string[] = []
    const running: Promise<void>[] = []
    const start = (groupProtocol: 'classic' | 'consumer'): Consumer => {
      const classic = {
        heartbeatIntervalMs: 20,
        partitionAssignors: ['cooperative-sticky'],
      } as const
      const consumer = member({ groupProtocol, ...(groupProtocol === 'classic' ? classic : {}) })
      running.push(consumer.run({ eachRecord: (record) => void got.push(textOf(record)) }))
      return consumer
    }
    let written = 0
    const write = async (): Promise<void> => {
      for (let partition = 0; partition < 4; partition++) await fill(cluster, 't', partition, 5)
      written += 20
      await cluster.waitFor(() => got.length >= written)
    }
    const replace = async (old: Consumer, groupProtocol: 'classic' | 'consumer') => {
      await old.close()
      const consumer = start(groupProtocol)
      await cluster.waitFor(() => consumer.assignment().length > 0)
      await write()
      return consumer
    }
    let [one, two] = [start('classic'), start('classic')]
    await cluster.waitFor(() => sizes(one, two) === '2,2')
    await write()
    one = await replace(one, 'consumer')
    two = await replace(two, 'consumer')
    one = await replace(one, 'classic')
    two = await replace(two, 'classic')
    await Promise.all([one.close(), two.close()])
    await Promise.all(running)
    expect(new Set(got).size).toBe(written)
    expect(got).toHaveLength(written)
  })
})

describe('options', () => {
  it('of the other protocol are refused', () => {
    for (const options of [
      { groupRemoteAssignor: 'range', groupProtocol: 'classic' },
      { partitionAssignors: ['range'] },
      { sessionTimeoutMs: 10_000 },
      { heartbeatIntervalMs: 100 },
      { groupProtocol: 'auto', partitionAssignors: ['range'] },
      { groupProtocol: 'modern' },
      { groupRemoteAssignor: '' },
    ] as never[]) {
      expect(() => member(options), JSON.stringify(options)).toThrow(ConfigError)
    }
  })
})
