// What is assigned, by the broker that it is fetched from: the same as a look at all partitions would find,
// in the same order, whatever happened before.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AssignedPartition } from '../../../src/consumer/assignment/assigned-partition.ts'
import { Assignment } from '../../../src/consumer/assignment/assignment.ts'
import { rawSource } from '../../../src/records/record-context.ts'

const PARTITIONS = 6

function byBrokerOf(assignment: Assignment): Map<number, string[]> {
  const shown = [...assignment.partitionsByBroker].map(([nodeId, states]): [number, string[]] => [
    nodeId,
    [...states].map(({ name }) => name),
  ])
  return new Map(shown.filter(([, names]) => names.length > 0).sort(([a], [b]) => a - b))
}

function lookedUp(assignment: Assignment): Map<number, string[]> {
  const found = new Map<number, string[]>()
  for (const { name, leader, fetchAt } of assignment.partitions) {
    const nodes = new Set([
      leader,
      ...(fetchAt.preferredReplica >= 0 ? [fetchAt.preferredReplica] : []),
    ])
    for (const nodeId of nodes) found.set(nodeId, [...(found.get(nodeId) ?? []), name])
  }
  return new Map([...found].sort(([a], [b]) => a - b))
}

const steps: readonly ((assignment: Assignment, state: AssignedPartition, node: number) => void)[] =
  [
    (assignment, { topic, partition }) => void assignment.add({ topic, partition }),
    (assignment, state) => assignment.remove(state),
    (assignment, state) => assignment.moveToEnd(state),
    (_, state, node) => void state.setLeader(node, node),
    (_, state, node) => state.fetchAt.prefer(node, 1000),
    (_, state) => state.fetchAt.forgetReplica(),
    (_, state) => state.forgetLog('id', 0n),
  ]

test('partitions by broker are those of a look at all of them, in fetch order', () => {
  const step = fc.record({
    kind: fc.nat(steps.length - 1),
    partition: fc.nat(PARTITIONS - 1),
    node: fc.nat(3),
    isRead: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (all) => {
      const assignment = new Assignment(rawSource)
      for (let partition = 0; partition < PARTITIONS; partition++) {
        assignment.add({ topic: 't', partition })
      }
      for (const { kind, partition, node, isRead } of all) {
        const state =
          assignment.get('t', partition) ?? new Assignment(rawSource).add({ topic: 't', partition })
        steps[kind](assignment, state, node)
        if (isRead) expect(byBrokerOf(assignment)).toEqual(lookedUp(assignment))
      }
      expect(byBrokerOf(assignment)).toEqual(lookedUp(assignment))
    }),
  )
})

test('it is not built again while partitions stay where they are', () => {
  const assignment = new Assignment(rawSource)
  const state = assignment.add({ topic: 't', partition: 0 })
  state.setLeader(1, 0)
  const before = assignment.partitionsByBroker
  state.setLeader(1, 1)
  state.fetchAt.forgetReplica()
  assignment.moveToEnd(state)
  expect(assignment.partitionsByBroker).toBe(before)
})
