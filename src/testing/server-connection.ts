// One client's connection. As in a broker, the next request is not looked at before the last one is
// responded to, so responses keep the order of requests, and a parked Fetch or JoinGroup holds up its
// connection. What waits meanwhile stays in the kernel's buffers, but for one chunk.

import type { Socket } from 'node:net'
import { DecodeError } from '../errors.ts'
import { FrameSplitter } from '../protocol/frame-splitter.ts'
import type { NodeState } from './cluster-state.ts'
import type { Client, Dispatcher } from './dispatcher.ts'
import type { ConnectionHandle } from './interceptors.ts'
import { ConnectionSecurity } from './security/sasl.ts'

export interface ServerConnectionOptions {
  readonly socket: Socket
  readonly node: NodeState
  readonly dispatcher: Dispatcher
  readonly maxFrameBytes: number
  readonly onClose: (connection: ServerConnection) => void
  /** A client sent something that is not a request, or its connection broke. */
  readonly onProtocolError: (error: Error) => void
  /** A handler or an interceptor threw: a fault of the broker or of the test. */
  readonly onFailure: (error: unknown) => void
}

export class ServerConnection implements ConnectionHandle, Client {
  clientId: string | null = null
  readonly security: ConnectionSecurity = new ConnectionSecurity()
  readonly host: string
  /** Resolves when the socket is gone. */
  readonly ended: Promise<void>
  private readonly options: ServerConnectionOptions
  private readonly abort = new AbortController()
  private readonly splitter: FrameSplitter
  private readonly frames: Buffer[] = []
  private isBusy = false
  private isPaused = false
  private wake: (() => void) | null = null

  constructor(options: ServerConnectionOptions) {
    const { socket, maxFrameBytes } = options
    this.options = options
    this.host = `/${socket.remoteAddress ?? ''}`
    this.splitter = new FrameSplitter({
      maxFrameBytes,
      onFrame: (frame) => this.frames.push(frame),
    })
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.receive(chunk))
    socket.on('drain', () => this.wake?.())
    // What broke it does not matter to a server; 'close' always follows.
    socket.on('error', () => {})
    this.ended = new Promise((resolve) => {
      socket.on('close', () => {
        this.abort.abort()
        this.wake?.()
        options.onClose(this)
        resolve()
      })
    })
  }

  get handle(): ConnectionHandle {
    return this
  }

  get nodeId(): number {
    return this.options.node.id
  }

  get closed(): AbortSignal {
    return this.abort.signal
  }

  get isOpen(): boolean {
    return !this.options.socket.destroyed
  }

  close(): void {
    const { socket } = this.options
    // A reset fails while the stream is ending, and then 'close' would never come.
    if (socket.writableEnded) socket.destroy()
    else socket.resetAndDestroy()
  }

  pause(): void {
    this.isPaused = true
    this.options.socket.pause()
  }

  resume(): void {
    this.isPaused = false
    if (!this.isBusy) this.options.socket.resume()
    this.wake?.()
  }

  private receive(chunk: Buffer): void {
    try {
      this.splitter.push(chunk)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.options.onProtocolError(error)
      this.close()
      return
    }
    if (this.isBusy || this.frames.length === 0) return
    this.isBusy = true
    this.serve().catch(this.options.onFailure)
  }

  private async serve(): Promise<void> {
    const { socket, dispatcher, node, onFailure } = this.options
    socket.pause()
    for (let frame = this.frames.shift(); frame !== undefined; frame = this.frames.shift()) {
      await this.resumed()
      if (!this.isOpen) return
      try {
        const reply = await dispatcher.dispatch(frame, node, this)
        await this.resumed()
        if (!this.isOpen) return
        if (reply === 'disconnect') {
          // A broker closes in good order: earlier responses still arrive.
          socket.destroySoon()
          return
        }
        if (reply !== 'noAnswer') await this.write(reply)
      } catch (error) {
        onFailure(error)
        this.close()
        return
      }
    }
    this.isBusy = false
    if (!this.isPaused) socket.resume()
  }

  private async write(chunks: Buffer[]): Promise<void> {
    const { socket } = this.options
    socket.cork()
    for (const chunk of chunks) socket.write(chunk)
    socket.uncork()
    while (socket.writableNeedDrain && this.isOpen) await this.woken()
  }

  private async resumed(): Promise<void> {
    while (this.isPaused && this.isOpen) await this.woken()
  }

  /** Until the socket has drained, the connection was resumed, or it is closed. */
  private woken(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve
    })
  }
}
