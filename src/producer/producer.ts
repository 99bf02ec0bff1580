// The producer: what a program calls. The path of a record: send or enqueue -> intake.ts (partition,
// memory) -> accumulator.ts (batch) -> sender.ts (request) -> delivery.ts (outcome) -> batch-deliveries.ts
// (the caller's promise).

import type { Writable } from 'node:stream'
import type { WritableStream } from 'node:stream/web'
import { Cluster } from '../cluster/cluster.ts'
import type { PartitionMetadata } from '../cluster/metadata.ts'
import { backoff } from '../cluster/retry.ts'
import { ClosedError, DeliveryError, DeliveryTimeoutError, type KafkaError } from '../errors.ts'
import type { ClusterOptions } from '../options.ts'
import type { Bytes } from '../types.ts'
import { Accumulator } from './accumulator.ts'
import { type RecordObserver, unknownPlace } from './batch-deliveries.ts'
import { BufferMemory } from './buffer-memory.ts'
import { Delivery } from './delivery.ts'
import { asKafkaError } from './delivery-errors.ts'
import { FlushLedger } from './flush-ledger.ts'
import type { Destination, HeldRecord } from './held-record.ts'
import { Intake } from './intake.ts'
import { callHook, interceptSend, makeObserver } from './interceptors.ts'
import { limitError, type WaitLimits, withLimits } from './limits.ts'
import { PartitionChooser } from './partitioner.ts'
import { ProducerIdSource } from './producer-id-source.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import { type PlainRecord, type ProducerRecord, serialized } from './producer-record.ts'
import { ProducerState } from './producer-state.ts'
import { RecordMetadata } from './record-metadata.ts'
import { SendMany } from './send-many.ts'
import { Sender } from './sender.ts'
import { StickyPartitioner } from './sticky-partitioner.ts'
import { TickClock } from './tick-clock.ts'
import { Topics } from './topics.ts'
import { nodeWritable, type WritableOptions, webWritable } from './writable.ts'

