// kafka.pipe(): reads records, lets a handler make others of them, and writes these and the offsets read in
// one transaction, again and again: each input has its effect exactly once. What must stay true: a commit
// has the offsets of all records whose outputs it has, as the member that had their partitions all the
// while; after anything else the consumer goes back to what is committed before it reads on.

import { callHook } from './async/call-hook.ts'
import { backoff, sleep } from './async/retry.ts'
import { startTimer } from './async/timers.ts'
import { checkWaitOptions, onAbort } from './async/wait.ts'
import type { Consumer } from './consumer/consumer.ts'
import type { ConsumerBatch } from './consumer/delivery/consumer-batch.ts'
import {
  ClosedError,
  CommitFailedError,
  describeValue,
  InvalidArgumentError,
  InvalidTransactionStateError,
  type KafkaError,
  OutcomeUnknownError,
  TransactionAbortableError,
} from './errors.ts'
import type { Logger } from './logger.ts'
import { canGoOn, isUnreadable } from './pipe-errors.ts'
import type { Producer } from './producer/producer.ts'
import type { ProducerRecord } from './producer/record.ts'
import type { Transaction } from './producer/transactions/run-transaction.ts'
import { readKeys, readProperty, readSafely } from './read-argument.ts'
import type { ConsumerRecord } from './records/consumer-record.ts'
import type { RecordData, TransactionalConsumer } from './types.ts'

/** What a handler makes of its records; nothing is allowed, too. */
export type PipeOutput<K = RecordData, V = RecordData> =
  | Iterable<ProducerRecord<K, V>>
  | null
  | undefined

/** What a handler of `pipe()` learns besides its records. */
export interface PipeContext {
  /** Aborts when the partition is taken from the consumer: the rest of the work is useless. */
  readonly signal: AbortSignal
}

/**
 * Gets records of one partition, in order, and returns what is to be written. It may get the same records
 * again, as a transaction may be aborted: what it does besides is not part of the transaction.
 */
export type PipeHandler<K, V, OK, OV> = (
  records: readonly ConsumerRecord<K, V>[],
  context: PipeContext,
) => PipeOutput<OK, OV> | Promise<PipeOutput<OK, OV>>

/** One transaction that was committed. */
export interface PipeCommit {
  /** How many records were read in it. */
  records: number
  /** How many were written. */
  outputs: number
}

export interface PipeOptions {
  /** Has a `transactionalId` that no other running process uses. */
  producer: Producer
  /**
   * A transaction is committed when it has this many records. A batch of the consumer is not split.
   * @defaultValue 10000
   */
  maxTransactionRecords?: number
  /** A transaction is committed this long after its first record (ms). @defaultValue 100 */
  maxWaitMs?: number
  /** Ends the pipe when what is in hand is committed. */
  signal?: AbortSignal
  /** Called after each commit. */
  onCommit?: (commit: PipeCommit) => void
  /** Called when a transaction had to be aborted and its records will be read again, with the reason. */
  onAbort?: (error: Error) => void
}

/** What the options of the Kafka object say. */
export interface PipeSettings {
  readonly logger: Logger
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
}

export class Pipe<K, V, OK, OV> {
  private readonly consumer: Consumer<K, V>
  private readonly handle: PipeHandler<K, V, OK, OV>
  private readonly producer: Producer
  private readonly options: PipeOptions
  private readonly settings: PipeSettings
  private readonly maxTransactionRecords: number
  private readonly maxWaitMs: number
  /** What the handler threw: that ends the pipe, whatever it is. */
  private thrown: { error: unknown } | null = null
  private isEnded = false
  private records = 0
  private outputs = 0

  /** @throws InvalidArgumentError for what cannot be exactly once */
  constructor(
    consumer: Consumer<K, V>,
    handle: PipeHandler<K, V, OK, OV>,
    options: PipeOptions,
    settings: PipeSettings,
  ) {
    const given = checkPipeOptions(options)
    if (typeof handle !== 'function') {
      throw new InvalidArgumentError(
        `pipe() failed: the handler must be a function (records) => ..., got ${describeValue(handle)}`,
      )
    }
    checkConsumer(consumer)
    this.consumer = consumer
    this.handle = handle
    this.producer = given.producer
    this.options = given
    this.settings = settings
    this.maxTransactionRecords = given.maxTransactionRecords
    this.maxWaitMs = given.maxWaitMs
  }

  /** Continues until the signal aborts, the consumer or the producer is closed, or nothing more can be done. */
  async run(): Promise<void> {
    try {
      for (let failures = 0; !this.isOver; ) {
        if (await this.runOnce()) failures = 0
        else await this.pause(failures++)
      }
    } catch (error) {
      if (this.thrown !== null || !tellsOfClose(error)) throw error
    }
  }

