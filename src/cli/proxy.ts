// A proxy between any client and any broker that shows what they say. Brokers tell clients the addresses
// to go to: those are replaced by listeners of the proxy, one per broker, so that all connections pass
// through it. Frames that are not changed go through as they came.

import { createServer, connect as netConnect, type Server, type Socket } from 'node:net'
import { type ConnectionOptions as TlsOptions, connect as tlsConnect } from 'node:tls'
import { DecodeError } from '../errors.ts'
import { serverNameOf } from '../options/server-name.ts'
import { Conversation, type Exchange } from '../protocol/conversation.ts'
import { decodeFrame, encodeFrame } from '../protocol/frame.ts'
import { describeCluster } from '../protocol/messages/describe-cluster.ts'
import { fetch } from '../protocol/messages/fetch.ts'
import { findCoordinator } from '../protocol/messages/find-coordinator.ts'
import { metadata } from '../protocol/messages/metadata.ts'
import { produce } from '../protocol/messages/produce.ts'
import { shareAcknowledge } from '../protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../protocol/messages/share-fetch.ts'
import { invalidValue } from '../protocol/value-error.ts'

/** Where something listens. */
export interface Address {
  host: string
  port: number
}

/** A frame that passed, and the connection it passed on. */
export interface PassedFrame {
  /** Of the client. */
  readonly client: string
  /** Of the broker. */
  readonly broker: string
  /** As it came, before addresses in it were replaced. */
  readonly frame: Exchange
}

export interface KafkaProxyOptions {
  /** Where clients connect to; port 0 is any free one. */
  readonly listen: Address
  /** The broker that those connections go to. */
  readonly to: Address
  /**
   * Connections to brokers use TLS: `true` with the certificates of Node, or with these options.
   * @defaultValue false
   */
  readonly tls?: boolean | TlsOptions
  /** Is called with each frame, in order. */
  readonly onFrame?: (passed: PassedFrame) => void
  /** Is called when a connection fails; the proxy continues. */
  readonly onConnectionError?: (error: Error, broker: string) => void
}

/** A struct with an address that clients connect to. */
interface Endpoint {
  host: string
  port: number
}

/** Where the responses of an API have addresses. */
const endpoints: Record<number, (body: Record<string, Endpoint[]> & Endpoint) => Endpoint[]> = {
  [produce.key]: (body) => body.nodeEndpoints,
  [fetch.key]: (body) => body.nodeEndpoints,
  [metadata.key]: (body) => body.brokers,
  [findCoordinator.key]: (body) => [body, ...body.coordinators],
  [describeCluster.key]: (body) => body.brokers,
  [shareFetch.key]: (body) => body.nodeEndpoints,
  [shareAcknowledge.key]: (body) => body.nodeEndpoints,
}

/** Listeners for one broker after another, as clients hear about them. */
export class KafkaProxy {
  private readonly options: KafkaProxyOptions
  private readonly listeners = new Map<string, Promise<Listener>>()
  private readonly sockets = new Set<Socket>()
  private isClosed = false

  /** @throws {InvalidArgumentError} for an address that cannot be one */
  constructor(options: KafkaProxyOptions) {
    for (const name of ['listen', 'to'] as const) {
      const { port } = options[name]
      if (!Number.isInteger(port) || port < 0 || port > 65_535) {
        throw invalidValue(`${name}.port`, 'a port (0 to 65535)', port)
      }
    }
    this.options = options
  }

  /** Starts to listen, and returns where. */
  async start(): Promise<Address> {
    const { listen, to } = this.options
    return (await this.listenerFor(to, listen.port)).address
  }

  /** Closes all listeners and connections. */
  async close(): Promise<void> {
    this.isClosed = true
    for (const socket of this.sockets) socket.destroy()
    const listeners = await Promise.allSettled(this.listeners.values())
    await Promise.all(
      listeners.map(
        (outcome) =>
          new Promise<void>((resolve) => {
            if (outcome.status === 'rejected') resolve()
            else outcome.value.server.close(() => resolve())
          }),
      ),
    )
  }

