// Record headers: what a caller may give, and what a consumed record has. Ordered, and a key may occur
// more than once.

import { isUtf8 } from 'node:buffer'
import { describeValue, InvalidArgumentError } from '../errors.ts'
import { hasContentElsewhere } from '../read-argument.ts'
import type { Header, ReadableHeaders, RecordData, WritableHeaders } from '../types.ts'
import { ownBytes } from './own-bytes.ts'

/** One header of a record to be sent. */
export interface HeaderInput {
  readonly key: string
  readonly value: RecordData
}

/** Headers of a record to be sent: a list (which may repeat a key), a consumed record's, or an object. */
export type HeadersInput = Iterable<HeaderInput> | Readonly<Record<string, RecordData>>

const noHeaders: readonly HeaderInput[] = Object.freeze([])

/** The headers as a list. A list comes back as it is; none is an empty list that is always the same. */
export function headerList(headers: HeadersInput | null | undefined): readonly HeaderInput[] {
  if (headers === null || headers === undefined) return noHeaders
  if (isList(headers)) return headers
  return listOf(headers)
}

/** Apart, so that the function above stays small enough to be compiled into those that call it for each record. */
function listOf(headers: HeadersInput): readonly HeaderInput[] {
  if (isIterable(headers)) return [...headers]
  const entries = typeof headers === 'object' ? Object.entries(headers) : []
  if (entries.length === 0 && (typeof headers !== 'object' || hasContentElsewhere(headers))) {
    throw new InvalidArgumentError(
      `headers must be a list or an object, got ${describeValue(headers)}`,
    )
  }
  return entries.map(([key, value]) => ({ key, value }))
}

function isList(headers: HeadersInput): headers is readonly HeaderInput[] {
  return Array.isArray(headers)
}

function isIterable(headers: HeadersInput): headers is Iterable<HeaderInput> {
  return typeof headers === 'object' && Symbol.iterator in headers
}

/** Copies of headers, which the caller cannot change. */
export function ownHeaders(headers: readonly HeaderInput[]): readonly HeaderInput[] {
  return headers.length === 0 ? headers : Array.from(headers, ownHeader)
}

function ownHeader(header: HeaderInput): HeaderInput {
  if (typeof header !== 'object' || header === null) return header
  const value: RecordData = ownBytes(header.value)
  return { key: header.key, value }
}

/**
 * Lets serializers add to the headers of a record. Values are copied: a serializer may write into one buffer
 * again and again.
 */
export class HeaderAppender implements WritableHeaders {
  private readonly list: HeaderInput[]

  /** @param list is changed */
  constructor(list: HeaderInput[]) {
    this.list = list
  }

  add(key: string, value: RecordData): void {
    this.list.push({ key, value: ownBytes(value) })
  }

  set(key: string, value: RecordData): void {
    const others = this.list.filter((header) => header.key !== key)
    this.list.length = 0
    for (const other of others) this.list.push(other)
    this.add(key, value)
  }

  get(key: string): RecordData | undefined {
    return this.list.findLast((header) => header.key === key)?.value
  }

  [Symbol.iterator](): Iterator<HeaderInput> {
    return this.list[Symbol.iterator]()
  }
}

/** The headers of a consumed record, in the order they were sent. Values are views on fetched bytes. */
export class RecordHeaders implements ReadableHeaders {
  private readonly entries: readonly Header[]

  constructor(entries: readonly Header[]) {
    this.entries = entries
  }

  /** How many there are. */
  get size(): number {
    return this.entries.length
  }

  /** The value of the last header of this key, as Java's `lastHeader`; undefined without one. */
  get(key: string): Buffer | null | undefined {
    return this.entries.findLast((header) => header.key === key)?.value
  }

  /** The values of every header of this key, in order. */
  getAll(key: string): (Buffer | null)[] {
    return this.entries.filter((header) => header.key === key).map((header) => header.value)
  }

  /** Whether there is a header of this key. */
  has(key: string): boolean {
    return this.entries.some((header) => header.key === key)
  }

  [Symbol.iterator](): Iterator<Header> {
    return this.entries[Symbol.iterator]()
  }

  /** Plain data for logs: see `ConsumerRecord.toJSON`. */
  toJSON(): { key: string; value: JsonBytes }[] {
    return this.entries.map(({ key, value }) => ({ key, value: bytesToJson(value) }))
  }
}

/** Bytes in JSON: text where they are UTF-8, else base64 in an object. */
export type JsonBytes = string | { base64: string } | null

/** Bytes as they are shown in a log. */
export function bytesToJson(bytes: Buffer | null): JsonBytes {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') }
}
