// One consumer group of the protocol of KIP-848: its members, their target and current assignments, and
// which member holds which partition. It decides nothing: consumer-coordinator.ts does.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type { JoinGroupRequestProtocol } from '../../../protocol/messages/join-group.ts'
import type { TopicStore } from '../../topic-store.ts'
import { GroupError } from '../group-error.ts'
import { noPartitions, type PartitionEpochs, type PartitionSets } from '../partition-sets.ts'

/** Where a member is on its way to its target assignment. */
export type MemberState = 'stable' | 'unrevoked' | 'unreleased'

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead'

/** Assigns where no member asks for an assignor. */
const DEFAULT_ASSIGNOR = 'uniform'

/** The epoch of a static member that left and may come back. */
export const STATIC_LEAVE_EPOCH = -2

export interface ConsumerMember {
  readonly memberId: string
  readonly instanceId: string | null
  rackId: string | null
  clientId: string
  clientHost: string
  rebalanceTimeoutMs: number
  serverAssignor: string | null
  subscribedTopicNames: ReadonlySet<string>
  /** Empty when it subscribes by names alone. */
  subscribedTopicRegex: string
  memberEpoch: number
  previousMemberEpoch: number
  state: MemberState
  /** What it owns and keeps. */
  assigned: PartitionEpochs
  /** What it was told to revoke and still owns. */
  pendingRevocation: PartitionEpochs
  /** Set while the member speaks the classic protocol. */
  classic: { sessionTimeoutMs: number; protocols: JoinGroupRequestProtocol[] } | null
}

export class ConsumerGroup {
  readonly type: 'consumer' = 'consumer'
  readonly protocolType: string = 'consumer'
  readonly groupId: string
  readonly members: Map<string, ConsumerMember> = new Map()
  /** Member id by instance id. */
  readonly staticMembers: Map<string, string> = new Map()
  /** The newest target assignment, by member id. */
  target: Map<string, PartitionSets> = new Map()
  groupEpoch = 1
  assignmentEpoch = 1
  /** When the target was computed, by the monotonic clock. */
  assignedAt: number = Number.NEGATIVE_INFINITY
  /** Describes the topics that members subscribe to; the epoch rises when it changes. */
  metadataDigest = ''
  /** The version of the topics that `metadataDigest` was made from. */
  topicsVersion = -1
  /** The topics that each resolved regular expression matches. */
  readonly resolvedRegexes: Map<string, ReadonlySet<string>> = new Map()
  /** Member id by topic id and partition, for everything that is assigned or awaits revocation. */
  private readonly owners = new Map<string, Map<number, string>>()

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get isEmpty(): boolean {
    return this.members.size === 0
  }

  get state(): ConsumerGroupState {
    if (this.members.size === 0) return 'Empty'
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.members.values()) {
      if (!this.isReconciled(member)) return 'Reconciling'
    }
    return 'Stable'
  }

  /** Whether the member has reached the newest target assignment. */
  isReconciled(member: ConsumerMember): boolean {
    return member.state === 'stable' && member.memberEpoch === this.assignmentEpoch
  }

  /** @throws {GroupError} UNKNOWN_MEMBER_ID */
  expect(memberId: string): ConsumerMember {
    const member = this.members.get(memberId)
    if (member !== undefined) return member
    const message = `Member ${memberId} is not a member of group ${this.groupId}.`
    throw new GroupError(errorCodes.UNKNOWN_MEMBER_ID, message)
  }

  staticMember(instanceId: string | null): ConsumerMember | undefined {
    return instanceId === null
      ? undefined
      : this.members.get(this.staticMembers.get(instanceId) ?? '')
  }

  add(member: ConsumerMember): void {
    this.members.set(member.memberId, member)
    if (member.instanceId !== null) this.staticMembers.set(member.instanceId, member.memberId)
    this.own(member)
  }

  remove(member: ConsumerMember): void {
    this.disown(member)
    this.members.delete(member.memberId)
    this.target.delete(member.memberId)
    if (
      member.instanceId !== null &&
      this.staticMembers.get(member.instanceId) === member.memberId
    ) {
      this.staticMembers.delete(member.instanceId)
    }
  }

  /** A static member came back under another id, and takes over what the old id had. */
  replace(old: ConsumerMember, memberId: string): ConsumerMember {
    const target = this.target.get(old.memberId) ?? noPartitions
    this.remove(old)
    const member: ConsumerMember = { ...old, memberId, memberEpoch: 0, previousMemberEpoch: 0 }
    this.add(member)
    this.target.set(memberId, target)
    return member
  }

  /** Changes what a member owns, and with it the owners of the partitions. */
  setOwned(member: ConsumerMember, assigned: PartitionEpochs, pending: PartitionEpochs): void {
    this.disown(member)
    member.assigned = assigned
    member.pendingRevocation = pending
    this.own(member)
  }

  /** Whether any member owns that partition, or has yet to revoke it. */
  isOwned(topicId: string, partition: number): boolean {
    return this.owners.get(topicId)?.has(partition) ?? false
  }

  targetOf(memberId: string): PartitionSets {
    return this.target.get(memberId) ?? noPartitions
  }

  /** The ids of the existing topics that a member subscribes to. */
  subscribedTopicIds(member: ConsumerMember, topics: TopicStore): Set<string> {
    const ids = new Set<string>()
    const matched = this.resolvedRegexes.get(member.subscribedTopicRegex) ?? []
    for (const names of [member.subscribedTopicNames, matched]) {
      for (const name of names) {
        const topic = topics.get(name)
        if (topic !== undefined) ids.add(topic.id)
      }
    }
    return ids
  }

  /** The assignor that most members ask for; the default when no member asks for one. */
  get assignorName(): string {
    const votes = new Map<string, number>()
    for (const { serverAssignor } of this.members.values()) {
      if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1)
    }
    let best = DEFAULT_ASSIGNOR
    let most = 0
    for (const [name, count] of votes) {
      if (count > most) [best, most] = [name, count]
    }
    return best
  }

  /** Whether a partition of the member's target is still owned by another member. */
  isWaitingForRelease(member: ConsumerMember): boolean {
    for (const [topicId, partitions] of this.targetOf(member.memberId)) {
      for (const partition of partitions) {
        const isMine = member.assigned.get(topicId)?.has(partition) ?? false
        if (!isMine && this.isOwned(topicId, partition)) return true
      }
    }
    return false
  }

  private own(member: ConsumerMember): void {
    for (const sets of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partitions] of sets) {
        const owners = this.owners.get(topicId) ?? new Map<number, string>()
        for (const partition of partitions.keys()) owners.set(partition, member.memberId)
        this.owners.set(topicId, owners)
      }
    }
  }

  private disown(member: ConsumerMember): void {
    for (const sets of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partitions] of sets) {
        const owners = this.owners.get(topicId)
        for (const partition of partitions.keys()) {
          if (owners?.get(partition) === member.memberId) owners.delete(partition)
        }
      }
    }
  }
}
