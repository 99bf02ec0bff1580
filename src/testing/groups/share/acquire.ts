// Reads a partition for one member of a share group and acquires what it is given.

import {
  batchOffsets,
  decodeBatchHeader,
  isControl,
  isTransactional,
  type RecordBatchHeader,
} from '../../../records/record-batch.ts'
import type { PartitionLog } from '../../partition-log.ts'
import type { ShareGroupSettings } from '../group-settings.ts'
import type { AcquiredRange, SharePartition } from './share-partition.ts'

export interface AcquireRequest {
  readonly memberId: string
  readonly settings: ShareGroupSettings
  readonly maxBytes: number
  /** Acquisition stops behind the batch that reaches it. */
  readonly maxRecords: number
  /** Acquisition stops exactly at `maxRecords` (KIP-1206). */
  readonly isStrict: boolean
  /** Ranges of acquired records are cut behind the batch that reaches this number. */
  readonly batchSize: number
  readonly now: number
}

export interface Acquired {
  readonly records: Buffer
  readonly ranges: readonly AcquiredRange[]
  readonly count: number
}

const nothing: Acquired = { records: Buffer.alloc(0), ranges: [], count: 0 }

/** Whether a member could acquire anything now. */
export function hasRecords(
  partition: SharePartition,
  log: PartitionLog,
  settings: ShareGroupSettings,
): boolean {
  const offset = partition.nextFetchOffset
  return (
    partition.canAcquire(offset, settings) &&
    log.bytesAfter(BigInt(offset), settings.isolationLevel) > 0
  )
}

export function acquire(
  partition: SharePartition,
  log: PartitionLog,
  request: AcquireRequest,
): Acquired {
  const { settings } = request
  const from = partition.nextFetchOffset
  if (request.maxRecords <= 0 || !hasRecords(partition, log, settings)) return nothing
  const { errorCode, records } = log.read(
    BigInt(from),
    request.maxBytes,
    true,
    settings.isolationLevel,
  )
  if (errorCode !== 0) return nothing
  const ranges = new Ranges(request)
  let end = 0
  for (const { header, position, size } of wholeBatches(records)) {
    const first = Number(header.baseOffset)
    const last = first + header.lastOffsetDelta
    const countBefore = ranges.count
    if (isUnwanted(header, log, settings)) partition.skip(first, last)
    else acquireBatch(partition, request, ranges, first, last)
    if (ranges.count > countBefore) end = position + size
    if (ranges.count >= request.maxRecords) break
  }
  if (ranges.count === 0) return nothing
  return { records: records.subarray(0, end), ranges: ranges.all, count: ranges.count }
}

function acquireBatch(
  partition: SharePartition,
  { memberId, settings, now, isStrict, maxRecords }: AcquireRequest,
  ranges: Ranges,
  first: number,
  last: number,
): void {
  const lockedUntil = now + settings.recordLockDurationMs
  for (let offset = first; offset <= last; offset++) {
    if (isStrict && ranges.count >= maxRecords) break
    if (!partition.canAcquire(offset, settings)) continue
    ranges.add(offset, partition.acquire(offset, memberId, lockedUntil))
  }
  ranges.endBatch()
}

/** Readers of committed records get no batch of an aborted transaction, nor any marker. */
function isUnwanted(
  { attributes, producerId, baseOffset }: RecordBatchHeader,
  log: PartitionLog,
  { isolationLevel }: ShareGroupSettings,
): boolean {
  if (isolationLevel !== 'read_committed') return false
  if (isControl(attributes)) return true
  if (!isTransactional(attributes)) return false
  return log
    .abortedAfter(baseOffset)
    .some((range) => range.producerId === producerId && range.firstOffset <= baseOffset)
}

function* wholeBatches(
  records: Buffer,
): Generator<{ header: RecordBatchHeader; position: number; size: number }> {
  let position = 0
  while (position + batchOffsets.partitionLeaderEpoch <= records.length) {
    const length = records.readInt32BE(position + batchOffsets.batchLength)
    const size = length + batchOffsets.partitionLeaderEpoch
    if (position + size > records.length) return
    yield { header: decodeBatchHeader(records, position), position, size }
    position += size
  }
}

class Ranges {
  readonly all: AcquiredRange[] = []
  count = 0
  private readonly batchSize: number
  private readonly isStrict: boolean
  private current: AcquiredRange | null = null

  constructor({ batchSize, isStrict }: AcquireRequest) {
    this.batchSize = batchSize
    this.isStrict = isStrict
  }

  add(offset: number, deliveryCount: number): void {
    const { current } = this
    this.count++
    if (current?.lastOffset === offset - 1 && current.deliveryCount === deliveryCount) {
      current.lastOffset = offset
      return
    }
    this.current = { firstOffset: offset, lastOffset: offset, deliveryCount }
    this.all.push(this.current)
  }

  /** A range ends with the batch in which it reaches the batch size. New records stay one under a strict limit. */
  endBatch(): void {
    const { current } = this
    if (current === null || (this.isStrict && current.deliveryCount === 1)) return
    if (current.lastOffset - current.firstOffset + 1 >= this.batchSize) this.current = null
  }
}
