import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FetchIsolation } from '../../../src/consumer/fetching/fetch-isolation.ts'

describe('the isolation of what cannot be read', () => {
  it('asks for everything while nothing is suspected', () => {
    const isolation = new FetchIsolation<number>()
    expect(isolation.choose([1, 2, 3])).toEqual([1, 2, 3])
    expect(isolation.isIdle).toBe(true)
  })

  it('finds every one at fault in few requests, and reads the others meanwhile', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.nat(199), { minLength: 1, maxLength: 4 }),
        (count, bad) => {
          const isolation = new FetchIsolation<number>()
          const atFault = new Set(bad.filter((each) => each < count))
          const targets = Array.from({ length: count }, (_, i) => i)
          const found = new Set<number>()
          const read = new Set<number>()
          let requests = 0
          while (found.size < atFault.size || read.size < count - atFault.size) {
            const chosen = isolation.choose(targets)
            expect(chosen.length).toBeGreaterThan(0)
            expect(++requests).toBeLessThan(16 + 24 * atFault.size)
            if (chosen.some((each) => atFault.has(each))) {
              const culprit = isolation.accuse(chosen)
              if (culprit !== null) found.add(culprit)
            } else {
              isolation.clear(chosen)
              for (const each of chosen) read.add(each)
            }
          }
          expect(found).toEqual(atFault)
        },
      ),
    )
  })
})
