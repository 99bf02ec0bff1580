// Tells `kafkawire:send` of the calls that take records. A subscriber of its `start` may add headers.

import { channels, isTraced, type TraceMessage } from '../diagnostics.ts'
import { type HeaderInput, headerList } from '../records/headers.ts'
import { copyOf, type ProducerRecord } from './record.ts'

type AnyRecord = ProducerRecord<unknown, unknown>

/** What `kafkawire:send` is told. */
export interface SendMessage extends TraceMessage {
  readonly call: 'send' | 'sendBatch' | 'enqueue'
  /** Copies, each with its headers as an array that may be changed when the call starts. */
  readonly records: AnyRecord[]
}

/** Whether something subscribes to sends. */
export function tracesSends(): boolean {
  return isTraced(channels.send)
}

/** A call that returns a promise. */
export function traceSend<K, V, T>(
  clientId: string,
  call: 'send' | 'sendBatch',
  given: Iterable<ProducerRecord<K, V>>,
  run: (records: ProducerRecord<K, V>[]) => Promise<T>,
): Promise<T> {
  const records = Array.from(given, withHeaderList)
  const message: SendMessage = { clientId, call, records: records.filter(isRecord) }
  return channels.send.tracePromise(() => run(records), message)
}

/** A call that returns at once. */
export function traceEnqueue<K, V>(
  clientId: string,
  given: ProducerRecord<K, V>,
  run: (record: ProducerRecord<K, V>) => boolean,
): boolean {
  const record = withHeaderList(given)
  const message: SendMessage = { clientId, call: 'enqueue', records: [record].filter(isRecord) }
  return channels.send.traceSync(() => run(record), message)
}

/** A copy of a record, with a copy of its headers. What is wrong stays so, for the call to refuse. */
function withHeaderList<K, V>(record: ProducerRecord<K, V>): ProducerRecord<K, V> {
  if (!isRecord(record)) return record
  let headers: HeaderInput[]
  try {
    headers = [...headerList(record.headers)]
  } catch {
    return record
  }
  return { ...copyOf(record), headers }
}

function isRecord(value: unknown): value is AnyRecord {
  return typeof value === 'object' && value !== null
}