  private listenerFor(broker: Address, port: number = 0): Promise<Listener> {
    const name = nameOf(broker)
    let listener = this.listeners.get(name)
    if (listener === undefined) {
      listener = this.listen(broker, port)
      this.listeners.set(name, listener)
    }
    return listener
  }

  private listen(broker: Address, port: number): Promise<Listener> {
    const { host } = this.options.listen
    const server = createServer((client) => this.join(client, broker))
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        const bound = server.address()
        if (bound === null || typeof bound === 'string') reject(new Error('no TCP listener'))
        else resolve({ server, address: { host, port: bound.port } })
      })
    })
  }

  private join(client: Socket, broker: Address): void {
    if (this.isClosed) {
      client.destroy()
      return
    }
    const { host, port } = broker
    const { tls = false } = this.options
    const upstream =
      tls === false
        ? netConnect({ host, port })
        : tlsConnect({
            ...(tls === true ? {} : tls),
            host,
            port,
            // Addresses have no place in the handshake.
            servername: serverNameOf(host) ?? '',
          })
    const link = new Link(client, upstream, {
      client: `${client.remoteAddress}:${client.remotePort}`,
      broker: nameOf(broker),
      onFrame: this.options.onFrame ?? (() => {}),
      rewrite: (frame) => this.rewrite(frame),
    })
    for (const socket of [client, upstream]) {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
      socket.on('error', (error) => {
        this.options.onConnectionError?.(error, nameOf(broker))
        link.destroy()
      })
    }
    link.start()
  }

  /** The frame with the proxy's addresses in place of the brokers', or null where it has none. */
  private async rewrite({ raw, request }: Exchange): Promise<Buffer | null> {
    const endpointsOf = request === undefined ? undefined : endpoints[request.api.key]
    if (request === undefined || endpointsOf === undefined) return null
    // Decoded again: what was shown stays as it came.
    const frame = decodeFrame(raw, request)
    let isChanged = false
    // `never`: an API's entry takes the body of its response.
    for (const endpoint of endpointsOf(frame.body as never)) {
      if (endpoint.host === '' || endpoint.port <= 0 || endpoint.port > 65_535) continue
      const { address } = await this.listenerFor({ host: endpoint.host, port: endpoint.port })
      Object.assign(endpoint, address)
      isChanged = true
    }
    return isChanged ? encodeFrame(frame) : null
  }
}

interface Listener {
  readonly server: Server
  readonly address: Address
}

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`
}

interface LinkOptions {
  readonly client: string
  readonly broker: string
  readonly onFrame: (passed: PassedFrame) => void
  readonly rewrite: (frame: Exchange) => Promise<Buffer | null>
}

/** One connection of a client, and the one to the broker behind it. */
class Link {
  private readonly client: Socket
  private readonly upstream: Socket
  private readonly options: LinkOptions
  private readonly talk = new Conversation()

  constructor(client: Socket, upstream: Socket, options: LinkOptions) {
    this.client = client
    this.upstream = upstream
    this.options = options
  }

  start(): void {
    this.pump(this.client, this.upstream, async (bytes) => {
      for (const frame of this.talk.fromClient(bytes)) {
        this.passed(frame)
        await write(this.upstream, frame.raw)
      }
    })
    this.pump(this.upstream, this.client, async (bytes) => {
      for (const frame of this.talk.fromServer(bytes)) {
        this.passed(frame)
        const changed = frame.type === 'response' ? await this.options.rewrite(frame) : null
        await write(this.client, changed ?? frame.raw)
      }
    })
  }

  destroy(): void {
    this.client.destroy()
    this.upstream.destroy()
  }

  private passed(frame: Exchange): void {
    const { client, broker, onFrame } = this.options
    onFrame({ client, broker, frame })
  }

  /** Moves bytes as fast as the receiver takes them. */
  private async pump(
    from: Socket,
    to: Socket,
    forward: (bytes: Buffer) => Promise<void>,
  ): Promise<void> {
    try {
      for await (const bytes of from) await forward(bytes)
      to.end()
    } catch (error) {
      // What does not speak Kafka is cut off; errors of the sockets are reported by their own event.
      if (error instanceof DecodeError) from.emit('error', error)
      this.destroy()
    }
  }
}

function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => {
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
  })
}
