// From a line of input to a record, as kafka-console-producer's line reader does: headers, key, value.

import type { ProducerRecord } from '../producer/record.ts'
import { InputError, UsageError } from './failures.ts'

/** How lines are taken apart. */
export interface LineFormat {
  parseKey: boolean
  keySeparator: string
  parseHeaders: boolean
  headersDelimiter: string
  headersSeparator: string
  headersKeySeparator: string
  /** A line without a separator has no key, in place of being refused. */
  ignoreError: boolean
  /** Text that stands for null. */
  nullMarker: string | null
  /** Each line is an object: key, value, headers, partition, timestamp. */
  json: boolean
}

/** What a property of the line reader sets. */
const properties: Record<string, (format: LineFormat, value: string) => void> = {
  'parse.key': (format, value) => {
    format.parseKey = isTrue(value)
  },
  'key.separator': (format, value) => {
    format.keySeparator = value
  },
  'parse.headers': (format, value) => {
    format.parseHeaders = isTrue(value)
  },
  'headers.delimiter': (format, value) => {
    format.headersDelimiter = value
  },
  'headers.separator': (format, value) => {
    format.headersSeparator = value
  },
  'headers.key.separator': (format, value) => {
    format.headersKeySeparator = value
  },
  'ignore.error': (format, value) => {
    format.ignoreError = isTrue(value)
  },
  'null.marker': (format, value) => {
    format.nullMarker = value
  },
}

function isTrue(value: string): boolean {
  return value.trim().toLowerCase() === 'true'
}

/** @throws UsageError for a property that the line reader does not have */
export function lineFormat(given: ReadonlyMap<string, string>): LineFormat {
  const format: LineFormat = {
    parseKey: false,
    keySeparator: '\t',
    parseHeaders: false,
    headersDelimiter: '\t',
    headersSeparator: ',',
    headersKeySeparator: ':',
    ignoreError: false,
    nullMarker: null,
    json: false,
  }
  for (const [key, value] of given) {
    if (key === 'topic') continue
    if (!Object.hasOwn(properties, key)) {
      throw new UsageError(
        `--property ${key}: the line reader has no such property. It has ${Object.keys(properties).join(', ')}.`,
      )
    }
    properties[key](format, value)
  }
  return format
}

/**
 * Marks that are empty, or the same, part nothing: as Kafka's script says too.
 * @throws UsageError
 */
function checkMarks(format: LineFormat): void {
  const { parseKey, parseHeaders, nullMarker } = format
  const headerMarks: [string, string][] = [
    ['headers.delimiter', format.headersDelimiter],
    ['headers.separator', format.headersSeparator],
    ['headers.key.separator', format.headersKeySeparator],
  ]
  const used = parseHeaders ? headerMarks : []
  const groups = [used, parseKey ? [['key.separator', format.keySeparator] as const] : []]
  for (const marks of groups) {
    const names = new Map<string, string>()
    if (nullMarker !== null) names.set(nullMarker, 'null.marker')
    for (const [name, mark] of marks) {
      if (mark === '') throw new UsageError(`${name} must not be empty.`)
      const other = names.get(mark)
      if (other !== undefined) throw new UsageError(`${name} and ${other} must not be the same.`)
      names.set(mark, name)
    }
  }
}

type LineRecord = Omit<ProducerRecord, 'topic'>

/** Makes a record of a line; `number` is that of the line, for errors. */
export type LineParser = (line: Buffer, number: number) => LineRecord

/** @throws UsageError for marks that part nothing */
export function lineParser(format: LineFormat): LineParser {
  if (format.json) return parseJson
  checkMarks(format)
  const { nullMarker } = format
  if (!format.parseKey && !format.parseHeaders && nullMarker === null)
    return (line) => ({ value: line })
  const marker = nullMarker === null ? null : Buffer.from(nullMarker)
  const orNull = (bytes: Buffer): Buffer | null => {
    return marker !== null && bytes.equals(marker) ? null : bytes
  }
  return (line, number) => {
    let rest = line
    const record: LineRecord = { value: null }
    if (format.parseHeaders) {
      const part = split(rest, format.headersDelimiter, 'headers.delimiter', format, number)
      if (part !== null) {
        if (orNull(part.before) !== null) record.headers = parseHeaders(part.before, format, number)
        rest = part.after
      }
    }
    if (format.parseKey) {
      const part = split(rest, format.keySeparator, 'key.separator', format, number)
      if (part !== null) {
        record.key = orNull(part.before)
        rest = part.after
      }
    }
    record.value = orNull(rest)
    return record
  }
}

