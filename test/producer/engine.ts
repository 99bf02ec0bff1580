// The producer without sockets and timers: accumulator, sequences and delivery, driven by hand. Time is a
// number, answers are made by the test. What the sender does with a connection is `drain` and `answer`.

import type { DeliveryError, KafkaError } from '../../src/errors.ts'
import { ConnectionError } from '../../src/errors.ts'
import { Accumulator, type AccumulatorOptions } from '../../src/producer/batching/accumulator.ts'
import { BufferMemory } from '../../src/producer/batching/buffer-memory.ts'
import { BufferPool } from '../../src/producer/batching/buffer-pool.ts'
import { FlushTracker } from '../../src/producer/batching/flush-tracker.ts'
import type { PartitionQueue, ProducerBatch } from '../../src/producer/batching/partition-queue.ts'
import { ProducerTopic } from '../../src/producer/batching/topic.ts'
import type { DataLoss } from '../../src/producer/hooks.ts'
import { ProducerIdentity } from '../../src/producer/idempotence/producer-identity.ts'
import { ProducerMetrics } from '../../src/producer/producer-metrics.ts'
import { RecordMetadata } from '../../src/producer/record-metadata.ts'
import {
  BatchCompletion,
  type BatchCompletionOptions,
} from '../../src/producer/sending/batch-completion.ts'
import type { PartitionProduceResponse } from '../../src/protocol/messages/produce.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { recordSizeUpperBound } from '../../src/records/record-encoder.ts'

/** What became of a record. The hook is told later, in append order; this is what its promise says. */
export class Fate {
  readonly value: string
  /** How many outcomes the hook was told: more than one is a bug. */
  told = 0
  private readonly batch: ProducerBatch
  private readonly index: number

  constructor(value: string, batch: ProducerBatch) {
    this.value = value
    this.batch = batch
    this.index = batch.count - 1
  }

  /** null while it is open, and when it failed. */
  get metadata(): RecordMetadata | null {
    const outcome = this.outcome
    return outcome instanceof RecordMetadata ? outcome : null
  }

  /** null while it is open, and when it was acknowledged. */
  get error(): DeliveryError | null {
    const outcome = this.outcome
    return outcome instanceof RecordMetadata ? null : (outcome as DeliveryError | null)
  }

  /** 1 once it has an outcome, and more where the hook was told of several. */
  get outcomes(): number {
    return Math.max(this.told, this.outcome === null ? 0 : 1)
  }

  private get outcome() {
    return this.batch.deliveries.outcomeOf(this.index)
  }
}

export interface EngineOptions
  extends Partial<AccumulatorOptions>,
    Partial<BatchCompletionOptions> {
  partitions?: number
  isIdempotent?: boolean
  bufferMemory?: number
  /** The smallest buffers that are used again. */
  smallestPooled?: number
}

export class Engine {
  now = 1_000_000
  readonly topic: ProducerTopic
  readonly producer: ProducerIdentity
  readonly memory: BufferMemory
  readonly flushes: FlushTracker = new FlushTracker()
  readonly accumulator: Accumulator
  readonly delivery: BatchCompletion
  readonly dataLosses: DataLoss[] = []
  readonly refreshes: string[] = []
  readonly fatal: KafkaError[] = []
  readonly fates: Fate[] = []

