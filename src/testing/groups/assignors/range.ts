// The server-side range assignor: each topic is cut into consecutive ranges, one for each of its
// subscribers in the order of instance id, then member id.

import { PartitionSetsBuilder } from '../partition-sets.ts'
import type { Assignor, AssignorInput, AssignorMember, AssignorResult } from './assignor.ts'

export const rangeAssignor: Assignor = { name: 'range', assign }

function assign({ members, partitionCounts }: AssignorInput): AssignorResult {
  const sorted = [...members].sort(compareMembers)
  const builders = new Map(sorted.map(({ memberId }) => [memberId, new PartitionSetsBuilder()]))
  for (const [topicId, count] of partitionCounts) {
    const subscribers = sorted.filter(({ topicIds }) => topicIds.has(topicId))
    if (subscribers.length === 0) continue
    const least = Math.floor(count / subscribers.length)
    let extra = count % subscribers.length
    let next = 0
    for (const { memberId } of subscribers) {
      const end = next + least + (extra-- > 0 ? 1 : 0)
      while (next < end) builders.get(memberId)?.add(topicId, next++)
    }
  }
  return new Map([...builders].map(([memberId, { sets }]) => [memberId, sets]))
}

/** Static members first, by instance id; then the others by member id. */
function compareMembers(a: AssignorMember, b: AssignorMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
  if (a.instanceId !== null) return -1
  if (b.instanceId !== null) return 1
  return compare(a.memberId, b.memberId)
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
