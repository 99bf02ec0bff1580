// The connection options: type, unit, default and what each trades, once. What is resolved here is
// complete and frozen, so that nothing below has defaults of its own.

import type { LookupAddress } from 'node:dns'
import type { ConnectionOptions } from 'node:tls'
import { ConfigError } from '../errors.ts'
import { type Logger, silentLogger } from '../logger.ts'
import {
  boolean,
  callback,
  duration,
  integer,
  type OptionSpec,
  oneOf,
  type ResolvedOptions,
  resolveOptions,
  text,
} from './option-table.ts'

/** Node's own TLS options: `ca`, `cert`, `key`, `passphrase`, `pfx`, `servername`, `minVersion` ... */
export type TlsOptions = Omit<ConnectionOptions, 'host' | 'port' | 'path' | 'socket' | 'lookup'>

/**
 * TLS: `true` for the system's certificate authorities, an object of Node's TLS options, or a function
 * that gives one for each new connection, so that rotated certificates take effect without a restart.
 */
export type SslOption = boolean | TlsOptions | (() => TlsOptions | Promise<TlsOptions>)

/** Finds the addresses of a name; all of them are tried, in this order. */
export type DnsLookup = (hostname: string) => Promise<readonly Pick<LookupAddress, 'address'>[]>

/** What a SASL mechanism, and the function that gives its credentials, may know of the connection. */
export interface SaslContext {
  readonly host: string
  readonly port: number
  /** Whether TLS protects what is sent. */
  readonly isEncrypted: boolean
  /** Aborts when the time to connect is over: hand it on to whatever fetches credentials. */
  readonly signal: AbortSignal
}

/** Gives credentials. Called anew for each authentication, so that they may rotate. */
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
 * One authentication. `start()` gives the first bytes to send; each answer of the broker goes to
 * `next()`, which gives the next bytes, or null at the end. Only null means that the client is content:
 * a broker that calls the exchange done earlier has not proved itself.
 */
export interface SaslExchange {
  /** Who authenticates, for error texts; empty as long as it is not known. */
  readonly user: string
  /** @throws AuthenticationError where the credentials cannot be used */
  start(): Promise<Buffer>
  /** @throws AuthenticationError where the broker's answer is not what the mechanism demands */
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
}

/** User name and password, given as they are or by a function that is called for each authentication. */
export interface SaslPasswordOptions {
  mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  username?: string
  password?: string
  /** In place of `username` and `password`: gives them anew for each connection. */
  credentials?: CredentialsProvider<{ username: string; password: string }>
  /** SCRAM: these are the id and the HMAC of a delegation token (KIP-48). Default: false. */
  tokenAuth?: boolean
  /** PLAIN: the password may be sent over a connection without TLS. Default: false. */
  allowUnencrypted?: boolean
}

export interface SaslTokenOptions {
  mechanism: 'OAUTHBEARER'
  /** Gives the token anew for each connection. */
  token: CredentialsProvider<OAuthBearerToken>
}

/** How this client proves who it is: one of the built-in mechanisms, or one of your own. */
export type SaslOptions = SaslPasswordOptions | SaslTokenOptions | SaslMechanism

/** SASL options as they are used: what was given is checked, and nothing is missing. */
export type SaslSettings =
  | {
      readonly kind: 'password'
      readonly mechanism: SaslPasswordOptions['mechanism']
      readonly credentials: CredentialsProvider<{ username: string; password: string }>
      readonly tokenAuth: boolean
      readonly allowUnencrypted: boolean
    }
  | { readonly kind: 'token'; readonly token: CredentialsProvider<OAuthBearerToken> }
  | { readonly kind: 'own'; readonly mechanism: SaslMechanism }

