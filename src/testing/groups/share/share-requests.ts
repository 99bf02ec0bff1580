// What ShareFetch and ShareAcknowledge have in common: finding the partition on this node, and applying
// acknowledgements to it.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type { AcknowledgementBatch } from '../../../protocol/messages/acknowledgement-batch.ts'
import type { ClusterState } from '../../cluster-state.ts'
import type { RequestContext } from '../../handler.ts'
import { checkAccess } from '../../partition-access.ts'
import type { PartitionLog } from '../../partition-log.ts'
import { topicError } from '../../security/authorize.ts'
import { GroupError } from '../group-error.ts'
import { checkAcknowledgements } from './acknowledgements.ts'
import { MAX_MEMBER_ID_LENGTH } from './share-group.ts'
import type { SharePartition } from './share-partition.ts'
import type { SharePartitionId, ShareSession } from './share-sessions.ts'

/** Whether a member can have that id, in a request that needs one. */
export function isMemberId(memberId: string | null): memberId is string {
  return memberId !== null && memberId !== '' && memberId.length <= MAX_MEMBER_ID_LENGTH
}

/** A share partition that this node leads. */
export interface LedPartition {
  readonly partition: SharePartition
  readonly log: PartitionLog
}

/** The share partition, or the error of one that this node cannot serve. */
export async function openPartition(
  context: RequestContext,
  groupId: string,
  { topicId, partition }: SharePartitionId,
): Promise<LedPartition | number> {
  const { state, node } = context
  const topic = state.topics.getById(topicId)
  if (topic === undefined) return errorCodes.UNKNOWN_TOPIC_ID
  const refusal = topicError(context, 'READ', topic.name)
  if (refusal !== 0) return refusal
  const known = topic.partitions[partition]
  if (known === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  const error = checkAccess(node, known, -1, true)
  if (error !== 0) return error
  const { log } = known
  return { partition: await state.sharePartitions.open(groupId, log), log }
}

export async function acknowledgeOne(
  context: RequestContext,
  groupId: string,
  memberId: string,
  id: SharePartitionId,
  batches: readonly AcknowledgementBatch[],
  allowsRenew: boolean,
): Promise<{ errorCode: number; errorMessage: string | null }> {
  const { state } = context
  const led = await openPartition(context, groupId, id)
  if (typeof led === 'number') return { errorCode: led, errorMessage: null }
  const settings = state.groupSettings.share(groupId)
  try {
    checkAcknowledgements(batches, allowsRenew)
    led.partition.acknowledge(memberId, batches, settings, state.now())
  } catch (refusal) {
    if (!(refusal instanceof GroupError)) throw refusal
    const errorMessage = refusal.message === '' ? null : refusal.message
    return { errorCode: refusal.errorCode, errorMessage }
  }
  state.sharePartitions.watchLocks(groupId, led.log, led.partition)
  return { errorCode: 0, errorMessage: null }
}

/** Releases everything that a member acquired in a session that is over. */
export function releaseSession(
  state: ClusterState,
  groupId: string,
  memberId: string,
  session: ShareSession,
): void {
  const settings = state.groupSettings.share(groupId)
  for (const { topicId, partition } of session.partitions.values()) {
    const log = state.topics.getById(topicId)?.partitions[partition]?.log
    if (log === undefined) continue
    const shared = state.sharePartitions.get(groupId, log)
    if (shared === undefined) continue
    shared.releaseAll(memberId, settings)
    state.sharePartitions.watchLocks(groupId, log, shared)
  }
}
