// An assignor of the user's own: it places partitions by their lag, which members send with their subscription.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type {
  Assignor,
  GroupToAssign,
  MemberAssignment,
} from '../../../src/consumer/group/assignors/assignor.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { ConfigError } from '../../../src/errors.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { TopicPartition } from '../../../src/types.ts'
import { consumerOf, fill } from '../harness.ts'

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 4 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function member(assignor: Assignor, options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, {
    groupId: 'g',
    topics: ['t'],
    partitionAssignors: [assignor],
    ...options,
  })
  open.push(consumer)
  return consumer
}

const onlyPartition = {
  name: 'mine',
  assign: ({ members }: GroupToAssign) =>
    new Map([[members[members.length - 1].memberId, [{ topic: 't', partition: 0 }]]]),
}

/** The partition with most lag goes to the member with least, and so on. */
function byLag(
  lagOf: (partition: TopicPartition) => Promise<number>,
  got: MemberAssignment[] = [],
) {
  const generations: number[] = []
  const capacities: string[] = []
  const assignor: Assignor = {
    name: 'by-lag',
    subscriptionUserData: (topics) => Buffer.from(`capacity of ${topics.join()}`),
    assign: async ({ members, partitionsPerTopic }: GroupToAssign) => {
      capacities.splice(0, capacities.length, ...members.map(({ userData }) => String(userData)))
      const partitions = await Promise.all(
        [...partitionsPerTopic].flatMap(([topic, count]) =>
          Array.from({ length: count }, async (_, partition) => ({
            place: { topic, partition },
            lag: await lagOf({ topic, partition }),
          })),
        ),
      )
      const loads = members.map(({ memberId }) => ({
        memberId,
        lag: 0,
        partitions: [] as TopicPartition[],
      }))
      for (const { place, lag } of partitions.sort((a, b) => b.lag - a.lag)) {
        const least = loads.reduce((a, b) => (b.lag < a.lag ? b : a))
        least.partitions.push(place)
        least.lag += lag
      }
      return new Map(
        loads.map(({ memberId, lag, partitions }) => [
          memberId,
          { partitions, userData: Buffer.from(`lag ${lag}`) },
        ]),
      )
    },
    onAssignment: (assignment, generationId) => {
      got.push(assignment)
      generations.push(generationId)
    },
  }
  return { assignor, generations, capacities }
}

