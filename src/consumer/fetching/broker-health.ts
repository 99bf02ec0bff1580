// What health() tells of each broker that was asked for records.

import { monotonicMs, wallMsOf } from '../../async/clock.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ClusterProblem } from '../../cluster/problems.ts'
import { TimeoutError } from '../../errors.ts'

export interface BrokerHealth {
  readonly nodeId: number
  /** The last response to a fetch (ms since 1970). */
  readonly lastFetchAt: number | null
  /** Since when it cannot be reached (ms since 1970). */
  readonly unreachableSince: number | null
}

export function brokerHealth(
  { nodeId, respondedAt }: { nodeId: number; respondedAt: number },
  cluster: Pick<Cluster, 'unreachableSince'>,
): BrokerHealth {
  const since = cluster.unreachableSince(nodeId)
  return {
    nodeId,
    lastFetchAt: respondedAt === 0 ? null : wallMsOf(respondedAt),
    unreachableSince: since === 0 ? null : wallMsOf(since),
  }
}

/** A broker may be this late with its response (ms). */
const FETCH_PATIENCE_MS = 2000

/** That a request has had no response for too long; null: it has not. */
export function silenceOf(
  { nodeId, isBusy, dueAt }: { nodeId: number; isBusy: boolean; dueAt: number },
  api: string,
  cluster: Pick<Cluster, 'readyConnection'>,
): ClusterProblem | null {
  const connection = cluster.readyConnection(nodeId, 'fetch')
  if (!isBusy || connection === null) return null
  // Of a large response on a slow network parts come all the time.
  const durationMs = Math.min(monotonicMs() - dueAt, connection.silentMs)
  if (durationMs < FETCH_PATIENCE_MS) return null
  const reason = `Node ${nodeId} has not responded to ${api} for ${Math.round(durationMs)} ms`
  const since = wallMsOf(monotonicMs() - durationMs)
  return { reason, since, durationMs, error: new TimeoutError(reason), nodeId }
}
