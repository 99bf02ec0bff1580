// Brings one connection from a host name to READY: addresses, TCP, TLS, ApiVersions, SASL. One
// deadline covers all of it, since a broker that is paused still accepts TCP in its kernel and then says nothing.

import { promises as dns } from 'node:dns'
import { isIP, type Socket } from 'node:net'
import { monotonicMs } from '../async/clock.ts'
import { startTimer } from '../async/timers.ts'
import { onAbort, waitFor } from '../async/wait.ts'
import { AuthenticationError, ClosedError, ConfigError, ConnectionError } from '../errors.ts'
import type { DnsLookup } from '../options/kafka-options.ts'
import type { SaslSettings } from '../options/sasl-options.ts'
import type { SslSettings, TlsOptions } from '../options/ssl-options.ts'
import type { Connection } from './connection.ts'
import {
  endOfStreamText,
  explainSetupFailure,
  type SetupPhase,
  setupError,
  setupTimeoutText,
} from './connection-errors.ts'
import { exchangeVersions } from './handshake.ts'
import { authenticate } from './sasl/authenticate.ts'
import { forgetCredentials, mechanismOf } from './sasl/mechanism-of.ts'
import { keepSession } from './sasl/reauthenticate.ts'
import { openTcpSocket, openTlsSocket } from './socket.ts'

export interface SetupOptions {
  timeoutMs: number
  ssl: SslSettings | null
  sasl: SaslSettings | null
  lookup: DnsLookup | null
  /** What earlier attempts to reach this broker learned; changed by this one. */
  memory: SetupMemory
}

/** Kept from one connection to a broker to the next. */
export interface SetupMemory {
  /** The address that worked last, and the one that failed last: the next attempt begins with the
   * former, and not with the latter. At most one of them is set. */
  goodAddress: string | null
  failedAddress: string | null
  tlsSession: Buffer | undefined
}

/**
 * Settles when the connection is ready.
 * @throws ConnectionError or AuthenticationError whose message says what to look at, or the reason
 * with which the connection was closed meanwhile
 */
export async function openConnection(connection: Connection, options: SetupOptions): Promise<void> {
  const setup = new Setup(connection, options)
  const timer = startTimer(() => setup.expire(), options.timeoutMs)
  try {
    await setup.run()
  } catch (error) {
    throw setup.failure(error)
  } finally {
    clearTimeout(timer)
  }
}

class Setup {
  private readonly connection: Connection
  private readonly options: SetupOptions
  private readonly startedAt = monotonicMs()
  private phase: SetupPhase = 'resolving'
  private address: string | null = null

  constructor(connection: Connection, options: SetupOptions) {
    this.connection = connection
    this.options = options
  }

  async run(): Promise<void> {
    const { connection, options } = this
    const { host } = connection.options.endpoint
    const tls = await this.unlessClosed(tlsOptions(options.ssl))
    const addresses = await this.unlessClosed(resolveHost(host, options.lookup))
    const { socket, address } = await this.connectAny(inOrder(addresses, options.memory), tls)
    connection.attach(socket)
    this.address = address
    this.phase = 'apiVersions'
    // Its own deadline is the timer of the whole setup.
    const features = await exchangeVersions(connection, options.timeoutMs + 1000)
    connection.learnFeatures(features)
    if (options.sasl !== null) await this.authenticate(options.sasl, tls !== null)
    connection.makeReady()
    options.memory.goodAddress = address
    options.memory.failedAddress = null
  }

  expire(): void {
    this.connection.close(new ConnectionError(setupTimeoutText(this.phase, this.options.timeoutMs)))
  }

  failure(error: unknown): Error {
    const { connection, phase, options } = this
    if (this.address !== null) {
      options.memory.goodAddress = null
      options.memory.failedAddress = this.address
    }
    // What closed the connection says more than what its end did to the request on it.
    const cause: unknown = connection.isClosed ? connection.closing.reason : error
    if (cause instanceof ClosedError) return cause
    const text = connection.endedByBroker
      ? endOfStreamText(phase)
      : explainSetupFailure(cause, phase, connection.options.endpoint.host)
    const failure = setupError(connection.describe(), text, cause, phase)
    connection.close(failure)
    return failure
  }

