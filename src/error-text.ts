// How values, texts and errors stand in messages, log lines and JSON: short, on one line where they come
// from elsewhere, and without secrets.

import { types } from 'node:util'

/** Causes and lists of errors may be long: the rest is cut off. */
const MAX_JSON_DEPTH = 8

/** An error as plain data. Of foreign errors nothing is taken but what every error has. */
export function errorToJson(
  error: Error,
  parents: ReadonlySet<object> = new Set(),
  withStack = false,
): Record<string, unknown> {
  const { name, message, cause } = error
  const code: unknown = Reflect.get(error, 'code')
  const inside = new Set(parents).add(error)
  // Only the fields of our own classes are known to hold no secrets.
  const isOwn = typeof code === 'string' && code.startsWith('ERR_KAFKA_')
  const fields = isOwn ? { ...error, name: undefined, code: undefined } : {}
  const errors = error instanceof AggregateError ? error.errors : undefined
  const rest = Object.entries({ ...fields, errors, cause })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, toJson(value, inside, withStack)])
  return {
    name,
    ...(code === undefined ? {} : { code }),
    message,
    ...Object.fromEntries(rest),
    ...(withStack ? { stack: error.stack } : {}),
  }
}

function toJson(value: unknown, parents: ReadonlySet<object>, withStack: boolean): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'symbol' || typeof value === 'function') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return `<${value.byteLength} bytes>`
  if (parents.has(value)) return '<circular>'
  if (parents.size >= MAX_JSON_DEPTH) return '<cut>'
  if (value instanceof Error) return errorToJson(value, parents, withStack)
  const inside = new Set(parents).add(value)
  if (Array.isArray(value)) return value.map((entry) => toJson(entry, inside, withStack))
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, toJson(entry, inside, withStack)]),
  )
}

/** A value as plain data that `JSON.stringify` takes: bigints as strings, errors with their fields. */
export function plainJson(value: unknown, withStack = false): unknown {
  return toJson(value, new Set(), withStack)
}

/**
 * Text of a broker as it may stand in a message or a log line: on one line, without what a terminal takes
 * for a command, and not longer than 500 characters.
 */
export function escapeText(text: string): string {
  return escapeControls(text.slice(0, 500)).replaceAll('\n', '\\n')
}

/** Control characters but line feeds, and those that change the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

/** `text` without control characters, line feeds excepted. */
export function escapeControls(text: string): string {
  return text.replaceAll(
    controls,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What kind of value it is, without its content: for what may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (value === '') return 'an empty string'
  if (Array.isArray(value)) return 'an array'
  if (types.isPromise(value)) return 'a promise'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** What a user's code threw, for the message of another error. Never throws, whatever that is. */
export function causeText(cause: unknown): string {
  try {
    return cause instanceof Error ? String(cause.message) : String(cause)
  } catch {
    return describeValue(cause)
  }
}

/** A value as the message of an error shows it: short, with its type, and no text that looks secret. */
export function describeValue(value: unknown): string {
  try {
    return describe(value)
  } catch {
    // A proxy, or a getter of the caller's own, that throws.
    return 'an object'
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') {
    if (/-----BEGIN|^eyJ[\w-]{10}/.test(value)) return 'a string (not shown)'
    const text = value.length > 60 ? `${value.slice(0, 60)}...` : value
    return `${JSON.stringify(text)} (string)`
  }
  if (typeof value === 'bigint') return `${value}n (bigint)`
  if (typeof value === 'number' || typeof value === 'boolean') return `${value} (${typeof value})`
  if (typeof value !== 'object' || value === null) return kindOf(value)
  if (Array.isArray(value) || types.isPromise(value)) return kindOf(value)
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== 'Object' ? `an object (${name})` : 'an object'
}
