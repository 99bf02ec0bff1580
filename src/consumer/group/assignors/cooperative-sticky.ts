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

/** The members with the newest claim to a partition. */
interface Owners {
  readonly generation: number
  readonly memberIds: Set<string>
}

function assignCooperatively(group: GroupToAssign): Map<string, TopicPartition[]> {
  const { assignment, transfers } = assignSticky(group, claimOf)
  const held = transfers ?? givenUp(group, assignment)
  const owners = transfers === null ? newestOwners(group) : null
  return new Map(
    [...assignment].map(([memberId, partitions]) => [
      memberId,
      partitions.filter((each) => {
        const name = nameOf(each)
        return !held.has(name) || owners?.get(name)?.memberIds.has(memberId) === true
      }),
    ]),
  )
}

/** Who owns each partition: a claim of an older generation than another one is not counted, in contrast to Java. */
function newestOwners({ members }: GroupToAssign): Map<string, Owners> {
  const owners = new Map<string, Owners>()
  for (const member of members) {
    const { generation = NO_GENERATION } = claimOf(member)
    for (const owned of member.ownedPartitions) {
      const name = nameOf(owned)
      const found = owners.get(name)
      if (found === undefined || generation > found.generation) {
        owners.set(name, { generation, memberIds: new Set([member.memberId]) })
      } else if (generation === found.generation) found.memberIds.add(member.memberId)
    }
  }
  return owners
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
