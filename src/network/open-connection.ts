// Brings one connection from a host name to READY: addresses, TCP, TLS, ApiVersions, SASL. One
// deadline covers all of it, since a broker that is paused still accepts TCP in its kernel and then says nothing.

import type { Duplex } from 'node:stream'
import { monotonicMs } from '../async/clock.ts'
import { thrownError } from '../async/rejections.ts'
import { startTimer } from '../async/timers.ts'
import { onAbort, waitFor } from '../async/wait.ts'
import { AuthenticationError, ClosedError, ConnectionError, causeText } from '../errors.ts'
import { type Endpoint, formatEndpoint } from '../options/bootstrap-servers.ts'
import type { SaslSettings } from '../options/sasl-options.ts'
import type { SslSettings, TlsOptions } from '../options/ssl-options.ts'
import { apiVersions } from '../protocol/messages/api-versions.ts'
import { certificatePrincipal } from './certificate-principal.ts'
import type { Connection } from './connection.ts'
import {
  endOfStreamText,
  explainSetupFailure,
  type SetupPhase,
  setupError,
  setupTimeoutText,
} from './connection-errors.ts'
import { exchangeVersions } from './handshake.ts'
import {
  type AddressMemory,
  findRoutes,
  mapBrokerAddress,
  type Route,
  type RouteOptions,
} from './route.ts'
import { authenticate } from './sasl/authenticate.ts'
import { forgetCredentials, mechanismOf } from './sasl/mechanism-of.ts'
import { keepSession } from './sasl/reauthenticate.ts'
import { openTcpSocket, openTlsSocket } from './socket.ts'

/** The version of ApiVersions in which a broker says that it is another one than meant (KIP-1242). */
const IDENTITY_SINCE = 5

export interface SetupOptions extends RouteOptions {
  timeoutMs: number
  /** The cluster that the broker belongs to, by its id; null if that is not known. */
  clusterId: string | null
  ssl: SslSettings | null
  sasl: SaslSettings | null
  /** What earlier attempts to reach this broker learned; changed by this one. */
  memory: SetupMemory
}

/** Kept from one connection to a broker to the next. */
export interface SetupMemory extends AddressMemory {
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
  private address: string | null = null
  /** Where `mapAddress` said that the broker is reached; null if it said nothing else. */
  private mapped: Endpoint | null = null

  constructor(connection: Connection, options: SetupOptions) {
    this.connection = connection
    this.options = options
  }

  async run(): Promise<void> {
    const { connection, options } = this
    const tls = await this.unlessClosed(tlsOptions(options.ssl))
    const routes = await this.unlessClosed(this.findRoutes())
    const { socket, address } = await this.connectAny(routes, tls)
    connection.attach(socket)
    this.address = address
    this.phase = 'apiVersions'
    await this.exchangeVersions()
    connection.principal = certificatePrincipal(socket)
    if (options.sasl !== null) {
      await this.authenticate(options.sasl, tls !== null)
      // Before the authentication a broker does not say whether it is the one that is meant.
      const range = connection.versionRange(apiVersions)
      if (connection.nodeId >= 0 && (range?.maxVersion ?? 0) >= IDENTITY_SINCE) {
        await this.exchangeVersions()
      }
    }
    connection.makeReady()
    options.memory.goodAddress = address
    options.memory.failedAddress = null
  }

  private get phase(): SetupPhase {
    return this.connection.phase
  }

  private set phase(phase: SetupPhase) {
    this.connection.phase = phase
  }

  expire(): void {
    this.connection.close(new ConnectionError(setupTimeoutText(this.phase, this.options.timeoutMs)))
  }

  failure(thrown: unknown): Error {
    const { connection, phase, options } = this
    const error = thrownError(thrown)
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
    const where = connection.describe()
    const by = this.mapped === null ? '' : `, mapped to ${formatEndpoint(this.mapped)}`
    const failure = setupError(
      where.replace(/\)$|$/, (end) => by + end),
      text,
      cause,
      phase,
    )
    connection.close(failure)
    return failure
  }

  private async exchangeVersions(): Promise<void> {
    const { connection, options } = this
    const { nodeId } = connection
    const expected = { clusterId: options.clusterId, nodeId }
    // Its own deadline is the timer of the whole setup.
    connection.learnFeatures(await exchangeVersions(connection, expected, options.timeoutMs + 1000))
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
        const done = await this.unlessClosed(
          authenticate(connection, mechanism, context, timeoutMs),
        )
        connection.principal = done.principal
        return done.lifetimeMs
      } catch (error) {
        if (error instanceof AuthenticationError) forgetCredentials(settings)
        throw error
      }
    }
    // The first time, its own deadline is the timer of the whole setup.
    const lifetimeMs = await exchange(options.timeoutMs + 1000)
    const { timeoutMs } = options
    const again = (): Promise<number> =>
      waitFor(exchange(timeoutMs), { timeoutMs }, 'The renewal of the SASL session')
    keepSession({ connection, authenticate: again }, lifetimeMs, startedAt)
  }

  private async findRoutes(): Promise<readonly Route[]> {
    const { connection, options } = this
    const { endpoint } = connection.options
    const nodeId = connection.nodeId < 0 ? null : connection.nodeId
    const to = await mapBrokerAddress({ ...endpoint, nodeId }, options.mapAddress)
    if (to.host !== endpoint.host || to.port !== endpoint.port) this.mapped = to
    return findRoutes(to, nodeId, options, options.memory)
  }

  /** The first address that takes the connection; those that fail quickly cost no further attempt. */
  private async connectAny(
    routes: readonly Route[],
    tls: TlsOptions | null,
  ): Promise<{ socket: Duplex; address: string }> {
    const failures: string[] = []
    for (const [i, route] of routes.entries()) {
      const { address } = route
      const isLast = i === routes.length - 1
      try {
        return { socket: await this.connectOne(route, tls, isLast), address }
      } catch (error) {
        this.options.memory.goodAddress = null
        this.options.memory.failedAddress = address
        if (this.connection.isClosed || this.phase === 'tls' || routes.length === 1) throw error
        failures.push(causeText(error))
        if (isLast) throw new ConnectionError(failures.join('; '), { cause: error })
      }
    }
    throw new ConnectionError('the host name has no address')
  }

  private async connectOne(route: Route, tls: TlsOptions | null, isLast: boolean): Promise<Duplex> {
    const { host } = this.connection.options.endpoint
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
              new ConnectionError(`${route.address} does not respond (tried ${shareMs | 0} ms)`),
            )
          }
        }, shareMs)
    const { signal } = attempt
    try {
      const to = await route.open(signal)
      const target = { host, to, receiver: this.connection, signal }
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
