// ShareFetch: applies acknowledgements, then acquires records of the session's partitions, and waits for
// some if there are none (KIP-932).

import { errorCodes } from '../../protocol/error-codes.ts'
import type { NodeEndpoint } from '../../protocol/messages/current-leader.ts'
import type {
  ShareFetchPartitionData,
  ShareFetchRequest,
  ShareFetchResponse,
} from '../../protocol/messages/share-fetch.ts'
import { GroupError } from '../groups/group-error.ts'
import { acquire, hasRecords } from '../groups/share/acquire.ts'
import {
  acknowledgeOne,
  isMemberId,
  type LedPartition,
  openPartition,
  releaseSession,
} from '../groups/share/share-requests.ts'
import { type SharePartitionId, sessionKey } from '../groups/share/share-sessions.ts'
import type { RequestContext } from '../handler.ts'
import { addEndpoint, currentLeader, noShareLeader } from '../leader-hints.ts'
import { mayDo } from '../security/authorize.ts'

const RECORD_LIMIT = 1

/** What came of the acknowledgements of a partition. */
interface Outcome {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** One partition of a request, on its way to a response. */
interface Wanted {
  readonly id: SharePartitionId
  /** New in the session, or acknowledged: the response says something of it in any case. */
  readonly isAwaited: boolean
  readonly data: ShareFetchPartitionData
  readonly led: LedPartition | null
}

export async function handleShareFetch(
  context: RequestContext,
  request: ShareFetchRequest,
): Promise<ShareFetchResponse> {
  const { state } = context
  const { groupId, memberId, shareSessionEpoch } = request
  if (state.properties.shareVersion === 0) return failed(errorCodes.UNSUPPORTED_VERSION)
  if (groupId === null || !isMemberId(memberId)) return failed(errorCodes.INVALID_REQUEST)
  if (!mayDo(context, 'READ', 'GROUP', groupId)) {
    return failed(errorCodes.GROUP_AUTHORIZATION_FAILED)
  }
  const hasAcknowledgements = request.topics.some(({ partitions }) =>
    partitions.some(({ acknowledgementBatches }) => acknowledgementBatches.length > 0),
  )
  if (shareSessionEpoch === 0 && hasAcknowledgements) return failed(errorCodes.INVALID_REQUEST)
  if (request.isRenewAck && wantsRecords(request)) return failed(errorCodes.INVALID_REQUEST)
  try {
    return await fetch(context, { ...request, groupId, memberId })
  } catch (refusal) {
    if (refusal instanceof GroupError) return failed(refusal.errorCode)
    throw refusal
  }
}

/** A request that renews acquisitions fetches nothing, and says so (KIP-1222). */
function wantsRecords({ maxWaitMs, minBytes, maxBytes, maxRecords }: ShareFetchRequest): boolean {
  return maxWaitMs > 0 || minBytes > 0 || maxBytes > 0 || maxRecords > 0
}

type NamedRequest = ShareFetchRequest & { groupId: string; memberId: string }

async function fetch(context: RequestContext, request: NamedRequest): Promise<ShareFetchResponse> {
  const { state, node } = context
  const { groupId, memberId } = request
  const key = sessionKey(groupId, memberId)
  const { session, isFinal } = node.shareSessions.begin(
    key,
    request.shareSessionEpoch,
    context.closed,
    () => releaseSession(state, groupId, memberId, session),
  )
  const awaited = new Set<string>()
  const acknowledged = new Map<string, { id: SharePartitionId; outcome: Outcome }>()
  for (const { topicId, partitions } of request.topics) {
    for (const { partitionIndex, acknowledgementBatches } of partitions) {
      const id = { topicId, partition: partitionIndex }
      if (session.add(id)) awaited.add(keyOf(id))
      if (acknowledgementBatches.length === 0) continue
      awaited.add(keyOf(id))
      const outcome = await acknowledgeOne(
        context,
        groupId,
        memberId,
        id,
        acknowledgementBatches,
        request.isRenewAck,
      )
      acknowledged.set(keyOf(id), { id, outcome })
    }
  }
  for (const { topicId, partitions } of request.forgottenTopicsData) {
    for (const partition of partitions) session.remove({ topicId, partition })
  }
  if (isFinal) releaseSession(state, groupId, memberId, session)
  const wanted: Wanted[] = []
  for (const id of session.partitions.values()) {
    const isAwaited = awaited.has(keyOf(id))
    const outcome = acknowledged.get(keyOf(id))?.outcome
    wanted.push(await prepare(context, groupId, id, isAwaited, outcome))
    acknowledged.delete(keyOf(id))
  }
  // What was acknowledged of partitions that the session forgets is responded to as well.
  for (const { id, outcome } of acknowledged.values()) {
    wanted.push({ id, isAwaited: true, data: emptyData(id, outcome), led: null })
  }
  const mayAcquire = !isFinal && !request.isRenewAck
  if (
    mayAcquire &&
    !acquireAll(context, request, wanted) &&
    !wanted.some(({ led }) => led === null)
  ) {
    await waitForRecords(context, groupId, wanted, request.maxWaitMs)
    acquireAll(context, request, wanted)
  }
  return respond(context, groupId, wanted)
}

async function prepare(
  context: RequestContext,
  groupId: string,
  id: SharePartitionId,
  isAwaited: boolean,
  acknowledged: Outcome | undefined,
): Promise<Wanted> {
  const data = emptyData(id, acknowledged)
  const led = await openPartition(context, groupId, id)
  if (typeof led === 'number') {
    data.errorCode = led
    return { id, isAwaited, data, led: null }
  }
  return { id, isAwaited, data, led }
}

function emptyData(
  { partition }: SharePartitionId,
  acknowledged?: Outcome,
): ShareFetchPartitionData {
  return {
    partitionIndex: partition,
    errorCode: 0,
    errorMessage: null,
    acknowledgeErrorCode: acknowledged?.errorCode ?? 0,
    acknowledgeErrorMessage: acknowledged?.errorMessage ?? null,
    currentLeader: noShareLeader,
    records: Buffer.alloc(0),
    acquiredRecords: [],
  }
}

/** Whether anything was acquired. */
function acquireAll(
  { state }: RequestContext,
  request: NamedRequest,
  wanted: readonly Wanted[],
): boolean {
  const { groupId, memberId } = request
  const settings = state.groupSettings.share(groupId)
  let bytesLeft = request.maxBytes
  let recordsLeft = request.maxRecords
  for (const { led, data } of wanted) {
    if (led === null || bytesLeft <= 0 || recordsLeft <= 0) continue
    const { partition, log } = led
    const { records, ranges, count } = acquire(partition, log, {
      memberId,
      settings,
      maxBytes: bytesLeft,
      maxRecords: recordsLeft,
      isStrict: request.shareAcquireMode === RECORD_LIMIT,
      batchSize: request.batchSize,
      now: state.now(),
    })
    data.records = records
    data.acquiredRecords = ranges.map(({ firstOffset, lastOffset, deliveryCount }) => ({
      firstOffset: BigInt(firstOffset),
      lastOffset: BigInt(lastOffset),
      deliveryCount,
    }))
    bytesLeft -= records.length
    recordsLeft -= count
    state.sharePartitions.watchLocks(groupId, log, partition)
  }
  return recordsLeft < request.maxRecords
}

/** Waits in real time, so that a client does not hang on a clock that a test holds. */
function waitForRecords(
  { state, closed }: RequestContext,
  groupId: string,
  wanted: readonly Wanted[],
  maxWaitMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const stops: (() => void)[] = []
    const finish = (): void => {
      for (const stop of stops) stop()
      resolve()
    }
    const timer = setTimeout(finish, maxWaitMs)
    stops.push(() => clearTimeout(timer))
    closed.addEventListener('abort', finish)
    stops.push(() => closed.removeEventListener('abort', finish))
    for (const { led } of wanted) {
      if (led === null) continue
      const { partition, log } = led
      const check = (): void => {
        const settings = state.groupSettings.share(groupId)
        const isMoved = log.isDeleted || log.leaderEpoch !== partition.leaderEpoch
        if (isMoved || hasRecords(partition, log, settings)) finish()
      }
      stops.push(log.onChange(check), partition.onRelease(check))
    }
    if (closed.aborted) finish()
  })
}