/** How to reach the cluster: what `new Kafka(...)` takes. All times are in milliseconds. */
export interface KafkaOptions {
  /**
   * Where to find the cluster first: `host:port`, several in an array or separated by commas. IPv6
   * addresses stand in brackets: `[::1]:9092`. A few brokers suffice; they tell of the others.
   */
  bootstrapServers: string | readonly string[]
  /** Names this client in the brokers' logs, metrics and quotas. Default: `kafkawire`. */
  clientId?: string
  /** How long an answer may take, from the writing of its request. Default: 30000. */
  requestTimeoutMs?: number
  /**
   * How long a connection may take until it can carry requests: TCP, TLS, version exchange and
   * authentication together. Doubles with each failure in a row. Default: 10000.
   */
  socketConnectionSetupTimeoutMs?: number
  /** Where that doubling ends. Default: 30000. */
  socketConnectionSetupTimeoutMaxMs?: number
  /** Wait before the second attempt to reach a broker; doubles with each failure. Default: 50. */
  reconnectBackoffMs?: number
  /** Where that doubling ends: greater spares the network, smaller recovers sooner. Default: 1000. */
  reconnectBackoffMaxMs?: number
  /** Wait before a failed request is made again; doubles with each failure. Default: 100. */
  retryBackoffMs?: number
  /** Where that doubling ends. Default: 1000. */
  retryBackoffMaxMs?: number
  /** Metadata is asked for anew after this time even if nothing seems stale. Default: 300000. */
  metadataMaxAgeMs?: number
  /**
   * Whether to begin again with `bootstrapServers` when no known broker can be reached (KIP-899).
   * Default: `rebootstrap`.
   */
  metadataRecoveryStrategy?: 'rebootstrap' | 'none'
  /** Begin again also after metadata could not be had for this time (KIP-1102). Default: 300000. */
  metadataRecoveryRebootstrapTriggerMs?: number
  /** Connections unused for this time are closed; brokers do so after 600000. Default: 540000. */
  connectionsMaxIdleMs?: number
  /**
   * The greatest response taken, in bytes: what a broker gone wild may make this client allocate.
   * Must be greater than a consumer's `fetchMaxBytes` by 1 MiB. Default: 134217728.
   */
  maxResponseSize?: number
  /** TLS. Default: false. */
  ssl?: SslOption
  /** SASL authentication. Default: none. */
  sasl?: SaslOptions
  /** Resolves host names in place of the system, for tunnels and split horizons. */
  lookup?: DnsLookup
  /** Default: silent. */
  logger?: Logger
}

/** Where a broker listens. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

const loggerMethods = ['debug', 'info', 'warn', 'error'] as const

/** Each connection option: its default and its check. */
export const clusterOptionTable: {
  readonly bootstrapServers: OptionSpec<readonly Endpoint[]>
  readonly clientId: OptionSpec<string>
  readonly requestTimeoutMs: OptionSpec<number>
  readonly socketConnectionSetupTimeoutMs: OptionSpec<number>
  readonly socketConnectionSetupTimeoutMaxMs: OptionSpec<number>
  readonly reconnectBackoffMs: OptionSpec<number>
  readonly reconnectBackoffMaxMs: OptionSpec<number>
  readonly retryBackoffMs: OptionSpec<number>
  readonly retryBackoffMaxMs: OptionSpec<number>
  readonly metadataMaxAgeMs: OptionSpec<number>
  readonly metadataRecoveryStrategy: OptionSpec<'rebootstrap' | 'none'>
  readonly metadataRecoveryRebootstrapTriggerMs: OptionSpec<number>
  readonly connectionsMaxIdleMs: OptionSpec<number>
  readonly maxResponseSize: OptionSpec<number>
  readonly ssl: OptionSpec<SslOption>
  readonly sasl: OptionSpec<SaslSettings | null>
  readonly lookup: OptionSpec<DnsLookup | null>
  readonly logger: OptionSpec<Logger>
} = {
  bootstrapServers: { default: [], check: checkBootstrapServers },
  clientId: text('kafkawire'),
  requestTimeoutMs: duration(30_000, 1),
  socketConnectionSetupTimeoutMs: duration(10_000, 1),
  socketConnectionSetupTimeoutMaxMs: duration(30_000, 1),
  reconnectBackoffMs: duration(50),
  reconnectBackoffMaxMs: duration(1000),
  retryBackoffMs: duration(100),
  retryBackoffMaxMs: duration(1000),
  metadataMaxAgeMs: duration(300_000, 1),
  metadataRecoveryStrategy: oneOf('rebootstrap', ['rebootstrap', 'none']),
  metadataRecoveryRebootstrapTriggerMs: duration(300_000),
  connectionsMaxIdleMs: duration(540_000, 1),
  maxResponseSize: integer(128 * 1024 * 1024, 1024 * 1024, 2_147_483_647),
  ssl: {
    default: false,
    check: (value, fail) =>
      isSslOption(value)
        ? value
        : fail("true, false, an object of Node's TLS options, or a function that gives one"),
  },
  sasl: { default: null, check: checkSasl },
  lookup: callback<DnsLookup>(),
  logger: {
    default: silentLogger,
    check: (value, fail) =>
      isLogger(value) ? value : fail(`an object with the methods ${loggerMethods.join(', ')}`),
  },
}

/** All connection options, none missing. */
export type ClusterOptions = ResolvedOptions<typeof clusterOptionTable>

/**
 * Checks everything that was given to `new Kafka(...)` and fills in the defaults.
 * @throws ConfigError naming the option and what it may be
 */
export function resolveKafkaOptions(options: KafkaOptions): ClusterOptions {
  const resolved = resolveOptions(clusterOptionTable, options, 'new Kafka()')
  if (resolved.bootstrapServers.length === 0) {
    throw new ConfigError(
      "new Kafka(): option 'bootstrapServers' is needed: 'host:port' of one broker or more",
    )
  }
  checkNotBelow(resolved, 'socketConnectionSetupTimeoutMaxMs', 'socketConnectionSetupTimeoutMs')
  checkNotBelow(resolved, 'reconnectBackoffMaxMs', 'reconnectBackoffMs')
  checkNotBelow(resolved, 'retryBackoffMaxMs', 'retryBackoffMs')
  checkPlainIsProtected(resolved)
  return resolved
}

