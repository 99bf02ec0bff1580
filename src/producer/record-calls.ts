// The calls that take records: send(), sendBatch(), enqueue(). Each record is checked and serialized, then
// appended to a batch, or held until its topic's metadata or memory is there.

import { checkWaitOptions, startLimits, type WaitLimits } from '../async/wait.ts'
import {
  BufferExhaustedError,
  ClosedError,
  DeliveryError,
  DeliveryTimeoutError,
  describeValue,
  InvalidArgumentError,
  InvalidTransactionStateError,
  type KafkaError,
  type Persisted,
  toKafkaError,
} from '../errors.ts'
import type { Logger } from '../logger.ts'
import { readSafely } from '../read-argument.ts'
import type { WaitOptions } from '../types.ts'
import type { RecordAdmission } from './admission/record-admission.ts'
import { type SerializationQueue, SerializingRecord } from './admission/serialization-queue.ts'
import {
  type Destination,
  type RecordObserver,
  SendDestination,
  unknownPlace,
} from './batching/batch-callbacks.ts'
import type { BufferMemory } from './batching/buffer-memory.ts'
import type { ProducerBatch } from './batching/partition-queue.ts'
import { SendMany } from './batching/send-batch-result.ts'
import type { HeldRecord } from './batching/topic.ts'
import type { ProducerInterceptor } from './hooks.ts'
import { interceptSend } from './interceptors.ts'
import {
  type PlainRecord,
  type ProducerRecord,
  readingError,
  serialized,
  serializingTopic,
  UnsettledRecord,
} from './record.ts'
import { RecordMetadata } from './record-metadata.ts'

/** What the calls need of the producer's core and of its transactions. */
export interface RecordCallsContext {
  readonly admission: RecordAdmission
  readonly serializing: SerializationQueue
  readonly memory: BufferMemory
  readonly observer: RecordObserver | null
  readonly interceptors: readonly ProducerInterceptor[]
  readonly logger: Logger
  /** @throws when the producer is closed or can do nothing more */
  readonly checkOpen: () => void
  /** null without a `transactionalId`. */
  readonly transactions: {
    /** @throws when no transaction takes records */
    requireOpen(): void
    /** There must be no commit without this record. */
    recordRefused(error: KafkaError): void
  } | null
}

export class RecordCalls {
  private readonly context: RecordCallsContext
  // What every record needs, one load away.
  private readonly admission: RecordAdmission
  private readonly serializing: SerializationQueue
  private readonly memory: BufferMemory
  private readonly observer: RecordObserver | null
  private readonly isTransactional: boolean
  private readonly intercepts: boolean

  constructor(context: RecordCallsContext) {
    this.context = context
    this.admission = context.admission
    this.serializing = context.serializing
    this.memory = context.memory
    this.observer = context.observer
    this.isTransactional = context.transactions !== null
    this.intercepts = context.interceptors.some((each) => each.onSend !== undefined)
  }

  send<K, V>(
    record: ProducerRecord<K, V>,
    options: WaitOptions | undefined,
  ): Promise<RecordMetadata> {
    try {
      const limits = options === undefined ? null : checkWaitOptions(options, 'send()')
      if (limits?.signal?.aborted) return this.rejection(limits.signal.reason)
      const plain = this.accept(record)
      const batch = this.append(plain, false)
      if (batch === null) return this.sendHeld(record, plain, limits)
      const sent = batch.deliveries.promise(batch.count - 1)
      // The end of its transaction reports the outcome of a send that is not awaited.
      if (this.isTransactional) sent.catch(ignore)
      return limits === null
        ? sent
        : bounded(sent, limits, (cause) => this.limitReached('send()', plain.topic, limits, cause))
    } catch (error) {
      if (this.observer !== null) this.reportRefused(record, error)
      return this.rejection(readingError(record, error))
    }
  }

