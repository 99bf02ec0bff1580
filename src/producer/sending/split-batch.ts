// A batch that the broker found too large becomes several. They take over its numbers, its share of the
// memory budget and its promises, and go to its place in the queue.

import { recordBatchOverhead } from '../../records/record-batch.ts'
import type { Accumulator } from '../batching/accumulator.ts'
import type { ChildDeliveries } from '../batching/batch-callbacks.ts'
import type { FlushTracker } from '../batching/flush-tracker.ts'
import type { ProducerBatch } from '../batching/partition-queue.ts'

/** Splits a batch of at least two records, none of which is in doubt. */
export function splitBatch(
  batch: ProducerBatch,
  batchSize: number,
  { accumulator, flushes }: { accumulator: Accumulator; flushes: FlushTracker },
  now: number,
): void {
  const { partition, builder } = batch
  const isSmall = batch.isChild || builder.sizeInBytes <= batchSize
  const half = Math.ceil(builder.sizeInBytes / 2)
  const most = isSmall ? Math.max(recordBatchOverhead + builder.largestRecord, half) : batchSize
  const children = accumulator.makeChildren(batch, builder.split(most))
  partition.state.replace(batch, children)
  partition.unreported?.replace(batch, children)
  let first = 0
  const places = children.map((child): ChildDeliveries => {
    const place = { deliveries: child.deliveries, first, count: child.count }
    first += child.count
    return place
  })
  batch.deliveries.splitInto(places)
  batch.settle()
  flushes.leave(batch.generation)
  for (const child of children) {
    child.retryFrom(now)
    accumulator.requeue(child, now)
  }
}
