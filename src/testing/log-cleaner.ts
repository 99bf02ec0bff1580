// Retention and compaction of one log (`cleanup.policy`). Kafka works on segments and leaves the newest
// alone; here a batch takes the place of a segment.

import { decodeBatch, type RecordBatch } from '../records/decode-batch.ts'
import { encodeUncompressedBatch } from '../records/encode-batch.ts'
import { attributeBits, decodeBatchHeader, isControl } from '../records/record-batch.ts'
import type { PartitionLog } from './partition-log.ts'

/** Deletes what retention no longer keeps, and compacts. `now` is the broker's wall clock (ms). */
export async function cleanLog(log: PartitionLog, now: number): Promise<void> {
  const { config } = log
  if (config.isDeleted) deleteExpired(log, now)
  if (config.isCompacted) await compact(log, now)
}

function deleteExpired(log: PartitionLog, now: number): void {
  const { retentionMs, retentionBytes } = log.config
  let size = log.sizeInBytes
  let start = log.logStartOffset
  for (const bytes of log.batches) {
    const header = decodeBatchHeader(bytes, 0)
    const next = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n
    // Records of an open transaction stay.
    if (next > log.lastStableOffset) break
    const isOld = retentionMs >= 0 && Number(header.maxTimestamp) < now - retentionMs
    const isTooMuch = retentionBytes >= 0 && size - bytes.length >= retentionBytes
    if (!isOld && !isTooMuch) break
    size -= bytes.length
    start = next
  }
  log.deleteRecordsBefore(start)
}

/** Keeps the newest record of each key; the newest batch is left alone. */
async function compact(log: PartitionLog, now: number): Promise<void> {
  const { minCompactionLagMs, deleteRetentionMs } = log.config
  const before = log.batches
  const decoded = await Promise.all(before.map((bytes) => decodeBatch(bytes)))
  const isDirty = (batch: RecordBatch, i: number): boolean =>
    i < decoded.length - 1 &&
    !isControl(batch.attributes) &&
    batch.baseOffset + BigInt(batch.lastOffsetDelta) < log.lastStableOffset &&
    Number(batch.maxTimestamp) <= now - minCompactionLagMs
  const newest = new Map<string, bigint>()
  for (const batch of decoded) {
    if (isControl(batch.attributes) || log.isAborted(batch)) continue
    for (const { key, offset } of batch.records) {
      if (key !== null) newest.set(key.toString('latin1'), offset)
    }
  }
  const after: Buffer[] = []
  for (const [i, batch] of decoded.entries()) {
    if (!isDirty(batch, i)) {
      after.push(before[i])
      continue
    }
    const kept = batch.records.filter(({ key, value, offset, timestamp }) => {
      if (key === null || newest.get(key.toString('latin1')) !== offset) return false
      return value !== null || Number(timestamp) > now - deleteRetentionMs
    })
    if (kept.length === batch.records.length) after.push(before[i])
    else if (kept.length > 0) after.push(rebuild(batch, kept))
  }
  if (log.batches.length === before.length) log.replaceBatches(after)
}

function rebuild(batch: RecordBatch, records: RecordBatch['records']): Buffer {
  const attributes = batch.attributes & ~attributeBits.compression
  return encodeUncompressedBatch({ ...batch, attributes, records })
}
