// The connection options: type, unit, default and what each trades, once. What is resolved here is
// complete and frozen, so that nothing below has further defaults.

import type { LookupAddress } from 'node:dns'
import { ConfigError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { openLogger } from './open-logger.ts'
import {
  callback,
  duration,
  integer,
  type OptionSpec,
  oneOf,
  optionsOf,
  type ResolvedOptions,
  resolveOptions,
  text,
  wireDuration,
} from './option-table.ts'
import { checkSasl, type SaslOptions, type SaslSettings } from './sasl-options.ts'
import { checkSsl, type SslOption, type SslSettings } from './ssl-options.ts'

/** Finds the addresses of a name; all of them are tried, in this order. */
export type DnsLookup = (
  hostname: string,
) => Promise<readonly Pick<LookupAddress, 'address'>[]> | readonly Pick<LookupAddress, 'address'>[]

/** How to reach the cluster: what `new Kafka(...)` takes. All times are in milliseconds. */
export interface KafkaOptions {
  /**
   * Where to find the cluster first: `host:port`, several in an array or separated by commas. IPv6
   * addresses stand in brackets: `[::1]:9092`. A few brokers suffice; they tell of the others.
   */
  bootstrapServers: string | readonly string[]
  /** Names this client in the brokers' logs, metrics and quotas. Default: `kafkawire`. */
  clientId?: string
  /** How long a response may take after its request was written (ms). Default: 30000. */
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
  /** Metadata is refreshed after this time even when nothing seems stale (ms). Default: 300000. */
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
   * Responses larger than this (bytes) are rejected. It bounds what a corrupt size can make this client
   * allocate.
   * Must be greater than a consumer's `fetchMaxBytes` by 1 MiB. Default: 134217728.
   */
  maxResponseSize?: number
  /** TLS. Default: false. */
  ssl?: SslOption
  /** SASL authentication. Default: none. */
  sasl?: SaslOptions
  /** Resolves host names in place of the system, for tunnels and split horizons. */
  lookup?: DnsLookup
  /**
   * Where to log: a pino or winston logger, `console`, or an object with the methods debug, info, warn and
   * error. `silentLogger` says nothing.
   * @defaultValue warnings and errors go to the console
   */
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
  readonly ssl: OptionSpec<SslSettings | null>
  readonly sasl: OptionSpec<SaslSettings | null>
  readonly lookup: OptionSpec<DnsLookup | null>
  readonly logger: OptionSpec<Logger | null>
} = optionsOf('new Kafka()', {
  bootstrapServers: { default: [], check: checkBootstrapServers },
  clientId: text('kafkawire'),
  requestTimeoutMs: wireDuration(30_000, 1),
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
  ssl: { default: null, check: checkSsl },
  sasl: { default: null, check: checkSasl },
  lookup: callback<DnsLookup>(),
  logger: {
    default: null,
    check: (value, fail) =>
      isLogger(value) ? value : fail(`an object with the methods ${loggerMethods.join(', ')}`),
  },
})

/** All connection options, none missing. */
export type ClusterOptions = Omit<ResolvedOptions<typeof clusterOptionTable>, 'logger'> & {
  /** The logger of this client. */
  readonly logger: Logger
  /** What the user gave as `logger`. */
  readonly givenLogger: Logger | null
}

/**
 * Checks everything that was given to `new Kafka(...)` and fills in the defaults.
 * @throws ConfigError naming the option and what it may be
 */
export function resolveKafkaOptions(options: KafkaOptions): ClusterOptions {
  const { logger: givenLogger, ...rest } = resolveOptions(
    clusterOptionTable,
    options,
    'new Kafka()',
  )
  const logger = openLogger(givenLogger, { clientId: rest.clientId })
  const resolved: ClusterOptions = Object.freeze({ ...rest, logger, givenLogger })
  if (resolved.bootstrapServers.length === 0) {
    throw new ConfigError(
      "new Kafka(): option 'bootstrapServers' is needed: 'host:port' of one broker or more",
    )
  }
  checkNotBelow(resolved, 'socketConnectionSetupTimeoutMaxMs', 'socketConnectionSetupTimeoutMs')
  checkNotBelow(resolved, 'reconnectBackoffMaxMs', 'reconnectBackoffMs')
  checkNotBelow(resolved, 'retryBackoffMaxMs', 'retryBackoffMs')
  checkSecretsAreProtected(resolved)
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

function checkSecretsAreProtected({ sasl, ssl }: ClusterOptions): void {
  if (sasl === null || ssl !== null || sasl.kind === 'own' || sasl.allowUnencrypted) return
  const secret = sasl.kind === 'token' ? 'token' : 'password'
  if (sasl.mechanism !== 'PLAIN' && sasl.mechanism !== 'OAUTHBEARER') return
  const otherwise = sasl.kind === 'token' ? '' : ', use a SCRAM mechanism,'
  throw new ConfigError(
    `new Kafka(): SASL ${sasl.mechanism} without TLS would send the ${secret} so that anyone on the network can read it: set 'ssl'${otherwise} or set 'allowUnencrypted' in 'sasl'`,
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
  if (server.includes('@')) {
    // What stands before it is a user name and a password: not to be printed.
    throw new ConfigError(
      "new Kafka(): option 'bootstrapServers' must be 'host:port', without a user name or a password: set those in 'sasl'",
    )
  }
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

function isLogger(value: unknown): value is Logger {
  if (typeof value !== 'object' || value === null) return false
  return loggerMethods.every((method) => typeof Reflect.get(value, method) === 'function')
}
