// What a random run over long waits does: a producer and a group with the times that they have by default, while
// minutes and days pass, nodes hang and are away, and handlers take long. Plain data, so that fast-check can make a
// failing plan smaller and print it.

import fc from 'fast-check'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE

export type Step =
  | { do: 'send'; partition: number; count: number }
  | { do: 'wait'; ms: number }
  /** A node hangs, or is away; its partitions get another leader only where `elects` says so. */
  | { do: 'outage'; node: number; how: 'hangs' | 'isAway'; elects: boolean; ms: number }
  /** The next record that is handled takes this long. */
  | { do: 'slow'; ms: number }
  | { do: 'moveLeader'; partition: number; node: number }
  | { do: 'moveCoordinator'; node: number }
  | { do: 'cutConnections' }

export interface Plan {
  partitions: number
  protocol: 'classic' | 'consumer'
  /** Without members, days pass as well. */
  members: number
  steps: Step[]
}

export const NODES = 3
const MAX_PARTITIONS = 3
const partition = fc.nat(MAX_PARTITIONS - 1)
const node = fc.integer({ min: 1, max: NODES })
const outages = [5 * SECOND, 40 * SECOND, 100 * SECOND, 4 * MINUTE, 20 * MINUTE]
const waits = [SECOND, 40 * SECOND, 4 * MINUTE, 11 * MINUTE, 40 * MINUTE]

function stepOf(longest: number[]): fc.Arbitrary<Step> {
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('send' as const),
        partition,
        count: fc.integer({ min: 1, max: 20 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        ms: fc.constantFrom(...waits, ...longest),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('outage' as const),
        node,
        how: fc.constantFrom('hangs' as const, 'isAway' as const),
        elects: fc.boolean(),
        ms: fc.constantFrom(...outages),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('slow' as const),
        ms: fc.constantFrom(20 * SECOND, 4 * MINUTE, 7 * MINUTE),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('moveLeader' as const), partition, node }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('moveCoordinator' as const), node }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cutConnections' as const) }) },
  )
}

export const plan: fc.Arbitrary<Plan> = fc.constantFrom(0, 1, 2, 2).chain((members) =>
  fc.record({
    partitions: fc.integer({ min: 1, max: MAX_PARTITIONS }),
    protocol: fc.constantFrom('classic' as const, 'consumer' as const),
    members: fc.constant(members),
    steps: fc.array(stepOf(members === 0 ? [DAY] : []), {
      minLength: 1,
      maxLength: 15,
      size: 'max',
    }),
  }),
)
