// The parts of a producer and how they hang together: what each tells the others. The public face of it is
// producer.ts; a record's way through them is told in docs/internals/architecture.md.

import { backoff } from '../async/retry.ts'
import { TickClock } from '../async/tick-clock.ts'
import { Cluster } from '../cluster/cluster.ts'
import { BrokerError, ClosedError, type KafkaError, toKafkaError } from '../errors.ts'
import type { Metric } from '../metrics/metric.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import { ClientTelemetry } from '../telemetry/client-telemetry.ts'
import { RecordAdmission } from './admission/record-admission.ts'
import { SerializationQueue } from './admission/serialization-queue.ts'
import { Accumulator } from './batching/accumulator.ts'
import type { RecordObserver } from './batching/batch-callbacks.ts'
import { BufferMemory } from './batching/buffer-memory.ts'
import { BufferPool } from './batching/buffer-pool.ts'
import { FlushTracker } from './batching/flush-tracker.ts'
import type { ProducerBatch } from './batching/partition-queue.ts'
import { type ProducerHealth, producerHealth } from './health.ts'
import { ProducerIdRequest } from './idempotence/producer-id-request.ts'
import { ProducerIdentity } from './idempotence/producer-identity.ts'
import { callHook, makeObserver } from './interceptors.ts'
import type { ResolvedProducerOptions } from './options.ts'
import { PartitionChooser } from './partitioning/partitioner.ts'
import { StickyPartitioner } from './partitioning/sticky-partitioner.ts'
import { ProducerMetrics, readProducerMetrics } from './producer-metrics.ts'
import { BatchCompletion } from './sending/batch-completion.ts'
import { ProblemWatch } from './sending/problem-watch.ts'
import { ProduceProblems } from './sending/produce-problems.ts'
import { ProducerProblems } from './sending/producer-problems.ts'
import { Sender } from './sending/sender.ts'
import { Topics } from './sending/topic-metadata.ts'
import { TransactionLifecycle } from './transactions/transaction-lifecycle.ts'

export class ProducerCore {
  readonly cluster: Cluster
  readonly state: ProducerIdentity
  readonly memory: BufferMemory
  /** The sender's timer, and its wish for a producer id, keep the process alive while something is alive. */
  readonly flushes: FlushTracker = new FlushTracker(() => {
    this.sender.wake()
    this.watch.begin()
  })
  readonly clock: TickClock = new TickClock()
  readonly accumulator: Accumulator
  readonly intake: RecordAdmission
  /** Records whose serializers have not settled. */
  readonly serializing: SerializationQueue
  /** Called with each record's outcome; null without hooks. */
  readonly observer: RecordObserver | null
  readonly metrics: ProducerMetrics = new ProducerMetrics()
  readonly telemetry: ClientTelemetry
  private readonly delivery: BatchCompletion
  private readonly problems: ProducerProblems
  private readonly watch: ProblemWatch
  private readonly topics: Topics
  private readonly producerIds: ProducerIdRequest
  private readonly sender: Sender
  /** null without a `transactionalId`. */
  readonly transactions: TransactionLifecycle | null

