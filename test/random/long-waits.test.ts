// A producer and a group with their times of every day, at random, while minutes and days of virtual time pass:
// nodes hang and are away, connections are idle and end, metadata grows old, and handlers take longer than
// maxPollIntervalMs. RANDOM_RUNS says how many plans are tried, RANDOM_SEED and RANDOM_PATH try one again; a plan
// that fails is printed as small as fast-check can make it.

import { plan } from './long/plan.ts'
import { runPlan } from './long/run-plan.ts'
import { testPlans } from './test-plans.ts'

testPlans(plan, runPlan, 60)
