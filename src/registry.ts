// kafkawire/registry: serdes whose schemas a schema registry keeps.

export type { AvroOptions } from './registry/avro.ts'
export type { Framing } from './registry/framing.ts'
export type { RegistryAuth } from './registry/http-client.ts'
export type { JsonSchemaOptions } from './registry/json-schema.ts'
export {
  SchemaRegistry,
  type SchemaRegistryOptions,
  type SubjectStrategy,
} from './registry/schema-registry.ts'
