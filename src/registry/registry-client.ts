// The REST API of Confluent's Schema Registry, which Karapace and Apicurio (at /apis/ccompat/v7) have too.
// What never changes is kept: schemas by id, ids by schema. The latest version is asked for again after a while.

import { monotonicMs } from '../async/clock.ts'
import { SchemaRegistryError } from '../errors.ts'
import { isUuid, type SchemaId } from './framing.ts'
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
export interface ResolvedSchema extends SchemaText, SchemaId {
  readonly dependencies: readonly (SchemaText & { readonly name: string })[]
}

/** Where schemas and their ids are asked for. */
export interface SchemaSource {
  /** The schema of this id, or GUID. */
  schemaById(id: number | string): Promise<ResolvedSchema>
  /** The id of a schema under a subject: of one that is there, or that is registered now. */
  idOf(
    subject: string,
    schema: SchemaText,
    how: { readonly register: boolean; readonly normalize: boolean },
  ): Promise<SchemaId>
  /** The version under which a subject has a schema. */
  versionOf(subject: string, schema: SchemaText): Promise<number>
  /** The newest schema of a subject, as it was within the last while. */
  latestOf(subject: string): Promise<ResolvedSchema>
}

/** A chain of references longer than this is taken for a mistake. */
const MAX_REFERENCES = 1000

export class RegistryClient implements SchemaSource {
  private readonly http: HttpClient
  private readonly latestTtlMs: number
  private readonly byId = new Map<number | string, Promise<ResolvedSchema>>()
  private readonly ids = new Map<string, Promise<SchemaId>>()
  private readonly latest = new Map<string, { schema: Promise<ResolvedSchema>; until: number }>()

  constructor(http: HttpClient, latestTtlMs: number) {
    this.http = http
    this.latestTtlMs = latestTtlMs
  }

  schemaById(id: number | string): Promise<ResolvedSchema> {
    return keep(this.byId, id, async () => {
      const path = typeof id === 'string' ? `/schemas/guids/${id}` : `/schemas/ids/${id}`
      const body = await this.http.json('GET', path)
      return await this.resolve({ id, guid: guidIn(body) }, schemaOf(body, id))
    })
  }

  idOf(
    subject: string,
    schema: SchemaText,
    how: { readonly register: boolean; readonly normalize: boolean },
  ): Promise<SchemaId> {
    const key = JSON.stringify([subject, schema, how])
    return keep(this.ids, key, async () => {
      const query = how.normalize ? '?normalize=true' : ''
      const path = `/subjects/${encodeURIComponent(subject)}${how.register ? '/versions' : ''}${query}`
      try {
        const body = await this.http.json('POST', path, schema)
        return { id: idIn(body, subject), guid: guidIn(body) }
      } catch (error) {
        if (error instanceof SchemaRegistryError && error.status === 409) {
          throw await this.incompatible(subject, schema, error)
        }
        throw error
      }
    })
  }

  async versionOf(subject: string, schema: SchemaText): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}`
    const version = field(await this.http.json('POST', path, schema), 'version')
    if (Number.isInteger(version)) return version as number
    throw new SchemaRegistryError(`The registry's response for subject "${subject}" has no version`)
  }

  latestOf(subject: string): Promise<ResolvedSchema> {
    const known = this.latest.get(subject)
    if (known !== undefined && known.until > monotonicMs()) return known.schema
    const schema = this.readVersion(subject, 'latest').then(({ text, ...id }) =>
      this.resolve(id, text),
    )
    this.latest.set(subject, { schema, until: monotonicMs() + this.latestTtlMs })
    schema.catch(() => this.latest.delete(subject))
    return schema
  }

  private async readVersion(
    subject: string,
    version: number | 'latest',
  ): Promise<SchemaId & { text: SchemaText }> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`
    const body = await this.http.json('GET', path)
    const id = idIn(body, subject)
    return { id, guid: guidIn(body), text: schemaOf(body, id) }
  }

  /** Reads what a schema refers to, each once, in the order in which they can be parsed. */
  private async resolve(of: SchemaId, text: SchemaText): Promise<ResolvedSchema> {
    const { id } = of
    const dependencies = new Map<string, SchemaText & { name: string }>()
    const visit = async (
      { references = [] }: SchemaText,
      path: readonly string[],
    ): Promise<void> => {
      if (path.length > MAX_REFERENCES) throw tooManyReferences(id)
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
        if (dependencies.size > MAX_REFERENCES) throw tooManyReferences(id)
      }
    }
    await visit(text, [])
    return { ...text, ...of, dependencies: [...dependencies.values()] }
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
export function keep<K, V>(cache: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
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

function tooManyReferences(id: number | string): SchemaRegistryError {
  return new SchemaRegistryError(`Schema ${id} refers to more than ${MAX_REFERENCES} schemas`)
}

function idIn(body: unknown, subject: string): number {
  const id = field(body, 'id')
  if (Number.isSafeInteger(id) && Number(id) >= 0) return Number(id)
  throw new SchemaRegistryError(`The registry's response for subject "${subject}" has no schema id`)
}

function guidIn(body: unknown): string | null {
  const guid = field(body, 'guid')
  return isUuid(guid) ? guid : null
}

function schemaOf(body: unknown, id: number | string): SchemaText {
  const schema = field(body, 'schema')
  const schemaType = field(body, 'schemaType') ?? 'AVRO'
  const references = field(body, 'references') ?? []
  const isKnown = schemaType === 'AVRO' || schemaType === 'PROTOBUF' || schemaType === 'JSON'
  if (typeof schema === 'string' && isKnown && areReferences(references)) {
    return { schemaType, schema, references }
  }
  throw new SchemaRegistryError(`The registry's response for schema ${id} is not a schema`)
}

function areReferences(references: unknown): references is SchemaReference[] {
  return (
    Array.isArray(references) &&
    references.every(
      (each) =>
        typeof field(each, 'name') === 'string' &&
        typeof field(each, 'subject') === 'string' &&
        Number.isInteger(field(each, 'version')),
    )
  )
}