/** Null: there is no separator, and that is allowed. */
function split(
  bytes: Buffer,
  separator: string,
  property: string,
  format: LineFormat,
  number: number,
): { before: Buffer; after: Buffer } | null {
  const end = Buffer.from(separator)
  const at = bytes.indexOf(end)
  if (at >= 0) return { before: bytes.subarray(0, at), after: bytes.subarray(at + end.length) }
  if (format.ignoreError) return null
  const shown = JSON.stringify(separator)
  throw new InputError(
    `Line ${number} has no ${property} ${shown}. Choose another with --property ${property}=..., or give --property ignore.error=true.`,
  )
}

function parseHeaders(
  bytes: Buffer,
  format: LineFormat,
  number: number,
): { key: string; value: Buffer | null }[] {
  return bytes
    .toString()
    .split(format.headersSeparator)
    .map((text) => {
      const at = text.indexOf(format.headersKeySeparator)
      if (at < 0) {
        if (format.ignoreError) return { key: text, value: null }
        const shown = JSON.stringify(format.headersKeySeparator)
        throw new InputError(
          `Line ${number}: header "${text}" has no headers.key.separator ${shown}.`,
        )
      }
      const value = text.slice(at + format.headersKeySeparator.length)
      const isNull = format.nullMarker !== null && value === format.nullMarker
      return { key: text.slice(0, at), value: isNull ? null : Buffer.from(value) }
    })
}

function parseJson(line: Buffer, number: number): LineRecord {
  let value: unknown
  try {
    value = JSON.parse(number === 1 ? withoutMark(line) : line.toString())
  } catch (cause) {
    throw new InputError(
      `Line ${number} is not JSON: ${cause instanceof Error ? cause.message : ''}`,
    )
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'value')) {
    throw new InputError(`Line ${number} is not an object with a "value".`)
  }
  const { key, headers, partition, timestamp, ...fields } = value as Record<string, unknown>
  const bytes = (from: unknown): string | Buffer | null => bytesOf(from, line, number)
  const record: LineRecord = { value: bytes(fields.value) }
  if (key !== undefined) record.key = bytes(key)
  if (partition !== undefined) record.partition = wholeNumber('partition', partition, number)
  if (timestamp !== undefined) record.timestamp = wholeNumber('timestamp', timestamp, number)
  if (Array.isArray(headers)) {
    record.headers = headers.map((header: unknown) => {
      const { key, value } = Object(header) as { key?: unknown; value?: unknown }
      if (typeof key === 'string') return { key, value: bytes(value) }
      throw new InputError(`Line ${number}: a header has no "key" that is text.`)
    })
  } else if (typeof headers === 'object' && headers !== null) {
    record.headers = Object.entries(headers).map(([key, value]) => ({ key, value: bytes(value) }))
  } else if (headers !== undefined && headers !== null) {
    throw new InputError(`Line ${number}: "headers" must be an object or a list.`)
  }
  return record
}

function wholeNumber(name: string, value: unknown, number: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  const shown = JSON.stringify(value)
  throw new InputError(`Line ${number}: "${name}" must be a whole number, got ${shown}.`)
}

/** The text of the first line, without a byte order mark. */
function withoutMark(line: Buffer): string {
  return line.toString().replace(/^\ufeff/, '')
}

/** Text, null, or bytes as `consume --json` shows them; another value is written as JSON. */
function bytesOf(value: unknown, line: Buffer, number: number): string | Buffer | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  const base64: unknown = Reflect.get(Object(value), 'base64')
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item !== 'number' || Number.isSafeInteger(item)) return item
    // A number that was rounded would be written as another one than was read.
    const isRounded = Number.isInteger(item) && item < 1e21 && !line.includes(String(item))
    if (Number.isFinite(item) && !isRounded) return item
    throw new InputError(
      `Line ${number}: ${item} is not exactly the number that is written there. Give the value as text.`,
    )
  })
}
