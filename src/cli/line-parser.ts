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

type LineRecord = Omit<ProducerRecord, 'topic'>

/** Makes a record of a line; `number` is that of the line, for errors. */
export type LineParser = (line: Buffer, number: number) => LineRecord

export function lineParser(format: LineFormat): LineParser {
  if (format.json) return parseJson
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
    value = JSON.parse(line.toString())
  } catch (cause) {
    throw new InputError(
      `Line ${number} is not JSON: ${cause instanceof Error ? cause.message : ''}`,
    )
  }
  if (typeof value !== 'object' || value === null || !('value' in value)) {
    throw new InputError(`Line ${number} is not an object with a "value".`)
  }
  const fields = value as Record<string, unknown>
  const record: LineRecord = { value: bytesOf(fields.value, number) }
  if (fields.key !== undefined) record.key = bytesOf(fields.key, number)
  if (typeof fields.partition === 'number') record.partition = fields.partition
  if (typeof fields.timestamp === 'number') record.timestamp = fields.timestamp
  if (Array.isArray(fields.headers)) {
    record.headers = fields.headers.map((header: unknown) => {
      const { key, value } = Object(header) as { key?: unknown; value?: unknown }
      return { key: String(key), value: bytesOf(value, number) }
    })
  } else if (typeof fields.headers === 'object' && fields.headers !== null) {
    record.headers = Object.entries(fields.headers).map(([key, value]) => ({
      key,
      value: bytesOf(value, number),
    }))
  }
  return record
}

/** Text, null, or bytes as `consume --json` shows them; another value is written as JSON. */
function bytesOf(value: unknown, number: number): string | Buffer | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  const base64: unknown = Reflect.get(Object(value), 'base64')
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  const text = JSON.stringify(value)
  if (text === undefined) throw new InputError(`Line ${number}: a value cannot be written.`)
  return text
}
