// The metrics of a producer, collected when a batch is sent and when it fails: nothing is counted per record.

import type { ApiSensors } from '../cluster/network-metrics.ts'
import { addAll } from '../collections/long-lists.ts'
import {
  counter,
  gauge,
  type Metric,
  type MetricGroup,
  quotient,
  readGroup,
} from '../metrics/metric.ts'
import { Sensor, SensorMap } from '../metrics/sensors.ts'
import { recordBatchOverhead } from '../records/record-batch.ts'
import type { ProducerBatch } from './batching/partition-queue.ts'

/** What is sent to one topic, or to all. */
class SendSensors {
  readonly records: Sensor = new Sensor()
  readonly bytes: Sensor = new Sensor()
  readonly ratio: Sensor = new Sensor()
  readonly errors: Sensor = new Sensor()
  readonly retries: Sensor = new Sensor()
}

export class ProducerMetrics {
  readonly all: SendSensors = new SendSensors()
  readonly topics: SensorMap<SendSensors> = new SensorMap(
    () => new SendSensors(),
    ({ records, errors, retries }) => Math.max(records.lastAt, errors.lastAt, retries.lastAt),
  )
  readonly batchSize: Sensor = new Sensor()
  readonly queueTime: Sensor = new Sensor()
  readonly splits: Sensor = new Sensor()
  readonly requestRecords: Sensor = new Sensor()
  /** Bytes of records before compression. */
  readonly recordBytes: Sensor = new Sensor()

  /** A request with these batches is written. */
  sent(batches: Iterable<ProducerBatch>, now: number): void {
    let records = 0
    let bytes = 0
    for (const batch of batches) {
      const { topic } = batch.partition
      const ofTopic = this.topics.get(topic.name)
      const { builder, attempts } = batch
      records += batch.count
      const size = builder.compressedSizeInBytes
      const ratio = size / builder.sizeInBytes
      for (const sensors of [this.all, ofTopic]) {
        if (attempts > 1) {
          sensors.retries.record(batch.count, now)
          continue
        }
        sensors.records.record(batch.count, now)
        sensors.bytes.record(size, now)
        sensors.ratio.record(ratio, now)
      }
      this.batchSize.record(size, now)
      if (attempts > 1) continue
      this.queueTime.record(now - batch.createdAt, now)
      bytes += builder.sizeInBytes - recordBatchOverhead
    }
    this.requestRecords.record(records, now)
    this.recordBytes.record(bytes, now)
  }

  /** Records of a batch got an error. */
  failed(topic: string, records: number): void {
    this.all.errors.record(records)
    this.topics.get(topic).errors.record(records)
  }
}

/** What is read when metrics are. */
export interface ProducerSource {
  readonly metrics: ProducerMetrics
  readonly memory: {
    readonly limit: number
    readonly used: number
    /** Records that were refused, as no memory was freed for them. */
    readonly exhausted: Sensor
    /** Which part of the time records waited for memory, 0 to 1. */
    readonly waitRatio: number
  }
  readonly produce: ApiSensors
}

/** @param compressionRate Java calls it otherwise for a topic */
const sends = (compressionRate: string) => [
  gauge<SendSensors>('record-send-rate', 'Records sent per second.', (s) => s.records.rate),
  counter<SendSensors>('record-send-total', 'Records sent.', (s) => s.records.sum),
  gauge<SendSensors>('byte-rate', 'Bytes of batches sent per second.', (s) => s.bytes.rate),
  counter<SendSensors>('byte-total', 'Bytes of batches sent.', (s) => s.bytes.sum),
  gauge<SendSensors>(
    compressionRate,
    'The average size of a batch after compression, as a part of its size before.',
    (s) => s.ratio.average,
  ),
  gauge<SendSensors>('record-error-rate', 'Records per second that failed.', (s) => s.errors.rate),
  counter<SendSensors>('record-error-total', 'Records that failed.', (s) => s.errors.sum),
  gauge<SendSensors>(
    'record-retry-rate',
    'Records per second that were sent again.',
    (s) => s.retries.rate,
  ),
  counter<SendSensors>('record-retry-total', 'Records that were sent again.', (s) => s.retries.sum),
]

