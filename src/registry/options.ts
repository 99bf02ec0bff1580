// What a schema registry and its serdes take: defaults and checks, by tables as those of the clients are.

import { ConfigError, causeText, kindOf } from '../errors.ts'
import {
  boolean,
  callback,
  duration,
  hasMethods,
  integer,
  type OptionSpec,
  oneOf,
  resolveOptions,
} from '../options/option-table.ts'
import { hasContentElsewhere } from '../read-argument.ts'
import type { Framing } from './framing.ts'
import type { HttpOptions, RegistryAuth, RegistryTls } from './http-client.ts'
import type { SchemaText, SchemaType } from './registry-client.ts'
import type { SchemaStore } from './schema-store.ts'

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
  /** How long one request, or a call of a function of `auth` or `store`, may take. @defaultValue 10000 */
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

const OWNER = 'new SchemaRegistry()'

/** All options of a registry, none missing. */
export interface RegistrySettings
  extends Required<Omit<SchemaRegistryOptions, 'url' | 'store' | 'auth'>> {
  readonly url: readonly string[]
  readonly store: SchemaStore | null
  readonly auth: RegistryAuth | null
}

type TableOf<Settings> = { readonly [Name in keyof Settings]: OptionSpec<Settings[Name]> }

const registryTable: TableOf<RegistrySettings> = {
  url: { default: [], check: checkUrls },
  store: { default: null, check: checkStore },
  auth: { default: null, check: checkAuth },
  headers: { default: {}, check: checkHeaders },
  ssl: { default: {}, check: checkTls },
  requestTimeoutMs: duration(10_000),
  retries: integer(3, 0),
  retryBackoffMs: duration(100),
  maxResponseBytes: integer(16 * 1024 * 1024, 1),
  latestTtlMs: duration(60_000),
  framing: oneOf('confluent', ['confluent', 'apicurio', 'glue']),
  compression: oneOf('none', ['none', 'zlib']),
  schemaIdInHeader: boolean(false),
  subjectStrategy: { default: 'topicName', check: checkStrategy },
  autoRegisterSchemas: boolean(true),
  useLatestVersion: boolean(false),
  normalizeSchemas: boolean(false),
}

/** @throws {ConfigError} for a wrong or unknown option, and for options that exclude each other */
export function resolveRegistryOptions(given: SchemaRegistryOptions): RegistrySettings {
  const settings = resolveOptions(registryTable, given, OWNER)
  const { url, store, framing, compression, useLatestVersion, schemaIdInHeader } = settings
  const refuse = (problem: string): never => {
    throw new ConfigError(`${OWNER}: ${problem}`)
  }
  if (store !== null) {
    if (url.length > 0) refuse("give 'url' or 'store', not both")
    if (framing !== 'glue') refuse("option 'store' needs framing 'glue'")
    if (useLatestVersion) refuse("option 'useLatestVersion' cannot be used with 'store'")
    if (schemaIdInHeader) refuse("option 'schemaIdInHeader' cannot be used with 'store'")
  } else if (framing === 'glue') refuse("framing 'glue' needs option 'store'")
  else if (url.length === 0)
    refuse("option 'url' is missing: the http or https URL of the registry")
  if (compression !== 'none' && framing !== 'glue') {
    refuse("option 'compression' needs framing 'glue'")
  }
  return settings
}

type Fail = (expected: string) => never

function checkUrls(value: unknown, fail: Fail): readonly string[] {
  const urls: unknown[] = Array.isArray(value) ? [...value] : [value]
  return urls.length > 0 && urls.every(isUrl) ? urls : fail('an http or https URL, or several')
}

function isUrl(url: unknown): url is string {
  return typeof url === 'string' && URL.canParse(url) && /^https?:/.test(url)
}

function checkStore(value: unknown, fail: Fail): SchemaStore {
  const isStore = hasMethods(value, ['idOf']) && hasMethods(value, ['schemaById'])
  return isStore ? (value as SchemaStore) : fail('an object with idOf() and schemaById()')
}

