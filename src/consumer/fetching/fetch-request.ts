// The Fetch request of a session's next step.

import type { FetchRequest } from '../../protocol/messages/fetch.ts'
import { NO_TOPIC_ID } from '../assignment/assigned-partition.ts'
import type { FetchTarget, SessionEntry, SessionRequest } from './fetch-session.ts'

export interface FetchLimits {
  readonly maxWaitMs: number
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  readonly maxPartitionFetchBytes: number
  readonly clientRack: string | null
  readonly block: { readonly isReadCommitted: boolean }
}

/** What a broker takes for "not known here" (KIP-1166). */
const NO_HIGH_WATERMARK = 9223372036854775807n

export function fetchRequestBody<Target extends FetchTarget>(
  request: SessionRequest<Target>,
  limits: FetchLimits,
): FetchRequest {
  return {
    replicaId: -1,
    maxWaitMs: limits.maxWaitMs,
    minBytes: limits.fetchMinBytes,
    maxBytes: limits.fetchMaxBytes,
    isolationLevel: limits.block.isReadCommitted ? 1 : 0,
    sessionId: request.sessionId,
    sessionEpoch: request.sessionEpoch,
    topics: runs(request.changed).map((entries) => ({
      topic: entries[0].topic,
      topicId: entries[0].topicId,
      partitions: entries.map((entry) => ({
        partition: entry.partition,
        currentLeaderEpoch: entry.leaderEpoch,
        fetchOffset: entry.fetchOffset,
        // As Java: with the leader's epoch in the request, a leader that lost records is noticed by
        // validation. A broker that does not know this epoch would response "out of range".
        lastFetchedEpoch: -1,
        logStartOffset: -1n,
        partitionMaxBytes: limits.maxPartitionFetchBytes,
        replicaDirectoryId: NO_TOPIC_ID,
        highWatermark: NO_HIGH_WATERMARK,
      })),
    })),
    forgottenTopicsData: runs(request.forgotten).map((entries) => ({
      topic: entries[0].topic,
      topicId: entries[0].topicId,
      partitions: entries.map((entry) => entry.partition),
    })),
    rackId: limits.clientRack ?? '',
    clusterId: null,
    replicaState: { replicaId: -1, replicaEpoch: -1n },
  }
}

/**
 * Entries that follow each other and are of one topic, together. The order stays as it is, since brokers
 * fill their responses in it; a topic may therefore be named more than once.
 */
function runs<Target extends FetchTarget>(
  entries: readonly SessionEntry<Target>[],
): SessionEntry<Target>[][] {
  const grouped: SessionEntry<Target>[][] = []
  let last: SessionEntry<Target> | null = null
  for (const entry of entries) {
    if (last?.topic === entry.topic && last.topicId === entry.topicId) {
      grouped[grouped.length - 1].push(entry)
    } else {
      grouped.push([entry])
    }
    last = entry
  }
  return grouped
}
