// producer.transaction(): begins, runs a body, commits what it did, or undoes it: aborts, and sends the
// consumer back to where the group's offsets are.

import { monotonicMs } from '../../async/clock.ts'
import { checkWaitOptions, type WaitLimits, waitFor } from '../../async/wait.ts'
import {
  ClosedError,
  causeText,
  describeValue,
  FencedError,
  InvalidArgumentError,
  InvalidTransactionStateError,
  KafkaError,
  OutcomeUnknownError,
  TimeoutError,
} from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import { readProperty } from '../../read-argument.ts'
import type { RecordData, TransactionalConsumer, WaitOptions } from '../../types.ts'
import type { ProducerRecord } from '../record.ts'
import type { RecordMetadata } from '../record-metadata.ts'
import { consumerOf, type SendOffsetsArguments } from './send-offsets.ts'

/** What the body of `producer.transaction()` works with: the same calls as the producer's. */
export interface Transaction {
  send<K = RecordData, V = RecordData>(
    record: ProducerRecord<K, V>,
    options?: WaitOptions,
  ): Promise<RecordMetadata>
  sendBatch<K = RecordData, V = RecordData>(
    records: Iterable<ProducerRecord<K, V>>,
    options?: WaitOptions,
  ): Promise<RecordMetadata[]>
  enqueue<K = RecordData, V = RecordData>(record: ProducerRecord<K, V>, context?: unknown): boolean
  sendOffsets(...args: SendOffsetsArguments): Promise<void>
}

/** The producer of a transaction: what runs one and ends it. */
export interface TransactionOwner extends Transaction {
  beginTransaction(options?: WaitOptions): Promise<void>
  commitTransaction(options?: WaitOptions): Promise<void>
  abortTransaction(options?: WaitOptions): Promise<void>
}

/** Whether a body runs: then only `transaction()` itself may end its transaction. */
export interface BodyState {
  isRunning: boolean
}

/** What `producer.transaction()` may be given. */
export interface TransactionRunOptions extends WaitOptions {
  /**
   * The consumer whose records the body works on. After an abort it goes back to its group's committed
   * offsets before it delivers anything. Not needed where `tx.sendOffsets(consumer)` is called.
   */
  consumer?: TransactionalConsumer
}

/** The options of one run, checked. */
export interface TransactionRun {
  readonly limits: WaitLimits
  readonly consumer: TransactionalConsumer | null
}

/** @throws {InvalidArgumentError} for a body that is not a function, and wrong options */
export function checkTransactionRun(body: unknown, options: unknown): TransactionRun {
  const limits = checkWaitOptions(options, 'transaction()', { keys: ['consumer'] })
  if (typeof body !== 'function') {
    throw new InvalidArgumentError(
      `transaction() failed: its body must be a function (tx) => ..., got ${describeValue(body)}`,
    )
  }
  const consumer: unknown =
    options === undefined ? undefined : readProperty('transaction()', Object(options), 'consumer')
  if (consumer === undefined) return { limits, consumer: null }
  if (isConsumer(consumer)) return { limits, consumer }
  throw new InvalidArgumentError(
    `transaction() failed: option "consumer" must be a consumer of kafka.consumer(), got ${describeValue(consumer)}`,
  )
}

function isConsumer(value: unknown): value is TransactionalConsumer {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof readProperty('transaction()', value, 'seekToCommitted') === 'function'
  )
}

/**
 * How long a call whose limit was reached waits for its abort (ms). A broker may be silent: the abort then
 * continues, and the next transaction begins after it.
 */
const ABORT_GRACE_MS = 1000

export async function runTransaction<T>(
  producer: TransactionOwner,
  logger: Logger,
  body: (tx: Transaction) => T | Promise<T>,
  { limits, consumer }: TransactionRun,
  bodyState: BodyState,
): Promise<T> {
  const { signal } = limits
  const deadline = monotonicMs() + limits.timeoutMs
  const left = (): WaitOptions => ({
    ...(deadline < Number.POSITIVE_INFINITY && {
      timeoutMs: Math.max(0, deadline - monotonicMs()),
    }),
    ...(signal !== undefined && { signal }),
  })
  await producer.beginTransaction(left())
  const tx = new OpenTransaction(producer, consumer, bodyState)
  let isCommitting = false
  try {
    const work = Promise.resolve(tx).then(body)
    const result = await waitFor(work, left(), () => bodyTimeout(limits))
    tx.end()
    isCommitting = true
    await producer.commitTransaction(left())
    return result
  } catch (error) {
    tx.end()
    // A commit without an outcome cannot be aborted. The same error from the body is another producer's.
    const mayBeCommitted =
      isCommitting && (error instanceof OutcomeUnknownError || signal?.aborted === true)
    const isOverdue = signal?.aborted === true || deadline <= monotonicMs()
    const abortLimits = isOverdue ? { timeoutMs: ABORT_GRACE_MS } : undefined
    throw await undo(error, mayBeCommitted, abortLimits, producer, tx.consumer, logger)
  }
}

