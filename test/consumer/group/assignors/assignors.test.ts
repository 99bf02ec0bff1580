import { describe, expect, it } from 'vitest'
import type { Assignor, GroupToAssign } from '../../../../src/consumer/group/assignors/assignor.ts'
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