type NumberOption = {
  [Key in keyof ClusterOptions]: ClusterOptions[Key] extends number ? Key : never
}[keyof ClusterOptions]

function checkNotBelow(options: ClusterOptions, greater: NumberOption, least: NumberOption): void {
  if (options[greater] >= options[least]) return
  throw new ConfigError(
    `new Kafka(): option '${greater}' (${options[greater]}) must not be below '${least}' (${options[least]})`,
  )
}

function checkPlainIsProtected({ sasl, ssl }: ClusterOptions): void {
  if (sasl?.kind !== 'password' || sasl.mechanism !== 'PLAIN') return
  if (ssl !== false || sasl.allowUnencrypted) return
  throw new ConfigError(
    "new Kafka(): SASL PLAIN without TLS would send the password readable for all: set 'ssl', use a SCRAM mechanism, or set 'allowUnencrypted' in 'sasl'",
  )
}

function checkBootstrapServers(
  value: unknown,
  fail: (expected: string) => never,
): readonly Endpoint[] {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value]
  const endpoints: Endpoint[] = []
  for (const entry of given) {
    if (typeof entry !== 'string') return fail("'host:port', or an array of such strings")
    for (const part of entry.split(',')) {
      const server = part.trim()
      if (server === '') continue
      const endpoint = parseEndpoint(server)
      if (!endpoints.some(({ host, port }) => host === endpoint.host && port === endpoint.port)) {
        endpoints.push(endpoint)
      }
    }
  }
  return endpoints
}

function parseEndpoint(server: string): Endpoint {
  const problem = (text: string): ConfigError =>
    new ConfigError(`new Kafka(): option 'bootstrapServers': '${server}' ${text}`)
  const match = /^(?:[A-Za-z_]+:\/\/)?(?:\[(.+)\]|([^:/]+))(?::(.*))?$/.exec(server)
  if (match === null) {
    throw problem("is not 'host:port' (an IPv6 address stands in brackets: '[::1]:9092')")
  }
  const host = match[1] ?? match[2]
  const port = Number(match[3])
  if (match[3] === undefined) throw problem(`has no port: write '${server}:9092' if it is 9092`)
  if (!/^\d+$/.test(match[3]) || port < 1 || port > 65535) {
    throw problem(`has the port '${match[3]}', which is not a number from 1 to 65535`)
  }
  return { host, port }
}

const saslPasswordTable = {
  mechanism: oneOf<SaslPasswordOptions['mechanism']>('PLAIN', [
    'PLAIN',
    'SCRAM-SHA-256',
    'SCRAM-SHA-512',
  ]),
  username: text(null),
  password: text(null),
  credentials: callback<CredentialsProvider<{ username: string; password: string }>>(),
  tokenAuth: boolean(false),
  allowUnencrypted: boolean(false),
}

const saslTokenTable = {
  mechanism: oneOf('OAUTHBEARER', ['OAUTHBEARER']),
  token: callback<CredentialsProvider<OAuthBearerToken>>(),
}

function checkSasl(value: unknown, fail: (expected: string) => never): SaslSettings {
  if (typeof value !== 'object' || value === null) {
    return fail("an object with a 'mechanism', or a mechanism of your own")
  }
  if (isSaslMechanism(value)) return { kind: 'own', mechanism: value }
  const owner = "new Kafka(): option 'sasl'"
  if (Reflect.get(value, 'mechanism') === 'OAUTHBEARER') {
    const { token } = resolveOptions(saslTokenTable, value, owner)
    if (token === null) throw new ConfigError(`${owner}: OAUTHBEARER needs 'token', a function`)
    return { kind: 'token', token }
  }
  if (Reflect.get(value, 'mechanism') === undefined) {
    throw new ConfigError(
      `${owner}: 'mechanism' is needed: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER`,
    )
  }
  const { username, password, credentials, ...rest } = resolveOptions(
    saslPasswordTable,
    value,
    owner,
  )
  if (credentials !== null && username === null && password === null) {
    return { kind: 'password', ...rest, credentials }
  }
  if (username === null || password === null || credentials !== null) {
    throw new ConfigError(
      `${owner}: ${rest.mechanism} needs either 'username' and 'password', or 'credentials'`,
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

function isSslOption(value: unknown): value is SslOption {
  return (
    typeof value === 'boolean' ||
    typeof value === 'function' ||
    (typeof value === 'object' && value !== null && !Array.isArray(value))
  )
}

function isLogger(value: unknown): value is Logger {
  if (typeof value !== 'object' || value === null) return false
  return loggerMethods.every((method) => typeof Reflect.get(value, method) === 'function')
}
