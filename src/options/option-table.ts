// How options are checked: each option is one entry of a table (its default and its check), and one
// function resolves what a user gave against the table. Unknown keys are refused, with the nearest name.

import { ConfigError } from '../errors.ts'

/** One option: what it is when not given, and what it may be. */
export interface OptionSpec<T> {
  readonly default: T
  /** Returns the value to use, or throws ConfigError by way of `fail`. */
  readonly check: (value: unknown, fail: (expected: string) => never) => T
}

export type OptionTable = Readonly<Record<string, OptionSpec<unknown>>>

/** All options of a table, none missing. */
export type ResolvedOptions<Table extends OptionTable> = {
  readonly [Key in keyof Table]: Table[Key] extends OptionSpec<infer T> ? T : never
}

/**
 * A complete, frozen object of all options of `table`.
 * @param owner names the call in error texts, such as `kafka.producer()`
 * @throws ConfigError for an unknown key or a wrong value; the message names the option and what it may be
 */
export function resolveOptions<Table extends OptionTable>(
  table: Table,
  given: object,
  owner: string,
): ResolvedOptions<Table> {
  const resolved: Record<string, unknown> = {}
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(table, key)) continue
    const near = nearest(key, Object.keys(table))
    throw new ConfigError(
      `${owner}: unknown option '${key}'${near === null ? '' : `: did you mean '${near}'?`}`,
    )
  }
  for (const [key, spec] of Object.entries(table)) {
    const value: unknown = Reflect.get(given, key)
    const fail = (expected: string): never => {
      throw new ConfigError(`${owner}: option '${key}' must be ${expected}, not ${shown(value)}`)
    }
    resolved[key] = value === undefined ? spec.default : spec.check(value, fail)
  }
  return Object.freeze(resolved) as ResolvedOptions<Table>
}

/** A whole number from `least` to `most`. */
export function integer(
  defaultValue: number,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): OptionSpec<number> {
  return {
    default: defaultValue,
    check: (value, fail) =>
      typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
        ? value
        : fail(
            `a whole number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''}`,
          ),
  }
}

/** Milliseconds: a whole number, at least `least`. */
export function duration(defaultMs: number, least = 0): OptionSpec<number> {
  return integer(defaultMs, least, 2147483647)
}

export function boolean(defaultValue: boolean): OptionSpec<boolean> {
  return {
    default: defaultValue,
    check: (value, fail) => (typeof value === 'boolean' ? value : fail('true or false')),
  }
}

/** A string that is not empty, or `defaultValue` (which may be null). */
export function text<Default extends string | null>(
  defaultValue: Default,
): OptionSpec<string | Default> {
  return {
    default: defaultValue,
    check: (value, fail) =>
      typeof value === 'string' && value !== '' ? value : fail('a string that is not empty'),
  }
}

/** One of a few values. */
export function oneOf<const T>(defaultValue: NoInfer<T>, values: readonly T[]): OptionSpec<T> {
  return {
    default: defaultValue,
    check: (value, fail) => {
      const found = values.find((allowed) => allowed === value)
      return found ?? fail(`one of ${values.map(shown).join(', ')}`)
    },
  }
}

/** A function, or nothing. The caller vouches for its parameters by the option's type. */
export function callback<F extends (...args: never[]) => unknown>(): OptionSpec<F | null> {
  return {
    default: null,
    check: (value, fail) => (isFunction<F>(value) ? value : fail('a function')),
  }
}

function isFunction<F>(value: unknown): value is F {
  return typeof value === 'function'
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  return value !== null && typeof value === 'object' ? 'an object' : String(value)
}

/** The known name that differs least, if it differs little: case, dots and a few letters. */
export function nearest(key: string, known: readonly string[]): string | null {
  const bare = key.toLowerCase().replaceAll(/[._-]/g, '')
  let best: string | null = null
  let least = 1 + Math.floor(key.length / 3)
  for (const name of known) {
    const steps = distance(bare, name.toLowerCase())
    if (steps < least) {
      best = name
      least = steps
    }
  }
  return best
}

/** Levenshtein's distance, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, row[j] + 1, next[j - 1] + 1))
    }
    row = next
  }
  return row[b.length]
}
