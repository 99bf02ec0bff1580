// What the command line knows of dead letters: what their headers say, which ones a filter takes, and the
// record that each was.

import { isRetryHeader } from '../consumer/buffer/retry-headers.ts'
import type { ProducerRecord } from '../producer/record.ts'
import type { ConsumerRecord } from '../records/consumer-record.ts'
import { isTopicName } from '../topic-partition.ts'
import { UsageError } from './failures.ts'

/** Headers of a dead letter begin with this. */
const PREFIX = '__kafkawire.errors.'
/** How often a record was sent back already. */
const REDRIVES = '__kafkawire.redrives'

/** What `--filter` may look at, besides `header.NAME`. */
const fields = ['topic', 'partition', 'exception', 'message', 'key'] as const

export type LetterFilter = (letter: ConsumerRecord) => boolean

/** One of the headers that say why it is a dead letter. */
export function errorHeader(letter: ConsumerRecord, name: string): string | undefined {
  return headerValue(letter, PREFIX + name)
}

/**
 * Takes the letters that meet every condition: `field=text` (equal) or `field~expression` (matches).
 * @throws {UsageError}
 */
export function letterFilter(conditions: readonly string[]): LetterFilter {
  const filters = conditions.map(conditionOf)
  return (letter) => filters.every((filter) => filter(letter))
}

function conditionOf(condition: string): LetterFilter {
  const match = /^(header\.[^=~]+|[a-z]+)([=~])(.*)$/s.exec(condition)
  const field = match?.[1] ?? ''
  if (match === null || !(field.startsWith('header.') || fields.some((each) => each === field))) {
    throw new UsageError(
      `--filter ${condition}: expected field=text or field~expression, with one of the fields ${fields.join(', ')} and header.NAME.`,
    )
  }
  const [, , operator, text] = match
  const read = (letter: ConsumerRecord): string | undefined => {
    if (field === 'key') return letter.key?.toString()
    if (field.startsWith('header.')) return headerValue(letter, field.slice('header.'.length))
    return errorHeader(letter, field)
  }
  if (operator === '=') return (letter) => read(letter) === text
  let expression: RegExp
  try {
    expression = new RegExp(text)
  } catch (error) {
    throw new UsageError(
      `--filter ${condition}: ${error instanceof Error ? error.message : String(error)}.`,
    )
  }
  return (letter) => expression.test(read(letter) ?? '')
}

export interface RedriveRules {
  /** Send all there; absent: to where each came from. */
  readonly to?: string | undefined
  /** Whether the headers that describe the error stay. */
  readonly keepErrorHeaders?: boolean | undefined
}

/** The record as it was before it became a dead letter; null if that is not known. */
export function originalOf(letter: ConsumerRecord, rules: RedriveRules): ProducerRecord | null {
  const topic = rules.to ?? errorHeader(letter, 'topic')
  if (!isTopicName(topic) || errorHeader(letter, 'omitted') !== undefined) return null
  const redrives = Number(headerValue(letter, REDRIVES) ?? 0) + 1
  const headers = [...letter.headers].filter(
    ({ key }) =>
      key !== REDRIVES &&
      (rules.keepErrorHeaders === true || !(key.startsWith(PREFIX) || isRetryHeader(key))),
  )
  return {
    topic,
    key: letter.key,
    value: letter.value,
    headers: [...headers, { key: REDRIVES, value: String(redrives) }],
  }
}

/** The same dead letter once more, for the end of its topic. */
export function copyOf({ topic, key, value, headers }: ConsumerRecord): ProducerRecord {
  return { topic, key, value, headers: [...headers] }
}

/** The last header of this name: a record can have died twice. */
function headerValue(letter: ConsumerRecord, name: string): string | undefined {
  return [...letter.headers].findLast(({ key }) => key === name)?.value?.toString()
}