  constructor(clusterOptions: ClusterOptions, options: ResolvedProducerOptions) {
    const { requestTimeoutMs, retryBackoffMs, retryBackoffMaxMs, interceptors } = options
    const { logger } = clusterOptions
    this.cluster = new Cluster({
      ...clusterOptions,
      requestTimeoutMs,
      retryBackoffMs,
      retryBackoffMaxMs,
    })
    this.observer = makeObserver(options.onDelivery, interceptors, logger)
    const { transactionalId } = options
    this.state = new ProducerIdentity({
      isIdempotent: options.enableIdempotence,
      isTransactional: transactionalId !== null,
    })
    this.memory = new BufferMemory({
      limit: options.bufferMemory,
      recordLimit: options.maxBufferedRecords || Number.POSITIVE_INFINITY,
    })
    this.accumulator = new Accumulator(options, {
      memory: this.memory,
      buffers: new BufferPool(options.bufferMemory),
      flushes: this.flushes,
      producer: this.state,
      now: () => this.clock.now(),
      wake: () => this.sender.wake(),
      checkOpen: transactionalId === null ? null : () => this.transactions?.requireGoing(),
      onOpened:
        transactionalId === null ? null : (partition) => this.transactions?.opened(partition),
      onSealFailed: (batch, error) => {
        this.delivery.unsendable(batch, toKafkaError(error), this.clock.now())
        // In the midst of a drain: the memory that came free may have made other partitions ready.
        queueMicrotask(() => this.sender.wake())
      },
    })
    const produce = new ProduceProblems()
    this.delivery = new BatchCompletion(
      {
        ...options,
        backoff: (retries) => backoff(retries - 1, retryBackoffMs, retryBackoffMaxMs),
      },
      {
        accumulator: this.accumulator,
        memory: this.memory,
        flushes: this.flushes,
        producer: this.state,
        observer: this.observer,
        metrics: this.metrics,
        problems: produce,
        obstacleTo: (node) => this.sender.obstacleTo(node),
        principal: () => this.cluster.principal,
        refreshMetadata: (reason) => this.cluster.requestRefresh(reason),
        onDataLoss: (loss) => {
          logger.error('a broker has lost records that it had acknowledged', { ...loss })
          callHook(options.onDataLoss, 'onDataLoss', loss, logger)
        },
        onFailed: (error) => this.fail(error),
        onBatchFailed:
          transactionalId === null
            ? null
            : (error, hadNumbers) => this.transactions?.batchFailed(error, hadNumbers),
      },
    )
    this.topics = new Topics({
      cluster: this.cluster,
      metadataMaxIdleMs: options.metadataMaxIdleMs,
      isObserved: this.observer !== null,
      accumulator: this.accumulator,
      delivery: this.delivery,
      onKnown: (topic, now) => this.intake.topicKnown(topic, now),
      wake: () => this.sender.wake(),
    })
    this.intake = new RecordAdmission(options, {
      cluster: this.cluster,
      accumulator: this.accumulator,
      memory: this.memory,
      flushes: this.flushes,
      topics: this.topics,
      chooser: new PartitionChooser({
        partitioner: options.partitioner,
        ignoresKeys: options.partitionerIgnoreKeys,
        random: Math.random,
      }),
      sticky: new StickyPartitioner({
        batchSize: options.batchSize,
        isAdaptive: options.partitionerAdaptivePartitioningEnable,
        availabilityTimeoutMs: options.partitionerAvailabilityTimeoutMs,
        isStuck: (node, forMs, now) => this.accumulator.isStuck(node, forMs, now),
        random: Math.random,
      }),
      clock: this.clock,
      wake: () => this.sender.wake(),
      onRefused:
        transactionalId === null ? null : (error) => this.transactions?.recordRefused(error),
    })
    this.serializing = new SerializationQueue({
      admission: this.intake,
      memory: this.memory,
      flushes: this.flushes,
      accumulator: this.accumulator,
      clock: this.clock,
      maxBlockMs: options.maxBlockMs,
      onRefused:
        transactionalId === null ? null : (error) => this.transactions?.recordRefused(error),
    })
    this.transactions =
      transactionalId === null
        ? null
        : new TransactionLifecycle(
            { ...options, transactionalId },
            {
              cluster: this.cluster,
              producer: this.state,
              accumulator: this.accumulator,
              flushes: this.flushes,
              now: () => this.clock.now(),
              failUnsent: (error) => this.failUnsent(error),
              onFailed: (error) => this.fail(error),
              wake: () => this.sender.wake(),
              watch: () => this.watch.begin(),
            },
          )
    this.producerIds = new ProducerIdRequest({
      cluster: this.cluster,
      producer: this.state,
      onAdopted: () => this.sender.wake(),
      onRefused: (error) => {
        this.failWaiting((batch) => batch.stamp === null, error)
      },
    })
    this.sender = new Sender(
      { ...options, usesZstd: options.compressionType === 'zstd' },
      {
        cluster: this.cluster,
        accumulator: this.accumulator,
        memory: this.memory,
        delivery: this.delivery,
        topics: this.topics,
        producer: this.state,
        producerIds: this.producerIds,
        flushes: this.flushes,
        clock: this.clock,
        metrics: this.metrics,
        onTurn: this.transactions?.turned ?? null,
      },
    )
    this.problems = new ProducerProblems({
      cluster: this.cluster,
      identity: () => this.transactions?.problem ?? this.producerIds.problem,
      topics: () => this.topics.values(),
      leaderless: this.accumulator.leaderless,
      serializing: () => this.serializing.waiting(),
      produce,
    })
    this.watch = new ProblemWatch(
      this.problems,
      () => this.flushes.isEmpty && this.transactions?.isAsking !== true,
      (error) => {
        logger.warn(error.message, { error })
        callHook(options.onError, 'onError', error, logger)
      },
    )
    this.telemetry = new ClientTelemetry(
      {
        cluster: this.cluster,
        readMetrics: () => this.readMetrics(),
        resource: () => ({ transactional_id: transactionalId }),
      },
      options.enableMetricsPush,
    )
  }

