// Where records go that can be neither decoded nor handled. A dead letter is the record's own bytes with
// headers that say where it came from and why. It is written when the brokers have acknowledged it, and only
// then does its record count as done. What a topic refuses as too large goes with shorter texts, then without
// its value, and then without the record's key and headers: a letter that can never be written would end the run at every
// restart. The producer is given from outside: the consumer has none. It also sends to retry topics.

import { within } from '../../async/watchers.ts'
import {
  BrokerError,
  BufferExhaustedError,
  ClosedError,
  DeliveryTimeoutError,
  InvalidArgumentError,
} from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { ConsumerRecord } from '../../records/consumer-record.ts'
import type { Header } from '../../types.ts'

/** What of a producer is needed. */
export interface DeadLetterProducer {
  /** Settles when the brokers have acknowledged the record. */
  send(record: Letter): Promise<unknown>
  close(options: { timeoutMs?: number; signal?: AbortSignal }): Promise<void>
  health(): { readonly problems: readonly { topic: string | null; reason: string }[] }
}

/** A record to be sent, as bytes. */
export interface Letter {
  topic: string
  key: Buffer | null
  value: Buffer | null
  headers: Header[]
}

/** Options of that producer: what could be fetched is to be sent, unless the topic itself refuses it. */
export const deadLetterProducerOptions: {
  readonly maxRequestSize: number
  readonly bufferMemory: number
} = { maxRequestSize: 100 * 1024 * 1024, bufferMemory: 128 * 1024 * 1024 }

const PREFIX = '__kafkawire.errors'
/** Longer messages and names of errors are cut, so that they do not make a letter too large. */
const MAX_TEXT_BYTES = 4096
const SHORT_TEXT_BYTES = 256

export class DeadLetters {
  private readonly open: () => DeadLetterProducer
  private producer: DeadLetterProducer | null = null
  private isClosed = false

  /** @param open called when there is a first dead letter */
  constructor(open: () => DeadLetterProducer) {
    this.open = open
  }

  /**
   * Settles when it is acknowledged; the original key, value and headers are kept.
   * @param attempts how often the record's handler was called; null: it was not
   * @throws {ClosedError} after `close`; {Error} when the letter was not acknowledged
   */
  async send(
    topic: string,
    record: ConsumerRecord<unknown, unknown>,
    error: unknown,
    attempts: number | null,
  ): Promise<void> {
    await sendFitting(this.openProducer(), topic, record, { error, attempts })
  }

  /**
   * Sends one record as it is. Settles when it is acknowledged.
   * @returns false when it was refused for its size
   * @throws {ClosedError} after `close`; {Error} when it was not acknowledged
   */
  async forward(letter: Letter): Promise<boolean> {
    try {
      await this.openProducer().send(letter)
      return true
    } catch (error) {
      if (isTooLarge(error)) return false
      throw error
    }
  }

  /** Why records for this topic are not acknowledged; null: nothing is known. */
  reasonOf(topic: string): string | null {
    const problems = this.producer?.health().problems ?? []
    const ofTopic = problems.find((problem) => problem.topic === topic)
    return (ofTopic ?? problems.find((problem) => problem.topic === null))?.reason ?? null
  }

  private openProducer(): DeadLetterProducer {
    if (this.isClosed) {
      throw new ClosedError('The consumer was closed before a dead letter could be sent')
    }
    this.producer ??= this.open()
    return this.producer
  }

