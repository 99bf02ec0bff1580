// The connection options: type, unit, default and what each trades, once. What is resolved here is
// complete and frozen, so that nothing below has further defaults.

import { ConfigError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import {
  type BootstrapServers,
  type BootstrapServersProvider,
  type BootstrapSettings,
  checkBootstrapServers,
} from './bootstrap-servers.ts'
import type { ClientDnsLookup, ConnectFunction, DnsLookup, MapAddress } from './network-options.ts'
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

/** How to reach the cluster: what `new Kafka(...)` takes. All times are in milliseconds. */
export interface KafkaOptions {
  /**
   * Where to find the cluster first: `host:port`, several in an array or separated by commas. IPv6
   * addresses stand in brackets: `[::1]:9092`. A few brokers suffice; they tell of the others.
   * `srv://_kafka._tcp.example.com` reads the addresses from DNS SRV records. A function returns any
   * of these; it is called again each time the client begins again with its bootstrap servers.
   */
  bootstrapServers: BootstrapServers | BootstrapServersProvider
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
  /**
   * Metadata is refreshed after this time even when nothing seems stale (ms), but not more often than every
   * `retryBackoffMs`. Default: 300000.
   */
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
   * How host names are used. `resolve_canonical_bootstrap_servers_only` replaces each bootstrap server
   * by the canonical names of its addresses: Kerberos needs that behind an alias of many brokers.
   * @defaultValue `use_all_dns_ips`
   */
  clientDnsLookup?: ClientDnsLookup
  /**
   * Says at which host and port a broker is reached from here, for port forwarding and PrivateLink.
   * It gets each broker's advertised address, and the bootstrap servers with a `nodeId` of null.
   * Certificates are still checked against the advertised host name.
   * @defaultValue the address as it is
   */
  mapAddress?: MapAddress
  /**
   * Opens the connections in place of Node's `net.connect`: SSH tunnel, SOCKS or HTTP proxy, Unix
   * socket. Host names are not resolved by this client then. TLS (`ssl`) is put on top of the stream.
   * @defaultValue a TCP connection
   */
  connect?: ConnectFunction
  /**
   * Where to log: a pino or winston logger, `console`, or an object with the methods debug, info, warn and
   * error. `silentLogger` says nothing.
   * @defaultValue warnings and errors go to the console
   */
  logger?: Logger
}

const loggerMethods = ['debug', 'info', 'warn', 'error'] as const

/** Each connection option: its default and its check. */
export const clusterOptionTable: {
  readonly bootstrapServers: OptionSpec<BootstrapSettings>
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
  readonly clientDnsLookup: OptionSpec<ClientDnsLookup>
  readonly mapAddress: OptionSpec<MapAddress | null>
  readonly connect: OptionSpec<ConnectFunction | null>
  readonly logger: OptionSpec<Logger | null>
} = optionsOf('new Kafka()', {
  bootstrapServers: {
    default: { endpoints: [], srvNames: [], provider: null },
    check: checkBootstrapServers,
  },
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
  clientDnsLookup: oneOf<ClientDnsLookup>('use_all_dns_ips', [
    'use_all_dns_ips',
    'resolve_canonical_bootstrap_servers_only',
  ]),
  mapAddress: callback<MapAddress>(),
  connect: callback<ConnectFunction>(),
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
  /** Whether `bootstrapServers` are controllers of the KRaft quorum (KIP-919) instead of brokers. */
  readonly usesControllers: boolean
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
  const resolved: ClusterOptions = Object.freeze({
    ...rest,
    logger,
    givenLogger,
    usesControllers: false,
  })
  const { endpoints, srvNames, provider } = resolved.bootstrapServers
  if (endpoints.length === 0 && srvNames.length === 0 && provider === null) {
    throw new ConfigError(
      "new Kafka(): option 'bootstrapServers' is needed: 'host:port' of one broker or more",
    )
  }
  checkNotBelow(resolved, 'socketConnectionSetupTimeoutMaxMs', 'socketConnectionSetupTimeoutMs')
  checkNotBelow(resolved, 'reconnectBackoffMaxMs', 'reconnectBackoffMs')
  checkNotBelow(resolved, 'retryBackoffMaxMs', 'retryBackoffMs')
  if (resolved.connect !== null && resolved.lookup !== null) {
    throw new ConfigError(
      "new Kafka(): option 'lookup' has no effect with 'connect', which gets host names as they are: leave it out",
    )
  }
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
  if (sasl === null || ssl !== null || sasl.kind === 'own' || sasl.kind === 'kerberos') return
  if (sasl.allowUnencrypted) return
  const secret = sasl.kind === 'password' ? 'password' : 'token'
  if (sasl.mechanism !== 'PLAIN' && sasl.mechanism !== 'OAUTHBEARER') return
  const otherwise = sasl.kind === 'password' ? ', use a SCRAM mechanism,' : ''
  throw new ConfigError(
    `new Kafka(): SASL ${sasl.mechanism} without TLS would send the ${secret} so that anyone on the network can read it: set 'ssl'${otherwise} or set 'allowUnencrypted' in 'sasl'`,
  )
}

function isLogger(value: unknown): value is Logger {
  if (typeof value !== 'object' || value === null) return false
  return loggerMethods.every((method) => typeof Reflect.get(value, method) === 'function')
}
