// What thousands of partitions, loops and waiting calls cost one another.

import { expect, test } from 'vitest'
import { Watchers } from '../../../src/async/watchers.ts'
import type { AssignedPartition } from '../../../src/consumer/assignment/assigned-partition.ts'
import { Assignment } from '../../../src/consumer/assignment/assignment.ts'
import { Delivery } from '../../../src/consumer/delivery/delivery.ts'
import type { Loop } from '../../../src/consumer/delivery/loop.ts'
import { PartitionIterators } from '../../../src/consumer/delivery/partition-iterators.ts'
import { rawSource } from '../../../src/records/record-context.ts'

const COUNT = 100

type Raw = Buffer | null

/** Counts how often all partitions are looked at. */
class CountedAssignment extends Assignment<Raw, Raw> {
  looks = 0

  override get partitions(): Iterable<AssignedPartition<Raw, Raw>> {
    this.looks++
    return super.partitions
  }
}

function deliver(): {
  delivery: Delivery<Raw, Raw>
  subscription: CountedAssignment
  states: AssignedPartition<Raw, Raw>[]
} {
  const subscription = new CountedAssignment(rawSource)
  const delivery = new Delivery<Raw, Raw>(subscription, 500, null, {
    onRoom: () => {},
    onFailureTaken: () => {},
    onPull: () => {},
    onClock: () => {},
  })
  const states = Array.from({ length: COUNT }, (_, partition) =>
    subscription.add({ topic: 't', partition }),
  )
  return { delivery, subscription, states }
}

/** A loop that waits, and takes a partition that it may take when it looks. */
function waiting(only: AssignedPartition | null, onRetry: (loop: Loop) => void): Loop {
  const loop: Loop = {
    only,
    heldPartition: null,
    isOverAll: only === null,
    sampleHeldMs: () => 0,
    unwatch: () => {},
    retry: () => onRetry(loop),
  }
  return loop
}

test('a partition that leaves the assignment leaves the queue of those with records', async () => {
  const { delivery, subscription, states } = deliver()
  const loop = waiting(states[0], () => {})
  const other = waiting(states[1], () => {})
  for (const state of states) {
    state.fail(new Error('something for a loop to take'))
    delivery.offer(state)
  }
  expect(delivery.claim(loop, states[0])).toBe(states[0])
  expect(delivery.claim(other, states[1])).toBe(states[1])
  delivery.unclaim(states[0])
  expect(subscription.ready.size).toBe(COUNT)

  for (const state of states) subscription.remove(state)
  expect(subscription.ready.size).toBe(0)
  // What ends or arrives after the removal does not bring it back.
  states[1].fail(new Error('late'))
  delivery.unclaim(states[1])
  delivery.offer(states[2])
  expect(subscription.ready.size).toBe(0)
})

test('what can be taken of a partition wakes the loop of that partition, and no other', () => {
  const { delivery, states } = deliver()
  const woken: unknown[] = []
  const loops = states.map((state) => waiting(state, ({ only }) => woken.push(only)))
  for (const loop of loops) delivery.add(loop)
  for (const state of states) delivery.offer(state)
  expect(woken).toEqual(states)
  delivery.wake()
  expect(woken).toHaveLength(2 * COUNT)
  delivery.remove(loops[0])
  delivery.offer(states[0])
  expect(woken).toHaveLength(2 * COUNT)
})

test('of loops over all partitions, those behind the one that takes it are not woken', () => {
  const { delivery, states } = deliver()
  let woken = 0
  for (let i = 0; i < COUNT; i++) {
    delivery.add(
      waiting(null, (loop) => {
        woken++
        if (woken === 3) states[0].holdFor(loop)
      }),
    )
  }
  delivery.offer(states[0])
  expect(woken).toBe(3)
})

test('partitions() looks at all partitions once for all that it gives', async () => {
  const { delivery, subscription, states } = deliver()
  const streams = new PartitionIterators(delivery, async () => {}, undefined)
  for (const { partition } of states) {
    expect((await streams.next()).value?.partition).toBe(partition)
  }
  const later = streams.next()
  for (const state of states) delivery.offer(state)
  delivery.wake()
  expect(subscription.looks).toBeLessThan(4)
  subscription.add({ topic: 't', partition: COUNT })
  delivery.wake()
  expect((await later).value?.partition).toBe(COUNT)
})

test('partitions() gives what is released by a callback, and not what was taken away', async () => {
  const { delivery, subscription, states } = deliver()
  const streams = new PartitionIterators(delivery, async () => {}, undefined)
  states[1].hold('isAwaitingCallback', true)
  await streams.next()
  subscription.remove(states[2])
  expect((await streams.next()).value?.partition).toBe(3)
  states[1].hold('isAwaitingCallback', false)
  const rest = Array.from(
    { length: COUNT - 3 },
    async () => (await streams.next()).value?.partition,
  )
  expect(await Promise.all(rest)).toContain(1)
})

test('those who wait look once, however many partitions changed in a turn', async () => {
  const watchers = new Watchers()
  let looks = 0
  let isDone = false
  const wait = watchers.until(() => {
    looks++
    return isDone
  }, new AbortController().signal)
  for (let i = 0; i < COUNT; i++) watchers.look()
  await null
  expect(looks).toBe(2)
  isDone = true
  watchers.look()
  await wait
  expect(looks).toBe(3)
})