  private get isOver(): boolean {
    return this.isEnded || this.options.signal?.aborted === true
  }

  /** One transaction. False: it was aborted, and its records will come again. */
  private async runOnce(): Promise<boolean> {
    const { consumer } = this
    const { signal } = this.options
    // The signal ends the wait for the identity of the producer. A transaction that is open is ended first.
    const beginning = new AbortController()
    const unwatch = signal && onAbort(signal, () => beginning.abort())
    const body = (tx: Transaction): Promise<void> => {
      unwatch?.()
      return this.fill(tx)
    }
    try {
      await this.producer.transaction(body, { consumer, signal: beginning.signal })
    } catch (error) {
      if (beginning.signal.aborted) return true
      if (this.thrown !== null) throw error
      if (!(error instanceof OutcomeUnknownError)) return this.aborted(error)
      const abortion = await this.learnOutcome(error)
      await this.rewind()
      if (abortion !== null) return this.aborted(abortion)
    } finally {
      unwatch?.()
    }
    if (this.records > 0) this.tell(() => this.options.onCommit?.(this.commitInfo()))
    return true
  }

  private commitInfo(): PipeCommit {
    return { records: this.records, outputs: this.outputs }
  }

  /** The body of a transaction: from its first record until it is full, old enough, or all must end. */
  private async fill(tx: Transaction): Promise<void> {
    const { consumer, maxTransactionRecords } = this
    const { signal } = this.options
    this.records = 0
    this.outputs = 0
    const end = new AbortController()
    const stop = (): void => end.abort()
    if (signal?.aborted) return
    const unwatch = signal === undefined ? undefined : onAbort(signal, stop)
    let timer: NodeJS.Timeout | undefined
    const stream = consumer.batches({ signal: end.signal })
    let isReading = false
    try {
      while (this.records < maxTransactionRecords) {
        isReading = true
        const { done, value: batch } = await stream.next()
        isReading = false
        if (done) {
          this.isEnded = true
          break
        }
        timer ??= startTimer(stop, this.maxWaitMs)
        await this.transform(tx, batch)
        this.records += batch.length
      }
      // The last batch stays in hand meanwhile: a rebalance waits until its offsets are taken.
      await this.sendOffsets(tx)
    } catch (error) {
      // The loop that was ended has delivered nothing: everything that was read has been written.
      const isEnd = end.signal.aborted && error === end.signal.reason
      if (!isEnd && !(isReading && isUnreadable(error))) throw error
      // Its partition stays where it is, and is in health(); the others are read.
      if (!isEnd) this.settings.logger.warn('records cannot be read', { error })
      await this.sendOffsets(tx)
    } finally {
      clearTimeout(timer)
      unwatch?.()
      await stream.return()
    }
  }

  private async sendOffsets(tx: Transaction): Promise<void> {
    if (this.records > 0) await tx.sendOffsets(this.consumer)
  }

  private async transform(tx: Transaction, batch: ConsumerBatch<K, V>): Promise<void> {
    let outputs: PipeOutput<OK, OV>
    try {
      const context = { signal: this.consumer.assignmentSignal(batch) }
      outputs = await this.handle(batch.records, context)
    } catch (error) {
      this.thrown = { error }
      throw error
    }
    if (outputs === null || outputs === undefined) return
    if (typeof Object(outputs)[Symbol.iterator] !== 'function') {
      throw new InvalidArgumentError(
        `pipe() failed: its handler must return records (an array or another iterable) or nothing, got ${describeValue(outputs)}`,
      )
    }
    for (const output of this.outputsOf(outputs)) {
      this.outputs++
      if (!tx.enqueue(output)) await this.producer.drained()
    }
  }

  /** What a generator throws is thrown by the handler that returned it. */
  private *outputsOf(
    outputs: Iterable<ProducerRecord<OK, OV>>,
  ): Generator<ProducerRecord<OK, OV>, void, undefined> {
    try {
      yield* outputs
    } catch (error) {
      this.thrown = { error }
      throw error
    }
  }

  /** It was aborted: the reason decides whether to continue. */
  private aborted(error: unknown): false {
    if (!canGoOn(error)) throw error
    this.settings.logger.warn('a transaction was aborted: its records are read again', { error })
    this.tell(() => this.options.onAbort?.(error))
    return false
  }

  /** Asks until it is known; null: it was committed. Until then the consumer delivers nothing. */
  private async learnOutcome(unknown: OutcomeUnknownError): Promise<KafkaError | null> {
    for (let attempt = 0; ; attempt++) {
      this.settings.logger.warn('it is not known yet whether a transaction was committed', {
        error: unknown,
      })
      try {
        await this.producer.commitTransaction()
        return null
      } catch (error) {
        const isAborting = error instanceof InvalidTransactionStateError
        if (isAborting || error instanceof TransactionAbortableError) {
          if (await this.tryAbort()) return isAborting ? unknown : error
        } else if (!(error instanceof OutcomeUnknownError)) throw error
      }
      if (this.isOver) throw unknown
      await this.pause(attempt)
    }
  }

