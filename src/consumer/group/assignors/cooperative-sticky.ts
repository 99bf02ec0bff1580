// `cooperative-sticky`: as `sticky`, and no partition goes to a new owner in the round in which the old one
// still has it (KIP-429): it is left out, the old owner gives it up, and the round that follows assigns it.

import type { TopicPartition } from '../../../types.ts'
import type { Assignor, GroupToAssign, SubscribedMember } from './assignor.ts'
import { assignSticky } from './sticky.ts'
import { type Claim, NO_GENERATION } from './sticky-group.ts'

/** One for each consumer: it keeps the generation. */
export function cooperativeStickyAssignor(): Assignor {
  let generation = NO_GENERATION
  return {
    name: 'cooperative-sticky',
    isCooperative: true,
    // Members that write subscriptions below v2 have no other place for their generation.
    subscriptionUserData: () => {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32BE(generation)
      return bytes
    },
    assign: assignCooperatively,
    onAssignment: (_, generationId) => {
      generation = generationId
    },
  }
}

export function claimOf({ ownedPartitions, generationId, userData }: SubscribedMember): Claim {
  if (generationId >= 0) return { partitions: ownedPartitions, generation: generationId }
  if (userData === null) return { partitions: ownedPartitions, generation: undefined }
  const generation = userData.length >= 4 ? userData.readInt32BE(0) : NO_GENERATION
  return { partitions: ownedPartitions, generation }
}

function assignCooperatively(group: GroupToAssign): Map<string, TopicPartition[]> {
  const { assignment, transfers } = assignSticky(group, claimOf)
  const held = transfers ?? givenUp(group, assignment)
  const ownedBy = new Map(
    group.members.map(({ memberId, ownedPartitions }) => [
      memberId,
      transfers === null ? new Set(ownedPartitions.map(nameOf)) : null,
    ]),
  )
  return new Map(
    [...assignment].map(([memberId, partitions]) => [
      memberId,
      partitions.filter((each) => {
        const name = nameOf(each)
        return !held.has(name) || ownedBy.get(memberId)?.has(name) === true
      }),
    ]),
  )
}

/** What some member owns and does not keep. */
function givenUp(
  { members }: GroupToAssign,
  assignment: ReadonlyMap<string, readonly TopicPartition[]>,
): Set<string> {
  const names = new Set<string>()
  for (const { memberId, ownedPartitions } of members) {
    const kept = new Set((assignment.get(memberId) ?? []).map(nameOf))
    for (const owned of ownedPartitions) if (!kept.has(nameOf(owned))) names.add(nameOf(owned))
  }
  return names
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