function checkStrategy(value: unknown, fail: Fail): SubjectStrategy {
  const names = ['topicName', 'recordName', 'topicRecordName'] as const
  if (typeof value === 'function') return value as SubjectStrategy
  return names.find((name) => name === value) ?? fail(`${names.join(', ')} or a function`)
}

/** What stands in `auth`, in `headers` and in `ssl` is never quoted. */
function refuseSecret(option: string, expected: string, value: unknown): never {
  throw new ConfigError(`${OWNER}: option '${option}' must be ${expected}, got ${kindOf(value)}`)
}

const texts = ['string']
/** By its names: the types of their values. What is optional begins with `?`. */
const authForms: readonly Readonly<Record<string, readonly string[]>>[] = [
  { username: texts, password: texts },
  { token: ['string', 'function'] },
  {
    tokenEndpointUrl: texts,
    clientId: texts,
    clientSecret: ['string', 'function'],
    scope: ['string', 'undefined'],
  },
]

function checkAuth(value: unknown): RegistryAuth {
  const given = isHolder(value) ? value : {}
  const isForm = (form: Readonly<Record<string, readonly string[]>>): boolean =>
    Object.keys(given).every((name) => Object.hasOwn(form, name)) &&
    Object.entries(form).every(([name, types]) => types.includes(typeof Reflect.get(given, name)))
  if (!authForms.some(isForm)) {
    const forms = authForms.map((form) => `{ ${Object.keys(form).join(', ')} }`)
    return refuseSecret('auth', forms.join(' or '), value)
  }
  const url: unknown = Reflect.get(given, 'tokenEndpointUrl')
  if (url !== undefined && !isUrl(url)) {
    throw new ConfigError(
      `${OWNER}: 'tokenEndpointUrl' of option 'auth' must be an http or https URL`,
    )
  }
  return { ...given } as RegistryAuth
}

function checkHeaders(value: unknown): Readonly<Record<string, string>> {
  const headers = isHolder(value) ? { ...value } : null
  const isText = (text: unknown): text is string => typeof text === 'string'
  if (headers === null || !Object.values(headers).every(isText)) {
    return refuseSecret('headers', 'an object of texts by name', value)
  }
  return headers as Readonly<Record<string, string>>
}

function checkTls(value: unknown): RegistryTls {
  return isHolder(value)
    ? { ...value }
    : refuseSecret('ssl', "an object of Node's TLS options", value)
}

function isHolder(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !hasContentElsewhere(value)
}

/** The option of a serde that holds its schema: an object, or a text. */
const schemaOption: OptionSpec<object | string | undefined> = {
  default: undefined,
  check: (value, fail) => {
    if (typeof value === 'string' && value !== '') return value
    const isObject = typeof value === 'object' && value !== null
    return isObject && !hasContentElsewhere(value) ? value : fail('a schema, as an object or JSON')
  },
}

/** What `registry.avro()` takes, none missing. */
export interface AvroSettings {
  readonly schema: object | string | undefined
  readonly longs: 'number' | 'bigint'
  readonly logicalTypes: object
  readonly wrapUnions: boolean | 'auto' | 'always' | 'never'
}

export const avroTable: TableOf<AvroSettings> = {
  schema: schemaOption,
  longs: oneOf('number', ['number', 'bigint']),
  logicalTypes: {
    default: {},
    check: (value, fail) => (isHolder(value) ? { ...value } : fail('an object of logical types')),
  },
  wrapUnions: oneOf('auto', ['auto', 'always', 'never', true, false]),
}

/** What `registry.jsonSchema()` takes, none missing. */
export interface JsonSchemaSettings {
  readonly schema: object | string | undefined
  readonly configure: ((ajv: never) => void) | null
}

export const jsonSchemaTable: TableOf<JsonSchemaSettings> = {
  schema: schemaOption,
  configure: callback(),
}

/** A schema as a registry keeps it. @throws {ConfigError} for one that cannot be written as JSON */
export function schemaText(call: string, schemaType: SchemaType, definition: unknown): SchemaText {
  try {
    return { schemaType, schema: JSON.stringify(definition) }
  } catch (cause) {
    const text = `${call}: option 'schema' cannot be written as JSON: ${causeText(cause)}`
    throw new ConfigError(text, { cause })
  }
}
