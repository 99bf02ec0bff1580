// The options of OAUTHBEARER with a token endpoint (OpenID Connect): client credentials (KIP-768) and JWT
// bearer (KIP-1139). As with all of SASL, what is kept of them is a function, which no inspection looks into.

import { ConfigError, kindOf } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'
import { boolean, integer, type OptionSpec, oneOf, resolveOptions, text } from './option-table.ts'
import { checkContents, type TlsOptions } from './ssl-options.ts'

/** A secret, or a function that is called each time the secret is needed. */
export type SecretSource = string | (() => string | Promise<string>)

/**
 * A token from the token endpoint of an identity provider. With `clientId` and `clientSecret` the grant is
 * `client_credentials` (KIP-768); with an assertion it is JWT bearer (KIP-1139).
 */
export interface SaslOidcOptions {
  mechanism: 'OAUTHBEARER'
  /** Where tokens come from: an `https:` URL. */
  tokenEndpointUrl: string
  clientId?: string
  clientSecret?: SecretSource
  /** What the token is to be good for, where the provider asks for that. */
  scope?: string
  /** `clientId` and `clientSecret` are URL-encoded in the request's header. @defaultValue false */
  headerUrlencode?: boolean
  /** A signed JWT that another program made, in place of `assertionPrivateKey`. */
  assertion?: SecretSource
  /** Signs the assertion: a private key in PEM. */
  assertionPrivateKey?: SecretSource
  /** Of an encrypted `assertionPrivateKey`. */
  assertionPrivateKeyPassphrase?: string
  /** How the assertion is signed. @defaultValue RS256 */
  assertionAlgorithm?: 'RS256' | 'ES256'
  /** The assertion's `iss` claim. */
  assertionClaimIss?: string
  /** The assertion's `sub` claim. */
  assertionClaimSub?: string
  /** The assertion's `aud` claim. */
  assertionClaimAud?: string
  /** For how long an assertion is valid, in seconds. @defaultValue 300 */
  assertionClaimExpSeconds?: number
  /** How long before now an assertion is valid, in seconds: clocks differ. @defaultValue 60 */
  assertionClaimNbfSeconds?: number
  /** The assertion has a random `jti` claim. @defaultValue false */
  assertionClaimJtiInclude?: boolean
  /** Further header fields and claims of the assertion, such as `{ header: { kid: 'key-1' } }`. */
  assertionTemplate?: { header?: Record<string, unknown>; payload?: Record<string, unknown> }
  /** Who to act as, where that is not the token's own subject. */
  authorizationId?: string
  /** What the broker's login module wants to know besides, such as `logicalCluster` (KIP-342). */
  extensions?: Readonly<Record<string, string>>
  /** Node's TLS options for the token endpoint, such as `ca`. @defaultValue public authorities */
  ssl?: TlsOptions
  /** Tokens and secrets may be sent over connections without TLS. @defaultValue false */
  allowUnencrypted?: boolean
}

const OWNER = "new Kafka(): option 'sasl'"

function secretSource(): OptionSpec<SecretSource | null> {
  return {
    default: null,
    check: (value, fail) =>
      isSecretSource(value) ? value : fail('a string that is not empty, or a function'),
  }
}

function isSecretSource(value: unknown): value is SecretSource {
  return typeof value === 'function' || (typeof value === 'string' && value !== '')
}

function objectOf<T extends object>(what: string): OptionSpec<T | null> {
  return {
    default: null,
    check: (value, fail) => (isObject<T>(value) ? value : fail(what)),
  }
}

