import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Queue } from '../../src/collections/queue.ts'

type Step = readonly ['push' | 'unshift' | 'shift' | 'remove' | 'replace' | 'insert', number]

const steps = fc.array(
  fc.tuple(
    fc.constantFrom<Step[0]>('push', 'push', 'unshift', 'shift', 'remove', 'replace', 'insert'),
    fc.nat(40),
  ),
  { maxLength: 60 },
)

/** The same on an array. */
function applyTo(list: number[], [what, item]: Step): void {
  const at = list.indexOf(item)
  if (what === 'push') list.push(item)
  else if (what === 'unshift') list.unshift(item)
  else if (what === 'shift') list.shift()
  else if (what === 'remove' && at >= 0) list.splice(at, 1)
  else if (what === 'replace' && at >= 0) list.splice(at, 1, item + 50, item + 51)
  else if (what === 'insert') {
    const before = list.findIndex((other) => other >= item)
    list.splice(before < 0 ? list.length : before, 0, item)
  }
}

test('a queue does what a list does', () => {
  fc.assert(
    fc.property(fc.nat(3000), steps, (already, rest) => {
      const queue = new Queue<number>()
      const list: number[] = []
      // Far enough for what has left to be cut off.
      for (let i = 0; i < already; i++) queue.push(-1)
      for (let i = 0; i < already; i++) queue.shift()
      for (const [what, item] of rest) {
        if (what === 'push') queue.push(item)
        else if (what === 'unshift') queue.unshift(item)
        else if (what === 'shift') expect(queue.shift()).toBe(list[0])
        else if (what === 'remove') queue.remove(item)
        else if (what === 'replace') queue.replace(item, [item + 50, item + 51])
        else queue.insertBefore(item, (other) => other >= item)
        applyTo(list, [what, item])
        expect([...queue]).toEqual(list)
        expect([queue.length, queue.peek()]).toEqual([list.length, list[0]])
      }
      expect(queue.drain()).toEqual(list)
      expect(queue.length).toBe(0)
    }),
  )
})

test('what has left the queue is not kept alive by it', () => {
  const queue = new Queue<object>()
  for (let i = 0; i < 100; i++) queue.push({ i })
  for (let i = 0; i < 99; i++) queue.shift()
  const kept = (Reflect.get(queue, 'items') as (object | undefined)[]).filter(
    (item) => item !== undefined,
  )
  expect(kept).toHaveLength(1)
})

test('the first of very many items leaves without a search', () => {
  const queue = new Queue<{ readonly at: number }>()
  const items = Array.from({ length: 1000 }, (_, at) => ({ at }))
  for (const item of items) queue.push(item)
  let looks = 0
  for (const item of items) {
    queue.remove(item)
    queue.insertBefore(item, () => {
      looks++
      return true
    })
    queue.shift()
  }
  expect([queue.length, looks]).toEqual([0, 999])
})
