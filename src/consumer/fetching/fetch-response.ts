// What a fetch response says of one partition, and what follows: records to be buffered, or one row of the
// table of fetch errors (docs/internals/consumer.md, section 2). No I/O: the result tells the fetcher what else to do.

import { KafkaError, OffsetOutOfRangeError } from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import type { PartitionData } from '../../protocol/messages/fetch.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import {
  type BlockEnd,
  type BlockOptions,
  CompletedFetch,
  findBlockEnd,
} from '../buffer/completed-fetch.ts'
import type { FetchedMemory } from '../buffer/fetched-memory.ts'
import { fetchAction } from './fetch-error-table.ts'

/** What the fetcher does after a partition's response was taken up. */
export type FetchEffect =
  /** Nothing new. */
  | { kind: 'none' }
  /** A block was buffered, or a failure waits for the caller: the delivery should look. */
  | { kind: 'deliver' }
  /** Metadata may be stale; this partition backs off. */
  | { kind: 'refresh'; error: KafkaError }
  /** This partition backs off. */
  | { kind: 'backOff'; error: KafkaError }
  /** The same, and the caller gets the error. */
  | { kind: 'report'; error: KafkaError }
  /** The offset is not in the leader's log: reset by policy, or tell the caller. */
  | { kind: 'outOfRange'; error: OffsetOutOfRangeError }
  /** The log was truncated: it is the position's only up to `endOffset`. */
  | { kind: 'diverged'; endOffset: bigint; epoch: number }

const none: FetchEffect = { kind: 'none' }
const deliver: FetchEffect = { kind: 'deliver' }

/** Applies one partition's response of `nodeId` to its state, which is known to be the one it was asked for. */
export function applyPartitionResponse<K, V>(
  state: AssignedPartition<K, V>,
  response: PartitionData,
  nodeId: number,
  options: BlockOptions,
  client: { hasRack: boolean; leaseUntilMs: number; principal: string | null },
  memory: FetchedMemory,
): FetchEffect {
  if (response.errorCode !== errorCodes.NONE) {
    return applyError(state, response, nodeId, client.principal)
  }
  const { records } = response
  const end = records === null || records.length === 0 ? null : findBlockEnd(records)
  state.fetchAt.learn(response)
  const useless = end === null ? null : whyUseless(state, end, records?.length ?? 0)
  if (useless !== null) return useless
  state.attempts.succeed()
  state.clearProblem()
  if (response.divergingEpoch.endOffset >= 0n) {
    const { endOffset, epoch } = response.divergingEpoch
    return { kind: 'diverged', endOffset, epoch }
  }
  if (client.hasRack && response.preferredReadReplica >= 0) {
    state.fetchAt.prefer(response.preferredReadReplica, client.leaseUntilMs)
  }
  if (records === null || end === null) {
    state.fetchAt.noteOpenTransaction(options.isReadCommitted ? heldBack(state) : null)
    return none
  }
  return buffer(state, records, end, response, options, memory)
}

/** What follows from records of which none is at or behind the fetch offset; null: there is one, or there may be. */
function whyUseless<K, V>(
  { name, fetchOffset }: AssignedPartition<K, V>,
  { nextOffset, isDamaged }: BlockEnd,
  length: number,
): FetchEffect | null {
  if (isDamaged) return null
  if (nextOffset === null) {
    const error = new KafkaError(
      `The broker sent ${length} bytes of ${name} at offset ${fetchOffset}, less than one batch: raise maxPartitionFetchBytes and fetchMaxBytes`,
    )
    return { kind: 'report', error }
  }
  if (nextOffset > fetchOffset) return null
  const error = new KafkaError(
    `The broker was asked for ${name} from offset ${fetchOffset} on, and sent only batches that end at ${nextOffset - 1n}. Look for errors in its log, or seek()`,
    { retriable: true },
  )
  return { kind: 'backOff', error }
}

/** Why records behind the fetch offset are not sent; null: there are none. */
function heldBack({ name, fetchAt }: AssignedPartition): string | null {
  const { highWatermark, lastStableOffset } = fetchAt.bounds
  const isOpen = lastStableOffset >= 0n && lastStableOffset < highWatermark
  if (!isOpen || fetchAt.offset < lastStableOffset) return null
  return `The records of ${name} from offset ${lastStableOffset} on are held back by a transaction that has not ended: isolationLevel is 'read_committed'`
}

function buffer<K, V>(
  state: AssignedPartition<K, V>,
  records: Buffer,
  end: BlockEnd,
  response: PartitionData,
  options: BlockOptions,
  memory: FetchedMemory,
): FetchEffect {
  const place = {
    fetchOffset: state.fetchOffset,
    fetchEpoch: state.fetchAt.epoch,
  }
  const block = new CompletedFetch(
    records,
    state.source,
    options,
    place,
    response.abortedTransactions,
    memory,
  )
  const { fetchOffset } = state
  const isAhead = end.nextOffset !== null && end.nextOffset > fetchOffset
  state.addBlock(block, isAhead ? end.nextOffset : fetchOffset, end.leaderEpoch)
  return deliver
}

function applyError<K, V>(
  state: AssignedPartition<K, V>,
  response: PartitionData,
  nodeId: number,
  principal: string | null,
): FetchEffect {
  const { errorCode } = response
  const what = `Fetch of ${state.name} at offset ${state.fetchOffset} from node ${nodeId}`
  const action = fetchAction(errorCode)
  const isFromLeader = nodeId === state.leader
  state.fetchAt.forgetReplica()
  // A follower may be behind, or ahead in what it deleted: only the leader's word counts.
  if (action === 'outOfRange') {
    return isFromLeader
      ? { kind: 'outOfRange', error: outOfRange(state, response) }
      : { kind: 'backOff', error: brokerError(errorCode, what) }
  }
  return { kind: action, error: brokerError(errorCode, what, principal) }
}

function outOfRange<K, V>(
  state: AssignedPartition<K, V>,
  response: PartitionData,
): OffsetOutOfRangeError {
  const { logStartOffset } = response
  const { highWatermark } = state.fetchAt.bounds
  const begin = logStartOffset < 0n ? '' : `, the log begins at ${logStartOffset}`
  const end = highWatermark < 0n ? '' : `, its high watermark was last seen at ${highWatermark}`
  return new OffsetOutOfRangeError(
    `Offset ${state.fetchOffset} of ${state.name} is out of range${begin}${end}`,
  )
}
