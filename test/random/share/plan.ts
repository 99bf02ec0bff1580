// What a random run of share consumers does: who joins how, who leads, and which requests go wrong. Plain data,
// so that fast-check can make a failing plan smaller and print it.

import fc from 'fast-check'

/** How a member works: through which of the share consumer's loops. */
export type Mode = 'record' | 'batch' | 'run' | 'runBatch'

export type FaultApi = 'shareFetch' | 'shareAcknowledge' | 'shareGroupHeartbeat'

export type Fault =
  /** The broker does what it is asked, and its response is lost with the connection. */
  | { kind: 'lost' }
  /** The connection ends before the broker has seen the request. */
  | { kind: 'unsent' }
  /** The response comes late. */
  | { kind: 'late'; ms: number }
  /** The broker does what it is asked, and says that it did not. */
  | { kind: 'wrong'; code: number }
  /** The broker refuses. */
  | { kind: 'refused'; code: number }

export interface Joining {
  mode: Mode
  isExplicit: boolean
  isExact: boolean
  maxPollRecords: number
  concurrency: number
  renewLocks: boolean
}

export type Step =
  | { do: 'produce'; partition: number; count: number }
  | { do: 'join'; member: Joining }
  | { do: 'end'; member: number }
  | { do: 'moveLeader'; partition: number }
  | { do: 'disconnect' }
  | { do: 'fault'; api: FaultApi; fault: Fault; times: number }
  | { do: 'wait'; ms: number }

export interface Plan {
  partitions: number
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
const codes: Readonly<Record<FaultApi, readonly number[]>> = {
  shareFetch: [-1, 15, 122, 123, 133, 999],
  shareAcknowledge: [-1, 15, 122, 123, 999],
  shareGroupHeartbeat: [-1, 14, 15, 16, 25, 110, 999],
}

const partition = fc.nat(PARTITIONS - 1)

const fault: fc.Arbitrary<Step> = fc
  .constantFrom<FaultApi>('shareFetch', 'shareAcknowledge', 'shareGroupHeartbeat')
  .chain((api) =>
    fc.record({
      do: fc.constant('fault' as const),
      api: fc.constant(api),
      fault: fc.oneof(
        fc.record({ kind: fc.constant('lost' as const) }),
        fc.record({ kind: fc.constant('unsent' as const) }),
        fc.record({ kind: fc.constant('late' as const), ms: fc.integer({ min: 5, max: 60 }) }),
        fc.record({ kind: fc.constant('wrong' as const), code: fc.constantFrom(...codes[api]) }),
        fc.record({ kind: fc.constant('refused' as const), code: fc.constantFrom(...codes[api]) }),
      ),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  )

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('produce' as const),
      partition,
      count: fc.integer({ min: 1, max: 25 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 40 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('join' as const), member: joining }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), member: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('moveLeader' as const), partition }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('disconnect' as const) }) },
  { weight: 6, arbitrary: fault },
)

export const plan: fc.Arbitrary<Plan> = fc.record({
  partitions: fc.integer({ min: 1, max: PARTITIONS }),
  batchSize: fc.constantFrom(1, 4, 50),
  lockMs: fc.constantFrom(150, 400, 2000),
  releaseEvery: fc.constantFrom(0, 5, 9),
  rejectEvery: fc.constantFrom(0, 7),
  slowEvery: fc.constantFrom(0, 0, 40),
  first: joining,
  steps: fc.array(step, { minLength: 1, maxLength: 25 }),
})