function isObject<T extends object>(value: unknown): value is T {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const oidcTable = {
  mechanism: oneOf('OAUTHBEARER', ['OAUTHBEARER']),
  tokenEndpointUrl: text(''),
  clientId: text(null),
  clientSecret: secretSource(),
  scope: text(null),
  headerUrlencode: boolean(false),
  assertion: secretSource(),
  assertionPrivateKey: secretSource(),
  assertionPrivateKeyPassphrase: text(null),
  assertionAlgorithm: oneOf<'RS256' | 'ES256'>('RS256', ['RS256', 'ES256']),
  assertionClaimIss: text(null),
  assertionClaimSub: text(null),
  assertionClaimAud: text(null),
  assertionClaimExpSeconds: integer(300, 1),
  assertionClaimNbfSeconds: integer(60, 0),
  assertionClaimJtiInclude: boolean(false),
  assertionTemplate: objectOf<NonNullable<SaslOidcOptions['assertionTemplate']>>(
    'an object with header and payload',
  ),
  authorizationId: text(null),
  extensions: objectOf<Readonly<Record<string, string>>>('an object of strings'),
  ssl: objectOf<TlsOptions>("an object of Node's TLS options"),
  allowUnencrypted: boolean(false),
}

/** The options of a token endpoint as they are used. */
export interface OidcSettings {
  readonly tokenEndpointUrl: string
  readonly clientId: string | null
  readonly clientSecret: SecretSource | null
  readonly scope: string | null
  readonly headerUrlencode: boolean
  readonly assertion: SecretSource | null
  readonly assertionPrivateKey: SecretSource | null
  readonly assertionPrivateKeyPassphrase: string | null
  readonly assertionAlgorithm: 'RS256' | 'ES256'
  readonly assertionClaimIss: string | null
  readonly assertionClaimSub: string | null
  readonly assertionClaimAud: string | null
  readonly assertionClaimExpSeconds: number
  readonly assertionClaimNbfSeconds: number
  readonly assertionClaimJtiInclude: boolean
  readonly assertionTemplate: SaslOidcOptions['assertionTemplate'] | null
  readonly authorizationId: string | null
  readonly extensions: Readonly<Record<string, string>> | null
  readonly ssl: TlsOptions | null
  readonly allowUnencrypted: boolean
}

/** Whether `options` are those of a token endpoint, not of a function. */
export function isOidc(options: object): boolean {
  return Reflect.get(options, 'tokenEndpointUrl') !== undefined
}

/** @throws ConfigError that never quotes what was given */
export function checkOidc(options: object): OidcSettings {
  const settings = resolveOptions(oidcTable, options, OWNER, true)
  checkUrl(settings)
  const { clientId, clientSecret, assertion, assertionPrivateKey } = settings
  const hasClient = clientId !== null && clientSecret !== null
  const ways = [hasClient, assertion !== null, assertionPrivateKey !== null]
  if (ways.filter(Boolean).length !== 1 || (clientSecret !== null && clientId === null)) {
    throw new ConfigError(
      `${OWNER}: a token endpoint needs one of: 'clientId' and 'clientSecret'; 'assertion'; 'assertionPrivateKey'`,
    )
  }
  if (typeof assertionPrivateKey === 'string') checkKey(assertionPrivateKey, settings)
  if (settings.ssl !== null) checkContents(settings.ssl, `${OWNER}: 'ssl' of the token endpoint`)
  for (const value of Object.values(settings.extensions ?? {})) {
    if (typeof value !== 'string') {
      throw new ConfigError(`${OWNER}: each of 'extensions' must be a string, got ${kindOf(value)}`)
    }
  }
  return settings
}

function checkUrl({ tokenEndpointUrl, allowUnencrypted }: OidcSettings): void {
  const url = URL.canParse(tokenEndpointUrl) ? new URL(tokenEndpointUrl) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw new ConfigError(
      `${OWNER}: 'tokenEndpointUrl' must be an https: URL without a user name or a password`,
    )
  }
  if (url.protocol === 'https:' || allowUnencrypted) return
  throw new ConfigError(
    `${OWNER}: 'tokenEndpointUrl' is not an https: URL, so that anyone on the network could read the secret: use https, or set 'allowUnencrypted'`,
  )
}

/** @throws ConfigError unless the key can sign by the algorithm */
export function checkKey(pem: string, settings: OidcSettings): void {
  const { assertionPrivateKeyPassphrase: passphrase, assertionAlgorithm: algorithm } = settings
  let type: string | undefined
  try {
    type = lazyNode.crypto.createPrivateKey({
      key: pem,
      ...(passphrase !== null && { passphrase }),
    }).asymmetricKeyType
  } catch {
    // OpenSSL's text says nothing that a user could act on, and the key is not to be quoted.
    throw new ConfigError(
      `${OWNER}: 'assertionPrivateKey' is not a private key in PEM, or 'assertionPrivateKeyPassphrase' is missing or wrong`,
    )
  }
  const expected = algorithm === 'RS256' ? 'rsa' : 'ec'
  if (type === expected) return
  throw new ConfigError(
    `${OWNER}: 'assertionAlgorithm' ${algorithm} needs a key of type ${expected}, got ${type}`,
  )
}
