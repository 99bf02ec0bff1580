// Tells the channel `kafkawire:batch` of batches: from their first request to their outcome.

import { channels, isTraced, Trace } from '../../diagnostics.ts'
import type { KafkaError } from '../../errors.ts'
import type { Sensor } from '../../metrics/sensors.ts'
import type { ProducerBatch } from '../batching/partition-queue.ts'

/** What counts the batches that fail or are split. */
export interface CompletionMetrics {
  failed(topic: string, records: number): void
  readonly splits: Sensor
}

/** Those in flight, while something subscribes. */
let traces: WeakMap<ProducerBatch, Trace> | null = null

/** A request with these batches is being written. */
export function traceBatches(
  batches: Iterable<ProducerBatch>,
  clientId: string,
  nodeId: number,
): void {
  if (!isTraced(channels.batch)) return
  traces ??= new WeakMap()
  for (const batch of batches) {
    if (traces.has(batch)) continue
    const { builder, count } = batch
    const { topic, partition } = batch.partition
    const trace = Trace.begin(channels.batch, () => ({
      clientId,
      nodeId,
      topic: topic.name,
      partition,
      records: count,
      bytes: builder.sizeInBytes,
      compressedBytes: builder.compressedSizeInBytes,
    }))
    if (trace !== null) traces.set(batch, trace)
  }
}

/** A batch has its outcome. */
export function endTrace(batch: ProducerBatch, error: KafkaError | null, baseOffset: bigint): void {
  const trace = traces?.get(batch)
  if (trace === undefined) return
  traces?.delete(batch)
  const { attempts } = batch
  if (error === null) trace.end({ attempts, baseOffset })
  else trace.fail(error)
}
