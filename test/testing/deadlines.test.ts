import { expect, test } from 'vitest'
import { Deadlines } from '../../src/testing/deadlines.ts'

test('runs what is due, earliest first, with what that sets for the past', () => {
  const seen: string[] = []
  const deadlines = new Deadlines()
  deadlines.set('b', 20, (now) => {
    seen.push(`b at ${now}`)
    deadlines.set('c', 25, () => seen.push('c'))
    deadlines.set('d', 31, () => seen.push('d'))
  })
  deadlines.set('a', 10, () => seen.push('a'))
  deadlines.run(9)
  expect(seen).toEqual([])
  deadlines.run(30)
  expect(seen).toEqual(['a', 'b at 30', 'c'])
  expect(deadlines.next).toBe(31)
})

test('a deadline set again is moved, one deleted never comes', () => {
  const seen: string[] = []
  const heard: number[] = []
  const deadlines = new Deadlines((at) => heard.push(at))
  deadlines.set('a', 10, () => seen.push('old'))
  deadlines.set('a', 50, () => seen.push('new'))
  deadlines.set('b', 10, () => seen.push('b'))
  deadlines.delete('b')
  deadlines.run(49)
  expect(seen).toEqual([])
  deadlines.run(50)
  expect(seen).toEqual(['new'])
  expect(deadlines.next).toBe(Infinity)
  expect(heard).toEqual([10, 50, 10])
})
