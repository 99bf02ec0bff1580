// The producer end to end, at random: records of every size and kind, splits, small budgets, transactions of
// both versions, limits, and every fault of brokers and networks, against the in-process broker. The logs are
// compared byte by byte with what each caller was told. RANDOM_RUNS says how many plans are tried, RANDOM_SEED
// and RANDOM_PATH try one again; a plan that fails is printed as small as fast-check can make it.

import { plan } from './producer/plan.ts'
import { runPlan } from './producer/run-plan.ts'
import { testPlans } from './test-plans.ts'

testPlans(plan, runPlan, 200)
