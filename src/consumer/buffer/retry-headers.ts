// The headers of a record in a retry topic: where it came from, how often its handler was called, and when
// it is due. Text, so that any tool can read them.

import type { TimestampType } from '../../records/record-batch.ts'
import { isTopicName } from '../../topic-partition.ts'
import type { Header } from '../../types.ts'

/** All of them begin with this. */
const RETRY_HEADER_PREFIX = '__kafkawire.retry.'

/** What the headers of a record in a retry topic say. */
export interface RetryState {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Of the original record (ms since 1970); -1: it has none. */
  readonly timestamp: number
  readonly timestampType: TimestampType
  /** How often its handler was called. */
  readonly attempts: number
  /** When it may be handled again (ms since 1970). */
  readonly notBefore: number
}

export function isRetryHeader(key: string): boolean {
  return key.startsWith(RETRY_HEADER_PREFIX)
}

export function retryHeaders(
  state: RetryState,
  { exception, message }: { exception: string; message: string },
): Header[] {
  const texts = { ...state, exception, message }
  return Object.entries(texts).map(([name, value]) => ({
    key: RETRY_HEADER_PREFIX + name,
    value: Buffer.from(String(value)),
  }))
}

/** null: the record was not sent there by a consumer, or its headers were changed. */
export function readRetryHeaders({
  headers,
}: {
  readonly headers: Iterable<Header>
}): RetryState | null {
  const texts = new Map<string, string>()
  for (const { key, value } of headers) {
    if (isRetryHeader(key)) texts.set(key.slice(RETRY_HEADER_PREFIX.length), String(value))
  }
  const topic = texts.get('topic')
  const partition = wholeOf(texts.get('partition'))
  const offset = texts.get('offset') ?? ''
  const timestampType = texts.get('timestampType')
  const timestamp = texts.get('timestamp') === '-1' ? -1 : wholeOf(texts.get('timestamp'))
  const attempts = wholeOf(texts.get('attempts'))
  const notBefore = wholeOf(texts.get('notBefore'))
  if (!isTopicName(topic) || partition === null || !/^\d{1,19}$/.test(offset)) return null
  if (timestampType !== 'CreateTime' && timestampType !== 'LogAppendTime') return null
  if (timestamp === null || attempts === null || notBefore === null) return null
  return {
    topic,
    partition,
    offset: BigInt(offset),
    timestamp,
    timestampType,
    attempts,
    notBefore,
  }
}

function wholeOf(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return null
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : null
}
