// Fetch: reads what is there, or waits until there is enough, and tells what the session does not
// know yet. A wait ends by bytes, by an error, by maxWaitMs, or with the connection.

import { errorCodes } from '../../protocol/error-codes.ts'
import type { NodeEndpoint } from '../../protocol/messages/current-leader.ts'
import type {
  FetchableTopicResponse,
  FetchRequest,
  FetchResponse,
} from '../../protocol/messages/fetch.ts'
import { FetchReader } from '../fetch-reader.ts'
import type { FetchedData } from '../fetch-session.ts'
import type { RequestContext } from '../handler.ts'
import { addEndpoint, currentLeader } from '../leader-hints.ts'

const HINTS_SINCE = 16

export async function handleFetch(
  context: RequestContext,
  request: FetchRequest,
): Promise<FetchResponse> {
  const { state, node, version } = context
  const session = node.fetchSessions.begin(
    request,
    version,
    (topicId) => state.topics.getById(topicId)?.name,
    state.now(),
  )
  if (session.errorCode !== 0) {
    return { ...emptyResponse(), errorCode: session.errorCode }
  }
  const reader = new FetchReader(context, request, session.partitions)
  let { results, isEnough } = reader.read()
  if (!isEnough && !context.closed.aborted) {
    await waitUntilReady(reader, request.maxWaitMs, context.closed)
    results = reader.read().results
  }
  const nodeEndpoints = version >= HINTS_SINCE ? addHints(context, results) : []
  const { errorCode, sessionId, results: said } = session.finish(results)
  return { ...emptyResponse(), errorCode, sessionId, responses: byTopic(said), nodeEndpoints }
}

function waitUntilReady(
  reader: FetchReader,
  maxWaitMs: number,
  closed: AbortSignal,
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
    const check = (): void => {
      if (reader.isReady()) finish()
    }
    for (const log of reader.logs) stops.push(log.onChange(check))
  })
}

/** Says who leads where this node does not, and where those nodes are (KIP-951). */
function addHints({ state }: RequestContext, results: FetchedData[]): NodeEndpoint[] {
  const endpoints = new Map<number, NodeEndpoint>()
  for (const { partition, data } of results) {
    const isElsewhere =
      data.errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER ||
      data.errorCode === errorCodes.FENCED_LEADER_EPOCH
    if (!isElsewhere || partition.topic === null) continue
    const known = state.topics.partition(partition.topic, partition.request.partition)
    if (known === undefined) continue
    data.currentLeader = currentLeader(known)
    addEndpoint(endpoints, state, known)
  }
  return [...endpoints.values()]
}

/** Neighbours of one topic share an entry; the order of partitions stays. */
function byTopic(results: FetchedData[]): FetchableTopicResponse[] {
  const responses: FetchableTopicResponse[] = []
  for (const { partition, data } of results) {
    const topic = partition.topic ?? ''
    const { topicId } = partition
    const last = responses[responses.length - 1]
    if (last !== undefined && last.topic === topic && last.topicId === topicId) {
      last.partitions.push(data)
    } else responses.push({ topic, topicId, partitions: [data] })
  }
  return responses
}

function emptyResponse(): FetchResponse {
  return { throttleTimeMs: 0, errorCode: 0, sessionId: 0, responses: [], nodeEndpoints: [] }
}
