import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type {
  Assignor,
  GroupToAssign,
  MemberAssignment,
} from '../../../../src/consumer/group/assignors/assignor.ts'
import { checkAssignment } from '../../../../src/consumer/group/assignors/check-assignment.ts'
import {
  claimOf,
  cooperativeStickyAssignor,
} from '../../../../src/consumer/group/assignors/cooperative-sticky.ts'
import { javaHash } from '../../../../src/consumer/group/assignors/java-order.ts'
import { range } from '../../../../src/consumer/group/assignors/range.ts'
import { roundRobin } from '../../../../src/consumer/group/assignors/round-robin.ts'
import {
  assignSticky,
  decodePrevious,
  encodePrevious,
  stickyAssignor,
} from '../../../../src/consumer/group/assignors/sticky.ts'
import { groupByTopic } from '../../../../src/topic-partition.ts'
import type { TopicPartition } from '../../../../src/types.ts'
import { loadVectors } from '../../../vectors/load.ts'

interface Vector {
  assignor: string
  scenario: number
  round: number
  orderIndependent: boolean
  input: {
    partitionsPerTopic: Record<string, number>
    replicaRacks?: Record<string, string[][]>
    members: {
      memberId: string
      groupInstanceId: string | null
      topics: string[]
      userData: string | null
      ownedPartitions: [string, number][]
      generationId: number
      rackId: string | null
    }[]
  }
  assignment: Record<string, [string, number][]>
  quality: { min: number; max: number; kept: number }
}

const vectors = loadVectors<Vector>('assignors')

function groupOf({ input }: Vector): GroupToAssign {
  return {
    partitionsPerTopic: new Map(Object.entries(input.partitionsPerTopic)),
    replicaRacks: new Map(Object.entries(input.replicaRacks ?? {})),
    members: input.members.map((member) => ({
      ...member,
      userData: member.userData === null ? null : Buffer.from(member.userData, 'base64'),
      ownedPartitions: member.ownedPartitions.map(([topic, partition]) => ({ topic, partition })),
    })),
  }
}

