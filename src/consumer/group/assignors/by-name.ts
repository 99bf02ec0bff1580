// The assignors that `partitionAssignors` can name.

import type { PartitionAssignor } from '../../options.ts'
import type { Assignor } from './assignor.ts'
import { cooperativeSticky } from './cooperative-sticky.ts'
import { range } from './range.ts'
import { roundRobin } from './round-robin.ts'

const all: Readonly<Record<PartitionAssignor, Assignor>> = {
  range,
  roundrobin: roundRobin,
  'cooperative-sticky': cooperativeSticky,
}

export function assignorsByName(names: readonly PartitionAssignor[]): Assignor[] {
  return names.map((name) => all[name])
}
