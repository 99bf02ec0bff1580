// SchemaRegistry: the serdes of topics whose schemas a registry keeps.

import type { DescMessage, Message, MessageShape } from '@bufbuild/protobuf'
import {
  ConfigError,
  causeText,
  describeValue,
  InvalidArgumentError,
  SchemaRegistryError,
} from '../errors.ts'
import type { DeserializeContext, RecordData, Serde, SerializeContext } from '../types.ts'
import { AvroCodec, type AvroOptions } from './avro.ts'
import type { Codec } from './codec.ts'
import { type Framing, frame, frameInHeader, type SchemaId, unframe } from './framing.ts'
import { HttpClient, type HttpOptions, type RegistryAuth } from './http-client.ts'
import { JsonSchemaCodec, type JsonSchemaOptions } from './json-schema.ts'
import { ProtobufCodec } from './protobuf.ts'
import {
  RegistryClient,
  type ResolvedSchema,
  type SchemaSource,
  type SchemaText,
} from './registry-client.ts'
import { type SchemaStore, StoreClient } from './schema-store.ts'

/** Under which subject a schema is kept: by topic (`orders-value`), by record, by both, or by a function. */
export type SubjectStrategy =
  | 'topicName'
  | 'recordName'
  | 'topicRecordName'
  | ((place: { topic: string; isKey: boolean; recordName: string | null }) => string)

/** What `new SchemaRegistry(...)` takes. All times are in milliseconds. */
export interface SchemaRegistryOptions {
  /** Where the registry is; of several, another one is tried when one fails. Not with `store`. */
  url?: string | readonly string[]
  /** Keeps the schemas in place of a registry at `url`: for AWS Glue. */
  store?: SchemaStore
  /** Basic authentication, a bearer token, or an identity provider that gives tokens (OIDC). */
  auth?: RegistryAuth
  /** More headers of each request. */
  headers?: Readonly<Record<string, string>>
  /** CA, client certificate and key, as `tls.createSecureContext` takes them. */
  ssl?: HttpOptions['ssl']
  /** How long one request may take. @defaultValue 10000 */
  requestTimeoutMs?: number
  /** Further attempts when the registry is down or busy. @defaultValue 3 */
  retries?: number
  /** The pause before the first of them; it doubles. @defaultValue 100 */
  retryBackoffMs?: number
  /** A larger response is an error (bytes). @defaultValue 16777216 */
  maxResponseBytes?: number
  /** How long the latest schema of a subject is used before it is asked for again. @defaultValue 60000 */
  latestTtlMs?: number
  /** How records name their schema. @defaultValue 'confluent' */
  framing?: Framing
  /**
   * How data is compressed, with `framing: 'glue'`. Both are read.
   * @defaultValue 'none'
   */
  compression?: 'none' | 'zlib'
  /**
   * Whether the schema id goes into a header, not before the data: as a GUID where the registry has them, as
   * Confluent's does since version 8. Both places are read.
   * @defaultValue false
   */
  schemaIdInHeader?: boolean
  /** @defaultValue 'topicName' */
  subjectStrategy?: SubjectStrategy
  /** Whether a schema that the registry does not have is registered. @defaultValue true */
  autoRegisterSchemas?: boolean
  /** Whether records are written with the latest schema of the subject. @defaultValue false */
  useLatestVersion?: boolean
  /** Whether the registry normalizes schemas before it compares them. @defaultValue false */
  normalizeSchemas?: boolean
}

type Settings = Required<Omit<SchemaRegistryOptions, 'url' | 'store' | 'auth' | 'headers' | 'ssl'>>

const defaults: Settings = {
  requestTimeoutMs: 10_000,
  retries: 3,
  retryBackoffMs: 100,
  maxResponseBytes: 16 * 1024 * 1024,
  latestTtlMs: 60_000,
  framing: 'confluent',
  compression: 'none',
  schemaIdInHeader: false,
  subjectStrategy: 'topicName',
  autoRegisterSchemas: true,
  useLatestVersion: false,
  normalizeSchemas: false,
}

/**
 * A schema registry with the API of Confluent's: also Karapace, and Apicurio at `/apis/ccompat/v7`.
 * @example
 * const registry = new SchemaRegistry({ url: 'http://localhost:8081' })
 * const orders = kafka.topic('orders', { key: serdes.string, value: registry.avro<Order>({ schema }) })
 */
export class SchemaRegistry {
  private readonly settings: Settings
  private readonly client: SchemaSource

  /** @throws {ConfigError} for a wrong or unknown option */
  constructor(options: SchemaRegistryOptions) {
    const { url = [], store, auth = null, headers = {}, ssl = {}, ...rest } = checked(options)
    this.settings = { ...defaults, ...rest }
    const http = { urls: [url].flat(), auth, headers, ssl, ...this.settings }
    this.client =
      store === undefined
        ? new RegistryClient(new HttpClient(http), this.settings.latestTtlMs)
        : new StoreClient(store)
  }

