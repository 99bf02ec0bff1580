// What every random test does with its plans: RANDOM_RUNS of them, from RANDOM_SEED, in parallel lanes. A plan
// that fails is printed as small as fast-check can make it, with RANDOM_SEED and RANDOM_PATH to try it again.

import fc from 'fast-check'
import { expect, test } from 'vitest'

/** Tries plans as one test for each lane. @param usualRuns how many, unless RANDOM_RUNS says otherwise */
export function testPlans<Plan>(
  plan: fc.Arbitrary<Plan>,
  runPlan: (plan: Plan) => Promise<void>,
  usualRuns: number,
): void {
  const runs = Number(process.env.RANDOM_RUNS ?? usualRuns)
  const seed = Number(process.env.RANDOM_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const path = process.env.RANDOM_PATH
  /** Most of a run is waiting. */
  const lanes = path === undefined ? 8 : 1

  test.concurrent.each(Array.from({ length: lanes }, (_, lane) => lane))(
    `${runs} random plans from seed ${seed}, part %i of ${lanes}`,
    { timeout: 7_200_000 },
    async (lane) => {
      const result = await fc.check(
        fc.asyncProperty(plan, (each) => runPlan(each)),
        {
          seed: seed + lane,
          numRuns: Math.ceil(runs / lanes),
          // Mutants need not be explained.
          endOnFailure: process.env.RANDOM_SHRINK === 'off',
          interruptAfterTimeLimit: 7_000_000,
          ...(path !== undefined && { path }),
        },
      )
      if (!result.failed) return
      const { counterexample, counterexamplePath, errorInstance, numShrinks } = result
      expect.fail(
        `RANDOM_SEED=${result.seed} RANDOM_PATH=${counterexamplePath} (after ${numShrinks} shrinks): ${String(errorInstance)}\n${JSON.stringify(counterexample, null, 1)}`,
      )
    },
  )
}
