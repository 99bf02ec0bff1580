// Reads what one Fetch asks for, within its limits, and knows whether there is reason to wait for more.

import { errorCodes } from '../protocol/error-codes.ts'
import type { FetchPartition, FetchRequest, PartitionData } from '../protocol/messages/fetch.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { FetchedData, FetchedPartition } from './fetch-session.ts'
import type { RequestContext } from './handler.ts'
import { unknownLeader } from './leader-hints.ts'
import { checkAccess } from './partition-access.ts'
import type { Isolation, PartitionLog } from './partition-log.ts'
import { topicError } from './security/authorize.ts'
import type { Partition } from './topic-store.ts'

/** Consumers may fetch from followers from this version on (KIP-392). */
const FOLLOWERS_SINCE = 11
const noRecords: Buffer = Buffer.alloc(0)

interface Asked {
  readonly fetched: FetchedPartition
  readonly partition: Partition
}

export class FetchReader {
  private readonly context: RequestContext
  private readonly request: FetchRequest
  private readonly isolation: Isolation
  private readonly maxBytes: number
  private readonly asked: Asked[] = []
  /** Partitions that do not exist: the response names them, but does not come earlier for them. */
  private readonly missing: FetchedData[] = []

  constructor(context: RequestContext, request: FetchRequest, partitions: FetchedPartition[]) {
    this.context = context
    this.request = request
    this.isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
    this.maxBytes = Math.min(request.maxBytes, context.state.properties.fetchMaxBytes)
    for (const fetched of partitions) this.find(fetched)
  }

  /** The logs that can bring more. */
  get logs(): PartitionLog[] {
    return this.asked.map(({ partition }) => partition.log)
  }

  /** Reads each partition in turn; the first batch of all comes whole, however large it is. */
  read(): { results: FetchedData[]; isEnough: boolean } {
    let bytesLeft = this.maxBytes
    let bytes = 0
    let isFirst = true
    let hasNews = this.asked.length === 0 || this.request.maxWaitMs <= 0
    const results: FetchedData[] = []
    for (const { fetched, partition } of this.asked) {
      const data = this.readOne(fetched, partition, bytesLeft, isFirst)
      const size = data.records?.length ?? 0
      if (size > 0) isFirst = false
      bytes += size
      bytesLeft = Math.max(0, bytesLeft - size)
      hasNews ||=
        data.errorCode !== 0 || data.divergingEpoch.epoch >= 0 || data.preferredReadReplica >= 0
      results.push({ partition: fetched, data })
    }
    for (const missing of this.missing) results.push(missing)
    return { results, isEnough: hasNews || bytes >= this.minBytes }
  }

  /** Whether waiting has come to an end: enough bytes, or an error that the client should hear of. */
  isReady(): boolean {
    let bytes = 0
    for (const { fetched, partition } of this.asked) {
      const { fetchOffset, partitionMaxBytes } = fetched.request
      const { log } = partition
      if (this.check(partition, fetched) !== 0 || fetchOffset > log.logEndOffset) return true
      bytes += Math.min(log.bytesAfter(fetchOffset, this.isolation), partitionMaxBytes)
      if (bytes >= this.minBytes) return true
    }
    return false
  }

  private get minBytes(): number {
    return Math.min(this.request.minBytes, this.maxBytes)
  }

  private find(fetched: FetchedPartition): void {
    const { topic, request } = fetched
    const partition =
      topic === null ? undefined : this.context.state.topics.partition(topic, request.partition)
    if (partition !== undefined) {
      this.asked.push({ fetched, partition })
      return
    }
    const errorCode =
      topic === null
        ? errorCodes.UNKNOWN_TOPIC_ID
        : topicError(this.context, 'READ', topic) || errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    const data = { ...refused(request.partition, errorCode), abortedTransactions: [] }
    this.missing.push({ partition: fetched, data })
  }

  private check(partition: Partition, { topicId, request }: FetchedPartition): number {
    const { node, version } = this.context
    const refusal = topicError(this.context, 'READ', partition.log.topic)
    if (refusal !== 0) return refusal
    if (topicId !== ZERO_UUID && topicId !== partition.log.topicId) {
      return errorCodes.INCONSISTENT_TOPIC_ID
    }
    const onlyLeader = version < FOLLOWERS_SINCE
    return checkAccess(node, partition, request.currentLeaderEpoch, onlyLeader)
  }

  private readOne(
    fetched: FetchedPartition,
    partition: Partition,
    bytesLeft: number,
    isFirst: boolean,
  ): PartitionData {
    const { request } = fetched
    const { log } = partition
    const errorCode = this.check(partition, fetched)
    if (errorCode !== 0) return refused(request.partition, errorCode)
    const data: PartitionData = {
      ...refused(request.partition, 0),
      highWatermark: log.highWatermark,
      lastStableOffset: log.lastStableOffset,
      logStartOffset: log.logStartOffset,
      preferredReadReplica: this.preferredReplica(partition),
    }
    if (data.preferredReadReplica >= 0) return data
    if (request.lastFetchedEpoch >= 0) {
      const { leaderEpoch, endOffset } = log.endOfEpoch(request.lastFetchedEpoch)
      if (leaderEpoch < 0 || request.fetchOffset < log.logStartOffset) {
        return refused(request.partition, errorCodes.OFFSET_OUT_OF_RANGE)
      }
      if (this.diverges(log, request)) {
        data.divergingEpoch = { epoch: leaderEpoch, endOffset }
        return data
      }
    }
    const most = Math.min(request.partitionMaxBytes, bytesLeft)
    const result = log.read(request.fetchOffset, most, isFirst, this.isolation)
    if (result.errorCode !== 0) return refused(request.partition, result.errorCode)
    data.records = result.records
    if (this.isolation === 'read_committed') {
      data.abortedTransactions = log
        .abortedAfter(request.fetchOffset)
        .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
    }
    return data
  }

  private diverges(log: PartitionLog, { lastFetchedEpoch, fetchOffset }: FetchPartition): boolean {
    const { leaderEpoch, endOffset } = log.endOfEpoch(lastFetchedEpoch)
    return leaderEpoch < lastFetchedEpoch || endOffset < fetchOffset
  }

  /** A replica in the client's rack, if the leader's is another one and replicas are chosen so. */
  private preferredReplica({ leaderId, inSync }: Partition): number {
    const { state, node, version } = this.context
    const { rackId } = this.request
    const isAsked = version >= FOLLOWERS_SINCE && rackId !== '' && leaderId === node.id
    if (!isAsked || !state.properties.rackAwareReplicaSelector) return -1
    if (node.rack === rackId) return -1
    return inSync.find((id) => state.nodes.get(id)?.rack === rackId) ?? -1
  }
}

function refused(partitionIndex: number, errorCode: number): PartitionData {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: noRecords,
    divergingEpoch: { epoch: -1, endOffset: -1n },
    currentLeader: unknownLeader,
    snapshotId: { endOffset: -1n, epoch: -1 },
  }
}