function asSets(assignment: Iterable<[string, { topic: string; partition: number }[]]>) {
  return Object.fromEntries(
    [...assignment]
      .map(
        ([member, list]) =>
          [member, list.map((tp) => `${tp.topic}-${tp.partition}`).sort()] as const,
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

/** Decides, and holds the result against what no group could live with. */
async function assign(assignor: Assignor, group: GroupToAssign) {
  const checked = checkAssignment(group, await assignor.assign(group))
  return [...checked].map(
    ([member, { partitions }]) => [member, [...partitions]] as [string, TopicPartition[]],
  )
}

function expected({ assignment }: Vector) {
  return asSets(
    Object.entries(assignment).map(([member, list]) => [
      member,
      list.map(([topic, partition]) => ({ topic, partition })),
    ]),
  )
}

function describeAssignor(open: () => Assignor, least: number): void {
  const { name } = open()
  describe(`the assignor ${name}`, () => {
    const own = vectors.filter(({ assignor }) => assignor === name)
    it('has vectors', () => expect(own.length).toBeGreaterThanOrEqual(least))
    for (const vector of own) {
      it(`decides scenario ${vector.scenario}, round ${vector.round}, as Java does`, async () => {
        const group = groupOf(vector)
        expect(asSets(await assign(open(), group))).toEqual(expected(vector))
      })
    }
  })
}

describeAssignor(() => range, 100)
describeAssignor(() => roundRobin, 100)
describeAssignor(stickyAssignor, 240)
describeAssignor(cooperativeStickyAssignor, 240)

describe('what a member of sticky had', () => {
  const rounds = vectors.filter(({ assignor, round }) => assignor === 'sticky' && round > 0)
  it('is sent as Java sends it, byte for byte', () => {
    let compared = 0
    for (const vector of rounds) {
      const before = vectors.find(
        (other) =>
          other.assignor === 'sticky' &&
          other.scenario === vector.scenario &&
          other.round === vector.round - 1,
      )
      for (const { memberId, userData } of vector.input.members) {
        const had = before?.assignment[memberId]
        if (had === undefined || userData === null) continue
        const bytes = Buffer.from(userData, 'base64')
        const { partitions, generation } = decodePrevious({ userData: bytes } as never)
        const names = partitions.map(({ topic, partition }) => `${topic}-${partition}`).sort()
        expect(names).toEqual(had.map(([topic, partition]) => `${topic}-${partition}`).sort())
        const encode = (topics: string[]): string =>
          encodePrevious(
            topics.flatMap((name) => partitions.filter(({ topic }) => topic === name)),
            generation ?? -1,
          ).toString('hex')
        const topics = [...groupByTopic(partitions).keys()]
        expect(encode(topics)).toBe(bytes.toString('hex'))
        // In the other order too, where no two topics share a bucket of Java's map.
        const buckets = new Set(
          topics.map((topic) => (javaHash(topic) ^ (javaHash(topic) >>> 16)) & 15),
        )
        if (buckets.size < topics.length || topics.length < 2) continue
        expect(encode(topics.toReversed())).toBe(bytes.toString('hex'))
        compared++
      }
    }
    expect(compared).toBeGreaterThan(100)
  })

  it('is nothing where it cannot be read', () => {
    for (const bytes of [[0], [0, 0, 0, 9], [255, 255, 255, 255], [0, 0, 0, 1, 0, 200, 65]]) {
      const claim = decodePrevious({ userData: Buffer.from(bytes) } as never)
      expect(claim.partitions).toEqual([])
    }
  })
})

describe('a sticky assignment', () => {
  const arbitrary = fc.record({
    counts: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
    members: fc.array(
      fc.record({
        topics: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 7 }),
        owned: fc.array(fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: -2, max: 9 })), {
          maxLength: 12,
        }),
        generationId: fc.integer({ min: -1, max: 3 }),
        rackId: fc.constantFrom(null, null, 'a', 'b'),
      }),
      { minLength: 1, maxLength: 7 },
    ),
    areEqual: fc.boolean(),
  })

  function build({
    counts,
    members,
    areEqual,
  }: typeof arbitrary extends fc.Arbitrary<infer T> ? T : never) {
    return {
      partitionsPerTopic: new Map(counts.map((count, i) => [`t${i}`, count])),
      replicaRacks: new Map(
        counts.map((count, i) => [
          `t${i}`,
          Array.from({ length: count }, (_, p) => (p % 3 === 0 ? ['a', 'b'] : ['b'])),
        ]),
      ),
      members: members.map(({ topics, owned, generationId, rackId }, i) => ({
        memberId: `m${i}`,
        groupInstanceId: null,
        topics: [...new Set((areEqual ? members[0] : { topics }).topics)].map((t) => `t${t}`),
        ownedPartitions: owned.map(([topic, partition]) => ({ topic: `t${topic}`, partition })),
        generationId,
        rackId,
        userData: null,
      })),
    }
  }

  it('is complete and even, whatever members claim', () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const group = build(value)
        const { assignment } = assignSticky(group, claimOf)
        checkAssignment(group, assignment)
        const wanted = [...group.partitionsPerTopic].flatMap(([topic, count]) =>
          group.members.some(({ topics }) => topics.includes(topic)) ? count : 0,
        )
        const given = [...assignment.values()].flat().length
        expect(given).toBe(wanted.reduce((sum, count) => sum + count, 0))
        if (group.members.some(({ rackId }) => rackId !== null)) return
        for (const { memberId, topics } of group.members) {
          const own = assignment.get(memberId)?.length ?? 0
          for (const list of assignment.values()) {
            if (list.length < own + 2) continue
            expect(list.filter(({ topic }) => topics.includes(topic))).toEqual([])
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('in rounds, goes past no owner, although others claim it of an older generation', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrary, async (value) => {
        const group = build(value)
        const owners = new Map<string, { memberId: string; generationId: number }>()
        for (const { memberId, generationId, ownedPartitions } of group.members) {
          for (const { topic, partition } of ownedPartitions) {
            const name = `${topic}-${partition}`
            if (generationId > (owners.get(name)?.generationId ?? -1)) {
              owners.set(name, { memberId, generationId })
            }
          }
        }
        for (const [memberId, partitions] of await assign(cooperativeStickyAssignor(), group)) {
          const claims = group.members.find((each) => each.memberId === memberId)
          for (const { topic, partition } of partitions) {
            const owner = owners.get(`${topic}-${partition}`)
            // Where two of the same generation claim it, nobody can tell which of them has it.
            const isTie = claims?.generationId === owner?.generationId
            if (owner !== undefined && !isTie) expect(memberId).toBe(owner.memberId)
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('in rounds, never has a partition at two owners, and comes to rest', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrary, async (value) => {
        const assignor = cooperativeStickyAssignor()
        let group = build({
          ...value,
          members: value.members.map((member) => ({ ...member, owned: [], generationId: -1 })),
        })
        for (let round = 0; ; round++) {
          const given = new Map(await assign(assignor, group))
          const owners = new Map<string, string>()
          for (const { memberId, ownedPartitions } of group.members) {
            for (const { topic, partition } of ownedPartitions) {
              owners.set(`${topic}-${partition}`, memberId)
            }
          }
          let isAtRest = true
          for (const [memberId, partitions] of given) {
            for (const { topic, partition } of partitions) {
              const owner = owners.get(`${topic}-${partition}`)
              expect(owner ?? memberId).toBe(memberId)
              if (owner === undefined) isAtRest = false
            }
          }
          if (isAtRest) return
          expect(round).toBeLessThan(6)
          group = {
            ...group,
            members: group.members.map((member) => ({
              ...member,
              ownedPartitions: given.get(member.memberId) ?? [],
              generationId: round,
            })),
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

// How fast that is: npm run bench -- assignors. What grows with the square of the group does not end here.
describe('10,000 partitions and 1,000 members', () => {
  const assignors = [() => range, () => roundRobin, stickyAssignor, cooperativeStickyAssignor]
  for (const open of assignors) {
    for (const [topics, readsAll] of [
      [1, true],
      [100, false],
    ] as const) {
      const { name } = open()
      it(`of ${topics} topics are divided by ${name}, and again when a tenth of them has left`, async () => {
        const group = largeGroup(topics, 1000, readsAll)
        const given = checkAssignment(group, await open().assign(group))
        expect([...given.values()].flatMap(({ partitions }) => partitions)).toHaveLength(10_000)
        const rest = withoutSome(group, given, 100)
        const again = checkAssignment(rest, await open().assign(rest))
        if (!name.includes('sticky')) return
        for (const { memberId, ownedPartitions } of rest.members) {
          const kept = new Set(again.get(memberId)?.partitions.map((tp) => JSON.stringify(tp)))
          const owned = ownedPartitions.map((tp) => JSON.stringify(tp))
          // Nothing moves between those that stay but for balance.
          expect(owned.filter((tp) => !kept.has(tp)).length).toBeLessThanOrEqual(readsAll ? 0 : 2)
        }
      }, 60_000)
    }
  }
})

function largeGroup(topics: number, members: number, readsAll: boolean): GroupToAssign {
  const names = Array.from({ length: topics }, (_, i) => `topic-${i}`)
  return {
    partitionsPerTopic: new Map(names.map((name) => [name, 10_000 / topics])),
    replicaRacks: new Map(),
    members: Array.from({ length: members }, (_, i) => ({
      memberId: `member-${(i * 7919) % members}`,
      groupInstanceId: null,
      topics: names.filter((_, t) => readsAll || (t + i) % 3 !== 0),
      ownedPartitions: [],
      generationId: -1,
      rackId: null,
      userData: null,
    })),
  }
}

/** The group when its first members have left, and the others claim what they had. */
function withoutSome(
  group: GroupToAssign,
  given: ReadonlyMap<string, MemberAssignment>,
  count: number,
): GroupToAssign {
  return {
    ...group,
    members: group.members.slice(count).map((member) => {
      const partitions = given.get(member.memberId)?.partitions ?? []
      const userData = encodePrevious(partitions, 1)
      return { ...member, ownedPartitions: partitions, generationId: 1, userData }
    }),
  }
}
