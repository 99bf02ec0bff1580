// What a format must be able to do: the serde above it knows ids and registries, this knows bytes.

import type { SerializeContext } from '../types.ts'
import type { ResolvedSchema, SchemaText } from './registry-client.ts'

/** A format with, where one was given, the schema of this program. */
export interface Codec<T> {
  /** The schema to register or to look up; null: the latest of the subject is used. */
  readonly schema: SchemaText | null
  /** What subjects by record name are called after; null: not known. */
  readonly recordName: string | null
  /** Whether the data begins with message indexes. */
  readonly hasIndexes: boolean
  /** Registers what the schema refers to, before it is registered itself. */
  prepare?(register: (subject: string, schema: SchemaText) => Promise<number>): Promise<SchemaText>
  /** A function that writes values by a schema. It throws for a value that does not fit. */
  writer(schema: ResolvedSchema | null): Promise<(value: T, context: SerializeContext) => Buffer>
  /** A function that reads what was written by a schema. */
  reader(writerSchema: ResolvedSchema): Promise<(data: Buffer) => T>
}
