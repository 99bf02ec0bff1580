// Which members may commit or read the offsets of a group, for each type of group.

import { errorCodes } from '../../protocol/error-codes.ts'
import type { ClassicGroup } from './classic/classic-group.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'
import type { GroupCoordinator } from './group-coordinator.ts'

/** The sender of a commit: -1 and '' when it is not a member. */
export interface Committer {
  readonly groupId: string
  /** The member epoch in a consumer group. */
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

/** The partitions of a commit, by topic id. */
export type CommittedPartitions = readonly (readonly [topicId: string, partition: number])[]

/** OffsetCommit from this version on names a group that does not exist by a separate error. */
const GROUP_ID_NOT_FOUND_SINCE = 9
/** OffsetCommit from this version on carries member epochs. */
const MEMBER_EPOCH_SINCE = 9

/**
 * The error of a commit; 0 when it is admitted, which also restarts the session of a classic member. A
 * commit from outside any group creates a group.
 */
export function admitCommit(
  coordinator: GroupCoordinator,
  committer: Committer,
  partitions: CommittedPartitions,
  version: number,
  now: number,
): number {
  const { groupId, generationId, memberId } = committer
  const group = coordinator.store.get(groupId)
  if (group === undefined) {
    if (generationId < 0) {
      coordinator.store.getOrCreateClassic(groupId)
      return 0
    }
    return version >= GROUP_ID_NOT_FOUND_SINCE
      ? errorCodes.GROUP_ID_NOT_FOUND
      : errorCodes.ILLEGAL_GENERATION
  }
  if (group.type === 'share') return errorCodes.GROUP_ID_NOT_FOUND
  if (group.type === 'consumer') {
    const member = group.members.get(memberId)
    if (member?.classic === null && version < MEMBER_EPOCH_SINCE) {
      return errorCodes.UNSUPPORTED_VERSION
    }
    return checkConsumerCommit(group, committer, partitions)
  }
  const error = checkClassicCommit(group, committer)
  if (error !== 0) return error
  if (group.state === 'Stable' || group.state === 'PreparingRebalance') {
    coordinator.classic.keepAlive(group, memberId, now)
  }
  return 0
}

/** The same for a commit in a transaction, which may also come while a group rebalances. */
export function admitTransactionalCommit(
  coordinator: GroupCoordinator,
  committer: Committer,
  partitions: CommittedPartitions,
): number {
  const { groupId, generationId, memberId, groupInstanceId } = committer
  const group = coordinator.store.get(groupId)
  if (group === undefined) {
    if (generationId >= 0) return errorCodes.ILLEGAL_GENERATION
    coordinator.store.getOrCreateClassic(groupId)
    return 0
  }
  if (group.type === 'share') return errorCodes.GROUP_ID_NOT_FOUND
  if (generationId < 0 && group.isEmpty) return 0
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return 0
  if (group.type === 'consumer') return checkConsumerCommit(group, committer, partitions)
  const error = group.validateMember(memberId, groupInstanceId)
  if (error !== 0) return error
  return generationId === group.generationId ? 0 : errorCodes.ILLEGAL_GENERATION
}

/** The error of an OffsetFetch that names a member; 0 when it may read. */
export function admitOffsetFetch(
  coordinator: GroupCoordinator,
  groupId: string,
  memberId: string | null,
  memberEpoch: number,
): number {
  if ((memberId === null || memberId === '') && memberEpoch < 0) return 0
  const group = coordinator.store.get(groupId)
  if (group?.type !== 'consumer') return 0
  const member = group.members.get(memberId ?? '')
  if (member === undefined) return errorCodes.UNKNOWN_MEMBER_ID
  if (member.memberEpoch === memberEpoch) return 0
  return member.classic === null ? errorCodes.STALE_MEMBER_EPOCH : errorCodes.ILLEGAL_GENERATION
}

function checkClassicCommit(group: ClassicGroup, committer: Committer): number {
  const { generationId, memberId, groupInstanceId } = committer
  if (generationId < 0 && group.state === 'Empty') return 0
  if (generationId < 0 && memberId === '' && groupInstanceId === null) {
    return errorCodes.UNKNOWN_MEMBER_ID
  }
  const error = group.validateMember(memberId, groupInstanceId)
  if (error !== 0) return error
  if (generationId !== group.generationId) return errorCodes.ILLEGAL_GENERATION
  return group.state === 'CompletingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : 0
}

/** An older epoch is good enough for partitions that the member already had then (KIP-1251). */
function checkConsumerCommit(
  group: ConsumerGroup,
  { generationId, memberId }: Committer,
  partitions: CommittedPartitions,
): number {
  if (generationId < 0 && group.isEmpty) return 0
  const member = group.members.get(memberId)
  if (member === undefined) return errorCodes.UNKNOWN_MEMBER_ID
  if (generationId === member.memberEpoch) return 0
  if (member.classic !== null) return errorCodes.ILLEGAL_GENERATION
  if (generationId > member.memberEpoch) return errorCodes.STALE_MEMBER_EPOCH
  const hadAll = partitions.every(([topicId, partition]) => {
    const epoch = member.assigned.get(topicId)?.get(partition)
    return epoch !== undefined && generationId >= epoch
  })
  return hadAll ? 0 : errorCodes.STALE_MEMBER_EPOCH
}
