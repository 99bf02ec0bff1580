// Share consumers end to end, at random: members that join and leave, handlers that fail or outlast their
// locks, leaders that move, and requests that go wrong, against the in-process broker. RANDOM_RUNS says how many
// plans are tried, RANDOM_SEED and RANDOM_PATH try one again; a plan that fails is printed as small as fast-check
// can make it.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plan } from './share/plan.ts'
import { runPlan } from './share/run-plan.ts'

const runs = Number(process.env.RANDOM_RUNS ?? 60)
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
