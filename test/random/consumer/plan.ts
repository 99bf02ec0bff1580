// What a random run of consumers does: who joins how, what happens to the logs, and which requests go
// wrong. Plain data, so that fast-check can make a failing plan smaller and print it.

import fc from 'fast-check'

/** How a member works: through which of the consumer's loops. */
export type Mode =
  | 'record'
  | 'batch'
  | 'partitions'
  | 'run'
  | 'runBatch'
  | 'key'
  /** run() with retry topics. */
  | 'retry'
  | 'retryKey'

/** How the group divides partitions: the last is KIP-848. */
export type Protocol = 'eager' | 'sticky' | 'cooperative' | 'consumer'

export type End = 'close' | 'abort' | 'unsubscribe'

export type FaultApi =
  | 'fetch'
  | 'listOffsets'
  | 'offsetFetch'
  | 'offsetForLeaderEpoch'
  | 'offsetCommit'

export type Fault =
  /** The broker does what it is asked, and its response is lost with the connection. */
  | { kind: 'lost' }
  /** The connection ends before the broker has seen the request. */
  | { kind: 'unsent' }
  /** The response comes late. */
  | { kind: 'late'; ms: number }
  | { kind: 'code'; code: number }

export interface Joining {
  mode: Mode
  maxPollRecords: number
  maxBufferedBytes: number
  concurrency: number
  retries: number
  commitsByHand: boolean
  /** How values are deserialized: not at all, when they are read, or by a promise. */
  deserializer: 'none' | 'sync' | 'async'
}

export type Step =
  | { do: 'produce'; partition: number; count: number }
  | { do: 'join'; member: Joining }
  | { do: 'end'; member: number; how: End }
  | { do: 'pause'; member: number }
  | { do: 'resume'; member: number }
  | { do: 'seek'; member: number; partition: number; place: number }
  /**
   * The log loses its last records, and another node leads. With `isInHand`, this and what follows happens
   * while a handler works on a record of the partition.
   */
  | { do: 'truncate'; partition: number; count: number; isInHand: boolean }
  /** The log start moves. */
  | { do: 'trim'; partition: number; count: number; isInHand: boolean }
  | { do: 'recreate'; isInHand: boolean }
  | { do: 'moveLeader'; partition: number; isInHand: boolean }
  | { do: 'fault'; api: FaultApi; fault: Fault; times: number }
  | { do: 'wait'; ms: number }

export interface Plan {
  partitions: number
  keys: number
  batchSize: number
  /** One record in so many fails at its first calls; 0: none does. */
  failEvery: number
  failures: number
  /** One record in so many takes some ms. */
  slowEvery: number
  protocol: Protocol
  first: Joining
  steps: Step[]
}

export const PARTITIONS = 3

/** The delays of members with retry topics; records that never succeed are dead letters after them. */
export const retryDelays: readonly string[] = ['20ms', '60ms']
export const retryTopics: readonly string[] = retryDelays.map((delay) => `g-retry-${delay}`)
export const deadTopic = 'dead'

const partition = fc.nat(PARTITIONS - 1)
const isInHand = fc.boolean()
const member = fc.nat(3)

const joining: fc.Arbitrary<Joining> = fc.record({
  mode: fc.constantFrom<Mode>(
    'record',
    'batch',
    'partitions',
    'run',
    'runBatch',
    'key',
    'retry',
    'retryKey',
  ),
  maxPollRecords: fc.constantFrom(1, 3, 500),
  maxBufferedBytes: fc.constantFrom(1, 2000, 64 * 1024 * 1024),
  concurrency: fc.constantFrom(1, 2, 5),
  retries: fc.constantFrom(0, 0, 2),
  commitsByHand: fc.constantFrom(false, false, true),
  deserializer: fc.constantFrom('none', 'sync', 'async', 'async'),
})

/** The codes that may pass, of each response; 999 is one that this client does not know. */
const codes: Readonly<Record<FaultApi, readonly number[]>> = {
  fetch: [-1, 3, 5, 6, 7, 9, 13, 56, 74, 75, 78, 100, 103, 999],
  listOffsets: [-1, 3, 5, 6, 7, 13, 56, 74, 75, 78, 999],
  offsetFetch: [-1, 7, 13, 14, 15, 16, 88, 999],
  offsetForLeaderEpoch: [-1, 3, 5, 6, 7, 13, 56, 74, 75, 78, 999],
  offsetCommit: [-1, 7, 13, 14, 15, 16, 27, 999],
}

const fault: fc.Arbitrary<Step> = fc
  .constantFrom<FaultApi>(
    'fetch',
    'listOffsets',
    'offsetFetch',
    'offsetForLeaderEpoch',
    'offsetCommit',
  )
  .chain((api) =>
    fc.record({
      do: fc.constant('fault' as const),
      api: fc.constant(api),
      fault: fc.oneof(
        fc.record({ kind: fc.constant('lost' as const) }),
        fc.record({ kind: fc.constant('unsent' as const) }),
        fc.record({ kind: fc.constant('late' as const), ms: fc.integer({ min: 5, max: 60 }) }),
        fc.record({ kind: fc.constant('code' as const), code: fc.constantFrom(...codes[api]) }),
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
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      member,
      how: fc.constantFrom<End>('close', 'abort', 'unsubscribe'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), member }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resume' as const), member }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('seek' as const),
      member,
      partition,
      place: fc.nat(100),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('truncate' as const),
      partition,
      count: fc.integer({ min: 1, max: 15 }),
      isInHand,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('trim' as const),
      partition,
      count: fc.integer({ min: 1, max: 30 }),
      isInHand,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('recreate' as const), isInHand }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('moveLeader' as const), partition, isInHand }),
  },
  { weight: 6, arbitrary: fault },
)

export const plan: fc.Arbitrary<Plan> = fc.record({
  partitions: fc.integer({ min: 1, max: PARTITIONS }),
  keys: fc.integer({ min: 0, max: 5 }),
  batchSize: fc.constantFrom(1, 4, 50),
  failEvery: fc.constantFrom(0, 0, 7, 20),
  failures: fc.constantFrom(1, 2),
  slowEvery: fc.constantFrom(0, 5, 13),
  protocol: fc.constantFrom<Protocol>('eager', 'sticky', 'cooperative', 'consumer'),
  first: joining,
  steps: fc.array(step, { minLength: 1, maxLength: 25 }),
})