/** Sends records. Made by `kafka.producer()`; connects when the first record is sent. */
export class Producer implements AsyncDisposable {
  private readonly options: ResolvedProducerOptions
  private readonly cluster: Cluster
  private readonly state: ProducerState
  private readonly memory: BufferMemory
  private readonly flushes = new FlushLedger()
  private readonly clock = new TickClock()
  private readonly accumulator: Accumulator
  private readonly delivery: Delivery
  private readonly topics: Topics
  private readonly intake: Intake
  private readonly producerIds: ProducerIdSource
  private readonly sender: Sender
  private readonly observer: RecordObserver | null
  private readonly intercepts: boolean
  private closing: Promise<void> | null = null
  private hasClosed: () => void = () => {}
  /** Resolves when the producer is closed and nothing of it is left. */
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.hasClosed = resolve
  })

  constructor(clusterOptions: ClusterOptions, options: ResolvedProducerOptions) {
    const { requestTimeoutMs, retryBackoffMs, retryBackoffMaxMs, interceptors } = options
    const { logger } = clusterOptions
    this.options = options
    this.cluster = new Cluster({
      ...clusterOptions,
      requestTimeoutMs,
      retryBackoffMs,
      retryBackoffMaxMs,
    })
    this.intercepts = interceptors.some((each) => each.onSend !== undefined)
    this.observer = makeObserver(options.onDelivery, interceptors, logger)
    this.state = new ProducerState({ isIdempotent: options.enableIdempotence })
    this.memory = new BufferMemory({
      limit: options.bufferMemory,
      recordLimit: options.queueBufferingMaxMessages || Number.POSITIVE_INFINITY,
    })
    this.accumulator = new Accumulator(options, {
      memory: this.memory,
      flushes: this.flushes,
      producer: this.state,
      now: () => this.clock.now(),
      wake: () => this.sender.wake(),
      sealFailed: (batch, error) => {
        this.delivery.unsendable(batch, asKafkaError(error), this.clock.now())
        // In the midst of a drain: the memory that came free may have made other partitions ready.
        queueMicrotask(() => this.sender.wake())
      },
    })
    this.delivery = new Delivery(
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
        refreshMetadata: (reason) => this.cluster.requestRefresh(reason),
        dataLost: (loss) => {
          logger.error('a broker has lost records that it had acknowledged', { ...loss })
          callHook(options.onDataLoss, 'onDataLoss', loss, logger)
        },
        failed: (error) => this.fail(error),
      },
    )
    this.topics = new Topics({
      cluster: this.cluster,
      accumulator: this.accumulator,
      delivery: this.delivery,
      becameKnown: (topic, now) => this.intake.topicKnown(topic, now),
      wake: () => this.sender.wake(),
    })
    this.intake = new Intake(options, {
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
    })
    this.producerIds = new ProducerIdSource({
      cluster: this.cluster,
      producer: this.state,
      adopted: () => this.sender.wake(),
      refused: (error) => {
        this.delivery.failUnnumbered(this.topics.values(), error, this.clock.now())
      },
    })
    this.sender = new Sender(
      { ...options, usesZstd: options.compressionType === 'zstd' },
      {
        cluster: this.cluster,
        accumulator: this.accumulator,
        delivery: this.delivery,
        topics: this.topics,
        producer: this.state,
        producerIds: this.producerIds,
        flushes: this.flushes,
        clock: this.clock,
      },
    )
  }

  /**
   * Sends one record. Settles with this record's own acknowledgement.
   * @param limits the call is over then; a record that is in a batch by that time may still be written
   * @throws DeliveryError (`persisted` says whether the record may be in the log all the same),
   * InvalidArgumentError for a wrong record, BufferExhaustedError, ClosedError
   */
  send<K = Bytes, V = Bytes>(
    record: ProducerRecord<K, V>,
    limits?: WaitLimits,
  ): Promise<RecordMetadata> {
    try {
      const plain = this.accept(record)
      const batch = this.intake.append(plain, false)
      if (batch === null) return this.sendHeld(plain, limits)
      const sent = batch.deliveries.promise(batch.count - 1, this.intake.timestamp)
      return limits === undefined ? sent : withLimits(sent, limits, this.givenUp(plain, limits))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Sends many records with one promise: their metadata, in order.
   * @throws BatchDeliveryError if a record failed: its `results` have the fate of each
   */
  sendBatch<K = Bytes, V = Bytes>(
    records: Iterable<ProducerRecord<K, V>>,
  ): Promise<RecordMetadata[]> {
    const caller = new SendMany()
    let i = 0
    for (const record of records) this.sendOneOf(caller, i++, record)
    caller.complete()
    return caller.promise
  }

  /**
   * Takes a record without waiting; its outcome goes to `onDelivery`, together with `context`.
   * @returns false: the record is taken, and the budget is spent now, so await `drained()`
   * @throws InvalidArgumentError, ClosedError, BufferExhaustedError (when `false` was ignored): the
   * record is not taken
   */
  enqueue<K = Bytes, V = Bytes>(record: ProducerRecord<K, V>, context?: unknown): boolean {
    const plain = this.accept(record)
    const batch = this.intake.append(plain, true)
    if (batch === null) {
      this.intake.hold(plain, true, this.enqueued(plain, context))
    } else if (this.observer !== null) {
      const index = batch.count - 1
      batch.deliveries.noteTime(index, this.intake.timestamp)
      if (context !== undefined) batch.deliveries.noteContext(index, context)
    }
    return !this.memory.isSpent && !this.memory.hasWaiters
  }

  /** Resolves when there is room again. @throws BufferExhaustedError after `maxBlockMs`, ClosedError */
  drained(limits: WaitLimits = {}): Promise<void> {
    if (this.closing !== null) return Promise.reject(this.closedError())
    return withLimits(this.intake.drained(), limits, limitError('drained()', limits))
  }

  /** Sends all that waits, and resolves when everything taken before has its outcome. */
  flush(limits: WaitLimits = {}): Promise<void> {
    if (this.flushes.isEmpty) return Promise.resolve()
    // Those who await a send() shall have heard before this call goes on.
    const flushed = this.flushes.flush().then(() => new Promise<void>(setImmediate))
    this.accumulator.releaseAll(this.clock.now())
    return withLimits(flushed, limits, limitError('flush()', limits))
  }

  /**
   * A Node stream: each chunk is a record, or the value of one for `topic`, or what `toRecord` makes of
   * it. `finish` comes when all are acknowledged; a record that fails destroys the stream.
   */
  writable<Chunk = ProducerRecord>(options: WritableOptions<Chunk> = {}): Writable {
    return nodeWritable(this, options)
  }

  /** The same as a Web stream. */
  writableStream<Chunk = ProducerRecord>(
    options: WritableOptions<Chunk> = {},
  ): WritableStream<Chunk> {
    return webWritable(this, options)
  }

  /** The partitions of a topic, as metadata has them now. */
  async partitionsFor(
    topic: string,
    limits: WaitLimits = {},
  ): Promise<readonly PartitionMetadata[]> {
    this.checkOpen()
    const { maxBlockMs, allowAutoCreateTopics: allowAutoCreate } = this.options
    const { timeoutMs = maxBlockMs, signal } = limits
    const options = { timeoutMs, allowAutoCreate, ...(signal && { signal }) }
    return (await this.cluster.ensureTopic(topic, options)).partitions
  }

  /**
   * Takes no more records, sends what was taken, then closes the connections. What has no outcome after
   * `timeoutMs` fails with ClosedError as its cause. Default: until the delivery timeout has decided all.
   */
  close(options: { timeoutMs?: number } = {}): Promise<void> {
    this.closing ??= this.shutDown(options).finally(this.hasClosed)
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A record that may be taken: interceptors have seen it, serializers have done their work. */
  private accept(record: ProducerRecord<unknown, unknown>): PlainRecord {
    this.checkOpen()
    const changed = this.intercepts
      ? interceptSend(this.options.interceptors, record, this.cluster.options.logger)
      : record
    return serialized(changed)
  }

  private sendHeld(record: PlainRecord, limits: WaitLimits | undefined): Promise<RecordMetadata> {
    let held: HeldRecord | null = null
    const sent = new Promise<RecordMetadata>((resolve, reject) => {
      held = this.intake.hold(record, false, {
        placed: (batch, index, timestamp) => resolve(batch.deliveries.promise(index, timestamp)),
        refused: reject,
      })
    })
    if (limits === undefined) return sent
    return withLimits(sent, limits, (cause) => {
      if (held === null || held.isDone) return this.givenUp(record, limits)(cause)
      const error = notTaken(record, cause, limits)
      this.intake.cancel(held, error)
      return cause ?? error
    })
  }

  private sendOneOf(caller: SendMany, i: number, record: ProducerRecord<unknown, unknown>): void {
    try {
      const plain = this.accept(record)
      const batch = this.intake.append(plain, false)
      if (batch !== null) {
        const index = batch.count - 1
        batch.deliveries.noteTime(index, this.intake.timestamp)
        caller.placed(i, batch.deliveries, index)
        return
      }
      caller.held()
      this.intake.hold(plain, false, {
        placed: (holder, index, timestamp) => {
          holder.deliveries.noteTime(index, timestamp)
          caller.placed(i, holder.deliveries, index)
          caller.admitted()
        },
        refused: (error) => {
          caller.refused(i, error)
          caller.admitted()
        },
      })
    } catch (error) {
      caller.refused(i, asKafkaError(error))
    }
  }

  /** Where the outcome of an enqueued record goes that had to wait. */
  private enqueued(record: PlainRecord, context: unknown): Destination {
    return {
      placed: (batch, index, timestamp) => {
        batch.deliveries.noteTime(index, timestamp)
        if (context !== undefined) batch.deliveries.noteContext(index, context)
      },
      refused: (error) => {
        const place = unknownPlace(record.topic)
        this.observer?.(error, new RecordMetadata(place, 0, record.timestamp ?? -1), context)
        if (this.observer === null) {
          this.cluster.options.logger.error('an enqueued record was lost', { error })
        }
      },
    }
  }

  /** The caller of a send() waits no longer, but the record is on its way. */
  private givenUp(record: PlainRecord, limits: WaitLimits): (cause: unknown) => KafkaError {
    return (cause) => {
      const details = {
        topic: record.topic,
        partition: -1,
        attempts: 0,
        persisted: 'maybe',
      } as const
      return cause === undefined
        ? new DeliveryTimeoutError(
            `send() to ${record.topic} has no outcome after ${limits.timeoutMs} ms: the record is on its way and may be written yet`,
            details,
          )
        : new DeliveryError(
            `send() to ${record.topic} was aborted: the record is on its way and may be written yet`,
            { ...details, cause },
          )
    }
  }

  private checkOpen(): void {
    if (this.closing !== null) throw this.closedError()
    const { fatalError } = this.state
    if (fatalError === null) return
    throw new ClosedError(`the producer can do nothing more: ${fatalError.message}`, {
      cause: fatalError,
    })
  }

  private closedError(): ClosedError {
    return new ClosedError('the producer is closed')
  }

  /** There is no way back: everything fails, at once. */
  private fail(error: KafkaError): void {
    this.state.fail(error)
    this.intake.close(error)
    this.delivery.failAll(this.topics.values(), error)
  }

  private async shutDown({ timeoutMs }: { timeoutMs?: number }): Promise<void> {
    // An error that ends the wait is told to nobody: what is left fails right below, each with its own.
    await this.flush(timeoutMs === undefined ? {} : { timeoutMs }).catch(() => {})
    const error = this.closedError()
    this.intake.close(error)
    this.delivery.failAll(this.topics.values(), error)
    this.producerIds.close()
    this.sender.close()
    this.topics.close()
    await this.cluster.close()
  }
}

function notTaken(record: PlainRecord, cause: unknown, limits: WaitLimits): KafkaError {
  return new DeliveryError(
    `send() to ${record.topic} was not taken within ${limits.timeoutMs} ms: it still waited for metadata or memory`,
    { topic: record.topic, partition: -1, attempts: 0, persisted: 'no', cause },
  )
}
