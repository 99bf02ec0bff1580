// What a random run of share consumers does: who joins how, who leads, and which requests go wrong. Plain data,
// so that fast-check can make a failing plan smaller and print it.

import fc from 'fast-check'
import {
  type CommonStep,
  commonSteps,
  type Disturbance,
  type FaultStep,
  faultStep,
} from '../groups/steps.ts'

/** How a member works: through which of the share consumer's loops. */
export type Mode = 'record' | 'batch' | 'run' | 'runBatch'

export type FaultApi = keyof typeof codes

/** The broker refuses with this code; `wrong`: it does what it is asked, and says that it did not. */
export interface CodeFault {
  kind: 'wrong' | 'refused'
  code: number
}

export interface Joining {
  mode: Mode
  isExplicit: boolean
  isExact: boolean
  maxPollRecords: number
  concurrency: number
  renewLocks: boolean
}

export type Step =
  | CommonStep
  | { do: 'join'; member: Joining }
  | { do: 'end'; member: number }
  | { do: 'moveLeader'; partition: number }
  | { do: 'disconnect' }
  | FaultStep<FaultApi, CodeFault | Disturbance>

export interface Plan {
  partitions: number
  /** How many records each partition has when the first member joins. */
  records: number
  /** Whether the steps begin when the first member has handled something. */
  isUnderWay: boolean
  batchSize: number
  lockMs: number
  /** One record in so many is released, or its handler fails, when it comes for the first time; 0: none. */
  releaseEvery: number
  /** One record in so many is rejected, where acknowledgement is explicit; 0: none. */
  rejectEvery: number
  /** One record in so many takes longer than its lock when it comes for the first time; 0: none. */
  slowEvery: number
  first: Joining
  steps: Step[]
}

const PARTITIONS = 3

const joining: fc.Arbitrary<Joining> = fc.record({
  mode: fc.constantFrom<Mode>('record', 'batch', 'run', 'runBatch'),
  isExplicit: fc.boolean(),
  isExact: fc.constantFrom(false, false, true),
  maxPollRecords: fc.constantFrom(1, 3, 500),
  concurrency: fc.constantFrom(1, 2, 5),
  renewLocks: fc.constantFrom(false, false, true),
})

/** The codes that may pass, of each response; 999 is one that this client does not know. */
const codes = {
  shareFetch: [-1, 15, 122, 123, 133, 999],
  shareAcknowledge: [-1, 15, 122, 123, 999],
  shareGroupHeartbeat: [-1, 14, 15, 16, 25, 110, 999],
} as const

const partition = fc.nat(PARTITIONS - 1)

const step: fc.Arbitrary<Step> = fc.oneof(
  ...commonSteps(partition),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('join' as const), member: joining }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), member: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('moveLeader' as const), partition }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('disconnect' as const) }) },
  { weight: 6, arbitrary: faultStep(codes, ['wrong', 'refused']) },
)

export const plan: fc.Arbitrary<Plan> = fc.record({
  partitions: fc.integer({ min: 1, max: PARTITIONS }),
  records: fc.nat(30),
  isUnderWay: fc.boolean(),
  batchSize: fc.constantFrom(1, 4, 50),
  lockMs: fc.constantFrom(150, 400, 2000),
  releaseEvery: fc.constantFrom(0, 5, 9),
  rejectEvery: fc.constantFrom(0, 7),
  slowEvery: fc.constantFrom(0, 0, 40),
  first: joining,
  steps: fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }),
})
