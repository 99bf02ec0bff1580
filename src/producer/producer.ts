// The producer: what a program calls. The path of a record: send or enqueue -> record-admission.ts (partition,
// memory) -> accumulator.ts (batch) -> sender.ts (request) -> delivery.ts (outcome) -> batch-callbacks.ts
// (the caller's promise).

import type { Writable } from 'node:stream'
import type { WritableStream } from 'node:stream/web'
import { monotonicMs } from '../async/clock.ts'
import { limitError, withLimits } from '../async/wait-limits.ts'
import type { PartitionMetadata } from '../cluster/metadata.ts'
import {
  BufferExhaustedError,
  ClosedError,
  CommitFailedError,
  DeliveryError,
  DeliveryTimeoutError,
  FencedError,
  InvalidArgumentError,
  InvalidTransactionStateError,
  type KafkaError,
  toKafkaError,
} from '../errors.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import type { RecordData, WaitOptions } from '../types.ts'
import type { RecordAdmission } from './admission/record-admission.ts'
import type { Destination } from './admission/waiting-record.ts'
import { type RecordObserver, SendDestination, unknownPlace } from './batching/batch-callbacks.ts'
import type { BufferMemory } from './batching/buffer-memory.ts'
import { SendMany } from './batching/send-batch-result.ts'
import { interceptSend } from './interceptors.ts'
import type { ResolvedProducerOptions } from './options.ts'
import { ProducerCore } from './producer-core.ts'
import { type PlainRecord, type ProducerRecord, serialized } from './record.ts'
import { RecordMetadata } from './record-metadata.ts'
import { nodeWritable, type WritableOptions, webWritable } from './streams.ts'
import {
  runTransaction,
  type Transaction,
  type TransactionRunOptions,
} from './transactions/run-transaction.ts'
import { readSendOffsets, type SendOffsetsArguments } from './transactions/send-offsets.ts'
import type { TransactionLifecycle } from './transactions/transaction-lifecycle.ts'

