// The SASL options: who this client is. Nothing that is given here may ever be printed, so what is kept
// of it is functions only: neither an inspection nor JSON looks into those.

import { ConfigError, kindOf } from '../errors.ts'
import { checkOidc, isOidc, type OidcSettings, type SaslOidcOptions } from './oidc-options.ts'
import { boolean, callback, oneOf, resolveOptions, text } from './option-table.ts'

/** What a SASL mechanism, and the function that gives its credentials, may know of the connection. */
export interface SaslContext {
  readonly host: string
  readonly port: number
  /** Whether TLS protects what is sent. */
  readonly isEncrypted: boolean
  /** Aborts when the time to connect is over: hand it on to whatever fetches credentials. */
  readonly signal: AbortSignal
}

/** Gives credentials. They may rotate: it is called again for later authentications. */
export type CredentialsProvider<T> = (context: SaslContext) => T | Promise<T>

/**
 * A SASL mechanism of your own, such as GSSAPI, as it is configured: it holds no state of a connection.
 */
export interface SaslMechanism {
  /** The name that SaslHandshake asks for, such as `SCRAM-SHA-256`. */
  readonly name: string
  /** Begins one authentication: a new one for each connection and each re-authentication (KIP-368). */
  begin(context: SaslContext): SaslExchange
}

/**
 * One authentication. `start()` gives the first bytes to send; each response of the broker goes to
 * `next()`, which gives the next bytes, or null at the end. Only null means that the client is content:
 * a broker that calls the exchange done earlier has not proved itself.
 */
export interface SaslExchange {
  /** Who authenticates, for error texts; empty as long as it is not known. */
  readonly user: string
  /**
   * As ACLs name who authenticates, for error texts; null: not known.
   * @defaultValue `User:` and `user`
   */
  readonly principal?: string | null | undefined
  /** @throws AuthenticationError where the credentials cannot be used */
  start(): Promise<Buffer>
  /** @throws AuthenticationError where the broker's response is not what the mechanism demands */
  next(challenge: Buffer): Promise<Buffer | null>
}

/** A bearer token of OAUTHBEARER. */
export interface OAuthBearerToken {
  /** The token as it goes to the broker, a JWT most of the time. */
  token: string
  /** Who to act as, where that is not the token's own subject. */
  authorizationId?: string
  /** What the broker's login module wants to know besides, such as `logicalCluster` (KIP-342). */
  extensions?: Readonly<Record<string, string>>
  /**
   * When the token expires, in milliseconds since 1970. A token is used for all connections until most
   * of its time is over; then the provider is asked for the next one.
   * @defaultValue the token's own `exp` claim if it is a JWT; else the token is kept for 30 s
   */
  expiresAt?: number
}

/** User name and password, given as they are or by a function that is called for each authentication. */
export interface SaslPasswordOptions {
  mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  username?: string
  password?: string
  /** In place of `username` and `password`: called for each authentication. */
  credentials?: CredentialsProvider<{ username: string; password: string }>
  /** SCRAM: these are the id and the HMAC of a delegation token (KIP-48). Default: false. */
  tokenAuth?: boolean
  /** PLAIN: the password may be sent over a connection without TLS. Default: false. */
  allowUnencrypted?: boolean
}

export interface SaslTokenOptions {
  mechanism: 'OAUTHBEARER'
  /** Gives a token. Called when there is none yet, or most of the last one's time is over. */
  token: CredentialsProvider<OAuthBearerToken>
  /** Whether the token may be sent over a connection without TLS. @defaultValue false */
  allowUnencrypted?: boolean
}

/** Kerberos 5, by the package `kerberos`, which is installed separately. */
export interface SaslKerberosOptions {
  mechanism: 'GSSAPI'
  /** The first part of the brokers' principals. @defaultValue kafka */
  kerberosServiceName?: string
  /** The client's principal, such as `shop@EXAMPLE.COM`. @defaultValue that of the credentials cache or client keytab */
  principal?: string
}

/** How this client proves who it is: one of the built-in mechanisms, or one of your own. */
export type SaslOptions =
  | SaslPasswordOptions
  | SaslTokenOptions
  | SaslOidcOptions
  | SaslKerberosOptions
  | SaslMechanism