function bodyTimeout({ timeoutMs }: WaitLimits): TimeoutError {
  return new TimeoutError(`the body of transaction() was not done within ${timeoutMs} ms`)
}

/** Returns what is to be thrown: neither the body's error nor that of the abort gets lost. */
async function undo(
  error: unknown,
  mayBeCommitted: boolean,
  limits: WaitOptions | undefined,
  producer: TransactionOwner,
  consumer: TransactionalConsumer | null,
  logger: Logger,
): Promise<unknown> {
  let thrown = error
  let isAborted = false
  if (!mayBeCommitted) {
    try {
      await producer.abortTransaction(limits)
      isAborted = true
    } catch (abortError) {
      if (abortError !== error) thrown = bothErrors(error, abortError)
    }
  }
  if (consumer === null) return thrown
  // Until the offsets are known, and none of them pending, the consumer delivers nothing: so an error
  // here, and a wait that may last as long as the transaction does, loses nothing.
  const rewound = consumer.seekToCommitted().catch((rewindError: unknown) => {
    logger.warn('the committed offsets are not known yet after a transaction that failed', {
      error: rewindError,
    })
  })
  if (isAborted) await rewound
  return thrown
}

function bothErrors(error: unknown, abortError: unknown): KafkaError {
  const cause = new AggregateError(
    [error, abortError],
    'the transaction failed, and then its abort did',
  )
  const text = `the transaction failed (${messageOf(error)}), and so did its abort: ${messageOf(abortError)}`
  if (abortError instanceof FencedError) return new FencedError(text, { cause })
  if (abortError instanceof OutcomeUnknownError) return new OutcomeUnknownError(text, { cause })
  if (abortError instanceof ClosedError) return new ClosedError(text, { cause })
  return new KafkaError(text, { cause })
}

function messageOf(error: unknown): string {
  return causeText(error)
}

/** The handle of one run of a body: when that is over, it takes nothing more. */
export class OpenTransaction implements Transaction {
  /** The consumer that goes back to its committed offsets after an abort. */
  consumer: TransactionalConsumer | null
  private readonly producer: TransactionOwner
  private readonly bodyState: BodyState
  private isOver = false

  constructor(
    producer: TransactionOwner,
    consumer: TransactionalConsumer | null,
    bodyState: BodyState,
  ) {
    this.producer = producer
    this.consumer = consumer
    this.bodyState = bodyState
    bodyState.isRunning = true
  }

  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.bodyState.isRunning = false
  }

  send<K = RecordData, V = RecordData>(
    record: ProducerRecord<K, V>,
    limits?: WaitOptions,
  ): Promise<RecordMetadata> {
    return this.isOver ? Promise.reject(over('send')) : this.producer.send(record, limits)
  }

  sendBatch<K = RecordData, V = RecordData>(
    records: Iterable<ProducerRecord<K, V>>,
    limits?: WaitOptions,
  ): Promise<RecordMetadata[]> {
    return this.isOver
      ? Promise.reject(over('sendBatch'))
      : this.producer.sendBatch(records, limits)
  }

  enqueue<K = RecordData, V = RecordData>(
    record: ProducerRecord<K, V>,
    context?: unknown,
  ): boolean {
    if (this.isOver) throw over('enqueue')
    return this.producer.enqueue(record, context)
  }

  sendOffsets(...args: SendOffsetsArguments): Promise<void> {
    if (this.isOver) return Promise.reject(over('sendOffsets'))
    this.consumer = consumerOf(args) ?? this.consumer
    return this.producer.sendOffsets(...args)
  }
}

function over(call: string): InvalidTransactionStateError {
  return new InvalidTransactionStateError(
    `tx.${call}() was refused: the body of this transaction is over. Await everything that belongs to it inside the body`,
  )
}
