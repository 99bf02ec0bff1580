// Avro, by the package avsc. A program's schema is the reader's: what was written by another version is
// resolved to it.

import type * as avsc from 'avsc'
import { ConfigError, causeText, describeValue, InvalidArgumentError } from '../errors.ts'
import { requireOptional } from '../optional-package.ts'
import { resolveOptions } from '../options/option-table.ts'
import type { Codec } from './codec.ts'
import { type AvroSettings, avroTable, schemaText } from './options.ts'
import type { ResolvedSchema, SchemaText } from './registry-client.ts'

export interface AvroOptions {
  /** The schema, as an object or as JSON. Default: the latest of the subject writes, the writer's reads. */
  schema?: object | string
  /** How `long` is read and written. With `number`, one beyond 2^53 is an error. @defaultValue 'number' */
  longs?: 'number' | 'bigint'
  /** More logical types, or others than the built-in ones, as avsc takes them. */
  logicalTypes?: Record<string, unknown>
  /** How unions are represented, as in avsc. @defaultValue 'auto' */
  wrapUnions?: boolean | 'auto' | 'always' | 'never'
}

type Avsc = typeof avsc

export class AvroCodec<T> implements Codec<T> {
  readonly schema: SchemaText | null
  readonly recordName: string | null
  readonly hasIndexes = false
  private readonly options: AvroSettings
  private readonly avsc: Avsc
  private readonly own: avsc.Type | null

  constructor(options: AvroOptions) {
    this.options = resolveOptions(avroTable, options, 'registry.avro()')
    this.avsc = load()
    const { schema } = this.options
    const definition: unknown = typeof schema === 'string' ? parseJson(schema) : schema
    this.own = definition === undefined ? null : this.typeOf(definition, {})
    this.schema =
      definition === undefined ? null : schemaText('registry.avro()', 'AVRO', definition)
    this.recordName = this.own?.name ?? null
  }

  writer(schema: ResolvedSchema | null): Promise<(value: T) => Buffer> {
    const type = this.own ?? this.parse(schema)
    return Promise.resolve((value: T) => {
      checkFits(type, value)
      return type.toBuffer(value)
    })
  }

  reader(writerSchema: ResolvedSchema): Promise<(data: Buffer) => T> {
    const writer = this.parse(writerSchema)
    const { own } = this
    if (own === null) return Promise.resolve((data: Buffer) => writer.fromBuffer(data) as T)
    const resolver = own.createResolver(writer)
    return Promise.resolve((data: Buffer) => own.fromBuffer(data, resolver) as T)
  }

  private parse(schema: ResolvedSchema | null): avsc.Type {
    if (schema === null) throw new ConfigError('registry.avro() needs a schema to write with')
    const registry: Record<string, avsc.Type> = {}
    for (const { schema: text } of schema.dependencies) this.typeOf(parseJson(text), registry)
    return this.typeOf(parseJson(schema.schema), registry)
  }

  private typeOf(definition: unknown, registry: Record<string, avsc.Type>): avsc.Type {
    const { longs, logicalTypes, wrapUnions } = this.options
    if (longs === 'bigint') registry.long ??= bigintType(this.avsc)
    try {
      return this.avsc.Type.forSchema(definition as avsc.Schema, {
        registry,
        wrapUnions: wrapUnions as boolean,
        // Whether the user's are types of avsc is for avsc to say.
        logicalTypes: { ...builtInTypes(this.avsc), ...logicalTypes } as never,
      })
    } catch (cause) {
      const reason = causeText(cause)
      throw new InvalidArgumentError(`the Avro schema cannot be parsed: ${reason}`, { cause })
    }
  }
}

function load(): Avsc {
  try {
    return requireOptional<Avsc>('avsc')
  } catch (cause) {
    throw new ConfigError("registry.avro() needs the package 'avsc': npm install avsc", { cause })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A primitive type, by its name alone.
    return text
  }
}

