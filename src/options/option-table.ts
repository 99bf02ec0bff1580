// How options are checked: each option is one entry of a table (its default and its check), and one
// function resolves what a user gave against the table. Unknown keys are refused, with the nearest name.

import { ConfigError, causeText, describeValue, KafkaError, kindOf } from '../errors.ts'
import { hasContentElsewhere } from '../read-argument.ts'
import { isSendable, MAX_NAME_BYTES } from '../topic-partition.ts'
import { camelCase, findForeignName } from './foreign-names.ts'

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

/** The tables of all calls that take options, so that an option at the wrong call is told its place. */
const tables = new Map<string, OptionTable>()

/** Makes the names of `table` known as those of `owner`, such as `kafka.producer()`. */
export function optionsOf<Table extends OptionTable>(owner: string, table: Table): Table {
  tables.set(owner, table)
  return table
}

/**
 * A complete, frozen object of all options of `table`.
 * @param owner names the call in error texts, such as `kafka.producer()`
 * @param isSecret nothing of what was given may be printed, neither values nor unknown names
 * @throws ConfigError for an unknown key or a wrong value; the message names the option and what it may be
 */
export function resolveOptions<Table extends OptionTable>(
  table: Table,
  given: object,
  owner: string,
  isSecret = false,
): ResolvedOptions<Table> {
  checkOptionsObject(given, owner, isSecret)
  const resolved: Record<string, unknown> = {}
  for (const key of read(owner, 'the options', isSecret, () => Object.keys(given))) {
    if (!Object.hasOwn(table, key)) throw unknownOption(key, table, owner, isSecret)
  }
  for (const [key, spec] of Object.entries(table)) {
    resolved[key] = read(owner, `option '${key}'`, isSecret, () => {
      const value: unknown = Reflect.get(given, key)
      const fail = (expected: string): never => {
        const got = isSecret ? kindOf(value) : describeValue(value)
        throw new ConfigError(`${owner}: option '${key}' must be ${expected}, got ${got}`)
      }
      return value === undefined ? spec.default : spec.check(value, fail)
    })
  }
  return Object.freeze(resolved) as ResolvedOptions<Table>
}

/**
 * The options that are not undefined, each read once: a getter may give another value the next time.
 * @throws ConfigError for what is not an object, or cannot be read
 */
export function readOptions<Given extends object>(
  table: OptionTable,
  given: Given,
  owner: string,
): Given {
  checkOptionsObject(given, owner, false)
  const keys = read(owner, 'the options', false, () => Object.keys(given))
  const entries = [...new Set([...keys, ...Object.keys(table)])].map((key): [string, unknown] => [
    key,
    read(owner, `option '${key}'`, false, () => Reflect.get(given, key)),
  ])
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Given
}

/** What `attempt` returns. @throws ConfigError when something that the user gave throws while it is read */
function read<T>(owner: string, what: string, isSecret: boolean, attempt: () => T): T {
  try {
    return attempt()
  } catch (cause) {
    if (cause instanceof KafkaError) throw cause
    if (isSecret) throw new ConfigError(`${owner}: ${what} cannot be read`)
    const why = causeText(cause)
    throw new ConfigError(`${owner}: ${what} cannot be read: ${why}`, { cause })
  }
}

/** @throws ConfigError unless `given` is an object that can hold options */
function checkOptionsObject(
  given: unknown,
  owner: string,
  isSecret: boolean,
): asserts given is object {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (isObject && !read(owner, 'the options', isSecret, () => hasContentElsewhere(given))) return
  throw new ConfigError(`${owner}: the options must be an object, got ${kindOf(given)}`)
}

function unknownOption(
  key: string,
  table: OptionTable,
  owner: string,
  isSecret: boolean,
): ConfigError {
  const foreign = findForeignName(key)
  const known = Object.keys(table)
  const near = Object.hasOwn(table, foreign?.name ?? '') ? foreign?.name : nearest(key, known)
  // A secret in the place of a name has no name like it.
  const isQuoted = !isSecret || foreign !== null || near !== null
  const unknown = isQuoted ? `unknown option '${key.slice(0, 100)}'` : 'unknown option'
  const fail = (hint: string): ConfigError => new ConfigError(`${owner}: ${unknown}${hint}`)
  if (foreign?.advice) return fail(`: ${foreign.advice}`)
  if (near && near === foreign?.name) return fail(`: it is '${near}' here`)
  if (near === camelCase(key)) return fail(`: did you mean '${near}'?`)
  // The exact name at another call is a better guess than a similar one at this call.
  for (const [other, otherTable] of tables) {
    const name = [key, camelCase(key), foreign?.name ?? ''].find((one) =>
      Object.hasOwn(otherTable, one),
    )
    if (name !== undefined && !isSecret) return fail(`: '${name}' is an option of ${other}`)
  }
  if (near) return fail(`: did you mean '${near}'?`)
  return fail(isSecret ? `: the options are ${known.join(', ')}` : '')
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

/** The greatest number of milliseconds that fits the int32 field of a request. */
const MAX_INT32 = 2_147_483_647

/** Milliseconds that a request carries: a whole number that an int32 can hold, at least `least`. */
export function wireDuration(defaultMs: number, least = 0): OptionSpec<number> {
  return integer(defaultMs, least, MAX_INT32)
}

/** Milliseconds: a whole number of any size, at least `least`; Infinity for no limit. */
export function duration(defaultMs: number, least = 0): OptionSpec<number> {
  return {
    default: defaultMs,
    check: (value, fail) =>
      typeof value === 'number' &&
      (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) &&
      value >= least
        ? value
        : fail(`a whole number of milliseconds from ${least} on, or Infinity`),
  }
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
    check: (value, fail) => {
      if (typeof value !== 'string' || value === '') return fail('a string that is not empty')
      // A request with another one would fail, or name something else.
      if (!isSendable(value)) return fail(`a string of at most ${MAX_NAME_BYTES} bytes in UTF-8`)
      return value
    },
  }
}

/** One of a few values. */
export function oneOf<const T>(defaultValue: NoInfer<T>, values: readonly T[]): OptionSpec<T> {
  return {
    default: defaultValue,
    check: (value, fail) => {
      const found = values.find((allowed) => allowed === value)
      return found ?? fail(`one of ${values.map((one) => `'${one}'`).join(', ')}`)
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

/** Whether `value` is an object with one or more of these methods, and nothing else in their places. */
export function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  const methods = names.map((name): unknown => Reflect.get(value, name))
  const given = methods.filter((method) => method !== undefined)
  return given.length > 0 && given.every((method) => typeof method === 'function')
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
