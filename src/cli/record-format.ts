// How `consume` prints records: values as they are, as kafka-console-consumer does with its properties,
// by a template as kcat does, or as JSON.

import type { ConsumerRecord } from '../records/consumer-record.ts'
import { UsageError } from './failures.ts'
import { addProperties } from './properties.ts'

type AnyRecord = ConsumerRecord<Buffer | null, Buffer | null>

/** Adds what is printed of a record. */
export type RecordFormat = (record: AnyRecord, parts: (Buffer | string)[]) => void

/** The options by which a command says how it prints records. */
export interface FormatOptions {
  format?: string
  property?: string[]
  formatterProperty?: string[]
  keyDeserializer?: string
  valueDeserializer?: string
}

/** What the options ask for: a template, JSON, or the properties of kafka-console-consumer. */
export function chosenFormat(isJson: boolean, options: FormatOptions): RecordFormat {
  if (options.format !== undefined) return templateFormat(options.format)
  if (isJson) return jsonFormat
  const properties = new Map<string, string>()
  addProperties(properties, options.property ?? [], '--property')
  addProperties(properties, options.formatterProperty ?? [], '--formatter-property')
  const { keyDeserializer: key, valueDeserializer: value } = options
  return recordFormat(properties, {
    ...(key === undefined ? {} : { key }),
    ...(value === undefined ? {} : { value }),
  })
}

const NEWLINE = Buffer.from('\n')

/** The properties of kafka-console-consumer's default formatter. */
const flagNames = [
  'print.timestamp',
  'print.partition',
  'print.offset',
  'print.epoch',
  'print.headers',
  'print.key',
  'print.value',
] as const

const textNames = [
  'key.separator',
  'line.separator',
  'headers.separator',
  'null.literal',
  'key.deserializer',
  'value.deserializer',
  'headers.deserializer',
] as const

export function recordFormat(
  properties: ReadonlyMap<string, string>,
  deserializers: { key?: string; value?: string },
): RecordFormat {
  for (const key of properties.keys()) {
    const isKnown = [...flagNames, ...textNames].some((name) => name === key)
    if (isKnown || /^(key|value|headers)\.deserializer\./.test(key)) continue
    throw new UsageError(
      `--property ${key}: the formatter has no such property. It has ${[...flagNames, ...textNames].join(', ')}.`,
    )
  }
  const flag = (name: (typeof flagNames)[number], unset: boolean): boolean =>
    (properties.get(name) ?? String(unset)).trim().toLowerCase() === 'true'
  const keySeparator = properties.get('key.separator') ?? '\t'
  const lineSeparator = properties.get('line.separator') ?? '\n'
  const headersSeparator = properties.get('headers.separator') ?? ','
  const nullLiteral = properties.get('null.literal') ?? 'null'
  const showKey = decoderOf(deserializers.key ?? properties.get('key.deserializer'), nullLiteral)
  const showValue = decoderOf(
    deserializers.value ?? properties.get('value.deserializer'),
    nullLiteral,
  )
  const columns: ((record: AnyRecord) => Buffer | string)[] = []
  if (flag('print.timestamp', false)) {
    columns.push(({ timestamp, timestampType }) =>
      timestamp < 0 ? 'NO_TIMESTAMP' : `${timestampType}:${timestamp}`,
    )
  }
  if (flag('print.partition', false)) columns.push(({ partition }) => `Partition:${partition}`)
  if (flag('print.offset', false)) columns.push(({ offset }) => `Offset:${offset}`)
  if (flag('print.epoch', false)) columns.push(({ leaderEpoch }) => `Epoch:${leaderEpoch}`)
  if (flag('print.headers', false)) {
    columns.push(({ headers }) => {
      const shown = [...headers].map(
        ({ key, value }) => `${key}:${value === null ? nullLiteral : value.toString()}`,
      )
      return shown.length === 0 ? 'NO_HEADERS' : shown.join(headersSeparator)
    })
  }
  if (flag('print.key', false)) columns.push(({ key }) => showKey(key))
  if (flag('print.value', true)) columns.push(({ value }) => showValue(value))
  const [only] = columns
  if (columns.length === 1 && lineSeparator === '\n') {
    return (record, parts) => {
      parts.push(only(record), NEWLINE)
    }
  }
  return (record, parts) => {
    for (const [i, column] of columns.entries()) {
      if (i > 0) parts.push(keySeparator)
      parts.push(column(record))
    }
    parts.push(lineSeparator)
  }
}

