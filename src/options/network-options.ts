// The options that change how a client finds and reaches addresses. What a user's function returns is
// checked here, before anything is done with it: a wrong address would lead to another host.

import type { LookupAddress } from 'node:dns'
import type { Duplex } from 'node:stream'
import { ConfigError, describeValue, kindOf } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'
import type { Endpoint } from './bootstrap-servers.ts'

/** Finds the addresses of a name; all of them are tried, in this order. */
export type DnsLookup = (
  hostname: string,
) => Promise<readonly Pick<LookupAddress, 'address'>[]> | readonly Pick<LookupAddress, 'address'>[]

/** A broker's address, as the bootstrap servers or the cluster's metadata have it. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
  /** The broker's id; null for a bootstrap server. */
  readonly nodeId: number | null
}

/** Says where a broker is reached from here. */
export type MapAddress = (
  address: BrokerAddress,
) => { host: string; port: number } | Promise<{ host: string; port: number }>

/** Where a connection goes to. */
export interface ConnectTarget extends BrokerAddress {
  /** Aborts when the time to connect is over, or the client is closed. */
  readonly signal: AbortSignal
}

/** Opens a socket, or any other stream in both directions, to a broker. */
export type ConnectFunction = (target: ConnectTarget) => Duplex | Promise<Duplex>

/** How the addresses of a host name are used: as Java's `client.dns.lookup`. */
export type ClientDnsLookup = 'use_all_dns_ips' | 'resolve_canonical_bootstrap_servers_only'

/** @throws ConfigError unless `found` is what `lookup` has to return */
export function checkAddresses(found: unknown, host: string): readonly string[] {
  const addresses: unknown[] = Array.isArray(found)
    ? found.map((entry: unknown) => entry instanceof Object && Reflect.get(entry, 'address'))
    : []
  if (Array.isArray(found) && found.length === 0) return []
  const isUsable = (address: unknown): address is string =>
    typeof address === 'string' && lazyNode.net.isIP(address) !== 0
  if (addresses.length > 0 && addresses.every(isUsable)) return addresses
  throw new ConfigError(
    `option 'lookup' must return an array of { address }, each an IP address, for '${host}', got ${
      Array.isArray(found) ? `an array of ${found.length} with something else` : typeof found
    }`,
  )
}

/** @throws ConfigError unless `mapped` is what `mapAddress` has to return */
export function checkMappedAddress(mapped: unknown, from: Endpoint): Endpoint {
  const host: unknown = field(mapped, 'host')
  const port: unknown = field(mapped, 'port')
  if (
    typeof host === 'string' &&
    host !== '' &&
    typeof port === 'number' &&
    Number.isInteger(port) &&
    port >= 1 &&
    port <= 65535
  ) {
    return { host, port }
  }
  const got =
    typeof mapped === 'object' && mapped !== null
      ? `{ host: ${describeValue(host)}, port: ${describeValue(port)} }`
      : kindOf(mapped)
  throw new ConfigError(
    `option 'mapAddress' must return { host, port } for ${from.host}:${from.port}, a name and a number from 1 to 65535, got ${got}`,
  )
}

/** @throws ConfigError unless `socket` is what `connect` has to return */
export function checkSocket(socket: unknown): Duplex {
  if (isDuplex(socket)) {
    if (!socket.readableObjectMode && !socket.writableObjectMode) return socket
    throw new ConfigError("option 'connect' must return a stream of bytes, got one in objectMode")
  }
  throw new ConfigError(
    `option 'connect' must return a socket or another stream.Duplex, got ${kindOf(socket)}`,
  )
}

function isDuplex(value: unknown): value is Duplex {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['on', 'write', 'cork', 'read', 'destroy'].every(
      (method) => typeof Reflect.get(value, method) === 'function',
    )
  )
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
