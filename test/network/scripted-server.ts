// A server that says exactly what a test tells it to, over real sockets: for bytes that no broker sends.

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { type Api, decodeRequest } from '../../src/protocol/api.ts'
import {
  decodeRequestHeader,
  encodeResponseFrame,
  requestHeaderReader,
  requestHeaderVersion,
} from '../../src/protocol/header.ts'
import { type ApiVersionsResponse, apiVersions } from '../../src/protocol/messages/api-versions.ts'

/** One request as it came, its header read and its body not. */
export interface ReceivedRequest {
  apiKey: number
  version: number
  correlationId: number
  clientId: string | null
  content: Buffer
}

/** The server's end of one connection. */
export class ServerSide {
  readonly socket: Socket
  readonly requests: ReceivedRequest[] = []
  private bytes: Buffer = Buffer.alloc(0)
  private wake: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => this.take(chunk))
    socket.on('close', () => this.wake())
  }

  /** The next request; rejects when the client closes instead. */
  async next(): Promise<ReceivedRequest> {
    for (;;) {
      const request = this.requests.shift()
      if (request !== undefined) return request
      if (this.socket.destroyed) throw new Error('the client closed the connection')
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  answer<Q, A>(request: ReceivedRequest, api: Api<Q, A>, response: A): void {
    this.write(frameOf(request, api, response))
  }

  /** Answers the version exchange with `ranges`. */
  async handshake(ranges: [number, number, number][] = everyApi): Promise<void> {
    const request = await this.next()
    if (request.apiKey !== apiVersions.key)
      throw new Error(`API ${request.apiKey}, not ApiVersions`)
    this.answer(request, apiVersions, versionsAnswer(ranges))
  }

  /** Ends the connection with a RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  private take(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk])
    while (this.bytes.length >= 4) {
      const size = this.bytes.readInt32BE(0)
      if (this.bytes.length < 4 + size) break
      this.requests.push(readRequest(this.bytes.subarray(4, 4 + size)))
      this.bytes = this.bytes.subarray(4 + size)
    }
    this.wake()
  }
}

/** Key, least and greatest version of what the server offers: enough for every test. */
export const everyApi: [number, number, number][] = [
  [0, 3, 11],
  [1, 4, 17],
  [3, 0, 13],
  [10, 0, 6],
  [12, 0, 4],
  [18, 0, 4],
]

export function versionsAnswer(
  ranges: [number, number, number][],
  errorCode = 0,
): ApiVersionsResponse {
  return {
    errorCode,
    apiKeys: ranges.map(([apiKey, minVersion, maxVersion]) => ({ apiKey, minVersion, maxVersion })),
    throttleTimeMs: 0,
    supportedFeatures: [],
    finalizedFeaturesEpoch: -1n,
    finalizedFeatures: [],
    zkMigrationReady: false,
  }
}

export function frameOf<Q, A>(request: ReceivedRequest, api: Api<Q, A>, response: A): Buffer {
  return Buffer.concat(encodeResponseFrame(api, request.version, request.correlationId, response))
}

/** The request's body, read as that API's. */
export function bodyOf<Q, A>(request: ReceivedRequest, api: Api<Q, A>): Q {
  const reader = requestHeaderReader(requestHeaderVersion(api, request.version), request.content)
  decodeRequestHeader(reader)
  return decodeRequest(api, request.version, request.content, reader.offset).message
}

function readRequest(content: Buffer): ReceivedRequest {
  const reader = requestHeaderReader(1, content)
  const { requestApiKey, requestApiVersion, correlationId, clientId } = decodeRequestHeader(reader)
  return {
    apiKey: requestApiKey,
    version: requestApiVersion,
    correlationId,
    clientId,
    content,
  }
}

export class ScriptedServer {
  readonly connections: ServerSide[] = []
  /** How often a client has connected, TLS or not. */
  accepted = 0
  private readonly server: Server
  private readonly sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.server = server
  }

  /** `script` is run for each connection; what it throws after the client has gone is ignored. */
  static async start(
    script: (side: ServerSide) => unknown,
    options: { tls?: TlsOptions; host?: string; port?: number } = {},
  ): Promise<ScriptedServer> {
    const handle = (socket: Socket): void => {
      const side = new ServerSide(socket)
      scripted.connections.push(side)
      Promise.resolve(script(side)).catch((error: unknown) => {
        if (!socket.destroyed) socket.destroy(error instanceof Error ? error : undefined)
      })
    }
    const server = options.tls ? createTlsServer(options.tls, handle) : createServer(handle)
    const scripted = new ScriptedServer(server)
    server.on('connection', (socket: Socket) => {
      scripted.accepted++
      scripted.sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => scripted.sockets.delete(socket))
    })
    server.on('tlsClientError', () => {})
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
    await once(server, 'listening')
    return scripted
  }

  get port(): number {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening')
    return address.port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Sockets that a client holds open. */
  get open(): number {
    return this.sockets.size
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
  }
}