  /** Avro. Needs the package `avsc`. @throws {ConfigError} without it */
  avro<T = unknown>(options: AvroOptions = {}): Serde<T> {
    return this.serde(new AvroCodec<T>(options))
  }

  /** JSON with a JSON Schema. Needs the package `ajv`. @throws {ConfigError} without it */
  jsonSchema<T = unknown>(options: JsonSchemaOptions = {}): Serde<T> {
    return this.serde(new JsonSchemaCodec<T>(options))
  }

  /**
   * Protobuf, with messages of one file that protoc-gen-es generated. Needs `@bufbuild/protobuf`.
   * @throws {ConfigError} without it
   */
  protobuf<D extends DescMessage>(...messages: readonly D[]): Serde<MessageShape<D> & Message> {
    if (this.settings.framing === 'glue') {
      throw new ConfigError("registry.protobuf() cannot be used with framing 'glue'")
    }
    return this.serde(new ProtobufCodec<MessageShape<D> & Message>(messages))
  }

  private serde<T>(codec: Codec<T>): Serde<T> {
    return new RegistrySerde(codec, this.client, this.settings)
  }
}

type Write<T> = (value: T, context: SerializeContext) => RecordData

class RegistrySerde<T> implements Serde<T> {
  private readonly codec: Codec<T>
  private readonly client: SchemaSource
  private readonly settings: Settings
  /** What is known needs no promise. */
  private readonly writers = new Map<string, { write: Write<T>; schema: ResolvedSchema | null }>()
  private readonly readers = new Map<number | string, (data: Buffer) => T>()

  constructor(codec: Codec<T>, client: SchemaSource, settings: Settings) {
    this.codec = codec
    this.client = client
    this.settings = settings
  }

  serialize(value: T, context: SerializeContext): RecordData | Promise<RecordData> {
    if (value === null) return null
    const subject = this.subjectOf(context)
    // The latest version changes: the client says when it has to be asked for again.
    const usesLatest = this.settings.useLatestVersion || this.codec.schema === null
    const known = usesLatest ? undefined : this.writers.get(subject)
    if (known !== undefined) return known.write(value, context)
    return this.open(subject, usesLatest).then((write) => write(value, context))
  }

  deserialize(bytes: Buffer | null, context: DeserializeContext): T | Promise<T> {
    // A tombstone is not written by a schema.
    if (bytes === null) return null as T
    const { id, data } = unframe(this.settings.framing, bytes, context)
    const known = this.readers.get(id)
    if (known !== undefined) return known(data)
    return this.client
      .schemaById(id)
      .then((schema) => usable(`Schema ${id}`, () => this.codec.reader(schema)))
      .then((read) => {
        this.readers.set(id, read)
        return read(data)
      })
  }

  private subjectOf({ topic, isKey }: SerializeContext): string {
    const { subjectStrategy } = this.settings
    const { recordName } = this.codec
    const part = isKey ? 'key' : 'value'
    if (typeof subjectStrategy === 'function') return subjectStrategy({ topic, isKey, recordName })
    if (subjectStrategy === 'topicName') return `${topic}-${part}`
    if (recordName === null) {
      throw new InvalidArgumentError(
        `subjectStrategy '${subjectStrategy}' needs a schema with a name: give the schema`,
      )
    }
    return subjectStrategy === 'recordName' ? recordName : `${topic}-${recordName}`
  }

  private async open(subject: string, usesLatest: boolean): Promise<Write<T>> {
    const schema = usesLatest ? await this.client.latestOf(subject) : null
    const known = this.writers.get(subject)
    if (known !== undefined && known.schema === schema) return known.write
    const id = schema ?? (await this.idOf(subject))
    const encode = await usable(`Schema ${id.id}`, () => this.codec.writer(schema))
    const { framing, compression, schemaIdInHeader } = this.settings
    const { hasIndexes } = this.codec
    const isZlib = compression === 'zlib'
    const write: Write<T> = schemaIdInHeader
      ? (value, context) => frameInHeader(id, encode(value, context), hasIndexes, context)
      : (value, context) => frame(framing, isZlib, id, encode(value, context))
    this.writers.set(subject, { write, schema })
    return write
  }

  private async idOf(subject: string): Promise<SchemaId> {
    const { autoRegisterSchemas: register, normalizeSchemas: normalize } = this.settings
    const how = { register, normalize }
    const put = async (name: string, text: SchemaText): Promise<number> => {
      await this.client.idOf(name, text, how)
      return await this.client.versionOf(name, text)
    }
    const { codec } = this
    const schema = codec.prepare === undefined ? codec.schema : await codec.prepare(put)
    if (schema === null) throw new ConfigError(`Subject "${subject}" has no schema`)
    return await this.client.idOf(subject, schema, how)
  }
}

