// JSON with JSON Schema, by the package ajv: what does not fit is refused in both directions.

import type { Ajv, ValidateFunction } from 'ajv'
import { ConfigError, causeText, InvalidArgumentError } from '../errors.ts'
import { requireOptional } from '../optional-package.ts'
import { resolveOptions } from '../options/option-table.ts'
import type { Codec } from './codec.ts'
import { type JsonSchemaSettings, jsonSchemaTable, schemaText } from './options.ts'
import type { ResolvedSchema, SchemaText } from './registry-client.ts'

export interface JsonSchemaOptions {
  /** The schema. Default: the latest of the subject writes, the writer's reads. */
  schema?: object | string
  /** Passed to ajv; a function that is given each Ajv, to add formats and keywords. */
  configure?: (ajv: Ajv) => void
}

const CALL = 'registry.jsonSchema()'

type AjvClass = new (options: object) => Ajv

export class JsonSchemaCodec<T> implements Codec<T> {
  readonly schema: SchemaText | null
  readonly recordName: string | null
  readonly hasIndexes = false
  private readonly options: JsonSchemaSettings
  private readonly own: ValidateFunction | null

  constructor(options: JsonSchemaOptions) {
    this.options = resolveOptions(jsonSchemaTable, options, CALL)
    const { schema } = this.options
    const definition = typeof schema === 'string' ? givenSchema(schema) : schema
    this.schema = definition === undefined ? null : schemaText(CALL, 'JSON', definition)
    const title: unknown = definition === undefined ? null : Reflect.get(definition, 'title')
    this.recordName = typeof title === 'string' ? title : null
    this.own = this.schema === null ? null : this.compile(this.schema, [])
  }

  writer(schema: ResolvedSchema | null): Promise<(value: T) => Buffer> {
    const validate = this.own ?? this.parse(schema)
    return Promise.resolve((value: T) => {
      const text: string | undefined = JSON.stringify(value)
      // As its reader will see it.
      check(validate, text === undefined ? undefined : JSON.parse(text))
      return Buffer.from(text)
    })
  }

  reader(writerSchema: ResolvedSchema): Promise<(data: Buffer) => T> {
    const validate = this.own ?? this.parse(writerSchema)
    return Promise.resolve((data: Buffer) => {
      const value: unknown = JSON.parse(data.toString('utf8'))
      check(validate, value)
      return value as T
    })
  }

  private parse(schema: ResolvedSchema | null): ValidateFunction {
    if (schema === null) throw new ConfigError('registry.jsonSchema() needs a schema to write with')
    return this.compile(schema, schema.dependencies)
  }

  private compile(
    { schema }: SchemaText,
    dependencies: readonly { readonly name: string; readonly schema: string }[],
  ): ValidateFunction {
    try {
      const definition = schemaObject(schema)
      const ajv = new (load(definition))({ strict: false, allErrors: true, logger: false })
      this.options.configure?.(ajv as never)
      for (const { name, schema: text } of dependencies) ajv.addSchema(schemaObject(text), name)
      return ajv.compile(definition)
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause
      const reason = causeText(cause)
      throw new InvalidArgumentError(`the JSON schema cannot be used: ${reason}`, { cause })
    }
  }
}

/** @throws {ConfigError} for a text that is not JSON */
function givenSchema(text: string): object {
  try {
    return schemaObject(text)
  } catch (cause) {
    throw new ConfigError(`${CALL}: option 'schema' is not JSON: ${causeText(cause)}`, { cause })
  }
}

function schemaObject(text: string): object {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null ? value : {}
}

/** The drafts of 2019 and 2020 are classes of their own in ajv. */
function load(definition: object): AjvClass {
  const draft = String(Reflect.get(definition, '$schema') ?? '')
  const name = /2020-12/.test(draft)
    ? 'ajv/dist/2020'
    : /2019-09/.test(draft)
      ? 'ajv/dist/2019'
      : 'ajv'
  try {
    const loaded = requireOptional<{ default: AjvClass }>(name)
    return loaded.default
  } catch (cause) {
    throw new ConfigError("registry.jsonSchema() needs the package 'ajv': npm install ajv", {
      cause,
    })
  }
}

function check(validate: ValidateFunction, value: unknown): void {
  if (validate(value)) return
  const problems = (validate.errors ?? [])
    .slice(0, 5)
    .map(
      ({ instancePath, message }) =>
        `${instancePath === '' ? 'the value' : instancePath} ${message}`,
    )
  throw new InvalidArgumentError(`the value does not fit its JSON schema: ${problems.join('; ')}`, {
    cause: validate.errors,
  })
}