  /** Waits for letters in flight until `deadline` aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    this.isClosed = true
    const { producer } = this
    if (producer === null) return
    const closing = producer.close({})
    await within(deadline, closing)
    // The rest is not sent, and nothing of the producer is left behind.
    if (deadline.aborted) await producer.close({ timeoutMs: 0 })
  }
}

/** Why a record is a dead letter. */
interface Death {
  readonly error: unknown
  readonly attempts: number | null
}

async function sendFitting(
  producer: DeadLetterProducer,
  topic: string,
  record: ConsumerRecord<unknown, unknown>,
  death: Death,
): Promise<void> {
  let refusal: unknown = null
  for (const letter of lettersOf(topic, record, death)) {
    try {
      await producer.send(letter)
      return
    } catch (failure) {
      refusal ??= failure
      if (!isTooLarge(failure)) throw failure
    }
  }
  throw refusal
}

/** The record's letter: whole, with short texts, without its value, and without anything of the record. */
function* lettersOf(
  topic: string,
  record: ConsumerRecord<unknown, unknown>,
  death: Death,
): Generator<Letter> {
  const { rawKey: key, rawValue: value } = record
  const headers = [...record.headers]
  const long = describe(record, death, MAX_TEXT_BYTES)
  yield { topic, key, value, headers: [...headers, ...long] }
  const omitted = [`value (${value?.length ?? 0} bytes)`]
  const short = describe(record, death, SHORT_TEXT_BYTES)
  if (sizeOf(short) < sizeOf(long)) yield { topic, key, value, headers: [...headers, ...short] }
  yield { topic, key, value: null, headers: [...headers, ...short, header('omitted', omitted[0])] }
  if (headers.length > 0) omitted.push(`headers (${headers.length})`)
  if (key !== null) omitted.push(`key (${key.length} bytes)`)
  yield {
    topic,
    key: null,
    value: null,
    headers: [...short, header('omitted', omitted.join(', '))],
  }
}

/** Refused for its size, by the producer before it was sent or by the broker. */
function isTooLarge(error: unknown): boolean {
  if (error instanceof InvalidArgumentError) return true
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof BrokerError)) continue
    const { errorCode } = cause
    return (
      errorCode === errorCodes.MESSAGE_TOO_LARGE || errorCode === errorCodes.RECORD_LIST_TOO_LARGE
    )
  }
  return false
}

/** Whether the brokers were away for longer than a record has time. That a topic does not exist is a mistake. */
export function mayBeTaken(error: unknown): boolean {
  // Letters that wait for the same outage may have used up the memory.
  if (error instanceof BufferExhaustedError) return true
  if (!(error instanceof DeliveryTimeoutError) || !error.retriable) return false
  const { cause } = error
  const isUnknown =
    cause instanceof BrokerError && cause.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  return !isUnknown
}

function describe(
  record: ConsumerRecord<unknown, unknown>,
  { error, attempts }: Death,
  maxBytes: number,
): Header[] {
  const { exception, message } = textsOf(error, maxBytes)
  const { topic, partition, offset } = record
  const read = ConsumerRecord.asRead(record)
  return [
    header('topic', topic),
    header('partition', String(partition)),
    header('offset', String(offset)),
    ...(read === record
      ? []
      : [
          header('retryTopic', read.topic),
          header('retryPartition', String(read.partition)),
          header('retryOffset', String(read.offset)),
        ]),
    ...(attempts === null ? [] : [header('attempts', String(attempts))]),
    header('exception', exception),
    header('message', message),
  ]
}

function sizeOf(headers: readonly Header[]): number {
  return headers.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
}

function header(name: string, text: string): Header {
  return { key: `${PREFIX}.${name}`, value: Buffer.from(text) }
}

/** What a user's code threw, as texts of bounded length. Never throws. */
export function textsOf(
  error: unknown,
  maxBytes: number = MAX_TEXT_BYTES,
): { exception: string; message: string } {
  const isError = error instanceof Error
  return {
    exception: isError ? textOf(() => error.name, maxBytes) : typeof error,
    message: textOf(() => (isError ? error.message : error), maxBytes),
  }
}

function textOf(read: () => unknown, maxBytes: number): string {
  let text: string
  try {
    const value = read()
    text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
  } catch {
    return 'not readable'
  }
  const bytes = Buffer.from(text)
  return bytes.length <= maxBytes ? text : `${bytes.subarray(0, maxBytes).toString()}...`
}
