// Schemas that are kept elsewhere than in a registry with Confluent's API: AWS Glue, by its own SDK.

import { waitFor } from '../async/wait.ts'
import { ConfigError, causeText, SchemaRegistryError } from '../errors.ts'
import { isUuid, type SchemaId } from './framing.ts'
import { keep, type ResolvedSchema, type SchemaSource, type SchemaText } from './registry-client.ts'

/** What `framing: 'glue'` needs: two functions, by the SDK of AWS. What they return is kept. */
export interface SchemaStore {
  /**
   * The id (a UUID) under which a schema is kept.
   * @param subject such as `orders-value`
   * @param register whether a schema that is not there is to be registered
   */
  idOf(subject: string, schema: SchemaText, register: boolean): Promise<string>
  /** The schema of an id. */
  schemaById(id: string): Promise<SchemaText>
}

export class StoreClient implements SchemaSource {
  private readonly store: SchemaStore
  private readonly timeoutMs: number
  private readonly ids = new Map<string, Promise<SchemaId>>()
  private readonly schemas = new Map<string, Promise<ResolvedSchema>>()

  /** @param timeoutMs how long one question may take */
  constructor(store: SchemaStore, timeoutMs: number) {
    this.store = store
    this.timeoutMs = timeoutMs
  }

  idOf(subject: string, schema: SchemaText, how: { register: boolean }): Promise<SchemaId> {
    return keep(this.ids, JSON.stringify([subject, schema]), async () => {
      const what = `The id of the schema of subject "${subject}"`
      const id = await this.asked(what, () => this.store.idOf(subject, schema, how.register))
      if (isUuid(id)) return { id, guid: null }
      throw new SchemaRegistryError(`${what} is not a UUID: ${String(id)}`)
    })
  }

  schemaById(id: number | string): Promise<ResolvedSchema> {
    return keep(this.schemas, String(id), async () => {
      const what = `Schema ${id}`
      const schema = await this.asked(what, () => this.store.schemaById(String(id)))
      if (typeof schema?.schema !== 'string') {
        throw new SchemaRegistryError(`${what} has no text`)
      }
      return { ...schema, id, guid: null, dependencies: [] }
    })
  }

  latestOf(subject: string): Promise<ResolvedSchema> {
    const text = `The latest schema of subject "${subject}" cannot be had with option 'store': give the schema`
    return Promise.reject(new ConfigError(text))
  }

  versionOf(subject: string): Promise<number> {
    const text = `Subject "${subject}" cannot be referred to with option 'store'`
    return Promise.reject(new ConfigError(text))
  }

  private async asked<T>(what: string, ask: () => Promise<T>): Promise<T> {
    const called = async (): Promise<T> => ask()
    try {
      const limits = { timeoutMs: this.timeoutMs, signal: undefined }
      return await waitFor(called(), limits, "the function of option 'store'")
    } catch (cause) {
      const reason = causeText(cause)
      throw new SchemaRegistryError(`${what} cannot be had: ${reason}`, { cause, retriable: true })
    }
  }
}
