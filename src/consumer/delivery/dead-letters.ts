// Where records go that can be neither decoded nor handled. A dead letter is the record's own bytes with
// headers that say where it came from and why. It is written when the brokers have acknowledged it, and only
// then does its record count as done. What a topic refuses as too large goes without its value, and then
// without the record's key and headers: a letter that can never be written would end the run at every
// restart. The producer is given from outside: the consumer has none.

import { within } from '../../async/watchers.ts'
import { BrokerError, ClosedError, InvalidArgumentError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { ConsumerRecord } from '../../records/consumer-record.ts'
import type { Header } from '../../types.ts'

/** What of a producer is needed. */
export interface DeadLetterProducer {
  /** Settles when the brokers have acknowledged the record. */
  send(record: DeadLetter): Promise<unknown>
  close(options: { timeoutMs?: number; signal?: AbortSignal }): Promise<void>
}

interface DeadLetter {
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
   * Settles when all are acknowledged; the original keys, values and headers are kept.
   * @throws {ClosedError} after `close`; {Error} of the first letter that was not acknowledged
   */
  async send(
    topic: string,
    records: Iterable<ConsumerRecord<unknown, unknown>>,
    error: unknown,
  ): Promise<void> {
    if (this.isClosed) {
      throw new ClosedError('The consumer was closed before a dead letter could be sent')
    }
    this.producer ??= this.open()
    const { producer } = this
    const sent = [...records].map((record) => sendFitting(producer, topic, record, error))
    // All of them, so that every failure is seen.
    const outcomes = await Promise.allSettled(sent)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
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

async function sendFitting(
  producer: DeadLetterProducer,
  topic: string,
  record: ConsumerRecord<unknown, unknown>,
  error: unknown,
): Promise<void> {
  let refusal: unknown = null
  for (const letter of lettersOf(topic, record, error)) {
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

/** The record's letter: whole, without its value, and without anything of the record. */
function* lettersOf(
  topic: string,
  record: ConsumerRecord<unknown, unknown>,
  error: unknown,
): Generator<DeadLetter> {
  const { rawKey: key, rawValue: value } = record
  const headers = [...record.headers]
  yield { topic, key, value, headers: [...headers, ...describe(record, error, MAX_TEXT_BYTES)] }
  const omitted = [`value (${value?.length ?? 0} bytes)`]
  const short = describe(record, error, SHORT_TEXT_BYTES)
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

function describe(
  { topic, partition, offset }: ConsumerRecord<unknown, unknown>,
  error: unknown,
  maxBytes: number,
): Header[] {
  const isError = error instanceof Error
  return [
    header('topic', topic),
    header('partition', String(partition)),
    header('offset', String(offset)),
    header('exception', isError ? textOf(() => error.name, maxBytes) : typeof error),
    header(
      'message',
      textOf(() => (isError ? error.message : error), maxBytes),
    ),
  ]
}

function header(name: string, text: string): Header {
  return { key: `${PREFIX}.${name}`, value: Buffer.from(text) }
}

/** Whatever a user's code threw as text of bounded length. Never throws. */
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
