// JSON, with an optional check by a Standard Schema: the interface that zod, valibot, arktype and others
// share (https://standardschema.dev). Only its types are needed, so there is nothing to install.

import { isThenable } from '../async/rejections.ts'
import { describeValue, InvalidArgumentError } from '../errors.ts'
import type { RecordData, Serde } from '../types.ts'

/** A schema of any library that implements Standard Schema v1. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a schema says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

export interface JsonSerdes {
  /** JSON without a check. */
  <T>(): Serde<T>
  /**
   * JSON whose values a schema checks. A value is checked as its reader will see it: after JSON.stringify
   * and JSON.parse. A tombstone is read as null, which the schema must allow then.
   */
  <Output>(schema: StandardSchema<unknown, Output>): Serde<Output>
}

export const jsonSerde: JsonSerdes = (schema?: unknown): Serde<never> => {
  if (schema === undefined) return uncheckedJson
  if (!isStandardSchema(schema)) {
    throw new InvalidArgumentError(
      `serdes.json() takes a Standard Schema, such as one of zod, valibot or arktype, got ${describeValue(schema)}`,
    )
  }
  return checkedJson(schema) as Serde<never>
}

function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard: unknown = Reflect.get(value, '~standard')
  return (
    typeof standard === 'object' &&
    standard !== null &&
    typeof Reflect.get(standard, 'validate') === 'function'
  )
}

const uncheckedJson: Serde<never> = {
  isSync: true,
  serialize: stringify,
  // The caller of `serdes.json<T>()` says what it is.
  deserialize: (bytes) => parse(bytes) as never,
}

function checkedJson(schema: StandardSchema): Serde<unknown> {
  return {
    serialize: (value): RecordData | Promise<RecordData> => {
      const text = stringify(value)
      if (text === null) return null
      const checked = check(schema, JSON.parse(text))
      return checked instanceof Promise ? checked.then(() => text) : text
    },
    deserialize: (bytes) => check(schema, parse(bytes)),
  }
}

function stringify(value: unknown): string | null {
  if (value === null) return null
  const text: string | undefined = JSON.stringify(value)
  if (text !== undefined) return text
  throw new InvalidArgumentError(`JSON cannot hold ${describeValue(value)}`)
}

/** Java's and .NET's writers may put a byte order mark before the text, which JSON.parse refuses. */
function parse(bytes: Buffer | null): unknown {
  if (bytes === null) return null
  const hasMark = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return JSON.parse(bytes.toString('utf8', hasMark ? 3 : 0))
}

function check(schema: StandardSchema, value: unknown): unknown {
  const result = schema['~standard'].validate(value)
  return isThenable(result) ? Promise.resolve(result).then(outputOf) : outputOf(result)
}

function outputOf(result: SchemaResult<unknown>): unknown {
  if (result.issues === undefined) return result.value
  const shown = result.issues.slice(0, 5).map(textOf)
  const more = result.issues.length - shown.length
  throw new InvalidArgumentError(
    `the value does not fit its schema: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    { cause: result.issues },
  )
}

function textOf({ message, path = [] }: SchemaIssue): string {
  const names = path.map((step) => String(typeof step === 'object' ? step.key : step))
  return names.length === 0 ? message : `${names.join('.')}: ${message}`
}
