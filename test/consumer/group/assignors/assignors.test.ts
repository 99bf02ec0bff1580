import { describe, expect, it } from 'vitest'
import type { Assignor, GroupToAssign } from '../../../../src/consumer/group/assignors/assignor.ts'
import {
  assignSticky,
  cooperativeSticky,
} from '../../../../src/consumer/group/assignors/cooperative-sticky.ts'
import { range } from '../../../../src/consumer/group/assignors/range.ts'
import { roundRobin } from '../../../../src/consumer/group/assignors/round-robin.ts'
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

function expected({ assignment }: Vector) {
  return asSets(
    Object.entries(assignment).map(([member, list]) => [
      member,
      list.map(([topic, partition]) => ({ topic, partition })),
    ]),
  )
}

function describeAssignor(assignor: Assignor): void {
  describe(`the assignor ${assignor.name}`, () => {
    const own = vectors.filter((vector) => vector.assignor === assignor.name)
    it('has vectors', () => expect(own.length).toBeGreaterThan(50))
    for (const vector of own.filter(({ orderIndependent }) => orderIndependent)) {
      it(`decides scenario ${vector.scenario}, round ${vector.round}, as Java does`, () => {
        expect(asSets(assignor.assign(groupOf(vector)))).toEqual(expected(vector))
      })
    }
  })
}

describeAssignor(range)
describeAssignor(roundRobin)

describe('the assignor cooperative-sticky', () => {
  const own = vectors.filter(({ assignor }) => assignor === 'cooperative-sticky')
  it('has vectors', () => expect(own.length).toBeGreaterThan(200))
  for (const vector of own) {
    const group = groupOf(vector)
    const owners = new Map<string, string[]>()
    for (const { memberId, ownedPartitions } of group.members) {
      for (const tp of ownedPartitions) {
        const name = `${tp.topic}-${tp.partition}`
        owners.set(name, [...(owners.get(name) ?? []), memberId])
      }
    }
    it(`is as even and as sticky as Java in scenario ${vector.scenario}, round ${vector.round}`, () => {
      const balanced = asSets(assignSticky(group))
      const kept = Object.entries(balanced).flatMap(([member, list]) =>
        list.filter((name) => owners.get(name)?.includes(member)),
      ).length
      // Even: nobody could take a partition from somebody with two more.
      for (const { memberId, topics } of group.members) {
        for (const list of Object.values(balanced)) {
          if (list.length < balanced[memberId].length + 2) continue
          const takeable = list.filter((name) =>
            topics.includes(name.slice(0, name.lastIndexOf('-'))),
          )
          expect(takeable).toEqual([])
        }
      }
      expect(kept).toBeGreaterThanOrEqual(vector.quality.kept)
      const all = Object.values(balanced).flat()
      expect(new Set(all).size).toBe(all.length)
      for (const { memberId, topics } of group.members) {
        for (const name of balanced[memberId]) {
          expect(topics).toContain(name.slice(0, name.lastIndexOf('-')))
        }
      }
    })

    it(`gives nothing away that somebody still owns, in scenario ${vector.scenario}, round ${vector.round}`, () => {
      const given = asSets(cooperativeSticky.assign(group))
      for (const [member, list] of Object.entries(given)) {
        for (const name of list) expect(owners.get(name) ?? [member]).toEqual([member])
      }
    })
  }
})
