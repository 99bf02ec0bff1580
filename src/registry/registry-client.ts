// The REST API of Confluent's Schema Registry, which Karapace and Apicurio (at /apis/ccompat/v7) have too.
// What never changes is kept: schemas by id, ids by schema. The latest version is asked for again after a while.

import { monotonicMs } from '../async/clock.ts'
import { SchemaRegistryError } from '../errors.ts'
import type { HttpClient } from './http-client.ts'

export type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON'

/** Another schema that a schema uses. */
export interface SchemaReference {
  /** How the schema names it: an Avro name, an import, a $ref. */
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** A schema as a registry takes it. */
export interface SchemaText {
  readonly schemaType: SchemaType
  readonly schema: string
  readonly references?: readonly SchemaReference[]
}

/** A schema with the schemas that it uses, each before those that use it. */
export interface ResolvedSchema extends SchemaText {
  readonly id: number
  readonly dependencies: readonly (SchemaText & { readonly name: string })[]
}

/** A chain of references longer than this is taken for a mistake. */
const MAX_REFERENCES = 1000

export class RegistryClient {
  private readonly http: HttpClient
  private readonly latestTtlMs: number
  private readonly byId = new Map<number, Promise<ResolvedSchema>>()
  private readonly ids = new Map<string, Promise<number>>()
  private readonly latest = new Map<string, { schema: Promise<ResolvedSchema>; until: number }>()

  constructor(http: HttpClient, latestTtlMs: number) {
    this.http = http
    this.latestTtlMs = latestTtlMs
  }

  /** The schema of this id. */
  schemaById(id: number): Promise<ResolvedSchema> {
    return keep(this.byId, id, async () =>
      this.resolve(id, schemaOf(await this.http.json('GET', `/schemas/ids/${id}`), id)),
    )
  }

  /** The id of a schema under a subject: of one that is there, or that is registered now. */
  idOf(
    subject: string,
    schema: SchemaText,
    how: { readonly register: boolean; readonly normalize: boolean },
  ): Promise<number> {
    const key = JSON.stringify([subject, schema, how])
    return keep(this.ids, key, async () => {
      const query = how.normalize ? '?normalize=true' : ''
      const path = `/subjects/${encodeURIComponent(subject)}${how.register ? '/versions' : ''}${query}`
      try {
        return idIn(await this.http.json('POST', path, schema), subject)
      } catch (error) {
        if (error instanceof SchemaRegistryError && error.status === 409) {
          throw await this.incompatible(subject, schema, error)
        }
        throw error
      }
    })
  }

  /** The version under which a subject has a schema. */
  async versionOf(subject: string, schema: SchemaText): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}`
    const version = field(await this.http.json('POST', path, schema), 'version')
    if (Number.isInteger(version)) return version as number
    throw new SchemaRegistryError(`The registry's response for subject "${subject}" has no version`)
  }

  /** The newest schema of a subject, as it was within the last while. */
  latestOf(subject: string): Promise<ResolvedSchema> {
    const known = this.latest.get(subject)
    if (known !== undefined && known.until > monotonicMs()) return known.schema
    const schema = this.readVersion(subject, 'latest').then(({ id, text }) =>
      this.resolve(id, text),
    )
    this.latest.set(subject, { schema, until: monotonicMs() + this.latestTtlMs })
    schema.catch(() => this.latest.delete(subject))
    return schema
  }

  private async readVersion(
    subject: string,
    version: number | 'latest',
  ): Promise<{ id: number; text: SchemaText }> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`
    const body = await this.http.json('GET', path)
    const id = idIn(body, subject)
    return { id, text: schemaOf(body, id) }
  }

  /** Reads what a schema refers to, each once, in the order in which they can be parsed. */
  private async resolve(id: number, text: SchemaText): Promise<ResolvedSchema> {
    const dependencies = new Map<string, SchemaText & { name: string }>()
    const visit = async (
      { references = [] }: SchemaText,
      path: readonly string[],
    ): Promise<void> => {
      for (const { name, subject, version } of references) {
        const key = `${subject} version ${version}`
        if (path.includes(key)) {
          throw new SchemaRegistryError(
            `Schema ${id} has references in a circle: ${[...path, key].join(' -> ')}`,
          )
        }
        if (dependencies.has(key)) continue
        const read = await this.readVersion(subject, version)
        await visit(read.text, [...path, key])
        dependencies.set(key, { ...read.text, name })
        if (dependencies.size > MAX_REFERENCES) {
          throw new SchemaRegistryError(
            `Schema ${id} refers to more than ${MAX_REFERENCES} schemas`,
          )
        }
      }
    }
    await visit(text, [])
    return { ...text, id, dependencies: [...dependencies.values()] }
  }

  /** The registry's reasons: the refusal itself may not have them. */
  private async incompatible(
    subject: string,
    schema: SchemaText,
    refusal: SchemaRegistryError,
  ): Promise<SchemaRegistryError> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`
    const body = await this.http.json('POST', path, schema).catch(() => null)
    const messages: unknown =
      typeof body === 'object' && body !== null ? Reflect.get(body, 'messages') : null
    const incompatibilities = Array.isArray(messages) ? messages.map(String) : []
    return new SchemaRegistryError(
      `The schema is not compatible with subject "${subject}": ${incompatibilities.join('; ') || refusal.message}`,
      { status: 409, errorCode: refusal.errorCode, incompatibilities, cause: refusal },
    )
  }
}

/** Keeps a promise for all callers, unless it rejects. */
function keep<K, V>(cache: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  let kept = cache.get(key)
  if (kept === undefined) {
    kept = make()
    cache.set(key, kept)
    kept.catch(() => cache.delete(key))
  }
  return kept
}

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
}

function idIn(body: unknown, subject: string): number {
  const id = field(body, 'id')
  if (Number.isInteger(id)) return id as number
  throw new SchemaRegistryError(`The registry's response for subject "${subject}" has no schema id`)
}

function schemaOf(body: unknown, id: number): SchemaText {
  const schema = field(body, 'schema')
  const schemaType = field(body, 'schemaType') ?? 'AVRO'
  const references = field(body, 'references') ?? []
  const isKnown = schemaType === 'AVRO' || schemaType === 'PROTOBUF' || schemaType === 'JSON'
  if (typeof schema === 'string' && isKnown && Array.isArray(references)) {
    return { schemaType, schema, references }
  }
  throw new SchemaRegistryError(`The registry's response for schema ${id} is not a schema`)
}
