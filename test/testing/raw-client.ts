// The least client there can be: frames made by the codecs over one socket, answers in the order in
// which they come. It retries nothing and hides nothing.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Api, decodeResponse } from '../../src/protocol/api.ts'
import { FrameSplitter } from '../../src/protocol/frame-splitter.ts'
import {
  decodeResponseHeader,
  encodeRequestFrame,
  responseHeaderReader,
  responseHeaderVersion,
} from '../../src/protocol/header.ts'

interface Waiter {
  resolve: (frame: Buffer) => void
  reject: (error: Error) => void
}

export class RawClient {
  readonly socket: Socket
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>
  private readonly frames: Buffer[] = []
  private readonly waiters: Waiter[] = []
  private readonly clientId: string
  private nextCorrelationId = 1
  private isClosed = false

  static async connect(port: number, clientId = 'raw'): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new RawClient(socket, clientId)
  }

  private constructor(socket: Socket, clientId: string) {
    this.socket = socket
    this.clientId = clientId
    const splitter = new FrameSplitter({
      maxFrameBytes: 100_000_000,
      onFrame: (frame) => this.arrived(frame),
    })
    socket.setNoDelay(true)
    socket.on('data', (chunk) => splitter.push(chunk))
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.isClosed = true
        for (const { reject } of this.waiters) reject(new Error('the connection was closed'))
        resolve()
      })
    })
  }

  /** Sends a request and reads the next answer, which must be its own. */
  async request<Q, A>(api: Api<Q, A>, version: number, request: Q): Promise<A> {
    const correlationId = this.send(api, version, request)
    return await this.receive(api, version, correlationId)
  }

  /** Sends a request without waiting. Returns its correlation id. */
  send<Q, A>(api: Api<Q, A>, version: number, request: Q): number {
    const correlationId = this.nextCorrelationId++
    for (const chunk of encodeRequestFrame(api, version, correlationId, this.clientId, request)) {
      this.socket.write(chunk)
    }
    return correlationId
  }

  /** Reads the next answer as one of that API; its correlation id must be the given one. */
  async receive<Q, A>(api: Api<Q, A>, version: number, correlationId: number): Promise<A> {
    const frame = await this.nextFrame()
    const reader = responseHeaderReader(responseHeaderVersion(api, version), frame)
    const header = decodeResponseHeader(reader)
    if (header.correlationId !== correlationId) {
      throw new Error(`answer to ${header.correlationId} where ${correlationId} was due`)
    }
    const { message, bytesLeft } = decodeResponse(api, version, frame, reader.offset)
    if (bytesLeft !== 0) throw new Error(`${api.name} v${version}: ${bytesLeft} bytes left over`)
    return message
  }

  /** The content of the next frame that comes. */
  nextFrame(): Promise<Buffer> {
    const frame = this.frames.shift()
    if (frame !== undefined) return Promise.resolve(frame)
    if (this.isClosed) return Promise.reject(new Error('the connection was closed'))
    return new Promise((resolve, reject) => this.waiters.push({ resolve, reject }))
  }

  close(): void {
    this.socket.destroy()
  }

  private arrived(frame: Buffer): void {
    const waiter = this.waiters.shift()
    if (waiter === undefined) this.frames.push(frame)
    else waiter.resolve(frame)
  }
}