/** A JSON object a line. */
const jsonFormat: RecordFormat = (record, parts) => {
  parts.push(JSON.stringify(record), NEWLINE)
}

const tokens: Record<string, (record: AnyRecord) => Buffer | string> = {
  k: ({ key }) => key ?? '',
  K: ({ key }) => String(key?.length ?? -1),
  v: ({ value }) => value ?? '',
  s: ({ value }) => value ?? '',
  S: ({ value }) => String(value?.length ?? -1),
  t: ({ topic }) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => String(offset),
  T: ({ timestamp }) => String(timestamp),
  h: ({ headers }) =>
    [...headers]
      .map(({ key, value }) => `${key}=${value === null ? 'NULL' : value.toString()}`)
      .join(','),
}

/** kcat's `-f`: %k %v (or %s) %o %p %t %T %h %K %S, %% and the escapes \n \t \r \xHH. */
export function templateFormat(template: string): RecordFormat {
  const pieces: (string | ((record: AnyRecord) => Buffer | string))[] = []
  const pattern = /%(.?)|\\(x[0-9a-fA-F]{2}|[nrt0\\])|[^%\\]+|\\/gs
  for (const [all, token, code] of template.matchAll(pattern)) {
    if (token !== undefined) {
      if (token === '%') pieces.push('%')
      else if (Object.hasOwn(tokens, token)) pieces.push(tokens[token])
      else {
        throw new UsageError(
          `--format: %${token} is not known. There are ${Object.keys(tokens)
            .map((name) => `%${name}`)
            .join(' ')} and %%.`,
        )
      }
    } else if (code !== undefined) pieces.push(unescaped(code))
    else pieces.push(all)
  }
  // A template that ends without a line end would print all records on one line.
  const last = pieces.at(-1)
  if (typeof last !== 'string' || !/[\n\r\0]$/.test(last)) pieces.push('\n')
  return (record, parts) => {
    for (const piece of pieces) parts.push(typeof piece === 'string' ? piece : piece(record))
  }
}

function unescaped(code: string): string {
  if (code.startsWith('x')) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
  return { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' }[code] ?? code
}

type Decoder = (bytes: Buffer | null) => Buffer | string

const numbers: Record<string, (bytes: Buffer) => string> = {
  LongDeserializer: (bytes) => String(bytes.readBigInt64BE()),
  IntegerDeserializer: (bytes) => String(bytes.readInt32BE()),
  ShortDeserializer: (bytes) => String(bytes.readInt16BE()),
  DoubleDeserializer: (bytes) => String(bytes.readDoubleBE()),
  FloatDeserializer: (bytes) => String(bytes.readFloatBE()),
  BooleanDeserializer: (bytes) => String(bytes.readUInt8() !== 0),
}

/** Java's deserializers by name, with or without their package. */
function decoderOf(name: string | undefined, nullLiteral: string): Decoder {
  const short = name?.split('.').at(-1) ?? 'ByteArrayDeserializer'
  if (/^(String|ByteArray|Bytes|ByteBuffer|UUID)Deserializer$/.test(short)) {
    return (bytes) => bytes ?? nullLiteral
  }
  const decode = Object.hasOwn(numbers, short) ? numbers[short] : undefined
  if (decode === undefined) {
    throw new UsageError(
      `The deserializer ${name} is not known. There are String, ByteArray, UUID, ${Object.keys(numbers).join(', ')}.`,
    )
  }
  return (bytes) => {
    if (bytes === null) return nullLiteral
    try {
      return decode(bytes)
    } catch {
      return `<${bytes.length} bytes, not for ${short}>`
    }
  }
}
