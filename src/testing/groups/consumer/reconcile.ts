// One step of a member towards its target assignment: first it revokes what it is to lose, then it
// moves to the epoch of the target, and receives what the others have released.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type { TopicPartitions } from '../../../protocol/messages/consumer-group-heartbeat.ts'
import { GroupError } from '../group-error.ts'
import type { PartitionEpochs, PartitionSets } from '../partition-sets.ts'
import type { ConsumerGroup, ConsumerMember, MemberState } from './consumer-group.ts'

export interface ReconcileInput {
  readonly group: ConsumerGroup
  readonly member: ConsumerMember
  /** What the member says it owns; null when it does not say. */
  readonly owned: readonly TopicPartitions[] | null
  /** The topics that the member subscribes to now. */
  readonly topicIds: ReadonlySet<string>
  readonly hasSubscriptionChanged: boolean
}

/** Changes the member as far as it can go at present. */
export function reconcile(input: ReconcileInput): void {
  const { group, member } = input
  if (member.state === 'unrevoked') {
    if (stillOwns(input.owned, member.pendingRevocation)) {
      if (input.hasSubscriptionChanged) dropUnsubscribed(input)
      return
    }
    // What awaited revocation is revoked.
    group.setOwned(member, member.assigned, new Map())
    moveOn(input, Math.min(member.memberEpoch + 1, group.assignmentEpoch))
  } else if (member.state === 'unreleased' || member.memberEpoch !== group.assignmentEpoch) {
    moveOn(input, member.memberEpoch)
  } else if (input.hasSubscriptionChanged) dropUnsubscribed(input)
}

/** Goes from what is assigned towards the target. */
function moveOn(input: ReconcileInput, epochBefore: number): void {
  const { group, member, owned, topicIds } = input
  const target = subscribedPart(group.targetOf(member.memberId), topicIds)
  const kept = new EpochsBuilder()
  const toRevoke = new EpochsBuilder()
  for (const [topicId, partitions] of member.assigned) {
    for (const [partition, epoch] of partitions) {
      const isKept = target.get(topicId)?.has(partition) ?? false
      ;(isKept ? kept : toRevoke).add(topicId, partition, epoch)
    }
  }
  if (toRevoke.epochs.size > 0 && stillOwns(owned, toRevoke.epochs)) {
    update(group, member, 'unrevoked', epochBefore, kept.epochs, toRevoke.epochs)
    return
  }
  let isWaiting = false
  for (const [topicId, partitions] of target) {
    for (const partition of partitions) {
      if (kept.has(topicId, partition)) continue
      // What the member itself has just revoked is free again.
      const isFree = !group.isOwned(topicId, partition) || toRevoke.has(topicId, partition)
      if (isFree) kept.add(topicId, partition, group.assignmentEpoch)
      else isWaiting = true
    }
  }
  const state = isWaiting ? 'unreleased' : 'stable'
  update(group, member, state, group.assignmentEpoch, kept.epochs, new Map())
}

/** A narrower subscription takes effect at once, before a new target is computed. */
function dropUnsubscribed(input: ReconcileInput): void {
  const { group, member, owned, topicIds } = input
  const kept = new EpochsBuilder()
  const toRevoke = new EpochsBuilder()
  for (const [topicId, partitions] of member.assigned) {
    const builder = topicIds.has(topicId) ? kept : toRevoke
    for (const [partition, epoch] of partitions) builder.add(topicId, partition, epoch)
  }
  if (toRevoke.epochs.size === 0) return
  if (!stillOwns(owned, toRevoke.epochs)) {
    update(group, member, member.state, member.memberEpoch, kept.epochs, member.pendingRevocation)
    return
  }
  for (const [topicId, partitions] of member.pendingRevocation) {
    for (const [partition, epoch] of partitions) toRevoke.add(topicId, partition, epoch)
  }
  update(group, member, 'unrevoked', member.memberEpoch, kept.epochs, toRevoke.epochs)
}

function update(
  group: ConsumerGroup,
  member: ConsumerMember,
  state: MemberState,
  memberEpoch: number,
  assigned: PartitionEpochs,
  pending: PartitionEpochs,
): void {
  member.state = state
  if (memberEpoch !== member.memberEpoch) {
    member.previousMemberEpoch = member.memberEpoch
    member.memberEpoch = memberEpoch
  }
  group.setOwned(member, assigned, pending)
}

/** A member that does not say what it owns may own all of it. */
function stillOwns(owned: readonly TopicPartitions[] | null, lost: PartitionEpochs): boolean {
  if (owned === null) return true
  return owned.some(({ topicId, partitions }) =>
    partitions.some((partition) => lost.get(topicId)?.has(partition) ?? false),
  )
}

function subscribedPart(target: PartitionSets, topicIds: ReadonlySet<string>): PartitionSets {
  return new Map([...target].filter(([topicId]) => topicIds.has(topicId)))
}

class EpochsBuilder {
  readonly epochs: Map<string, Map<number, number>> = new Map()

  add(topicId: string, partition: number, epoch: number): void {
    const partitions = this.epochs.get(topicId)
    if (partitions === undefined) this.epochs.set(topicId, new Map([[partition, epoch]]))
    else partitions.set(partition, epoch)
  }

  has(topicId: string, partition: number): boolean {
    return this.epochs.get(topicId)?.has(partition) ?? false
  }
}

/** @throws {GroupError} FENCED_MEMBER_EPOCH when the member is not in the epoch that it names. */
export function checkMemberEpoch(
  member: ConsumerMember,
  received: number,
  owned: readonly TopicPartitions[] | null,
): void {
  const { memberEpoch, previousMemberEpoch, assigned } = member
  if (received === memberEpoch) return
  // The response that raised the epoch may have been lost.
  if (received < memberEpoch && received === previousMemberEpoch && isWithin(owned, assigned)) {
    return
  }
  const relation = received > memberEpoch ? 'greater' : 'smaller'
  throw new GroupError(
    errorCodes.FENCED_MEMBER_EPOCH,
    `The consumer group member has a ${relation} member epoch (${received}) than the one known by the group coordinator (${memberEpoch}). The member must abandon all its partitions and rejoin.`,
  )
}

function isWithin(owned: readonly TopicPartitions[] | null, assigned: PartitionEpochs): boolean {
  if (owned === null) return false
  return owned.every(({ topicId, partitions }) =>
    partitions.every((partition) => assigned.get(topicId)?.has(partition) ?? false),
  )
}