  health(isClosed: boolean): ProducerHealth {
    const { cluster, memory, state } = this
    return producerHealth({
      isClosed,
      fatalError: state.fatalError,
      isUnreachable: cluster.isOutage,
      memory,
      problems: this.problems.list(),
      leadersInUse: this.problems.leadersInUse(),
      busyCoordinator: this.transactions?.busyCoordinator ?? null,
    })
  }

  readMetrics(): Metric[] {
    const { cluster, metrics, memory } = this
    const own = readProducerMetrics(cluster.options.clientId, {
      metrics,
      memory,
      produce: cluster.metrics.apis.get('Produce'),
    })
    return [...own, ...cluster.readMetrics('producer')]
  }

  /** A caller asks about a topic: its metadata is refreshed as if records were sent to it. */
  noteUse(topic: string): void {
    const now = this.clock.now()
    this.topics.get(topic, now).lastUsedAt = now
  }

  /** A caller asked about a topic that is not found: it is not asked for because of that. */
  noteMissing(topic: string): void {
    this.topics.forget(this.topics.get(topic, this.clock.now()))
  }

  /** There is no way back: everything fails, at once. */
  fail(error: KafkaError): void {
    const { transactions } = this
    const isFence = error instanceof BrokerError && error.errorCode === errorCodes.PRODUCER_FENCED
    const fatal = isFence && transactions !== null ? transactions.fenced(error) : error
    this.state.fail(fatal)
    this.failAll(fatal)
    transactions?.stop(fatal)
  }

  /** Fails what has no outcome yet. */
  failAll(error: KafkaError): void {
    this.serializing.refuseAll(error)
    this.intake.close(error)
    this.delivery.failAll(this.topics.values(), error)
  }

  /** Fails what waits and was never sent: its transaction will not be committed. */
  private failUnsent(error: KafkaError): void {
    this.serializing.refuseAll(error)
    this.intake.refuseAll(error)
    this.failWaiting((batch) => !batch.isSent, error)
  }

  private failWaiting(hopeless: (batch: ProducerBatch) => boolean, error: KafkaError): void {
    this.delivery.failWaiting(this.topics.values(), hopeless, error, this.clock.now())
  }

  /** Ends timers, requests and connections. Metrics are pushed for the last time, unless `limit` is over. */
  async close(limit: AbortSignal): Promise<void> {
    this.transactions?.stop(new ClosedError('the producer is closed'))
    this.producerIds.close()
    this.watch.close()
    this.sender.close()
    this.topics.close()
    await this.telemetry.close(limit)
    await this.cluster.close()
  }
}
