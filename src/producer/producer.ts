// The producer's public calls. The path of a record: record-calls.ts (send, sendBatch, enqueue) ->
// admission/ (partition, memory) -> batching/ (a batch) -> sending/ (a request, its response) ->
// batching/batch-callbacks.ts (the caller's promise).

import type { Writable } from 'node:stream'
import type { WritableStream } from 'node:stream/web'
import { monotonicMs } from '../async/clock.ts'
import { checkWaitOptions, type WaitLimits, waitFor } from '../async/wait.ts'
import type { PartitionMetadata } from '../cluster/metadata-snapshot.ts'
import { channels, traced } from '../diagnostics.ts'
import {
  ClosedError,
  CommitFailedError,
  FencedError,
  InvalidTransactionStateError,
} from '../errors.ts'
import type { Metric } from '../metrics/metric.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import { checkTopicName } from '../topic-partition.ts'
import type { RecordData, WaitOptions } from '../types.ts'
import type { ProducerHealth } from './health.ts'
import type { ResolvedProducerOptions } from './options.ts'
import { ProducerCore } from './producer-core.ts'
import type { ProducerRecord } from './record.ts'
import { RecordCalls } from './record-calls.ts'
import type { RecordMetadata } from './record-metadata.ts'
import { traceEnqueue, traceSend, tracesSends } from './send-traces.ts'
import { nodeWritable, type WritableOptions, webWritable } from './streams.ts'
import {
  checkTransactionRun,
  runTransaction,
  type Transaction,
  type TransactionRunOptions,
} from './transactions/run-transaction.ts'
import {
  limitsOf,
  readSendOffsets,
  type SendOffsetsArguments,
} from './transactions/send-offsets.ts'
import type { TransactionLifecycle } from './transactions/transaction-lifecycle.ts'

