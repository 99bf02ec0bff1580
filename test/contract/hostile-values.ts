// Values that no argument should be, and how they are put in the place of what an argument is.

function boom(): never {
  throw new Error('boom')
}

/** What a caller may give by mistake, or on purpose. */
export const hostileValues: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  5: () => 5,
  '-1': () => -1,
  '1.5': () => 1.5,
  NaN: () => Number.NaN,
  text: () => 'some text',
  '""': () => '',
  true: () => true,
  '5n': () => 5n,
  symbol: () => Symbol('s'),
  function: () => boom,
  '[]': () => [],
  '{}': () => ({}),
  '[null]': () => [null],
  '[,,]': () => new Array(2),
  'a bare object': () => Object.create(null),
  'a promise': () => Promise.resolve(5),
  'a date': () => new Date(),
  'a map': () => new Map([['timeoutMs', 5]]),
  'a signal': () => new AbortController().signal,
  'a signal of a polyfill': () => ({
    aborted: false,
    addEventListener: () => {},
    removeEventListener: () => {},
  }),
  'a proxy that throws': () =>
    new Proxy({}, { get: boom, ownKeys: boom, has: boom, getPrototypeOf: boom }),
  'an iterable that throws': () => ({ [Symbol.iterator]: boom }),
}

/** Values of the right type that no request can carry, and numbers of ms that no timer takes. */
export const extremes: Readonly<Record<string, readonly unknown[]>> = {
  number: [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    -0,
    -2,
    0.1,
    5e-324,
    2 ** 31,
    2 ** 53,
    1e300,
  ],
  bigint: [-1n, 2n ** 63n, 10n ** 30n],
  string: ['\ud800', 'x'.repeat(40_000), 'é'.repeat(20_000), '\u0000', ' ', 'a\nb'],
}

/** Takes the place of a property: a getter that throws. */
export const throwingGetter = 'a getter that throws'

export type Path = readonly (string | number)[]

/** The places in `value` that can be given something else, itself not included. */
export function pathsOf(value: unknown, at: Path = []): Path[] {
  const own: Path[] = at.length === 0 ? [] : [at]
  if (Array.isArray(value)) {
    return [...own, ...value.flatMap((item, index) => pathsOf(item, [...at, index]))]
  }
  if (!isPlain(value)) return own
  return [...own, ...Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...at, key]))]
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), value)
}

/** A copy of `value` with `other` at `path`. */
export function withValue(value: unknown, path: Path, other: unknown): unknown {
  const [head, ...rest] = path
  if (head === undefined) return other
  const copy: object = Array.isArray(value) ? [...value] : { ...Object(value) }
  Reflect.set(copy, head, withValue(Reflect.get(copy, head), rest, other))
  return copy
}

/** A copy of `value` with something hostile at `path`. */
export function withHostile(value: unknown, path: Path, kind: string): unknown {
  const [head, ...rest] = path
  if (head === undefined) return hostileValues[kind]()
  const copy: object = Array.isArray(value) ? [...value] : { ...Object(value) }
  const inner: unknown = Reflect.get(copy, head)
  const property =
    rest.length === 0 && kind === throwingGetter
      ? { get: boom }
      : { value: withHostile(inner, rest, kind), writable: true }
  return Object.defineProperty(copy, head, { ...property, enumerable: true, configurable: true })
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  )
}

/** Objects of which it cannot be said that they hold nothing: their content is not in properties. */
const contentElsewhere = new Set(['a promise', 'a date', 'a map'])

/**
 * Whether something of this kind may be meant where `valid` is: it is of the same type, or an object
 * where options, all of which may be left out, are an object.
 */
export function mayBeMeant(valid: unknown, kind: string): boolean {
  if (kind === throwingGetter) return false
  const value = hostileValues[kind]()
  if (typeof valid !== typeof value) return false
  if (typeof valid !== 'object') return true
  if (kind === 'a signal') return valid instanceof AbortSignal
  if (kind === 'a signal of a polyfill') return !(valid instanceof AbortSignal)
  if (kind === 'a proxy that throws' || contentElsewhere.has(kind)) return false
  if (kind === 'an iterable that throws') return !Array.isArray(valid)
  if (kind === '[null]' || kind === '[,,]') return false
  return value !== null && Array.isArray(valid) === Array.isArray(value)
}
