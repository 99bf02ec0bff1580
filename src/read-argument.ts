// Reads what a caller gives: a getter, an iterator or a proxy of the caller may throw, and the caller
// learns then which argument of which call that was.

import { types } from 'node:util'
import { causeText, describeValue, InvalidArgumentError, KafkaError } from './errors.ts'

/** Makes the error of a value that could not be read. */
type Unreadable = (what: string, cause: unknown) => Error

function unreadable(call: string): Unreadable {
  return (what, cause) => {
    const why = causeText(cause)
    return new InvalidArgumentError(`${call} failed: reading ${what} threw: ${why}`, { cause })
  }
}

/** Returns what `read` returns. @throws {InvalidArgumentError} with what `read` throws as its cause */
export function readSafely<T>(call: string, what: string, read: () => T): T {
  return attempt(what, read, unreadable(call))
}

/** Reads one property. @throws {InvalidArgumentError} when it cannot be read */
export function readProperty(call: string, value: object, key: string): unknown {
  return readSafely(call, `"${key}"`, () => Reflect.get(value, key))
}

/**
 * Whether an object has its content elsewhere than in properties, as a Map, a promise and an AbortSignal have:
 * read as an object of options it would be one that sets none of them.
 */
export function hasContentElsewhere(value: object): boolean {
  const tag = (): string => Object.prototype.toString.call(value)
  return Object.keys(value).length === 0 && tag() !== '[object Object]'
}

/**
 * The names of the options that an object sets.
 * @throws {InvalidArgumentError} when they cannot be read, or the object cannot hold options
 */
export function readKeys(call: string, value: object): string[] {
  const what = 'the names of its options'
  if (readSafely(call, what, () => hasContentElsewhere(value))) {
    throw new InvalidArgumentError(
      `${call} failed: its options must be an object with options as its properties, got ${describeValue(value)}`,
    )
  }
  return readSafely(call, what, () => Object.keys(value))
}

/**
 * A view of an argument that is made of plain data, however deep. Iterables are arrays in it, read once.
 * Whatever of it cannot be read is an InvalidArgumentError.
 */
export function readable<T>(call: string, value: T, name: string): T {
  return viewOf(value, name, unreadable(call)) as T
}

/** The same for all arguments of a call. */
export function readAll<const Args extends readonly unknown[]>(call: string, args: Args): Args {
  // `map` forgets that its array is a tuple.
  return args.map((value, index) =>
    readable(call, value, `argument ${index + 1}`),
  ) as unknown as Args
}

function viewOf(value: unknown, name: string, fail: Unreadable): unknown {
  if (typeof value !== 'object' || value === null || isWhole(value)) return value
  const iterate = attempt(name, () => Reflect.get(value, Symbol.iterator), fail)
  if (typeof iterate === 'function') {
    const items = attempt(name, () => [...(value as Iterable<unknown>)], fail)
    return items.map((item, index) => viewOf(item, `${name}[${index}]`, fail))
  }
  const read = (key: string | symbol): unknown => {
    const at = `${name}.${String(key)}`
    return viewOf(
      attempt(at, () => Reflect.get(value, key), fail),
      at,
      fail,
    )
  }
  // Its target is empty: what a proxy says of a frozen target must be true of the target.
  return new Proxy(Object.create(null), {
    get: (_, key) => read(key),
    has: (_, key) => attempt(name, () => Reflect.has(value, key), fail),
    ownKeys: () => attempt(name, () => Reflect.ownKeys(value), fail),
    getOwnPropertyDescriptor: (_, key) => {
      const own = attempt(name, () => Reflect.getOwnPropertyDescriptor(value, key), fail)
      if (own === undefined) return undefined
      return { value: read(key), enumerable: own.enumerable, configurable: true, writable: true }
    },
  })
}

/** Bytes, signals, promises and maps, which no call takes, are not looked into. */
function isWhole(value: object): boolean {
  const isOne = [types.isPromise, types.isDate, types.isMap].some((is) => is(value))
  if (isOne || ArrayBuffer.isView(value)) return true
  // By its shape: each realm has another class.
  return !types.isProxy(value) && 'aborted' in value && 'addEventListener' in value
}

function attempt<T>(what: string, read: () => T, fail: Unreadable): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof KafkaError) throw cause
    throw fail(what, cause)
  }
}
