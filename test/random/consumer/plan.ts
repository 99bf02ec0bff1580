// What a random run of consumers does: who joins how, what happens to the logs, and which requests go
// wrong. Plain data, so that fast-check can make a failing plan smaller and print it.

import fc from 'fast-check'
import {
  type CommonStep,
  commonSteps,
  type Disturbance,
  type FaultStep,
  faultStep,
} from '../groups/steps.ts'

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

export type FaultApi = keyof typeof codes

/** The broker responds with this code. */
export interface CodeFault {
  kind: 'code'
  code: number
}

export interface Joining {
  mode: Mode
  maxPollRecords: number
  maxBufferedBytes: number
  concurrency: number
  retries: number
  commitsByHand: boolean
  /**
   * How values are deserialized: not at all, when they are read, or ahead: soon, late and out of order, some not
   * before the run lets them, or late and some records not.
   */
  deserializer: 'none' | 'sync' | 'async' | 'late' | 'stuck' | 'refusing'
  deserializesKeys: boolean
  /** What becomes of records that a deserializer refuses. */
  poison: 'stop' | 'skip' | 'dead'
}

/**
 * When a log is changed: at once; while a handler works on a record of the partition, or on the last one that the
 * partition has, which finishes when the change may have been noticed; or when every record was handled.
 */
export type Moment = 'any' | 'inHand' | 'lastInHand' | 'read'

export type Step =
  | CommonStep
  | { do: 'join'; member: Joining }
  | { do: 'end'; member: number; how: End }
  | { do: 'pause'; member: number }
  | { do: 'resume'; member: number }
  | { do: 'seek'; member: number; partition: number; place: number }
  /**
   * The log loses its last records, and another node leads. Before any member has noticed, the log may get other
   * records in their place and `regrow` more; -1: it gets none.
   */
  | { do: 'truncate'; partition: number; count: number; regrow: number; when: Moment }
  /** The log start moves. */
  | { do: 'trim'; partition: number; count: number; when: Moment }
  | { do: 'recreate'; when: Moment }
  | { do: 'moveLeader'; partition: number; when: Moment }
  /** A leader that is behind says once that it does not have the positions. */
  | { do: 'outOfRange'; partition: number; when: Moment }
  | FaultStep<FaultApi, CodeFault | Disturbance>
  /** What deserializers wait with comes now: it may be of a place that was left. */
  | { do: 'settle' }

export interface Plan {
  partitions: number
  /** How many records each partition has when the first member joins. */
  records: number
  /** Whether the steps begin when the first member has handled something. */
  isUnderWay: boolean
  /** Whether a position that the log does not have moves to its end, past records that no member has seen. */
  resetsToLatest: boolean
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
const when = fc.constantFrom<Moment>('any', 'inHand', 'inHand', 'lastInHand', 'read')
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
  deserializer: fc.constantFrom('none', 'sync', 'late', 'stuck', 'stuck', 'refusing', 'refusing'),
  deserializesKeys: fc.boolean(),
  poison: fc.constantFrom('stop', 'skip', 'dead'),
})

/** The codes that may pass, of each response; 999 is one that this client does not know. */
const codes = {
  fetch: [-1, 1, 3, 5, 6, 7, 9, 13, 56, 74, 75, 78, 100, 103, 999],
  listOffsets: [-1, 3, 5, 6, 7, 13, 56, 74, 75, 78, 999],
  offsetFetch: [-1, 7, 13, 14, 15, 16, 88, 999],
  offsetForLeaderEpoch: [-1, 3, 5, 6, 7, 13, 56, 74, 75, 78, 999],
  offsetCommit: [-1, 7, 13, 14, 15, 16, 27, 999],
} as const

const step: fc.Arbitrary<Step> = fc.oneof(
  ...commonSteps(partition),
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
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
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
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('truncate' as const),
      partition,
      count: fc.integer({ min: 1, max: 15 }),
      regrow: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 20 })),
      when,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('trim' as const),
      partition,
      count: fc.integer({ min: 1, max: 30 }),
      when,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('recreate' as const), when }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('moveLeader' as const), partition, when }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('outOfRange' as const), partition, when }),
  },
  { weight: 6, arbitrary: faultStep(codes, ['code']) },
)

export const plan: fc.Arbitrary<Plan> = fc.record({
  partitions: fc.integer({ min: 1, max: PARTITIONS }),
  records: fc.nat(30),
  isUnderWay: fc.boolean(),
  resetsToLatest: fc.constantFrom(false, false, false, true),
  keys: fc.integer({ min: 0, max: 5 }),
  batchSize: fc.constantFrom(1, 4, 50),
  failEvery: fc.constantFrom(0, 0, 7, 20),
  failures: fc.constantFrom(1, 2),
  slowEvery: fc.constantFrom(0, 5, 13),
  protocol: fc.constantFrom<Protocol>('eager', 'sticky', 'cooperative', 'consumer'),
  first: joining,
  steps: fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }),
})
