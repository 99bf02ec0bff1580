// ShareAcknowledge: accepts, releases, rejects or renews records that a member has acquired (KIP-932).

import { errorCodes } from '../../protocol/error-codes.ts'
import type { NodeEndpoint } from '../../protocol/messages/current-leader.ts'
import type {
  ShareAcknowledgeRequest,
  ShareAcknowledgeResponse,
} from '../../protocol/messages/share-acknowledge.ts'
import { GroupError } from '../groups/group-error.ts'
import { acknowledgeOne, isMemberId, releaseSession } from '../groups/share/share-requests.ts'
import { sessionKey } from '../groups/share/share-sessions.ts'
import type { RequestContext } from '../handler.ts'
import { addEndpoint, currentLeader, noShareLeader } from '../leader-hints.ts'
import { mayDo } from '../security/authorize.ts'

export async function handleShareAcknowledge(
  context: RequestContext,
  request: ShareAcknowledgeRequest,
): Promise<ShareAcknowledgeResponse> {
  const { state } = context
  const { groupId, memberId } = request
  if (state.properties.shareVersion === 0) return failed(errorCodes.UNSUPPORTED_VERSION)
  if (groupId === null || !isMemberId(memberId)) return failed(errorCodes.INVALID_REQUEST)
  if (!mayDo(context, 'READ', 'GROUP', groupId)) {
    return failed(errorCodes.GROUP_AUTHORIZATION_FAILED)
  }
  if (request.shareSessionEpoch === 0) return failed(errorCodes.INVALID_SHARE_SESSION_EPOCH)
  try {
    return await acknowledge(context, request, groupId, memberId)
  } catch (refusal) {
    if (refusal instanceof GroupError) return failed(refusal.errorCode)
    throw refusal
  }
}

async function acknowledge(
  context: RequestContext,
  request: ShareAcknowledgeRequest,
  groupId: string,
  memberId: string,
): Promise<ShareAcknowledgeResponse> {
  const { state, node } = context
  const key = sessionKey(groupId, memberId)
  const { session, isFinal } = node.shareSessions.begin(
    key,
    request.shareSessionEpoch,
    context.closed,
    () => {},
  )
  const endpoints = new Map<number, NodeEndpoint>()
  const response = failed(0)
  for (const { topicId, partitions } of request.topics) {
    const results: ShareAcknowledgeResponse['responses'][number]['partitions'] = []
    for (const { partitionIndex, acknowledgementBatches } of partitions) {
      const id = { topicId, partition: partitionIndex }
      const outcome = await acknowledgeOne(
        context,
        groupId,
        memberId,
        id,
        acknowledgementBatches,
        request.isRenewAck,
      )
      const known = state.topics.getById(topicId)?.partitions[partitionIndex]
      const isElsewhere = known !== undefined && known.leaderId !== node.id
      if (isElsewhere) addEndpoint(endpoints, state, known)
      results.push({
        partitionIndex,
        ...outcome,
        currentLeader: isElsewhere ? currentLeader(known) : noShareLeader,
      })
    }
    response.responses.push({ topicId, partitions: results })
  }
  if (isFinal) releaseSession(state, groupId, memberId, session)
  response.nodeEndpoints = [...endpoints.values()]
  if (request.isRenewAck) {
    const { recordLockDurationMs } = state.groupSettings.share(groupId)
    response.acquisitionLockTimeoutMs = recordLockDurationMs
  }
  return response
}

function failed(errorCode: number): ShareAcknowledgeResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    errorMessage: null,
    acquisitionLockTimeoutMs: 0,
    responses: [],
    nodeEndpoints: [],
  }
}
