// What every random test does with its plans: RANDOM_RUNS of them, from RANDOM_SEED, one after the other, in virtual
// time. A plan that fails is printed as small as fast-check can make it, with RANDOM_SEED and RANDOM_PATH to try it
// again.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inVirtualTime, realMs } from '../virtual-time.ts'

const TIMEOUT_MS = 7_200_000
/** No plan begins after this, so that a failure can still be printed (ms). */
const LAST_BEGIN_MS = 7_000_000

/**
 * Tries plans.
 * @param usualRuns how many, unless RANDOM_RUNS says otherwise
 * @param turns how slow the machine may be: what a turn of the event loop takes (ms)
 */
export function testPlans<Plan>(
  plan: fc.Arbitrary<Plan>,
  runPlan: (plan: Plan) => Promise<void>,
  usualRuns: number,
  turns: readonly number[] = [0.01, 0.1, 0.5, 2],
): void {
  const numRuns = Number(process.env.RANDOM_RUNS ?? usualRuns)
  const seed = Number(process.env.RANDOM_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const path = process.env.RANDOM_PATH
  // Mutants need not be explained.
  const endOnFailure = process.env.RANDOM_SHRINK === 'off'

  test(`${numRuns} random plans from seed ${seed}`, { timeout: TIMEOUT_MS }, async () => {
    const end = realMs() + LAST_BEGIN_MS
    let begun = 0
    let left = 0
    const property = fc.asyncProperty(plan, fc.constantFrom(...turns), async (each, ms) => {
      if (realMs() > end) {
        left++
        return
      }
      begun++
      await inVirtualTime(ms, () => runPlan(each))
    })
    const result = await fc.check(property, {
      seed,
      numRuns,
      endOnFailure,
      ...(path !== undefined && { path }),
    })
    if (!result.failed) {
      if (left > 0) expect.fail(`there was no time for ${left} of ${numRuns} plans`)
      return
    }
    const { counterexample, counterexamplePath, errorInstance, numShrinks } = result
    expect.fail(
      `RANDOM_SEED=${result.seed} RANDOM_PATH=${counterexamplePath} (after ${begun} plans and ${numShrinks} shrinks): ${String(errorInstance)}\n${JSON.stringify(counterexample, null, 1)}`,
    )
  })
}