/** Refuses a value before anything is sent, naming the place that does not fit. */
function checkFits(type: avsc.Type, value: unknown): void {
  const problems: string[] = []
  type.isValid(value, {
    errorHook: (path: string[], part: unknown, expected: avsc.Type) => {
      const place = path.length === 0 ? 'the value' : path.join('.')
      problems.push(`${place} must be ${nameOf(expected)}, got ${describeValue(part)}`)
    },
  })
  if (problems.length === 0) return
  throw new InvalidArgumentError(`the value does not fit its Avro schema: ${problems.join('; ')}`)
}

function nameOf(type: avsc.Type): string {
  return type.name ?? type.typeName
}

function bigintType({ types }: Avsc): avsc.Type {
  return types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64LE(value)
      return bytes
    },
    fromJSON: (value: number | string) => BigInt(value),
    toJSON: (value: bigint) => Number(value),
    isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
    compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
  })
}

/** Logical types of which JavaScript has a good representation. */
function builtInTypes({ types }: Avsc): Record<string, unknown> {
  const { LogicalType } = types
  class TimestampMillis extends LogicalType {
    protected override _fromValue(value: number | bigint): Date {
      return new Date(Number(value))
    }
    protected override _toValue(value: unknown): number | bigint | undefined {
      if (!(value instanceof Date) || Number.isNaN(value.getTime())) return undefined
      const ms = value.getTime()
      return this.underlyingType.isValid(ms) ? ms : BigInt(ms)
    }
    protected override _resolve(type: avsc.Type): unknown {
      return fromWriter(type, this, (value) => this._fromValue(value))
    }
  }
  class DateType extends LogicalType {
    protected override _fromValue(value: number): Date {
      return new Date(value * 86_400_000)
    }
    protected override _toValue(value: unknown): number | undefined {
      return value instanceof Date ? Math.floor(value.getTime() / 86_400_000) : undefined
    }
    protected override _resolve(type: avsc.Type): unknown {
      return fromWriter(type, this, (value) => this._fromValue(value as number))
    }
  }
  /** Decimals are text, such as `12.50`: a number would round them. */
  class Decimal extends LogicalType {
    private readonly scale: number
    constructor(schema: avsc.Schema, options: unknown) {
      // avsc hands its own options on.
      super(schema, options as never)
      this.scale = Number(Reflect.get(schema as object, 'scale') ?? 0)
    }
    protected override _fromValue(bytes: Buffer): string {
      return decimalText(bytes, this.scale)
    }
    protected override _toValue(value: unknown): Buffer | undefined {
      return typeof value === 'string' ? decimalBytes(value, this.scale) : undefined
    }
    protected override _resolve(type: avsc.Type): unknown {
      return Reflect.get(type, 'scale') === this.scale ? (bytes: never) => bytes : undefined
    }
  }
  return { 'timestamp-millis': TimestampMillis, date: DateType, decimal: Decimal }
}

/** What a writer's value becomes: that of the same logical type as it is, a plain number converted. */
function fromWriter(
  writer: avsc.Type,
  reader: avsc.Type,
  convert: (value: number | bigint) => unknown,
): unknown {
  if (writer.constructor.name === reader.constructor.name) return (value: unknown) => value
  return ['int', 'long'].includes(writer.typeName) ? convert : undefined
}

function decimalText(bytes: Buffer, scale: number): string {
  const unsigned = bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`)
  const value = BigInt.asIntN(bytes.length * 8, unsigned)
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return value < 0n ? `-${text}` : text
}

/** undefined: the text is not a decimal number of this scale. */
function decimalBytes(text: string, scale: number): Buffer | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  if (match === null) return undefined
  const [, sign, whole, fraction = ''] = match
  if (fraction.length > scale) return undefined
  const value = BigInt(sign + whole + fraction.padEnd(scale, '0'))
  let size = 1
  while (BigInt.asIntN(size * 8, value) !== value) size++
  const hex = BigInt.asUintN(size * 8, value)
    .toString(16)
    .padStart(size * 2, '0')
  return Buffer.from(hex, 'hex')
}
