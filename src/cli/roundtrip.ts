// The main job: records in, acknowledged, read back by a consumer group, compared one by one. The CPU
// time that is reported is the client's: making the records and checking them is left out.

import { preciseMs, wallMs } from '../async/clock.ts'
import { onAbort, waitFor } from '../async/wait.ts'
import type { CompressionType } from '../compression/codec.ts'
import type { Consumer } from '../consumer/consumer.ts'
import { KafkaError } from '../errors.ts'
import type { Kafka } from '../kafka.ts'
import { codeName, errorCodes } from '../protocol/error-codes.ts'
import { createTopics } from '../protocol/messages/create-topics.ts'
import { deleteTopics } from '../protocol/messages/delete-topics.ts'
import type { ConsumerRecord } from '../records/consumer-record.ts'
import { CpuMeter } from './cpu-meter.ts'
import type { RecordSource } from './record-source.ts'
import { RoundtripCheck, type RoundtripFindings } from './roundtrip-check.ts'

export interface RoundtripJob {
  kafka: Kafka
  source: RecordSource
  topic: string
  partitions: number
  compressionType: CompressionType
  /** Ends the trip with its reason; what was not written by then is not written. */
  signal?: AbortSignal
  /** Called now and then with the progress. */
  onProgress: (phase: 'produce' | 'consume', records: number) => void
}

/** One direction's figures. */
export interface Measured {
  records: number
  bytes: number
  seconds: number
  cpuMicros: number
}

export interface RoundtripResult {
  produced: Measured
  consumed: Measured
  /** Milliseconds from `enqueue` to acknowledgement, at full speed. */
  ackP50Ms: number
  ackP99Ms: number
  findings: RoundtripFindings
}

/** One record in this many has its acknowledgement timed. */
const SAMPLE_EVERY = 101
/** Reading ends when no record has come for this long (ms). */
const SILENCE_MS = 30_000

/**
 * Creates the topic if it is not there. Whether it was made here.
 * @throws BrokerError
 */
export async function ensureTopic(
  kafka: Kafka,
  name: string,
  partitions: number,
): Promise<boolean> {
  const { brokers } = await kafka.metadata()
  const { topics } = await kafka.request(
    createTopics,
    {
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor: Math.min(3, brokers.size),
          assignments: [],
          configs: [],
        },
      ],
      timeoutMs: 30_000,
      validateOnly: false,
    },
    { controller: true, retries: 5 },
  )
  const { errorCode, errorMessage } = topics[0]
  if (errorCode === errorCodes.TOPIC_ALREADY_EXISTS) return false
  if (errorCode === 0) return true
  throw new KafkaError(`creating topic ${name}: ${codeName(errorCode)}: ${errorMessage ?? ''}`)
}

