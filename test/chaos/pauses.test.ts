// Pauses and bounces, from made-up ownerships.

import { expect, test } from 'vitest'
import type { Ownership } from './consumer-oracle.ts'
import { partitionOf } from './coordinator.ts'
import { judgePauses, movesDuring } from './pauses.ts'

function owns(member: string, from: number, to: number, deliveredAt: number[] = []): Ownership {
  const nothing = { partition: 0, isHandedOver: true, offsets: [], doneTo: -1 }
  return { member, from, to, deliveredAt, ...nothing }
}

test('a gap across a move of another member is a pause; others are the calm of the run', () => {
  const stays = owns('a', 0, 9000, [100, 150, 900, 1000, 5000, 5010])
  const { count, mostMs, calmMostMs } = judgePauses([stays, owns('b', 200, 9000)], [])
  expect({ count, mostMs, calmMostMs }).toEqual({ count: 1, mostMs: 750, calmMostMs: 4000 })
})

test('what touches a window says nothing; one of a member is about that member', () => {
  const both = [
    owns('a', 0, 9000, [100, 900]),
    owns('b', 0, 9000, [100, 700]),
    owns('c', 500, 9000),
  ]
  const hang = { from: 600, to: 800, member: 'a' }
  expect(judgePauses(both, [hang]).mostMs).toBe(600)
  expect(judgePauses(both, [hang, { from: 0, to: 9000 }]).count).toBe(0)
})

test('a bounce moves nobody but the member itself', () => {
  const bounce = { from: 1000, to: 2000, members: ['a', 'a again'] }
  const others = [owns('a', 0, 1000), owns('a again', 1900, 9000), owns('b', 0, 9000)]
  expect(movesDuring(others, bounce)).toBe(0)
  expect(movesDuring([...others, owns('c', 1500, 9000)], bounce)).toBe(1)
  expect(movesDuring([...others, owns('b', 0, 1500), owns('b', 1600, 9000)], bounce)).toBe(2)
})

test('a key belongs to the partition that a broker finds it in', () => {
  // Utils.abs("...".hashCode()) % 50, by Java.
  expect(partitionOf('polygenelubricants', 50)).toBe(0)
  expect(partitionOf('orders', 50)).toBe(31)
})