describe('an assignor of the user', () => {
  it('places by lag, gets what members say of themselves, and tells each what it got', async () => {
    const lags = [100, 10, 10, 10]
    for (const [partition, lag] of lags.entries()) await fill(cluster, 't', partition, lag, 100)
    const lagOf = ({ partition }: TopicPartition) => Promise.resolve(lags[partition])
    const got: MemberAssignment[][] = [[], []]
    const [one, two] = got.map((own) => byLag(lagOf, own))
    const first = member(one.assignor)
    const second = member(two.assignor)
    const running = [first, second].map((consumer) => consumer.run({ eachRecord: () => {} }))
    await cluster.waitFor(
      () =>
        first.assignment().length > 0 &&
        second.assignment().length > 0 &&
        first.assignment().length + second.assignment().length === 4,
    )
    const numbers = [first, second].map((consumer) =>
      consumer.assignment().map(({ partition }) => partition),
    )
    expect(numbers.toSorted((a, b) => a.length - b.length)).toEqual([[0], [1, 2, 3]])
    expect([...one.capacities, ...two.capacities]).toContain('capacity of t')
    const last = got.map((own) => String(own[own.length - 1].userData)).sort()
    expect(last).toEqual(['lag 100', 'lag 30'])
    expect(one.generations.at(-1)).toBe(two.generations.at(-1))
    await Promise.all([first.close(), second.close()])
    await Promise.all(running)
  })

  const wrong: Record<string, (memberId: string) => unknown> = {
    throws: () => {
      throw new Error('my mistake')
    },
    rejects: () => Promise.reject(new Error('my mistake')),
    'returns nothing': () => undefined,
    'gives a partition twice': (memberId) =>
      new Map([
        [
          memberId,
          [
            { topic: 't', partition: 0 },
            { topic: 't', partition: 0 },
          ],
        ],
      ]),
    'gives a partition that does not exist': (memberId) =>
      new Map([[memberId, [{ topic: 't', partition: 4 }]]]),
    'gives a topic that is not read': (memberId) =>
      new Map([[memberId, [{ topic: 'u', partition: 0 }]]]),
    'knows a member that is not there': () => new Map([['nobody', []]]),
    'gives a member null': (memberId) => new Map([[memberId, null]]),
    'gives a set': (memberId) => new Map([[memberId, new Set()]]),
    'gives numbers': (memberId) => new Map([[memberId, [0]]]),
    'sends text': (memberId) => new Map([[memberId, { partitions: [], userData: 'text' }]]),
    'sends a promise': (memberId) =>
      new Map([[memberId, { partitions: [], userData: Promise.resolve(null) }]]),
  }
  for (const [name, result] of Object.entries(wrong)) {
    it(`that ${name} is in health(), and the group comes together when it works`, async () => {
      await fill(cluster, 't', 0, 1)
      let isBroken = true
      const consumer = member({
        name: 'mine',
        assign: ({ members }) => {
          const [{ memberId }] = members
          if (isBroken) return result(memberId) as never
          return new Map([[memberId, [{ topic: 't', partition: 0 }]]])
        },
      })
      const record = consumer.records().next()
      await cluster.waitFor(() => consumer.health().problems.length > 0)
      expect(consumer.health().problems[0].reason).toMatch(/The assignor "mine" failed: /)
      expect(consumer.health()).toMatchObject({ isReady: false, state: 'joining' })
      isBroken = false
      expect((await record).value?.offset).toBe(0n)
      expect(consumer.health().problems).toEqual([])
    })
  }

  const wrongUserData: Record<string, () => unknown> = {
    throws: () => {
      throw new Error('my mistake')
    },
    'gives text': () => 'text',
    'gives a promise': () => Promise.resolve(Buffer.from('x')),
  }
  for (const [name, result] of Object.entries(wrongUserData)) {
    it(`whose subscriptionUserData ${name} is in health(), and the member joins when it works`, async () => {
      await fill(cluster, 't', 0, 1)
      let isBroken = true
      const consumer = member({
        ...onlyPartition,
        subscriptionUserData: () => (isBroken ? (result() as Buffer) : null),
      })
      const record = consumer.records().next()
      await cluster.waitFor(() => consumer.health().problems.length > 0)
      expect(consumer.health().problems[0].reason).toMatch(/The assignor "mine" failed: /)
      isBroken = false
      expect((await record).value?.offset).toBe(0n)
    })
  }

  for (const [name, onAssignment] of Object.entries({
    throws: () => {
      throw new Error('my mistake')
    },
    rejects: () => Promise.reject(new Error('my mistake')),
  })) {
    it(`whose onAssignment ${name} is reported, and the member reads on`, async () => {
      await fill(cluster, 't', 0, 1)
      const errors: string[] = []
      const assignor = { ...onlyPartition, onAssignment: onAssignment as () => void }
      const consumer = member(assignor, { onError: (error) => errors.push(error.message) })
      expect((await consumer.records().next()).value?.offset).toBe(0n)
      expect(errors).toEqual(['The assignor "mine" failed: my mistake'])
    })
  }

  describe('that does not settle', () => {
    const never = { name: 'mine', assign: () => new Promise<never>(() => {}) }

    it('is named in health(), and does not hold up close()', async () => {
      const consumer = member(never)
      const ended = consumer.records().next()
      const reasons = (): string[] => consumer.health().problems.map(({ reason }) => reason)
      await cluster.waitFor(() => reasons().some((reason) => reason.includes('assign()')))
      await consumer.close({ timeoutMs: 60_000 })
      expect((await ended).done).toBe(true)
    })

    it('fails after maxPollIntervalMs, or when the membership is lost', async () => {
      await fill(cluster, 't', 0, 1)
      for (const isLost of [false, true]) {
        let calls = 0
        const consumer = member(
          {
            ...onlyPartition,
            assign: (group) => (calls++ === 0 ? never.assign() : onlyPartition.assign(group)),
          },
          { groupId: `g${isLost}`, maxPollIntervalMs: isLost ? 300_000 : 100 },
        )
        const record = consumer.records().next()
        await cluster.waitFor(() => calls === 1)
        if (isLost) {
          const stop = cluster.intercept(heartbeat, async ({ request, next }) => {
            const response = await next()
            if (request.groupId !== 'gtrue') return response
            stop()
            return { ...response, errorCode: 22 }
          })
        }
        expect((await record).value?.offset).toBe(0n)
        expect(calls).toBe(2)
      }
    })
  })

  it('is refused where it is none', () => {
    for (const assignor of [
      {},
      { name: 'x' },
      { name: '', assign: () => new Map() },
      { name: 'x', assign: 5 },
      { name: 'x', assign: () => new Map(), onAssignment: 5 },
      'lag',
      null,
    ]) {
      expect(() => member(assignor as never), JSON.stringify(assignor)).toThrow(ConfigError)
    }
    const twice = ['range', 'range'] as const
    expect(() => member('range' as never, { partitionAssignors: twice })).toThrow(/twice/)
  })
})