  /**
   * The consumer was sent back already; brokers before 2.5 may have told it an offset of before the commit.
   * What fails here loses nothing: until the offsets are known nothing is delivered.
   */
  private async rewind(): Promise<void> {
    try {
      await this.consumer.seekToCommitted()
    } catch (error) {
      this.settings.logger.warn('the committed offsets are not known yet', { error })
    }
  }

  private async tryAbort(): Promise<boolean> {
    try {
      await this.producer.abortTransaction()
      return true
    } catch (error) {
      if (error instanceof OutcomeUnknownError) return false
      throw error
    }
  }

  private async pause(failures: number): Promise<void> {
    const { retryBackoffMs, retryBackoffMaxMs } = this.settings
    const waitMs = backoff(failures, retryBackoffMs, retryBackoffMaxMs)
    // The signal only ends the wait: the loop finds it.
    await sleep(waitMs, this.options.signal).catch(() => {})
  }

  /** Runs a hook of the user: what it throws or rejects with is logged, as no caller waits for it. */
  private tell(hook: () => unknown): void {
    callHook(hook, (error) => {
      this.settings.logger.error('a hook of pipe() threw', { error })
    })
  }
}

const pipeOptionNames = [
  'producer',
  'maxTransactionRecords',
  'maxWaitMs',
  'signal',
  'onCommit',
  'onAbort',
]

/** @throws InvalidArgumentError naming the option, what it may be, and what came */
function checkPipeOptions(
  options: PipeOptions,
): PipeOptions & Required<Pick<PipeOptions, 'maxTransactionRecords' | 'maxWaitMs'>> {
  const refuse = (problem: string): never => {
    throw new InvalidArgumentError(`pipe() failed: ${problem}`)
  }
  if (typeof options !== 'object' || options === null) {
    return refuse(`its options must be an object with a producer, got ${describeValue(options)}`)
  }
  for (const key of readKeys('pipe()', options)) {
    if (!pipeOptionNames.includes(key)) {
      refuse(`unknown option "${key}". It takes ${pipeOptionNames.join(', ')}`)
    }
  }
  // As the caller claims them to be: each is checked below.
  const given = Object.fromEntries(
    pipeOptionNames.map((name) => [name, readProperty('pipe()', options, name)]),
  ) as unknown as PipeOptions
  const { producer, maxTransactionRecords = 10_000, maxWaitMs = 100, signal } = given
  if (typeof readSafely('pipe()', '"producer"', () => producer?.transaction) !== 'function') {
    refuse(
      `option "producer" must be a producer of kafka.producer(), got ${describeValue(producer)}`,
    )
  }
  if (!Number.isSafeInteger(maxTransactionRecords) || maxTransactionRecords < 1) {
    refuse(
      `option "maxTransactionRecords" must be a whole number of 1 or more, got ${describeValue(maxTransactionRecords)}`,
    )
  }
  if (typeof maxWaitMs !== 'number' || !(maxWaitMs >= 0)) {
    refuse(
      `option "maxWaitMs" must be a number of milliseconds, 0 or more, got ${describeValue(maxWaitMs)}`,
    )
  }
  for (const hook of ['onCommit', 'onAbort'] as const) {
    const callback: unknown = given[hook]
    if (callback !== undefined && typeof callback !== 'function') {
      refuse(`option "${hook}" must be a function, got ${describeValue(callback)}`)
    }
  }
  checkWaitOptions({ signal }, 'pipe()')
  return { ...given, maxTransactionRecords, maxWaitMs }
}

/** Asked for early: a consumer without a group, or one that commits by itself, is refused at once. */
function checkConsumer(consumer: TransactionalConsumer): void {
  const isConsumer = readSafely(
    'pipe()',
    'its consumer',
    () => typeof consumer?.transactionOffsets === 'function',
  )
  if (!isConsumer) {
    throw new InvalidArgumentError(
      `pipe() failed: expected a consumer of kafka.consumer(), got ${describeValue(consumer)}`,
    )
  }
  try {
    consumer.transactionOffsets()
  } catch (error) {
    // It need not be a member before it is read.
    if (!(error instanceof CommitFailedError)) throw error
  }
}

/**
 * Whether it ended because the user closed the consumer or the producer. A ClosedError with another cause
 * is that of a client that has failed for good.
 */
function tellsOfClose(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(tellsOfClose)
  if (!(error instanceof Error)) return false
  if (error.cause !== undefined) return tellsOfClose(error.cause)
  return error instanceof ClosedError
}
