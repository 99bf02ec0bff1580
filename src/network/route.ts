// The ways to a broker, in the order in which they are tried: the IP addresses of its host name, or the one
// stream that the user's `connect` gives.

import type { Duplex } from 'node:stream'
import { waitFor } from '../async/wait.ts'
import { ConfigError } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'
import { type Endpoint, formatEndpoint } from '../options/bootstrap-servers.ts'
import {
  type BrokerAddress,
  type ConnectFunction,
  type ConnectTarget,
  checkAddresses,
  checkMappedAddress,
  checkSocket,
  type DnsLookup,
  type MapAddress,
} from '../options/network-options.ts'

export interface RouteOptions {
  lookup: DnsLookup | null
  mapAddress: MapAddress | null
  connect: ConnectFunction | null
}

/** Kept from one connection to a broker to the next. At most one of them is set. */
export interface AddressMemory {
  /** The address that worked last: the next attempt begins with it. */
  goodAddress: string | null
  /** The address that failed last: the next attempt begins behind it. */
  failedAddress: string | null
}

/** One way to a broker. */
export interface Route {
  /** Names it in error texts and in the memory: an IP address, or what was given to `connect`. */
  readonly address: string
  /** Where to connect to. */
  readonly open: (signal: AbortSignal) => { address: string; port: number } | Promise<Duplex>
}

/** Where the broker at `address` is reached from here. */
export async function mapBrokerAddress(
  address: BrokerAddress,
  mapAddress: MapAddress | null,
): Promise<Endpoint> {
  if (mapAddress === null) return address
  return checkMappedAddress(await mapAddress(address), address)
}

/** Every way to `endpoint`, beginning with the one that worked last, or behind the one that failed last. */
export async function findRoutes(
  endpoint: Endpoint,
  nodeId: number | null,
  { lookup, connect }: RouteOptions,
  memory: AddressMemory,
): Promise<readonly Route[]> {
  const { host, port } = endpoint
  if (connect !== null) {
    const open = (signal: AbortSignal) => openStream(connect, { host, port, nodeId, signal })
    return [{ address: formatEndpoint(endpoint), open }]
  }
  const addresses = inOrder(await resolveHost(host, lookup), memory)
  return addresses.map((address) => ({ address, open: () => ({ address, port }) }))
}

export async function resolveHost(
  host: string,
  lookup: DnsLookup | null,
): Promise<readonly string[]> {
  if (lazyNode.net.isIP(host) !== 0) return [host]
  if (lookup !== null) return checkAddresses(await lookup(host), host)
  return (await lazyNode.dns.promises.lookup(host, { all: true })).map(({ address }) => address)
}

/** The streams that connections have. */
const taken = new WeakSet<Duplex>()

/** Two connections on one stream would read each other's responses. */
function takeStream(given: unknown): Duplex {
  const stream = checkSocket(given)
  if (taken.has(stream) && !stream.destroyed) {
    throw new ConfigError(
      "option 'connect' must return another stream for each connection, got the same one again",
    )
  }
  taken.add(stream)
  return stream
}

/** What `connect` gives; destroyed at once if it comes when the attempt is over. */
async function openStream(connect: ConnectFunction, target: ConnectTarget): Promise<Duplex> {
  const { signal } = target
  const opening = Promise.resolve(connect(target)).then(takeStream)
  try {
    return await waitFor(opening, { signal }, 'connecting')
  } catch (error) {
    opening.then(
      (late) => late.on('error', () => {}).destroy(),
      () => {},
    )
    throw error
  }
}

function inOrder(addresses: readonly string[], memory: AddressMemory): readonly string[] {
  const { goodAddress, failedAddress } = memory
  const good = goodAddress === null ? -1 : addresses.indexOf(goodAddress)
  const failed = failedAddress === null ? -1 : addresses.indexOf(failedAddress)
  const start = good >= 0 ? good : failed + 1
  return [...addresses.slice(start), ...addresses.slice(0, start)]
}