/** Sends records. Created by `kafka.producer()`; connects when the first record is sent, or by `connect()`. */
export class Producer implements AsyncDisposable {
  private readonly options: ResolvedProducerOptions
  private readonly core: ProducerCore
  private readonly records: RecordCalls
  private readonly transactions: TransactionLifecycle | null
  private closing: Promise<void> | null = null
  private readonly transactionBody = { isRunning: false }
  /** Aborts when close() may wait no longer for outcomes. */
  private readonly hurry = new AbortController()
  private hasClosed: () => void = () => {}
  /** Resolves when the producer is closed and nothing of it is left. */
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.hasClosed = resolve
  })

  constructor(clusterOptions: ClusterOptions, options: ResolvedProducerOptions) {
    this.options = options
    this.core = new ProducerCore(clusterOptions, options)
    this.transactions = this.core.transactions
    this.records = new RecordCalls({
      admission: this.core.intake,
      serializing: this.core.serializing,
      memory: this.core.memory,
      observer: this.core.observer,
      interceptors: options.interceptors,
      logger: clusterOptions.logger,
      checkOpen: () => this.checkOpen(),
      transactions: this.transactions,
    })
  }

  /**
   * Connects to the cluster, which the first record does by itself: to learn early whether it can be
   * reached and accepts the credentials.
   * @throws {ConnectionError} naming each address and its cause
   * @throws {TimeoutError} after `timeoutMs`
   * @throws {ClosedError} after `close()`
   */
  async connect(options?: WaitOptions): Promise<void> {
    const limits = checkWaitOptions(options, 'connect()', { defaultMs: this.options.maxBlockMs })
    this.checkOpen()
    await this.core.cluster.refresh({ ...limits, what: 'connect()' })
  }

  /** The same as `close()`, under the name that other clients use. */
  disconnect(options?: WaitOptions): Promise<void> {
    return this.close(options)
  }

  /**
   * Sends one record, and settles with its own acknowledgement.
   * @param options limits of this call: a record that is in a batch by then may still be written
   * @throws {DeliveryError} when it was not acknowledged; `persisted` says whether it may be in the log
   * @throws {DeliveryTimeoutError} the same, when time was up, wherever the record was
   * @throws {InvalidArgumentError} for a wrong record
   * @throws {ClosedError} after `close()`
   */
  send<K = RecordData, V = RecordData>(
    record: ProducerRecord<K, V>,
    options?: WaitOptions,
  ): Promise<RecordMetadata> {
    if (!tracesSends()) return this.records.send(record, options)
    return traceSend(this.clientId, 'send', [record], ([copy]) => this.records.send(copy, options))
  }

  /**
   * Sends many records with one promise: their metadata, in order. An iterable is read to its end before
   * any record is sent.
   * @param options limits of this call: records that are in a batch by then may still be written
   * @throws {BatchDeliveryError} when a record failed: its `results` have the outcome of each
   */
  sendBatch<K = RecordData, V = RecordData>(
    records: Iterable<ProducerRecord<K, V>>,
    options?: WaitOptions,
  ): Promise<RecordMetadata[]> {
    if (!tracesSends() || !Array.isArray(records)) return this.records.sendBatch(records, options)
    return traceSend(this.clientId, 'sendBatch', records, (copies) =>
      this.records.sendBatch(copies, options),
    )
  }

  /**
   * Takes a record without waiting. `onDelivery` is told its outcome, together with `context`.
   * @returns false when the record was taken, and the budget is spent or thousands of records wait for
   * metadata: await `drained()` before the next
   * @throws {InvalidArgumentError} for a wrong record
   * @throws {BufferExhaustedError} when `false` was ignored: the record was not taken
   * @throws {ClosedError} after `close()`
   */
  enqueue<K = RecordData, V = RecordData>(
    record: ProducerRecord<K, V>,
    context?: unknown,
  ): boolean {
    if (!tracesSends()) return this.records.enqueue(record, context)
    return traceEnqueue(this.clientId, record, (copy) => this.records.enqueue(copy, context))
  }

  /**
   * Resolves when there is room for more records.
   * @throws {BufferExhaustedError} after `maxBlockMs`
   * @throws {ClosedError} after `close()`
   */
  async drained(options?: WaitOptions): Promise<void> {
    const limits = checkWaitOptions(options, 'drained()')
    if (this.closing !== null) throw closedError()
    await waitFor(this.core.intake.drained(), limits, 'drained()')
  }

  /**
   * Sends what lingers, and resolves when every record taken before has its outcome.
   * @throws {TimeoutError} after `timeoutMs`; the records continue
   */
  async flush(options?: WaitOptions): Promise<void> {
    const limits = checkWaitOptions(options, 'flush()')
    limits.signal?.throwIfAborted()
    if (this.core.flushes.isEmpty) return
    // Code that awaits a send() runs before this call returns.
    const flushed = this.core.flushes.flush().then(() => new Promise<void>(setImmediate))
    this.core.accumulator.releaseAll(this.core.clock.now())
    await waitFor(flushed, limits, 'flush()')
  }

  /**
   * Gets the identity of this `transactionalId`: fences the producer that had it before, and aborts what
   * that one left open. `beginTransaction()` does it by itself. After an OutcomeUnknownError it makes sure
   * that nothing is left open.
   * @throws {BrokerError} where the id may not be used
   * @throws {ConfigError} when `transactionTimeoutMs` is longer than the brokers allow
   * @throws {TimeoutError} after `maxBlockMs`. After any of these the call may be made again
   */
  initTransactions(options?: WaitOptions): Promise<void> {
    return this.transactional('initTransactions()', options, (transactions, limits) =>
      transactions.init(limits),
    )
  }

  /**
   * Begins a transaction: what is sent from now on belongs to it. Gets an identity from the brokers the
   * first time, and after a transaction that failed.
   * @throws {InvalidTransactionStateError} while a transaction is open
   * @throws {FencedError} when another producer has the `transactionalId`; and as `initTransactions()`
   */
  beginTransaction(options?: WaitOptions): Promise<void> {
    return this.transactional('beginTransaction()', options, (transactions, limits) =>
      transactions.begin(limits),
    )
  }

  /**
   * Adds offsets to the transaction: those after everything that a consumer has delivered, the record in
   * hand included, or those given with `consumer.groupMetadata()`. A wrong argument changes nothing; any
   * other failure makes the transaction abortable.
   * @throws {InvalidArgumentError} for what is not an offset or a group, for a consumer with
   * `enableAutoCommit`, and for one that several loops read
   * @throws {CommitFailedError} when the consumer's partitions were assigned to another member
   */
  sendOffsets(...args: SendOffsetsArguments): Promise<void> {
    return this.transactional('sendOffsets()', limitsOf(args), (transactions, limits) => {
      transactions.requireOpen('sendOffsets')
      try {
        const { offsets, group } = readSendOffsets(args)
        const sent = transactions.sendOffsets(offsets, group, limits)
        sent.catch(ignore)
        return sent
      } catch (error) {
        if (error instanceof CommitFailedError) this.records.refuse(error)
        throw error
      }
    })
  }

  /**
   * Sends everything taken since the begin, awaited or not, and makes it visible together. Resolves only
   * when the coordinator has confirmed it.
   * @throws {TransactionAbortableError} when a record or an offset failed: call `abortTransaction()`
   * @throws {OutcomeUnknownError} when no response came within `maxBlockMs` or the call's limit, or when
   * another producer fenced this one (the `cause`) after an attempt without a response. Call it again, or
   * `initTransactions()`
   * @throws {FencedError} it was not committed, unless an earlier call had no outcome
   */
  commitTransaction(options?: WaitOptions): Promise<void> {
    return this.transactional('commitTransaction()', options, (transactions, limits) => {
      this.requireNoBody('commitTransaction()')
      return transactions.commit(limits)
    })
  }

  /**
   * Undoes everything since the begin. Records that were not sent yet fail.
   * @throws {OutcomeUnknownError} as `commitTransaction()`
   * @throws {FencedError} the brokers have aborted it
   */
  abortTransaction(options?: WaitOptions): Promise<void> {
    return this.transactional('abortTransaction()', options, (transactions, limits) => {
      this.requireNoBody('abortTransaction()')
      return transactions.abort(limits)
    })
  }

  /**
   * Runs `body` in a transaction: commits when it returns. When it throws, or a limit is reached, aborts,
   * and seeks its consumer back to the group's committed offsets. After a limit was reached, it waits for
   * the abort for at most 1 s. While the body runs, `commitTransaction()`
   * and `abortTransaction()` are refused.
   * @throws what the body threw, or what prevented the commit. When the abort fails too: a FencedError,
   * OutcomeUnknownError, ClosedError or KafkaError with both errors as its cause
   */
  async transaction<T>(
    body: (tx: Transaction) => T | Promise<T>,
    options?: TransactionRunOptions,
  ): Promise<T> {
    const run = checkTransactionRun(body, options)
    return runTransaction(this, this.core.cluster.options.logger, body, run, this.transactionBody)
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

  /**
   * The partitions of a topic, as metadata has them now.
   * @throws {BrokerError} when there is no such topic
   * @throws {TimeoutError} after `timeoutMs` (default: `maxBlockMs`)
   */
  async partitionsFor(topic: string, options?: WaitOptions): Promise<readonly PartitionMetadata[]> {
    const { maxBlockMs, allowAutoCreateTopics: allowAutoCreate } = this.options
    const limits = checkWaitOptions(options, 'partitionsFor()', { defaultMs: maxBlockMs })
    checkTopicName(topic, 'partitionsFor()')
    this.checkOpen()
    try {
      const { partitions } = await this.core.cluster.ensureTopic(topic, {
        timeoutMs: limits.timeoutMs,
        allowAutoCreate,
        what: `partitionsFor() of topic "${topic}"`,
        ...(limits.signal !== undefined && { signal: limits.signal }),
      })
      this.core.noteUse(topic)
      return partitions
    } catch (error) {
      this.core.noteMissing(topic)
      throw error
    }
  }

  /** Returns the metrics of this producer and of its connections. */
  metrics(): Metric[] {
    return this.core.readMetrics()
  }

  /**
   * The id by which the brokers know this client, when they take metrics that clients push (KIP-714).
   * @param options `timeoutMs` defaults to `maxBlockMs`
   * @throws {ConfigError} with `enableMetricsPush: false`
   * @throws {UnsupportedVersionError} when the brokers take no metrics of clients
   * @throws {TimeoutError} when no broker responds in time
   */
  async clientInstanceId(options?: WaitOptions): Promise<string> {
    const { maxBlockMs: defaultMs } = this.options
    const limits = checkWaitOptions(options, 'clientInstanceId()', { defaultMs })
    this.checkOpen()
    return await this.core.telemetry.clientInstanceId(limits)
  }

  /** How this producer is: for probes. Never throws. */
  health(): ProducerHealth {
    return this.core.health(this.closing !== null)
  }

  /**
   * Takes no more records, sends those that were taken, then closes the connections. Records without an
   * outcome after `timeoutMs`, or when `signal` aborts, fail with a ClosedError as their cause. Default:
   * until the delivery timeout has decided all of them. May be called again with a shorter limit.
   * @throws the signal's reason when it aborts; the producer is closed then too
   */
  async close(options?: WaitOptions): Promise<void> {
    const limits = checkWaitOptions(options, 'close()')
    this.closing ??= this.shutDown().finally(this.hasClosed)
    const { closing } = this
    await waitFor(closing, limits, 'close()').catch(() => this.hurry.abort())
    await closing
    limits.signal?.throwIfAborted()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async transactional(
    call: string,
    options: WaitOptions | undefined,
    run: (transactions: TransactionLifecycle, limits: WaitOptions) => Promise<void>,
  ): Promise<void> {
    const limits = checkWaitOptions(options, call)
    if (this.closing !== null) throw closedError()
    if (this.transactions === null) {
      throw new InvalidTransactionStateError(
        "transactions need the option 'transactionalId': kafka.producer({ transactionalId: 'billing-1' })",
      )
    }
    const { transactions } = this
    const { transactionalId } = this.options
    await traced(
      channels.transaction,
      () => ({ clientId: this.clientId, transactionalId, call: call.replace('()', '') }),
      () => run(transactions, given(options, limits)),
    )
  }

  /** An end by hand would make `transaction()` report a failure of what is committed, or end the next one. */
  private requireNoBody(call: string): void {
    if (!this.transactionBody.isRunning) return
    throw new InvalidTransactionStateError(
      `${call} was refused: transaction() ends this transaction itself, with a commit when its body returns. Throw in the body, or abort the signal of transaction(), to abort it`,
    )
  }

  private get clientId(): string {
    return this.core.cluster.options.clientId
  }

  private checkOpen(): void {
    if (this.closing !== null) throw closedError()
    const { fatalError } = this.core.state
    if (fatalError === null) return
    if (fatalError instanceof FencedError) throw fatalError
    throw new ClosedError(`the producer can do nothing more: ${fatalError.message}`, {
      cause: fatalError,
    })
  }

  private async shutDown(): Promise<void> {
    const { signal } = this.hurry
    const startedAt = monotonicMs()
    // A limit that ends this wait needs no report: what is left fails right below, each with its own error.
    await this.flush({ signal }).catch(ignore)
    await this.transactions?.leave({ signal }).catch((error: unknown) => {
      const { logger } = this.core.cluster.options
      // The brokers abort it when its time is up, or when its transactionalId is used again.
      logger.warn('a transaction was left open by close()', {
        error,
        afterMs: monotonicMs() - startedAt,
      })
    })
    this.core.failAll(closedError())
    await this.core.close(signal)
  }
}

const ignore = (): void => {}

function closedError(): ClosedError {
  return new ClosedError('the producer is closed')
}

/** The limits that the caller gave: those it left out have defaults of their own below. */
function given(options: WaitOptions | undefined, { timeoutMs, signal }: WaitLimits): WaitOptions {
  return {
    ...(options?.timeoutMs !== undefined && { timeoutMs }),
    ...(signal !== undefined && { signal }),
  }
}