  constructor(options: EngineOptions = {}) {
    const isIdempotent = options.isIdempotent ?? true
    this.producer = new ProducerIdentity({ isIdempotent })
    if (isIdempotent) this.producer.adopt(7n, 0)
    this.memory = new BufferMemory({
      limit: options.bufferMemory ?? 1 << 25,
      recordLimit: Number.POSITIVE_INFINITY,
    })
    const context = { memory: this.memory, flushes: this.flushes, producer: this.producer }
    this.accumulator = new Accumulator(
      {
        batchSize: 16_384,
        lingerMs: 0,
        deliveryTimeoutMs: 120_000,
        maxRequestSize: 1 << 20,
        mutesPartitions: !isIdempotent,
        compressionType: 'none',
        compressionLevel: null,
        flush: { records: 0, bytes: 0, intervalMs: 0 },
        ...options,
      },
      {
        ...context,
        buffers: new BufferPool(1 << 25, options.smallestPooled),
        now: () => this.now,
        wake: () => {},
        checkOpen: null,
        onOpened: null,
        onSealFailed: (batch, error) =>
          this.delivery.unsendable(batch, error as KafkaError, this.now),
      },
    )
    this.delivery = new BatchCompletion(
      {
        batchSize: 16_384,
        deliveryTimeoutMs: 120_000,
        retries: 2 ** 31 - 1,
        gapless: false,
        backoff: () => 100,
        ...options,
      },
      {
        ...context,
        accumulator: this.accumulator,
        metrics: new ProducerMetrics(),
        problems: { failed: () => {}, ended: () => {} },
        observer: (_error, _metadata, context) => {
          const fate = context as Fate
          fate.told++
        },
        obstacleTo: () => null,
        principal: () => null,
        refreshMetadata: (reason) => this.refreshes.push(reason),
        onDataLoss: (loss) => this.dataLosses.push(loss),
        onFailed: (error) => this.fail(error),
        onBatchFailed: null,
      },
    )
    this.topic = new ProducerTopic('t', true)
    this.topic.update({
      name: 't',
      topicId: ZERO_UUID,
      isInternal: false,
      partitions: Array.from({ length: options.partitions ?? 1 }, (_, partition) => ({
        partition,
        leader: 1,
        leaderEpoch: 1,
        replicas: [],
        isr: [],
        offlineReplicas: [],
        errorCode: 0,
      })),
    })
    for (const partition of this.topic.partitions) {
      this.accumulator.setLeader(partition, 1, 1, this.now)
    }
  }

  get partition(): PartitionQueue {
    return this.topic.partitions[0]
  }

  /** Accepts a record; its fate is told by the observer. */
  append(value: string, partition: PartitionQueue = this.partition): Fate {
    const bound = recordSizeUpperBound(null, value, [])
    const batch = this.accumulator.append(partition, null, value, [], this.now, bound, this.now)
    const fate = new Fate(value, batch)
    batch.deliveries.noteContext(batch.count - 1, fate)
    this.fates.push(fate)
    return fate
  }

  /** A record in a batch of its own. */
  appendBatch(value: string, partition: PartitionQueue = this.partition): Fate {
    this.accumulator.closeOpen(partition, this.now)
    const fate = this.append(value, partition)
    this.accumulator.closeOpen(partition, this.now)
    return fate
  }

  /** What would go to a broker now, in one request. */
  drain(node = 1): ProducerBatch[] {
    this.delivery.expire(this.now)
    this.accumulator.advance(this.now)
    return this.accumulator.drain(node, this.now)
  }

  /** The one batch that would go to a broker now. */
  drainOne(node = 1): ProducerBatch {
    const batches = this.drain(node)
    if (batches.length !== 1) throw new Error(`drained ${batches.length} batches, expected one`)
    return batches[0]
  }

  /** A broker answers. Unless `isReleased`, the kernel has not reported the write as done. */
  answer(
    batch: ProducerBatch,
    errorCode = 0,
    more: Partial<PartitionProduceResponse> = {},
    node = 1,
    isReleased = true,
  ): void {
    if (isReleased) batch.writeReleased()
    const answer: PartitionProduceResponse = {
      index: batch.partition.partition,
      errorCode,
      baseOffset: errorCode === 0 ? 0n : -1n,
      logAppendTimeMs: -1n,
      logStartOffset: 0n,
      recordErrors: [],
      errorMessage: null,
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      ...more,
    }
    this.delivery.responded(batch, answer, node, this.now)
  }

  /** The connection is lost with this batch under way. */
  lose(batch: ProducerBatch, wasSent = true): void {
    this.delivery.lost(batch, new ConnectionError('lost', { wasSent }), wasSent, this.now)
  }

  /** Metadata names a leader. */
  lead(node: number, leaderEpoch: number, partition: PartitionQueue = this.partition): void {
    this.accumulator.setLeader(partition, node, leaderEpoch, this.now)
  }

  private fail(error: KafkaError): void {
    this.fatal.push(error)
    this.producer.fail(error)
    this.delivery.failAll([this.topic], error)
  }
}
