// One share group (KIP-932): its members and their assignments. A partition may belong to several of
// them, so there is nothing to reconcile.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type { TopicStore } from '../../topic-store.ts'
import { GroupError } from '../group-error.ts'
import { noPartitions, type PartitionSets } from '../partition-sets.ts'

/** Longer ids of members are refused: a UUID as text has 36 characters. */
export const MAX_MEMBER_ID_LENGTH = 36

export interface ShareMember {
  readonly memberId: string
  rackId: string | null
  clientId: string
  clientHost: string
  subscribedTopicNames: ReadonlySet<string>
  memberEpoch: number
  previousMemberEpoch: number
  assigned: PartitionSets
}

export class ShareGroup {
  readonly type: 'share' = 'share'
  readonly protocolType: string = 'share'
  readonly groupId: string
  readonly members: Map<string, ShareMember> = new Map()
  target: Map<string, PartitionSets> = new Map()
  groupEpoch = 1
  assignmentEpoch = 1
  /** When the target was computed, by the monotonic clock. */
  assignedAt: number = Number.NEGATIVE_INFINITY
  topicsVersion = -1
  metadataDigest = ''

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get isEmpty(): boolean {
    return this.members.size === 0
  }

  get state(): 'Empty' | 'Stable' {
    return this.isEmpty ? 'Empty' : 'Stable'
  }

  /** @throws {GroupError} UNKNOWN_MEMBER_ID */
  expect(memberId: string): ShareMember {
    const member = this.members.get(memberId)
    if (member !== undefined) return member
    const message = `Member ${memberId} is not a member of group ${this.groupId}.`
    throw new GroupError(errorCodes.UNKNOWN_MEMBER_ID, message)
  }

  targetOf(memberId: string): PartitionSets {
    return this.target.get(memberId) ?? noPartitions
  }

  /** The ids of the existing topics that a member subscribes to. */
  subscribedTopicIds({ subscribedTopicNames }: ShareMember, topics: TopicStore): Set<string> {
    const ids = new Set<string>()
    for (const name of subscribedTopicNames) {
      const topic = topics.get(name)
      if (topic !== undefined) ids.add(topic.id)
    }
    return ids
  }
}