export async function removeTopic(kafka: Kafka, name: string): Promise<void> {
  const { responses } = await kafka.request(
    deleteTopics,
    {
      topics: [{ name, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
      topicNames: [name],
      timeoutMs: 30_000,
    },
    { controller: true, retries: 5 },
  )
  const { errorCode } = responses[0]
  if (errorCode !== 0) throw new KafkaError(`deleting topic ${name}: ${codeName(errorCode)}`)
}

/** The whole trip. The topic must exist; what stands in it already is passed over. */
export async function roundtrip(job: RoundtripJob): Promise<RoundtripResult> {
  const { kafka, topic } = job
  const consumer = kafka.consumer({
    groupId: `${topic}-${process.pid}-${wallMs()}`,
    topics: [topic],
    autoOffsetReset: 'earliest',
  })
  try {
    return await thereAndBack(job, consumer)
  } finally {
    await consumer.close()
  }
}

async function thereAndBack(job: RoundtripJob, consumer: Reader): Promise<RoundtripResult> {
  const { topic } = job
  const begin = await endOffsets(consumer, topic, job.partitions)
  const { measured: produced, latencies } = await produce(job)
  const end = await endOffsets(consumer, topic, job.partitions)
  const check = new RoundtripCheck(produced.records, job.source.value)
  const consumed = await consume(job, consumer, begin, end, check)
  latencies.sort((a, b) => a - b)
  const percentile = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return {
    produced,
    consumed,
    ackP50Ms: percentile(0.5),
    ackP99Ms: percentile(0.99),
    findings: check.findings(),
  }
}

type Reader = Consumer<Buffer | null, Buffer | null>

async function endOffsets(consumer: Reader, topic: string, partitions: number): Promise<bigint[]> {
  const wanted = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  const ends: bigint[] = new Array(partitions).fill(0n)
  for (const { partition, offset } of await consumer.endOffsets(wanted)) ends[partition] = offset
  return ends
}

async function produce(job: RoundtripJob): Promise<{ measured: Measured; latencies: number[] }> {
  const { topic, source, compressionType, signal } = job
  const latencies: number[] = []
  let records = 0
  let bytes = 0
  let acknowledged = 0
  let firstFailure: KafkaError | null = null
  const producer = job.kafka.producer({
    compressionType,
    onDelivery: (error, _metadata, context) => {
      if (error === null) acknowledged++
      else firstFailure ??= error
      if (typeof context === 'number') latencies.push(preciseMs() - context)
    },
  })
  // What it still has would be sent to a topic that is deleted by then.
  const unwatch = signal && onAbort(signal, () => void producer.close({ timeoutMs: 0 }))
  const meter = new CpuMeter()
  const chunks = source.chunks()[Symbol.asyncIterator]()
  for (;;) {
    const { value: chunk, done } = await waitFor(chunks.next(), { signal }, 'reading')
    if (done === true) break
    const keys = meter.leaveOut(() => chunk.map((_, i) => String(records + i)))
    for (let i = 0; i < chunk.length; i++) {
      const record = { topic, key: keys[i], value: chunk[i] }
      const startedAt = records % SAMPLE_EVERY === 0 ? preciseMs() : undefined
      if (!producer.enqueue(record, startedAt)) await producer.drained({ signal })
      bytes += chunk[i].length
      records++
    }
    job.onProgress('produce', acknowledged)
  }
  await producer.flush({ signal })
  unwatch?.()
  const measured = { records, bytes, ...meter.read() }
  await producer.close()
  if (firstFailure !== null) throw firstFailure
  if (acknowledged !== records) {
    throw new KafkaError(`${records} records were sent, ${acknowledged} acknowledged`)
  }
  return { measured, latencies }
}

async function consume(
  job: RoundtripJob,
  consumer: Reader,
  begin: readonly bigint[],
  end: readonly bigint[],
  check: RoundtripCheck,
): Promise<Measured> {
  const left = new Set(
    end.flatMap((offset, partition) => (offset > begin[partition] ? [partition] : [])),
  )
  let records = 0
  let bytes = 0
  let isSilent = false
  const onSilence = (): void => {
    isSilent = true
    void consumer.close()
  }
  let silence = setTimeout(onSilence, SILENCE_MS)
  job.signal?.addEventListener('abort', () => clearTimeout(silence), { once: true })
  const meter = new CpuMeter()
  if (left.size > 0) {
    for await (const batch of consumer.batches({ signal: job.signal })) {
      clearTimeout(silence)
      silence = setTimeout(onSilence, SILENCE_MS)
      const { partition } = batch
      const taken: ConsumerRecord[] = []
      for (const record of batch) {
        if (record.offset < begin[partition]) continue
        bytes += record.value?.length ?? 0
        taken.push(record)
      }
      records += taken.length
      meter.leaveOut(() => {
        for (const { offset, key, value } of taken) check.take(partition, offset, key, value)
      })
      if (batch.nextOffset >= end[partition]) left.delete(partition)
      job.onProgress('consume', records)
      if (left.size === 0) break
    }
  }
  clearTimeout(silence)
  if (isSilent) {
    const where = [...left].map((partition) => `${job.topic}-${partition}`).join(', ')
    throw new KafkaError(
      `nothing came from ${where} for ${SILENCE_MS / 1000} s, though records are left there`,
    )
  }
  return { records, bytes, ...meter.read() }
}
