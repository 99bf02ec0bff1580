// SchemaRegistry: the serdes of topics whose schemas a registry keeps.

import type { DescMessage, Message, MessageShape } from '@bufbuild/protobuf'
import { ConfigError, causeText, InvalidArgumentError, SchemaRegistryError } from '../errors.ts'
import type { DeserializeContext, RecordData, Serde, SerializeContext } from '../types.ts'
import { AvroCodec, type AvroOptions } from './avro.ts'
import type { Codec } from './codec.ts'
import { frame, frameInHeader, type SchemaId, unframe } from './framing.ts'
import { HttpClient } from './http-client.ts'
import { JsonSchemaCodec, type JsonSchemaOptions } from './json-schema.ts'
import {
  type RegistrySettings,
  resolveRegistryOptions,
  type SchemaRegistryOptions,
} from './options.ts'
import { ProtobufCodec } from './protobuf.ts'
import {
  RegistryClient,
  type ResolvedSchema,
  type SchemaSource,
  type SchemaText,
} from './registry-client.ts'
import { StoreClient } from './schema-store.ts'

/**
 * A schema registry with the API of Confluent's: also Karapace, and Apicurio at `/apis/ccompat/v7`.
 * @example
 * const registry = new SchemaRegistry({ url: 'http://localhost:8081' })
 * const orders = kafka.topic('orders', { key: serdes.string, value: registry.avro<Order>({ schema }) })
 */
export class SchemaRegistry {
  private readonly settings: RegistrySettings
  private readonly client: SchemaSource

  /** @throws {ConfigError} for a wrong or unknown option */
  constructor(options: SchemaRegistryOptions) {
    this.settings = resolveRegistryOptions(options)
    const { url: urls, store, latestTtlMs, requestTimeoutMs } = this.settings
    this.client =
      store === null
        ? new RegistryClient(new HttpClient({ ...this.settings, urls }), latestTtlMs)
        : new StoreClient(store, requestTimeoutMs)
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
  private readonly settings: RegistrySettings
  /** What is known needs no promise. */
  private readonly writers = new Map<string, { write: Write<T>; schema: ResolvedSchema | null }>()
  private readonly readers = new Map<number | string, (data: Buffer) => T>()

  constructor(codec: Codec<T>, client: SchemaSource, settings: RegistrySettings) {
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
