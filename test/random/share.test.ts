// Share consumers end to end, at random: members that join and leave, handlers that fail or outlast their
// locks, leaders that move, and requests that go wrong, against the in-process broker. RANDOM_RUNS says how many
// plans are tried, RANDOM_SEED and RANDOM_PATH try one again; a plan that fails is printed as small as fast-check
// can make it.

import { plan } from './share/plan.ts'
import { runPlan } from './share/run-plan.ts'
import { testPlans } from './test-plans.ts'

// On a slower machine the shortest lock ends before a large batch is done, at every delivery.
testPlans(plan, runPlan, 60, [0.01, 0.1])