  private async authenticate(settings: SaslSettings, isEncrypted: boolean): Promise<void> {
    const { connection, options } = this
    const { host, port } = connection.options.endpoint
    const mechanism = mechanismOf(settings)
    const context = { host, port, isEncrypted, signal: connection.closing }
    this.phase = 'sasl'
    const startedAt = monotonicMs()
    const exchange = async (timeoutMs: number): Promise<number> => {
      try {
        return await this.unlessClosed(authenticate(connection, mechanism, context, timeoutMs))
      } catch (error) {
        if (error instanceof AuthenticationError) forgetCredentials(settings)
        throw error
      }
    }
    // The first time, its own deadline is the timer of the whole setup.
    const lifetimeMs = await exchange(options.timeoutMs + 1000)
    const again = (): Promise<number> => exchange(options.timeoutMs)
    keepSession({ connection, authenticate: again }, lifetimeMs, startedAt)
  }

  /** The first address that takes the connection; those that fail quickly cost no further attempt. */
  private async connectAny(
    addresses: readonly string[],
    tls: TlsOptions | null,
  ): Promise<{ socket: Socket; address: string }> {
    const failures: string[] = []
    for (let i = 0; i < addresses.length; i++) {
      const isLast = i === addresses.length - 1
      try {
        return { socket: await this.connectOne(addresses[i], tls, isLast), address: addresses[i] }
      } catch (error) {
        this.options.memory.goodAddress = null
        this.options.memory.failedAddress = addresses[i]
        if (this.connection.isClosed || this.phase === 'tls' || addresses.length === 1) throw error
        failures.push(error instanceof Error ? error.message : String(error))
        if (isLast) throw new ConnectionError(failures.join('; '), { cause: error })
      }
    }
    throw new ConnectionError('the host name has no address')
  }

  private async connectOne(
    address: string,
    tls: TlsOptions | null,
    isLast: boolean,
  ): Promise<Socket> {
    const { host, port } = this.connection.options.endpoint
    const { memory } = this.options
    this.phase = 'connecting'
    const attempt = new AbortController()
    const { closing } = this.connection
    const unwatch = onAbort(closing, () => attempt.abort(closing.reason))
    // A dead address must leave time for those behind it: half of what is left.
    const shareMs = (this.options.timeoutMs - (monotonicMs() - this.startedAt)) / 2
    const timer = isLast
      ? undefined
      : startTimer(() => {
          if (this.phase === 'connecting') {
            attempt.abort(
              new ConnectionError(`${address} does not respond (tried ${shareMs | 0} ms)`),
            )
          }
        }, shareMs)
    const target = { host, address, port, receiver: this.connection, signal: attempt.signal }
    try {
      if (tls === null) return await openTcpSocket(target)
      return await openTlsSocket({
        ...target,
        tls,
        // A resumed session would hide a certificate that was rotated meanwhile.
        session: this.options.ssl?.mayRotate ? undefined : memory.tlsSession,
        onTcpConnected: () => {
          this.phase = 'tls'
        },
        onSession: (session) => {
          memory.tlsSession = session
        },
      })
    } finally {
      clearTimeout(timer)
      unwatch()
    }
  }

  private unlessClosed<T>(promise: Promise<T>): Promise<T> {
    return waitFor(promise, { signal: this.connection.closing }, 'connecting')
  }
}

async function tlsOptions(ssl: SslSettings | null): Promise<TlsOptions | null> {
  return ssl === null ? null : ssl.load()
}

async function resolveHost(host: string, lookup: DnsLookup | null): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  if (lookup === null) {
    return (await dns.lookup(host, { all: true })).map(({ address }) => address)
  }
  return addressesOf(await lookup(host), host)
}

/** A user's function may return anything: a wrong address would lead to another host. */
function addressesOf(found: unknown, host: string): readonly string[] {
  const addresses: unknown[] = Array.isArray(found)
    ? found.map((entry: unknown) => entry instanceof Object && Reflect.get(entry, 'address'))
    : []
  if (Array.isArray(found) && found.length === 0) return []
  const isUsable = (address: unknown): address is string =>
    typeof address === 'string' && isIP(address) !== 0
  if (addresses.length > 0 && addresses.every(isUsable)) return addresses
  throw new ConfigError(
    `option 'lookup' must return an array of { address }, each an IP address, for '${host}', got ${
      Array.isArray(found) ? `an array of ${found.length} with something else` : typeof found
    }`,
  )
}

/** All addresses, beginning with the one that worked last, or behind the one that failed last. */
function inOrder(addresses: readonly string[], memory: SetupMemory): readonly string[] {
  const { goodAddress, failedAddress } = memory
  const good = goodAddress === null ? -1 : addresses.indexOf(goodAddress)
  const failed = failedAddress === null ? -1 : addresses.indexOf(failedAddress)
  const start = good >= 0 ? good : failed + 1
  return [...addresses.slice(start), ...addresses.slice(0, start)]
}