const own = [
  gauge<ProducerSource>(
    'batch-size-avg',
    'The average size of batches (bytes).',
    ({ metrics }) => metrics.batchSize.average,
  ),
  gauge<ProducerSource>(
    'batch-size-max',
    'The greatest batch (bytes).',
    ({ metrics }) => metrics.batchSize.max,
  ),
  gauge<ProducerSource>(
    'records-per-request-avg',
    'The average number of records of a request.',
    ({ metrics }) => metrics.requestRecords.average,
  ),
  gauge<ProducerSource>(
    'record-size-avg',
    'The average size of a record before compression (bytes).',
    ({ metrics }) => quotient(metrics.recordBytes.rate, metrics.all.records.rate),
  ),
  gauge<ProducerSource>(
    'record-queue-time-avg',
    'How long batches waited to be sent on average (ms).',
    ({ metrics }) => metrics.queueTime.average,
  ),
  gauge<ProducerSource>(
    'record-queue-time-max',
    'The longest time that a batch waited to be sent (ms).',
    ({ metrics }) => metrics.queueTime.max,
  ),
  gauge<ProducerSource>(
    'produce-throttle-time-avg',
    'The average time that brokers throttled Produce requests (ms).',
    ({ produce }) => produce.throttle.average,
  ),
  gauge<ProducerSource>(
    'produce-throttle-time-max',
    'The longest time that a broker throttled a Produce request (ms).',
    ({ produce }) => produce.throttle.max,
  ),
  gauge<ProducerSource>(
    'batch-split-rate',
    'Batches per second that were split, as they were too large.',
    ({ metrics }) => metrics.splits.rate,
  ),
  counter<ProducerSource>(
    'batch-split-total',
    'Batches that were split, as they were too large.',
    ({ metrics }) => metrics.splits.sum,
  ),
  gauge<ProducerSource>(
    'buffer-total-bytes',
    'bufferMemory (bytes).',
    ({ memory }) => memory.limit,
  ),
  gauge<ProducerSource>(
    'buffer-available-bytes',
    'What of bufferMemory is free (bytes).',
    ({ memory }) => Math.max(0, memory.limit - memory.used),
  ),
  gauge<ProducerSource>(
    'bufferpool-wait-ratio',
    'The part of the time that records waited for bufferMemory, 0 to 1.',
    ({ memory }) => memory.waitRatio,
  ),
  gauge<ProducerSource>(
    'buffer-exhausted-rate',
    'Records per second that were refused, as no bufferMemory was freed for them.',
    ({ memory }) => memory.exhausted.frequency,
  ),
  counter<ProducerSource>(
    'buffer-exhausted-total',
    'Records that were refused, as no bufferMemory was freed for them.',
    ({ memory }) => memory.exhausted.count,
  ),
]

export const producerGroups: {
  readonly all: MetricGroup<SendSensors>
  readonly topics: MetricGroup<SendSensors>
  readonly own: MetricGroup<ProducerSource>
} = {
  all: { group: 'producer-metrics', tags: [], metrics: sends('compression-rate-avg') },
  topics: {
    group: 'producer-topic-metrics',
    tags: ['topic'],
    metrics: sends('compression-rate'),
  },
  own: { group: 'producer-metrics', tags: [], metrics: own },
}

export function readProducerMetrics(clientId: string, source: ProducerSource): Metric[] {
  const { metrics } = source
  const list = [
    ...readGroup(producerGroups.all, clientId, [], metrics.all),
    ...readGroup(producerGroups.own, clientId, [], source),
  ]
  for (const [topic, sensors] of metrics.topics) {
    addAll(list, readGroup(producerGroups.topics, clientId, [topic], sensors))
  }
  return list
}
