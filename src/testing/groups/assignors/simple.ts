// The assignor of share groups: every partition has a member, every member has a partition, and loads
// are level. With more members than partitions, members share them.

import { PartitionSetsBuilder } from '../partition-sets.ts'
import type { Assignor, AssignorInput, AssignorMember, AssignorResult } from './assignor.ts'
import { uniformAssignor } from './uniform.ts'

export const simpleAssignor: Assignor = { name: 'simple', assign }

function assign(input: AssignorInput): AssignorResult {
  const shared = new Map(uniformAssignor.assign(input))
  for (const member of input.members) {
    if ((shared.get(member.memberId)?.size ?? 0) > 0) continue
    shared.set(member.memberId, joinLeastShared(member, input, shared))
  }
  return shared
}

/** The partition, of those that the member subscribes to, that the fewest members have. */
function joinLeastShared(
  { topicIds }: AssignorMember,
  { partitionCounts }: AssignorInput,
  shared: AssignorResult,
): ReadonlyMap<string, ReadonlySet<number>> {
  const builder = new PartitionSetsBuilder()
  let least: { topicId: string; partition: number; owners: number } | null = null
  for (const [topicId, count] of partitionCounts) {
    if (!topicIds.has(topicId)) continue
    for (let partition = 0; partition < count; partition++) {
      let owners = 0
      for (const sets of shared.values()) if (sets.get(topicId)?.has(partition)) owners++
      if (least === null || owners < least.owners) least = { topicId, partition, owners }
    }
  }
  if (least !== null) builder.add(least.topicId, least.partition)
  return builder.sets
}
