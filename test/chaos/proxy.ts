// A TCP proxy before one broker. It passes whole frames on, so that it can act on single requests and
// answers; what it does is set by `rules`, at any time, and by the methods. Answers keep the order of
// their requests, its own among them: that is what a broker promises.

import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Address } from '../harness/probe.ts'
import type { RequestFrame } from './frames.ts'
import { ProxyConnection } from './proxy-connection.ts'

/** What becomes of a request. */
export type Verdict =
  | { do: 'forward' }
  /** The broker gets it; its answer is swallowed, and the connection closed in its place. */
  | { do: 'eatAnswer' }
  /** The broker goes on to get requests; the client gets no answer on this connection any more. */
  | { do: 'mute' }
  /** The broker never gets it, and the client gets no answer on this connection any more. */
  | { do: 'lose' }
  /** The broker gets the first `bytes` bytes of the frame, then both sides a reset. */
  | { do: 'cut'; bytes: number }
  /**
   * The connection ends at once, and the broker gets the request so much later, by a connection of its
   * own: as if the network had kept it while the client went on.
   */
  | { do: 'late'; afterMs: number }
  /** The client gets this answer, so late; the broker gets the request or not. */
  | { do: 'answer'; answer: Buffer; forward: boolean; delayMs?: number }

export interface ProxyRules {
  /** Default: forward. */
  onRequest?: (request: RequestFrame) => Verdict
  /** What the client gets in place of a broker's answer. */
  onAnswer?: (answer: Buffer, request: RequestFrame) => Buffer
  /** How long each new connection lives. */
  lifetimeMs?: () => number
  /** Both directions go at this speed, in segments of one byte. */
  bytesPerSecond?: number
}

/**
 * silent: connections open, and no byte passes. refusing: nobody listens. resetting: connections are
 * taken, counted, and reset.
 */
type Mode = 'open' | 'silent' | 'refusing' | 'resetting'

export class FaultProxy {
  /** Where clients are told to go. */
  readonly address: Address
  rules: ProxyRules = {}
  /** When each connection of a client came (Date.now()). */
  readonly connects: number[] = []
  readonly #server: Server
  readonly #broker: Address
  readonly #connections = new Set<ProxyConnection>()
  readonly #late = new Set<NodeJS.Timeout>()
  #mode: Mode = 'open'

  private constructor(server: Server, address: Address, broker: Address) {
    this.#server = server
    this.address = address
    this.#broker = broker
    server.on('connection', (socket) => this.#accept(socket))
  }

  static async listen(broker: Address): Promise<FaultProxy> {
    const server = createServer({ noDelay: true })
    const port = await listen(server, 0)
    return new FaultProxy(server, { host: '127.0.0.1', port }, broker)
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** Ends all connections, with a reset. */
  cutAll(): void {
    for (const connection of this.#connections) connection.reset()
  }

  /** Refuses connections, and ends those that are there. */
  refuse(): void {
    if (this.#mode !== 'refusing') this.#server.close()
    this.#mode = 'refusing'
    this.cutAll()
  }

  /** As `refuse`, but each attempt is seen: it is taken, and reset at once. */
  resetAll(): void {
    this.#mode = 'resetting'
    this.cutAll()
  }

  /** From now on no byte passes and no connection ends: the far side is gone without a word. */
  silence(): void {
    this.#mode = 'silent'
    for (const connection of this.#connections) connection.silence()
  }

  /** Back to passing on. Connections that were silent stay so: bytes are missing in them. */
  async heal(): Promise<void> {
    this.rules = {}
    const wasRefusing = this.#mode === 'refusing'
    this.#mode = 'open'
    if (wasRefusing) await listen(this.#server, this.address.port)
  }

  /** Gives the broker a request that the network kept so long; nobody waits for its answer. */
  sendLate(bytes: Buffer, afterMs: number): void {
    const timer = setTimeout(() => {
      this.#late.delete(timer)
      const socket = connect({ ...this.#broker, noDelay: true })
      // The broker may be down by now.
      socket.on('error', () => {})
      socket.on('data', () => socket.destroy())
      socket.write(bytes)
    }, afterMs)
    this.#late.add(timer)
  }

  async close(): Promise<void> {
    for (const timer of this.#late) clearTimeout(timer)
    this.cutAll()
    if (this.#mode === 'refusing') return
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    this.connects.push(Date.now())
    if (this.#mode === 'resetting') {
      client.resetAndDestroy()
      return
    }
    const connection = new ProxyConnection(client, this.#broker, this)
    this.#connections.add(connection)
    connection.onEnd = () => this.#connections.delete(connection)
    if (this.#mode === 'silent') connection.silence()
    const lifetimeMs = this.rules.lifetimeMs?.()
    if (lifetimeMs !== undefined) connection.endAfter(lifetimeMs)
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      const bound = server.address()
      resolve(bound !== null && typeof bound === 'object' ? bound.port : port)
    })
  })
}