  sendBatch<K, V>(
    records: Iterable<ProducerRecord<K, V>>,
    options: WaitOptions | undefined,
  ): Promise<RecordMetadata[]> {
    let list: readonly ProducerRecord<K, V>[]
    let limits: WaitLimits | null
    try {
      limits = options === undefined ? null : checkWaitOptions(options, 'sendBatch()')
      if (limits?.signal?.aborted) return this.rejection(limits.signal.reason)
      // All of them before any: an iterable that throws in the middle must not have sent its first half.
      list = recordList(records)
    } catch (error) {
      return this.rejection(error)
    }
    const caller = new SendMany()
    for (let i = 0; i < list.length; i++) this.sendOneOf(caller, i, list[i])
    caller.complete()
    if (this.isTransactional) caller.promise.catch(ignore)
    if (limits === null) return caller.promise
    const bounds = limits
    return bounded(caller.promise, bounds, (cause) => {
      const error = this.limitReached('sendBatch()', '', bounds, cause)
      // After a time-out the call's own error has the results of each record.
      caller.abandon(toKafkaError(error))
      caller.promise.catch(ignore)
      return cause === undefined ? caller.promise : error
    })
  }

  enqueue<K, V>(record: ProducerRecord<K, V>, context: unknown): boolean {
    try {
      return this.take(record, context)
    } catch (thrown) {
      const error = readingError(record, thrown)
      // A record that comes while the budget is spent may come again.
      if (this.isTransactional && !(error instanceof BufferExhaustedError)) this.refuse(error)
      throw error
    }
  }

  /** A record was not taken or is not waited for: its transaction must not be committed without it. */
  refuse<E>(error: E): E {
    if (!cameAtWrongTime(error)) this.context.transactions?.recordRefused(toKafkaError(error))
    return error
  }

  private take<K, V>(record: ProducerRecord<K, V>, context: unknown): boolean {
    const plain = this.accept(record)
    const batch = this.append(plain, true)
    if (batch === null) {
      this.hold(plain, true, this.enqueued(record, context))
    } else if (context !== undefined && this.observer !== null) {
      batch.deliveries.noteContext(batch.count - 1, context)
    }
    return !this.memory.isSpent && !this.memory.isCrowded && !this.memory.hasWaiters
  }

  /** A record that may be taken: interceptors have seen it, serializers were called. */
  private accept(record: ProducerRecord<unknown, unknown>): PlainRecord | UnsettledRecord {
    const { checkOpen, transactions, interceptors, logger } = this.context
    checkOpen()
    if (transactions !== null) transactions.requireOpen()
    const given = this.intercepts ? interceptSend(interceptors, record, logger) : record
    if (!this.serializing.isEmpty && this.serializing.isFull) {
      const topic = serializingTopic(given)
      if (topic !== null && this.serializing.isHolding(topic)) {
        return UnsettledRecord.later(topic, given)
      }
    }
    return serialized(given)
  }

  /** @returns null when the record must be held */
  private append(
    record: PlainRecord | UnsettledRecord,
    mayOverdraw: boolean,
  ): ProducerBatch | null {
    if (!(record instanceof UnsettledRecord) && !this.serializing.isHolding(record.topic)) {
      return this.admission.append(record, mayOverdraw)
    }
    if (mayOverdraw) this.admission.requireMemory()
    return null
  }

  /** Holds a record for its serializers, behind others of its topic, or until it can be appended. */
  private hold(
    record: PlainRecord | UnsettledRecord,
    isCharged: boolean,
    destination: Destination,
  ): HeldRecord | SerializingRecord {
    return record instanceof UnsettledRecord || this.serializing.isHolding(record.topic)
      ? this.serializing.hold(record, isCharged, destination)
      : this.admission.hold(record, isCharged, destination)
  }

  private cancel(held: HeldRecord | SerializingRecord, error: KafkaError): void {
    if (held instanceof SerializingRecord) this.serializing.cancel(held, error)
    else this.admission.cancel(held, error)
  }

  private sendHeld(
    given: ProducerRecord<unknown, unknown>,
    record: PlainRecord | UnsettledRecord,
    limits: WaitLimits | null,
  ): Promise<RecordMetadata> {
    const destination = new SendDestination()
    if (this.observer !== null) {
      destination.onRefused = (error) => this.reportRefused(given, error)
    }
    const sent = destination.promise
    const held = this.hold(record, false, destination)
    if (this.isTransactional) sent.catch(ignore)
    if (limits === null) return sent
    return bounded(sent, limits, (cause) => {
      if (held.isDone) return this.limitReached('send()', record.topic, limits, cause)
      const error = notTaken(record.topic, cause, limits)
      sent.catch(ignore)
      this.cancel(held, error)
      return cause ?? error
    })
  }