function respond(
  { state, node }: RequestContext,
  groupId: string,
  wanted: readonly Wanted[],
): ShareFetchResponse {
  const endpoints = new Map<number, NodeEndpoint>()
  const response: ShareFetchResponse = {
    throttleTimeMs: 0,
    errorCode: 0,
    errorMessage: null,
    acquisitionLockTimeoutMs: state.groupSettings.share(groupId).recordLockDurationMs,
    responses: [],
    nodeEndpoints: [],
  }
  for (const { id, isAwaited, data } of wanted) {
    if (!isAwaited && data.errorCode === 0 && data.acquiredRecords.length === 0) continue
    const known = state.topics.getById(id.topicId)?.partitions[id.partition]
    if (known !== undefined && known.leaderId !== node.id) {
      data.currentLeader = currentLeader(known)
      addEndpoint(endpoints, state, known)
    }
    const last = response.responses.find(({ topicId }) => topicId === id.topicId)
    if (last === undefined) response.responses.push({ topicId: id.topicId, partitions: [data] })
    else last.partitions.push(data)
  }
  response.nodeEndpoints = [...endpoints.values()]
  return response
}

function keyOf({ topicId, partition }: SharePartitionId): string {
  return `${topicId} ${partition}`
}

function failed(errorCode: number): ShareFetchResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    errorMessage: null,
    acquisitionLockTimeoutMs: 0,
    responses: [],
    nodeEndpoints: [],
  }
}