/** Sends records. Made by `kafka.producer()`; connects when the first record is sent. */
export class Producer implements AsyncDisposable {
  private readonly options: ResolvedProducerOptions
  private readonly core: ProducerCore
  // What every record needs, one load away.
  private readonly intake: RecordAdmission
  private readonly memory: BufferMemory
  private readonly observer: RecordObserver | null
  private readonly intercepts: boolean
  private readonly transactions: TransactionLifecycle | null
  private closing: Promise<void> | null = null
  private hasClosed: () => void = () => {}
  /** Resolves when the producer is closed and nothing of it is left. */
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.hasClosed = resolve
  })

  constructor(clusterOptions: ClusterOptions, options: ResolvedProducerOptions) {
    this.options = options
    this.core = new ProducerCore(clusterOptions, options)
    this.intake = this.core.intake
    this.memory = this.core.memory
    this.observer = this.core.observer
    this.transactions = this.core.transactions
    this.intercepts = options.interceptors.some((each) => each.onSend !== undefined)
  }

  /**
   * Sends one record. Settles with this record's own acknowledgement.
   * @param limits the call is over then; a record that is in a batch by that time may still be written
   * @throws DeliveryError (`persisted` says whether the record may be in the log all the same),
   * InvalidArgumentError for a wrong record, BufferExhaustedError, ClosedError
   */
  send<K = RecordData, V = RecordData>(
    record: ProducerRecord<K, V>,
    limits?: WaitOptions,
  ): Promise<RecordMetadata> {
    try {
      limits?.signal?.throwIfAborted()
      const plain = this.accept(record)
      const batch = this.intake.append(plain, false)
      if (batch === null) return this.sendHeld(plain, limits)
      const sent = batch.deliveries.promise(batch.count - 1)
      // A send that is not awaited is told of by the end of its transaction.
      if (this.transactions !== null) sent.catch(ignore)
      return limits === undefined
        ? sent
        : withLimits(sent, limits, (cause) =>
            this.refuse(givenUp(`send() to ${plain.topic}`, plain.topic, limits, cause)),
          )
    } catch (error) {
      if (this.observer !== null) this.reportRefused(record, error)
      return this.rejection(error)
    }
  }

  /**
   * Sends many records with one promise: their metadata, in order.
   * @param limits the call is over then; records that are on their way may still be written
   * @throws BatchDeliveryError if a record failed: its `results` have the fate of each
   */
  sendBatch<K = RecordData, V = RecordData>(
    records: Iterable<ProducerRecord<K, V>>,
    limits?: WaitOptions,
  ): Promise<RecordMetadata[]> {
    if (limits?.signal?.aborted) return this.rejection(limits.signal.reason)
    let list: readonly ProducerRecord<K, V>[]
    try {
      // All of them before any: an iterable that throws in the middle must not have sent its first half.
      list = recordList(records)
    } catch (error) {
      return this.rejection(error)
    }
    const caller = new SendMany()
    for (let i = 0; i < list.length; i++) this.sendOneOf(caller, i, list[i])
    caller.complete()
    if (this.transactions !== null) caller.promise.catch(ignore)
    if (limits === undefined) return caller.promise
    const bound = withLimits(caller.promise, limits, (cause) => {
      caller.abandon(this.refuse(givenUp('sendBatch()', '', limits, cause)))
    })
    // The caller's promise is rejected by then, and tells more than the limit does.
    return bound.catch(() => caller.promise)
  }

  /**
   * Takes a record without waiting; its outcome goes to `onDelivery`, together with `context`.
   * @returns false: the record is taken, and the budget is spent now, so await `drained()`
   * @throws InvalidArgumentError, ClosedError, BufferExhaustedError (when `false` was ignored): the
   * record is not taken
   */
  enqueue<K = RecordData, V = RecordData>(
    record: ProducerRecord<K, V>,
    context?: unknown,
  ): boolean {
    if (this.transactions === null) return this.take(record, context)
    try {
      return this.take(record, context)
    } catch (error) {
      // One that comes too early may come again.
      if (!(error instanceof BufferExhaustedError)) this.refuse(error)
      throw error
    }
  }

  private take<K, V>(record: ProducerRecord<K, V>, context: unknown): boolean {
    const plain = this.accept(record)
    const batch = this.intake.append(plain, true)
    if (batch === null) {
      this.intake.hold(plain, true, this.enqueued(plain, context))
    } else if (context !== undefined && this.observer !== null) {
      batch.deliveries.noteContext(batch.count - 1, context)
    }
    return !this.memory.isSpent && !this.memory.hasWaiters
  }

  /** Resolves when there is room again. @throws BufferExhaustedError after `maxBlockMs`, ClosedError */
  drained(limits: WaitOptions = {}): Promise<void> {
    if (this.closing !== null) return Promise.reject(this.closedError())
    return withLimits(this.intake.drained(), limits, limitError('drained()', limits))
  }

  /** Sends all that waits, and resolves when everything taken before has its outcome. */
  flush(limits: WaitOptions = {}): Promise<void> {
    if (this.core.flushes.isEmpty) return Promise.resolve()
    // Those who await a send() shall have heard before this call goes on.
    const flushed = this.core.flushes.flush().then(() => new Promise<void>(setImmediate))
    this.core.accumulator.releaseAll(this.core.clock.now())
    return withLimits(flushed, limits, limitError('flush()', limits))
  }

  /**
   * Gets the identity of this `transactionalId`: fences whoever had it and aborts what was left open.
   * `beginTransaction()` does so by itself; after OutcomeUnknownError it is one way to go on.
   * @throws BrokerError where the id may not be used, ConfigError for a transactionTimeoutMs that is too
   * long, TimeoutError: all may be tried again
   */
  initTransactions(limits?: WaitOptions): Promise<void> {
    return this.transactional((transactions) => transactions.init(limits))
  }

  /**
   * Begins a transaction: what is sent from now on belongs to it. Asks the brokers for an identity the
   * first time, and after a transaction that failed.
   * @throws InvalidTransactionStateError while there is one, FencedError, and as `initTransactions`
   */
  beginTransaction(limits?: WaitOptions): Promise<void> {
    return this.transactional((transactions) => transactions.begin(limits))
  }

  /**
   * Makes offsets part of the transaction: those after all that a consumer has handed over, the item in
   * hand included, or those given, with `consumer.groupMetadata()`. If they cannot be, the transaction
   * can only be aborted.
   * @throws InvalidArgumentError for a consumer that commits by itself or is read by several loops;
   * CommitFailedError if its partitions were given to others; TransactionAbortableError, FencedError
   */
  sendOffsets(...args: SendOffsetsArguments): Promise<void> {
    return this.transactional((transactions) => {
      transactions.requireOpen('sendOffsets')
      try {
        const { offsets, group, limits } = readSendOffsets(args)
        const sent = transactions.sendOffsets(offsets, group, limits)
        sent.catch(ignore)
        return sent
      } catch (error) {
        if (error instanceof CommitFailedError) this.refuse(error)
        throw error
      }
    })
  }

  /**
   * Sends all that was taken since the begin, awaited or not, and makes it visible together. Resolves when
   * the coordinator has confirmed it, never before.
   * @throws TransactionAbortableError if any record or offset failed: `abortTransaction()` is next;
   * OutcomeUnknownError if no answer came in `maxBlockMs` or within the limits, or to an attempt after
   * which another producer has fenced this one (its `cause` then); FencedError: it was not committed,
   * unless a call before had no outcome
   */
  commitTransaction(limits?: WaitOptions): Promise<void> {
    return this.transactional((transactions) => transactions.commit(limits))
  }

  /** Undoes all since the begin. What was not sent yet fails. @throws OutcomeUnknownError, FencedError */
  abortTransaction(limits?: WaitOptions): Promise<void> {
    return this.transactional((transactions) => transactions.abort(limits))
  }

  /**
   * Runs `body` in a transaction: commits when it returns, aborts when it throws, and then sends the
   * consumer it was about back to its committed offsets. With a limit, aborts when that is reached.
   * @throws what the body threw, or what kept the transaction from its commit. If the abort fails too: a
   * FencedError, OutcomeUnknownError or KafkaError with both as its cause
   */
  transaction<T>(
    body: (tx: Transaction) => T | Promise<T>,
    options: TransactionRunOptions = {},
  ): Promise<T> {
    return runTransaction(this, this.core.cluster.options.logger, body, options)
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
    limits: WaitOptions = {},
  ): Promise<readonly PartitionMetadata[]> {
    this.checkOpen()
    const { maxBlockMs, allowAutoCreateTopics: allowAutoCreate } = this.options
    const { timeoutMs = maxBlockMs, signal } = limits
    const options = { timeoutMs, allowAutoCreate, ...(signal && { signal }) }
    const { partitions } = await this.core.cluster.ensureTopic(topic, options)
    this.core.noteUse(topic)
    return partitions
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
    if (this.transactions !== null) this.transactions.requireOpen()
    const changed = this.intercepts
      ? interceptSend(this.options.interceptors, record, this.core.cluster.options.logger)
      : record
    return serialized(changed)
  }

  private sendHeld(record: PlainRecord, limits: WaitOptions | undefined): Promise<RecordMetadata> {
    const destination = new SendDestination()
    if (this.observer !== null) {
      destination.onRefused = (error) => this.reportRefused(record, error)
    }
    const sent = destination.promise
    const held = this.intake.hold(record, false, destination)
    if (this.transactions !== null) sent.catch(ignore)
    if (limits === undefined) return sent
    return withLimits(sent, limits, (cause) => {
      if (held.isDone)
        return this.refuse(givenUp(`send() to ${record.topic}`, record.topic, limits, cause))
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
        caller.placed(i, batch.deliveries, index)
        return
      }
      caller.held(i)
      this.intake.hold(plain, false, {
        placed: (holder, index) => {
          caller.placed(i, holder.deliveries, index)
          caller.admitted()
        },
        refused: (error) => {
          if (this.observer !== null) this.reportRefused(plain, error)
          caller.refused(i, error)
          caller.admitted()
        },
      })
    } catch (error) {
      if (this.observer !== null) this.reportRefused(record, error)
      caller.refused(i, toKafkaError(this.refuse(error)))
    }
  }

  /** Where the outcome of an enqueued record goes that had to wait. */
  private enqueued(record: PlainRecord, context: unknown): Destination {
    return {
      placed: (batch, index) => {
        if (context !== undefined) batch.deliveries.noteContext(index, context)
      },
      refused: (error) => {
        if (this.observer !== null) this.reportRefused(record, error, context)
        else {
          this.core.cluster.options.logger.error('an enqueued record was lost', { error })
        }
      },
    }
  }

  /** Tells `onDelivery` of a record that was not taken. A call at the wrong time is not about a record. */
  private reportRefused(
    record: ProducerRecord<unknown, unknown>,
    thrown: unknown,
    context?: unknown,
  ): void {
    if (cameAtWrongTime(thrown)) return
    const metadata = placeOfRefused(record)
    this.observer?.(toKafkaError(thrown), metadata, context)
  }

  private transactional(
    call: (transactions: TransactionLifecycle) => Promise<void>,
  ): Promise<void> {
    const { transactions } = this
    try {
      if (this.closing !== null) throw this.closedError()
      if (transactions !== null) return call(transactions)
      throw new InvalidTransactionStateError(
        "transactions need the option 'transactionalId': kafka.producer({ transactionalId: 'billing-1' })",
      )
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The rejection of a send. In a transaction that is told by its end too, so nobody need await it. */
  private rejection(error: unknown): Promise<never> {
    const rejected = Promise.reject(this.refuse(error))
    if (this.transactions !== null && !cameAtWrongTime(error)) rejected.catch(ignore)
    return rejected
  }

  /** A record was not taken or is not waited for: its transaction must not be committed without it. */
  private refuse<E>(error: E): E {
    if (!cameAtWrongTime(error)) this.transactions?.recordRefused(toKafkaError(error))
    return error
  }

  private checkOpen(): void {
    if (this.closing !== null) throw this.closedError()
    const { fatalError } = this.core.state
    if (fatalError === null) return
    if (fatalError instanceof FencedError) throw fatalError
    throw new ClosedError(`the producer can do nothing more: ${fatalError.message}`, {
      cause: fatalError,
    })
  }

  private closedError(): ClosedError {
    return new ClosedError('the producer is closed')
  }

  private async shutDown({ timeoutMs }: { timeoutMs?: number }): Promise<void> {
    const deadline = monotonicMs() + (timeoutMs ?? 0)
    // An error that ends the wait is told to nobody: what is left fails right below, each with its own.
    await this.flush(timeoutMs === undefined ? {} : { timeoutMs }).catch(() => {})
    if (this.transactions !== null) {
      const left =
        timeoutMs === undefined ? {} : { timeoutMs: Math.max(0, deadline - monotonicMs()) }
      await this.transactions.leave(left).catch((error: unknown) => {
        const { logger } = this.core.cluster.options
        // The brokers abort it when its time is up, or when its transactionalId is used again.
        logger.warn('a transaction was left open by close()', { error })
      })
    }
    this.core.failAll(this.closedError())
    await this.core.close()
  }
}

const ignore = (): void => {}

/** Whether the call was refused, so that nothing is changed by it. */
function cameAtWrongTime(error: unknown): boolean {
  return error instanceof InvalidTransactionStateError || error instanceof ClosedError
}

/** What is known of a record that was not taken. It may be anything, and its getters may throw. */
function placeOfRefused(record: ProducerRecord<unknown, unknown>): RecordMetadata {
  try {
    const { topic, partition, timestamp } = record
    const name: unknown = typeof topic === 'object' ? topic.name : topic
    const place = unknownPlace(typeof name === 'string' ? name : '')
    const isWhole = Number.isInteger(partition)
    const time = typeof timestamp === 'number' ? timestamp : -1
    return new RecordMetadata({ ...place, ...(isWhole && { partition }) }, 0, time)
  } catch {
    return new RecordMetadata(unknownPlace(''), 0, -1)
  }
}

function recordList<R>(records: Iterable<R>): readonly R[] {
  if (Array.isArray(records)) return records
  if (typeof records !== 'object' || records === null || !(Symbol.iterator in records)) {
    throw notRecords(records)
  }
  return [...records]
}

function notRecords(given: unknown): InvalidArgumentError {
  const kind = given === null ? 'null' : typeof given
  return new InvalidArgumentError(
    `sendBatch() takes an array (or another iterable) of records, not ${kind}: for a single record there is send()`,
  )
}

function notTaken(record: PlainRecord, cause: unknown, limits: WaitOptions): KafkaError {
  return new DeliveryError(
    `send() to ${record.topic} was not taken within ${limits.timeoutMs} ms: it still waited for metadata or memory`,
    { topic: record.topic, partition: -1, attempts: 0, persisted: 'no', cause },
  )
}

/** The caller waits no longer, but the record is on its way. */
function givenUp(what: string, topic: string, limits: WaitOptions, cause: unknown): DeliveryError {
  const details = { topic, partition: -1, attempts: 0, persisted: 'maybe' } as const
  const text = 'what is on its way may be written yet'
  return cause === undefined
    ? new DeliveryTimeoutError(
        `${what} has no outcome after ${limits.timeoutMs} ms: ${text}`,
        details,
      )
    : new DeliveryError(`${what} was aborted: ${text}`, { ...details, cause })
}
