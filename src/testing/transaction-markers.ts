// The end of a transaction in what took part in it: a marker in each log, and the offsets of groups
// become committed ones or are dropped.

import { encodeEndTransactionMarker } from '../records/control-record.ts'
import { encodeUncompressedBatch } from '../records/encode-batch.ts'
import { attributeBits } from '../records/record-batch.ts'
import type { ClusterState } from './cluster-state.ts'
import { keyOf, type Transaction } from './transaction.ts'

/** Returns the keys of the participants that have it; those without a leader must wait. */
export function writeMarkers(
  state: ClusterState,
  transaction: Transaction,
  type: 'COMMIT' | 'ABORT',
): string[] {
  const { producerId, producerEpoch } = transaction
  const reached: string[] = []
  for (const participant of transaction.participants.values()) {
    if ('groupId' in participant) {
      state.offsets.endTransaction(participant.groupId, producerId, type === 'COMMIT')
    } else {
      const { topic, partition } = participant
      const found = state.topics.partition(topic, partition)
      if (found !== undefined && !state.isUp(found.leaderId)) continue
      // A topic that was deleted meanwhile needs no marker.
      found?.log.append(encodeMarker(producerId, producerEpoch, type))
    }
    reached.push(keyOf(participant))
  }
  return reached
}

function encodeMarker(producerId: bigint, producerEpoch: number, type: 'COMMIT' | 'ABORT'): Buffer {
  const now = BigInt(Date.now())
  const record = { timestampDelta: 0n, offsetDelta: 0, headers: [] }
  return encodeUncompressedBatch({
    baseOffset: 0n,
    partitionLeaderEpoch: -1,
    attributes: attributeBits.transactional | attributeBits.control,
    lastOffsetDelta: 0,
    baseTimestamp: now,
    maxTimestamp: now,
    producerId,
    producerEpoch,
    baseSequence: -1,
    records: [{ ...record, ...encodeEndTransactionMarker(type, 0) }],
  })
}