/** A schema that a registry has and no reader can use is the registry's fault. */
async function usable<R>(what: string, make: () => Promise<R>): Promise<R> {
  try {
    return await make()
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    const reason = causeText(cause)
    throw new SchemaRegistryError(`${what} cannot be used: ${reason}`, { cause })
  }
}

const names: ReadonlySet<string> = new Set([
  'url',
  'store',
  'auth',
  'headers',
  'ssl',
  ...Object.keys(defaults),
])

const enumerated: ReadonlySet<string> = new Set(['subjectStrategy', 'framing', 'compression'])

function checkStore(
  { store, url, framing, useLatestVersion, schemaIdInHeader }: SchemaRegistryOptions,
  refuse: (problem: string) => never,
): void {
  if (url !== undefined) refuse("give 'url' or 'store', not both")
  if (framing !== 'glue') refuse("option 'store' needs framing 'glue'")
  if (useLatestVersion) refuse("option 'useLatestVersion' cannot be used with 'store'")
  if (schemaIdInHeader) refuse("option 'schemaIdInHeader' cannot be used with 'store'")
  if (typeof store?.idOf === 'function' && typeof store.schemaById === 'function') return
  refuse(`option 'store' must have idOf() and schemaById(), got ${describeValue(store)}`)
}

const authForms: readonly (readonly string[])[] = [
  ['username', 'password'],
  ['token'],
  ['tokenEndpointUrl', 'clientId', 'clientSecret'],
]

function checkAuth(auth: unknown, refuse: (problem: string) => never): void {
  if (auth === undefined) return
  const given: object = typeof auth === 'object' && auth !== null ? auth : {}
  const has = (name: string): boolean =>
    ['string', 'function'].includes(typeof Reflect.get(given, name))
  if (!authForms.some((names) => names.every(has))) {
    const forms = authForms.map((names) => `{ ${names.join(', ')} }`)
    refuse(`option 'auth' must be ${forms.join(' or ')}, got ${describeValue(auth)}`)
  }
  const url: unknown = Reflect.get(given, 'tokenEndpointUrl')
  if (url === undefined || (typeof url === 'string' && /^https?:/.test(url) && URL.canParse(url)))
    return
  refuse(`'tokenEndpointUrl' of option 'auth' must be an http or https URL`)
}

function checked(options: SchemaRegistryOptions): SchemaRegistryOptions {
  const refuse = (problem: string): never => {
    throw new ConfigError(`new SchemaRegistry(): ${problem}`)
  }
  if (typeof options !== 'object' || options === null) {
    return refuse(`expected an object { url, ... }, got ${describeValue(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!names.has(name)) refuse(`'${name}' is not an option. There are ${[...names].join(', ')}`)
  }
  const { framing = 'confluent', subjectStrategy = 'topicName', auth, store, compression } = options
  if (store !== undefined) checkStore(options, refuse)
  else if (framing === 'glue') refuse("framing 'glue' needs option 'store'")
  if (compression !== undefined && compression !== 'none' && framing !== 'glue') {
    refuse("option 'compression' needs framing 'glue'")
  }
  const urls: unknown[] = store === undefined ? [options.url].flat() : ['http://none']
  const isUrl = (url: unknown): boolean =>
    typeof url === 'string' && URL.canParse(url) && /^https?:/.test(url)
  if (urls.length === 0 || !urls.every(isUrl)) {
    refuse(
      `option 'url' must be an http or https URL, or several, got ${describeValue(options.url)}`,
    )
  }
  for (const [name, expected] of Object.entries(defaults)) {
    const value: unknown = Reflect.get(options, name)
    if (value === undefined || enumerated.has(name)) continue
    const fits =
      typeof expected === 'number'
        ? typeof value === 'number' && value >= 0
        : typeof value === typeof expected
    if (!fits) refuse(`option '${name}' must be a ${typeof expected}, got ${describeValue(value)}`)
  }
  if (compression !== undefined && !['none', 'zlib'].includes(compression)) {
    refuse(`option 'compression' must be none or zlib, got ${describeValue(compression)}`)
  }
  if (!['confluent', 'apicurio', 'glue'].includes(framing)) {
    refuse(`option 'framing' must be confluent, apicurio or glue, got ${describeValue(framing)}`)
  }
  const isStrategy =
    typeof subjectStrategy === 'function' ||
    ['topicName', 'recordName', 'topicRecordName'].includes(subjectStrategy)
  if (!isStrategy) {
    refuse(
      `option 'subjectStrategy' must be topicName, recordName, topicRecordName or a function, got ${describeValue(subjectStrategy)}`,
    )
  }
  checkAuth(auth, refuse)
  const given = { ...options }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) Reflect.deleteProperty(given, name)
  }
  return given
}