/** SASL options as they are used: what was given is checked, and nothing is missing. */
export type SaslSettings =
  | {
      readonly kind: 'password'
      readonly mechanism: SaslPasswordOptions['mechanism']
      readonly credentials: CredentialsProvider<{ username: string; password: string }>
      readonly tokenAuth: boolean
      readonly allowUnencrypted: boolean
    }
  | {
      readonly kind: 'token'
      readonly mechanism: 'OAUTHBEARER'
      readonly token: CredentialsProvider<OAuthBearerToken>
      readonly allowUnencrypted: boolean
    }
  | {
      readonly kind: 'oidc'
      readonly mechanism: 'OAUTHBEARER'
      readonly load: () => OidcSettings
      readonly allowUnencrypted: boolean
    }
  | {
      readonly kind: 'kerberos'
      readonly mechanism: 'GSSAPI'
      readonly serviceName: string
      readonly principal: string | null
    }
  | { readonly kind: 'own'; readonly mechanism: SaslMechanism }

const passwordMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

const saslPasswordTable = {
  mechanism: oneOf<SaslPasswordOptions['mechanism']>('PLAIN', passwordMechanisms),
  username: text(null),
  password: text(null),
  credentials: callback<CredentialsProvider<{ username: string; password: string }>>(),
  tokenAuth: boolean(false),
  allowUnencrypted: boolean(false),
}

const saslTokenTable = {
  mechanism: oneOf('OAUTHBEARER', ['OAUTHBEARER']),
  token: callback<CredentialsProvider<OAuthBearerToken>>(),
  allowUnencrypted: boolean(false),
}

const saslKerberosTable = {
  mechanism: oneOf('GSSAPI', ['GSSAPI']),
  kerberosServiceName: text('kafka'),
  principal: text(null),
}

const OWNER = "new Kafka(): option 'sasl'"

/** @throws ConfigError that never quotes what was given */
export function checkSasl(value: unknown): SaslSettings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(
      `${OWNER} must be an object with a 'mechanism', or a mechanism of your own, got ${kindOf(value)}`,
    )
  }
  if (isSaslMechanism(value)) {
    const { name } = value
    return { kind: 'own', mechanism: { name, begin: (context) => value.begin(context) } }
  }
  const given: unknown = Reflect.get(value, 'mechanism')
  if (given === undefined) {
    throw new ConfigError(
      `${OWNER}: 'mechanism' is needed: ${passwordMechanisms.join(', ')}, OAUTHBEARER or GSSAPI`,
    )
  }
  // Kafka's own names are in upper case; kafkajs takes them in lower case.
  const mechanism = typeof given === 'string' ? given.toUpperCase() : given
  const options = { ...value, mechanism }
  if (mechanism === 'GSSAPI') {
    const resolved = resolveOptions(saslKerberosTable, options, OWNER, true)
    const { kerberosServiceName: serviceName, principal } = resolved
    return { kind: 'kerberos', mechanism, serviceName, principal }
  }
  if (mechanism === 'OAUTHBEARER' && isOidc(options)) {
    const settings = checkOidc(options)
    const { allowUnencrypted } = settings
    return { kind: 'oidc', mechanism, load: () => settings, allowUnencrypted }
  }
  if (mechanism === 'OAUTHBEARER') {
    const { token, allowUnencrypted } = resolveOptions(saslTokenTable, options, OWNER, true)
    if (token === null) {
      throw new ConfigError(
        `${OWNER}: OAUTHBEARER needs 'token', a function, or 'tokenEndpointUrl'`,
      )
    }
    return { kind: 'token', mechanism, token, allowUnencrypted }
  }
  const resolved = resolveOptions(saslPasswordTable, options, OWNER, true)
  const { username, password, credentials, ...rest } = resolved
  if (credentials !== null && username === null && password === null) {
    return { kind: 'password', ...rest, credentials }
  }
  if (username === null || password === null || credentials !== null) {
    throw new ConfigError(
      `${OWNER}: ${rest.mechanism} needs either 'username' and 'password', or 'credentials'`,
    )
  }
  return { kind: 'password', ...rest, credentials: () => ({ username, password }) }
}

function isSaslMechanism(value: object): value is SaslMechanism {
  return (
    typeof Reflect.get(value, 'name') === 'string' &&
    typeof Reflect.get(value, 'begin') === 'function'
  )
}