  private sendOneOf(caller: SendMany, i: number, record: ProducerRecord<unknown, unknown>): void {
    try {
      const plain = this.accept(record)
      const batch = this.append(plain, false)
      if (batch !== null) {
        caller.placed(i, batch.deliveries, batch.count - 1)
        return
      }
      caller.held(i)
      this.hold(plain, false, {
        placed: (holder, index) => {
          caller.placed(i, holder.deliveries, index)
          caller.admitted()
        },
        refused: (error) => {
          if (this.observer !== null) this.reportRefused(record, error)
          caller.refused(i, error)
          caller.admitted()
        },
      })
    } catch (error) {
      if (this.observer !== null) this.reportRefused(record, error)
      caller.refused(i, toKafkaError(this.refuse(readingError(record, error))))
    }
  }

  /** Where the outcome of an enqueued record goes that had to wait. */
  private enqueued(record: ProducerRecord<unknown, unknown>, context: unknown): Destination {
    return {
      placed: (batch, index) => {
        if (context !== undefined) batch.deliveries.noteContext(index, context)
      },
      refused: (error) => {
        if (this.observer !== null) this.reportRefused(record, error, context)
        else this.context.logger.error('an enqueued record was lost', { error })
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
    this.observer?.(toKafkaError(thrown), placeOfRefused(record), context)
  }

  /** A rejection. The end of a transaction reports it too, so there it needs no handler. */
  private rejection(error: unknown): Promise<never> {
    const rejected = Promise.reject(this.refuse(error))
    if (this.isTransactional && !cameAtWrongTime(error)) rejected.catch(ignore)
    return rejected
  }

  /** The caller waits no longer for a record that is on its way. Returns what the caller gets. */
  private limitReached(call: string, topic: string, limits: WaitLimits, cause: unknown): unknown {
    const target = topic === '' ? call : `${call} to topic "${topic}"`
    const details = detailsOf(topic, 'maybe')
    const text = 'the record is in a batch and may still be written'
    if (cause === undefined) {
      return this.refuse(
        new DeliveryTimeoutError(
          `${target} has no outcome after ${limits.timeoutMs} ms: ${text}`,
          details,
        ),
      )
    }
    this.refuse(new DeliveryError(`${target} was aborted: ${text}`, { ...details, cause }))
    return cause
  }
}

const ignore = (): void => {}

/** `work`, unless a limit comes first: then what `onLimit` makes of it, whose `cause` is the signal's reason. */
function bounded<T>(
  work: Promise<T>,
  limits: WaitLimits,
  onLimit: (cause: unknown) => unknown,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const limitReached = (error: unknown): void => {
      if (error instanceof Promise) resolve(error)
      else reject(error)
    }
    const stop = startLimits(
      limits,
      () => onLimit(undefined),
      (error) => limitReached(limits.signal?.aborted ? onLimit(limits.signal.reason) : error),
    )
    work.then(
      (value) => {
        stop()
        resolve(value)
      },
      (error: unknown) => {
        stop()
        reject(error)
      },
    )
  })
}

/** Whether the call was refused, so that nothing is changed by it. */
function cameAtWrongTime(error: unknown): boolean {
  return error instanceof InvalidTransactionStateError || error instanceof ClosedError
}

function detailsOf(topic: string, persisted: Persisted) {
  return { topic, partition: -1, attempts: 0, persisted, retriable: true }
}

function notTaken(topic: string, cause: unknown, limits: WaitLimits): KafkaError {
  const where = 'while waiting for a serializer, metadata or buffer memory; the record was not sent'
  const details = detailsOf(topic, 'no')
  return cause === undefined
    ? new DeliveryTimeoutError(
        `send() to topic "${topic}" timed out after ${limits.timeoutMs} ms ${where}`,
        details,
      )
    : new DeliveryError(`send() to topic "${topic}" was aborted ${where}`, { ...details, cause })
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
  return readSafely('sendBatch()', 'the records', () => {
    if (typeof records === 'object' && records !== null && Symbol.iterator in records) {
      return [...records]
    }
    throw notRecords(records)
  })
}

function notRecords(given: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `sendBatch() takes an array (or another iterable) of records, got ${describeValue(given)}. For a single record call send()`,
  )
}
