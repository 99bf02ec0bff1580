// What a random run of the producer does: its options, its topics, and a list of steps. All of it is plain
// data, so that fast-check can shrink a plan that fails and print what is left.

import fc from 'fast-check'
import { compressionTypes } from '../../../src/compression/codec.ts'

/** How the content of a key, value or header is made: `kind` and a number of bytes or characters. */
export interface Content {
  kind: 'null' | 'text' | 'wide' | 'bytes' | 'view'
  size: number
}

export interface RecordPlan {
  topic: number
  /** -1: none is named. */
  partition: number
  key: Content
  value: Content
  headers: Content[]
  /** How the headers are given. */
  headersAs: 'none' | 'list' | 'object' | 'generator'
  /** How key and value are serialized: not at all, at once, soon, some ms later, or not with success. */
  serializer: 'none' | 'sync' | 'async' | 'slow' | 'fails'
}

/** What happens to the next requests of one API. */
export type Fault =
  /** The connection ends before the broker has done anything. */
  | 'loseRequest'
  /** The broker does it, and the connection ends. */
  | 'loseResponse'
  /** The connection ends, and the broker does it some ms later. */
  | 'doLater'
  /** No response comes, and the connection stays open. */
  | 'hang'
  /** The broker does it twice. */
  | 'doTwice'
  /** The response comes some ms later. */
  | 'slow'
  /** Done, and the response has an error code that leaves doubt. */
  | 'doubtfulCode'
  /** Not done; the response has an error code that says so. */
  | 'refusal'
  /** Not done; the response has an error code that no retry mends. */
  | 'failure'
  /** Done, and the response leaves out a partition. */
  | 'partial'

export type Step =
  | { do: 'send'; record: RecordPlan; limit: 'none' | 'short' | 'aborted' }
  | { do: 'sendBatch'; records: RecordPlan[]; throwsAt: number }
  | { do: 'enqueue'; records: RecordPlan[] }
  | { do: 'flush' }
  | { do: 'pause'; ms: number }
  /** `code` chooses among the error codes that the fault may have. */
  | {
      do: 'fault'
      api: 'produce' | 'coordinator' | 'metadata'
      fault: Fault
      code: number
      times: number
    }
  | { do: 'moveLeader'; topic: number; partition: number; node: number }
  | { do: 'moveCoordinator'; node: number }
  | { do: 'recreate'; topic: number }
  | { do: 'addPartition'; topic: number }
  | { do: 'cutConnections' }
  | { do: 'setClock'; hours: number }
  /**
   * The end of a transaction, and the begin of the next. With `loseEnds` it has no outcome, and with `again` a
   * transaction of nothing but offsets follows at once. With `refuseInDoubt` it is committed, the response is
   * lost, and the second attempt is refused.
   */
  | {
      do: 'end'
      how: 'commit' | 'abort' | 'commitShortly' | 'loseEnds' | 'refuseInDoubt'
      offsets: boolean
      again: boolean
    }

export interface Plan {
  transactionVersion: number
  /** Whether every partition has taken a record before the steps begin: a first batch goes alone. */
  isWarm: boolean
  isTransactional: boolean
  acks: 'all' | 1
  enableIdempotence: boolean
  batchSize: number
  bufferMemory: number
  maxRequestSize: number
  lingerMs: number
  compressionType: (typeof compressionTypes)[number]
  /** `max.message.bytes` and the number of partitions of each topic. */
  topics: { maxMessageBytes: number; partitions: number }[]
  steps: Step[]
}

/** Sizes around the limits of the plans, and near powers of two, where buffers of the pool end. */
const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(60) },
  { weight: 3, arbitrary: fc.integer({ min: 60, max: 2000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 2000, max: 9000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 6000, max: 8200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 9000, max: 40_000 }) },
)

const content = fc.record<Content>({
  kind: fc.constantFrom('text', 'text', 'wide', 'bytes', 'bytes', 'view', 'null'),
  size,
})
const smallContent = fc.record<Content>({
  kind: fc.constantFrom('text', 'wide', 'bytes', 'null', 'null'),
  size: fc.nat(40),
})

