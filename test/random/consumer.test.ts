// Consumers end to end, at random: members that join, leave, seek and pause, handlers that fail, by record,
// batch, partition and key, logs that are truncated, trimmed and created again, and requests that go wrong,
// against the in-process broker. RANDOM_RUNS says how many plans are tried, RANDOM_SEED and RANDOM_PATH try
// one again; a plan that fails is printed as small as fast-check can make it.

import { plan } from './consumer/plan.ts'
import { runPlan } from './consumer/run-plan.ts'
import { testPlans } from './test-plans.ts'

testPlans(plan, runPlan, 200)
