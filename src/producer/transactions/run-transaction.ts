// producer.transaction(): begins, runs a body, commits what it did, or undoes it: aborts, and sends the
// consumer back to where the group's offsets are.

import { monotonicMs } from '../../async/clock.ts'
import { limitError, withLimits } from '../../async/wait-limits.ts'
import {
  FencedError,
  InvalidTransactionStateError,
  KafkaError,
  OutcomeUnknownError,
} from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import type { RecordData, TransactionalConsumer, WaitOptions } from '../../types.ts'
import type { Producer } from '../producer.ts'
import type { ProducerRecord } from '../record.ts'
import type { RecordMetadata } from '../record-metadata.ts'
import { consumerOf, type SendOffsetsArguments } from './send-offsets.ts'

/** What the body of `producer.transaction()` works with: the same calls as the producer's. */
export type Transaction = Pick<Producer, 'send' | 'sendBatch' | 'enqueue' | 'sendOffsets'>

/** What `producer.transaction()` may be given. */
export interface TransactionRunOptions extends WaitOptions {
  /**
   * The consumer whose records the body works on. After an abort it goes back to its group's committed
   * offsets before it delivers anything. Not needed where `tx.sendOffsets(consumer)` is called.
   */
  consumer?: TransactionalConsumer
}

export async function runTransaction<T>(
  producer: Producer,
  logger: Logger,
  body: (tx: Transaction) => T | Promise<T>,
  options: TransactionRunOptions,
): Promise<T> {
  const deadline = monotonicMs() + (options.timeoutMs ?? Number.POSITIVE_INFINITY)
  const left = (): WaitOptions => ({
    ...(options.timeoutMs === undefined
      ? {}
      : { timeoutMs: Math.max(0, deadline - monotonicMs()) }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  await producer.beginTransaction(left())
  const tx = new OpenTransaction(producer, options.consumer ?? null)
  let isCommitting = false
  try {
    const limits = left()
    const work = Promise.resolve(tx).then(body)
    const result = await withLimits(work, limits, limitError('the body of transaction()', options))
    tx.end()
    isCommitting = true
    await producer.commitTransaction(left())
    return result
  } catch (error) {
    tx.end()
    // A commit without an outcome cannot be aborted. The same error from the body is another producer's.
    const mayBeCommitted = isCommitting && error instanceof OutcomeUnknownError
    throw await undo(error, mayBeCommitted, producer, tx.consumer, logger)
  }
}

/** Returns what is to be thrown: neither the body's error nor that of the abort gets lost. */
async function undo(
  error: unknown,
  mayBeCommitted: boolean,
  producer: Producer,
  consumer: TransactionalConsumer | null,
  logger: Logger,
): Promise<unknown> {
  let thrown = error
  let isAborted = false
  if (!mayBeCommitted) {
    try {
      await producer.abortTransaction()
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
  return new KafkaError(text, { cause })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The handle of one run of a body: when that is over, it takes nothing more. */
class OpenTransaction implements Transaction {
  /** Whom to send back after an abort. */
  consumer: TransactionalConsumer | null
  private readonly producer: Producer
  private isOver = false

  constructor(producer: Producer, consumer: TransactionalConsumer | null) {
    this.producer = producer
    this.consumer = consumer
  }

  end(): void {
    this.isOver = true
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
    `tx.${call}() was refused: the body of this transaction is over. Await in it all that belongs to it`,
  )
}