const record = fc.record<RecordPlan>({
  topic: fc.nat(2),
  partition: fc.constantFrom(-1, -1, 0, 0, 0, 1, 2),
  key: smallContent,
  value: content,
  headers: fc.array(smallContent, { maxLength: 3 }),
  headersAs: fc.constantFrom('none', 'none', 'list', 'object', 'generator'),
  serializer: fc.oneof(
    { weight: 8, arbitrary: fc.constant('none' as const) },
    { weight: 6, arbitrary: fc.constantFrom('sync' as const, 'async' as const, 'slow' as const) },
    { weight: 1, arbitrary: fc.constant('fails' as const) },
  ),
})

/** Many records of nearly one size: what fills batches, and splits them where a topic's limit is small. */
function floodOf(sizes: fc.Arbitrary<number>, least: number): fc.Arbitrary<RecordPlan[]> {
  const count = fc.integer({ min: least, max: 150 })
  return fc.tuple(record, sizes, count).map(([first, size, length]) =>
    Array.from({ length }, (_, i): RecordPlan => {
      return { ...first, value: { ...first.value, size: size + (i % 5) } }
    }),
  )
}

const records = fc.oneof(
  fc.array(record, { minLength: 1, maxLength: 12 }),
  floodOf(fc.nat(1500), 2),
  floodOf(fc.integer({ min: 200, max: 1500 }), 30),
)

const faults: Fault[] = [
  'loseRequest',
  'loseResponse',
  'loseResponse',
  'doLater',
  'hang',
  'doTwice',
  'slow',
  'doubtfulCode',
  'doubtfulCode',
  'doubtfulCode',
  'refusal',
  'failure',
  'partial',
]

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      record,
      limit: fc.constantFrom('none', 'none', 'none', 'none', 'short', 'aborted'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('sendBatch' as const),
      records,
      throwsAt: fc.constantFrom(-1, -1, -1, -1, 0, 3),
    }),
  },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('enqueue' as const), records }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.nat(12) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      api: fc.constantFrom('produce', 'produce', 'produce', 'coordinator', 'metadata'),
      fault: fc.constantFrom(...faults),
      code: fc.nat(59),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('moveLeader' as const),
      topic: fc.nat(2),
      partition: fc.nat(1),
      node: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('moveCoordinator' as const),
      node: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('recreate' as const), topic: fc.nat(2) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('addPartition' as const), topic: fc.nat(2) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cutConnections' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('setClock' as const),
      hours: fc.constantFrom(-1, -0.2, 0.2, 1, 24),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      how: fc.constantFrom(
        'commit',
        'commit',
        'commit',
        'commit',
        'abort',
        'commitShortly',
        'loseEnds',
        'loseEnds',
        'refuseInDoubt',
      ),
      offsets: fc.constantFrom(true, true, false),
      again: fc.boolean(),
    }),
  },
)

function topicWith(...limits: number[]): fc.Arbitrary<Plan['topics'][number]> {
  return fc.record({
    maxMessageBytes: fc.constantFrom(...limits),
    partitions: fc.integer({ min: 1, max: 2 }),
  })
}

export const plan: fc.Arbitrary<Plan> = fc
  .record({
    transactionVersion: fc.constantFrom(1, 2),
    isWarm: fc.boolean(),
    mode: fc.constantFrom('idempotent', 'idempotent', 'transactional', 'transactional', 'plain'),
    batchSize: fc.constantFrom(100, 1000, 8000, 16_384, 16_384, 16_384, 40_000),
    bufferMemory: fc.constantFrom(60_000, 200_000, 33_554_432),
    maxRequestSize: fc.constantFrom(20_000, 1_048_576),
    lingerMs: fc.constantFrom(0, 2, 5),
    compressionType: fc.constantFrom('none' as const, ...compressionTypes),
    // One topic with a limit that splits batches, one without, and one of either kind.
    topics: fc.tuple(
      topicWith(5000, 12_000, 12_000),
      topicWith(1_048_588),
      topicWith(600, 12_000, 1_048_588),
    ),
    steps: fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }),
  })
  .map(({ mode, ...rest }) => ({
    ...rest,
    isTransactional: mode === 'transactional',
    enableIdempotence: mode !== 'plain',
    acks: mode === 'plain' ? (1 as const) : ('all' as const),
  }))
