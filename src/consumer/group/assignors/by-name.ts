// The assignors of one consumer: those that `partitionAssignors` names, and the user's own.

import type { PartitionAssignor } from '../../options.ts'
import type { Assignor } from './assignor.ts'
import { cooperativeStickyAssignor } from './cooperative-sticky.ts'
import { range } from './range.ts'
import { roundRobin } from './round-robin.ts'
import { stickyAssignor } from './sticky.ts'

export function openAssignors(names: readonly PartitionAssignor[]): Assignor[] {
  return names.map((name) => {
    switch (name) {
      case 'range':
        return range
      case 'roundrobin':
        return roundRobin
      case 'sticky':
        return stickyAssignor()
      case 'cooperative-sticky':
        return cooperativeStickyAssignor()
      default:
        return name
    }
  })
}
