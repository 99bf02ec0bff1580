// One node of a test cluster: a TCP server whose port stays the same over a stop and a start.

import { createServer, type Server, type Socket } from 'node:net'
import { ClosedError, ConnectionError } from '../errors.ts'
import type { NodeState } from './cluster-state.ts'
import type { Dispatcher } from './dispatcher.ts'
import { ServerConnection } from './server-connection.ts'

export interface TestNodeOptions {
  readonly state: NodeState
  readonly dispatcher: Dispatcher
  readonly maxFrameBytes: number
  readonly onProtocolError: (error: Error) => void
  readonly onFailure: (error: unknown) => void
}

export class TestNode {
  readonly connections: Set<ServerConnection> = new Set()
  private readonly options: TestNodeOptions
  private server: Server | null = null
  /** Null while it is stopped. */
  private starting: Promise<void> | null = null
  private isPaused = false

  constructor(options: TestNodeOptions) {
    this.options = options
  }

  /**
   * Listens, at the first time on a free port.
   * @throws {ConnectionError} when the port cannot be had; ClosedError when it is stopped meanwhile
   */
  start(): Promise<void> {
    this.starting ??= this.listen()
    return this.starting
  }

  private async listen(): Promise<void> {
    const { state } = this.options
    const server = createServer((socket) => this.accept(socket))
    this.server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        const where = `${state.host}:${state.port}`
        reject(new ConnectionError(`test node ${state.id} cannot listen on ${where}`, { cause }))
        if (this.server === server) this.server = this.starting = null
      })
      server.once('close', () =>
        reject(new ClosedError(`test node ${state.id} was stopped while it started`)),
      )
      server.listen(state.port, state.host, resolve)
    })
    const address = server.address()
    if (address !== null && typeof address === 'object') state.port = address.port
    state.isUp = this.server === server
  }

  /** Stops listening and cuts every connection by a reset. */
  async stop(): Promise<void> {
    const { state } = this.options
    const { server } = this
    this.server = this.starting = null
    state.isUp = false
    state.fetchSessions.clear()
    state.shareSessions.clear()
    const connections = [...this.connections]
    for (const connection of connections) connection.close()
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()))
    await Promise.all(connections.map(({ ended }) => ended))
  }

  pause(): void {
    this.isPaused = true
    for (const connection of this.connections) connection.pause()
  }

  resume(): void {
    this.isPaused = false
    for (const connection of this.connections) connection.resume()
  }

  private accept(socket: Socket): void {
    const { state, dispatcher, maxFrameBytes, onProtocolError, onFailure } = this.options
    const connection = new ServerConnection({
      socket,
      node: state,
      dispatcher,
      maxFrameBytes,
      onClose: (closed) => this.connections.delete(closed),
      onProtocolError,
      onFailure,
    })
    this.connections.add(connection)
    if (this.isPaused) connection.pause()
  }
}
