// The end of a transaction in what took part in it: a marker in each log, and the offsets of groups
// become committed ones or are dropped.

import { encodeEndTransactionMarker } from '../records/control-record.ts'
import { encodeUncompressedBatch } from '../records/encode-batch.ts'
import { attributeBits } from '../records/record-batch.ts'
import type { BrokerClock } from './clock.ts'
import type { GroupOffsets } from './groups/group-offsets.ts'
import type { TopicStore } from './topic-store.ts'
import { keyOf, type Transaction } from './transaction.ts'

/** Where markers go. */
export interface MarkerTargets {
  readonly topics: TopicStore
  readonly offsets: GroupOffsets
  readonly clock: BrokerClock
  isUp(nodeId: number): boolean
}

/** Returns the keys of the participants that have it; those without a leader must wait. */
export function writeMarkers(
  targets: MarkerTargets,
  transaction: Transaction,
  type: 'COMMIT' | 'ABORT',
): string[] {
  const { producerId, producerEpoch } = transaction
  const now = BigInt(targets.clock.wall())
  const reached: string[] = []
  for (const participant of transaction.participants.values()) {
    if ('groupId' in participant) {
      targets.offsets.endTransaction(participant.groupId, producerId, type === 'COMMIT')
    } else {
      const { topic, partition } = participant
      const found = targets.topics.partition(topic, partition)
      if (found !== undefined && !targets.isUp(found.leaderId)) continue
      // A topic that was deleted meanwhile needs no marker.
      found?.log.append(encodeMarker(producerId, producerEpoch, type, now))
    }
    reached.push(keyOf(participant))
  }
  return reached
}

function encodeMarker(
  producerId: bigint,
  producerEpoch: number,
  type: 'COMMIT' | 'ABORT',
  now: bigint,
): Buffer {
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
