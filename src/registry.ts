// kafkawire/registry: serdes whose schemas a schema registry keeps.

export type { AvroOptions } from './registry/avro.ts'
export type { Framing } from './registry/framing.ts'
export type { RegistryAuth, RegistryTls, TokenAuth } from './registry/http-client.ts'
export type { JsonSchemaOptions } from './registry/json-schema.ts'
export type { OidcAuth } from './registry/oidc-tokens.ts'
export type { SchemaRegistryOptions, SubjectStrategy } from './registry/options.ts'
export type { SchemaReference, SchemaText, SchemaType } from './registry/registry-client.ts'
export { SchemaRegistry } from './registry/schema-registry.ts'
export type { SchemaStore } from './registry/schema-store.ts'
