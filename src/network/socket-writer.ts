// The writing half of a socket: everything written in one turn of the event loop goes out in one writev.

import type { Duplex } from 'node:stream'
import { causeText } from '../errors.ts'

const CONGESTED_ABOVE = 1024 * 1024

export class SocketWriter {
  private readonly socket: Duplex
  private isCorked = false
  private isRef = true

  constructor(socket: Duplex) {
    this.socket = socket
  }

  /** More than 1 MiB has not been taken by the kernel. */
  get isCongested(): boolean {
    return this.socket.writableLength > CONGESTED_ABOVE
  }

  /** `done` is called when the kernel has the bytes, or with why it never will. */
  write(chunks: readonly Buffer[], done?: (error?: Error | null) => void): void {
    const { socket } = this
    if (!this.isCorked) {
      this.isCorked = true
      socket.cork()
      process.nextTick(uncork, this)
    }
    const last = chunks.length - 1
    for (let i = 0; i < last; i++) socket.write(chunks[i])
    socket.write(chunks[last], done)
  }

  /** A connection keeps the process alive only while it waits for a response. */
  keepAlive(isNeeded: boolean): void {
    if (this.isRef === isNeeded) return
    this.isRef = isNeeded
    // Only a socket has these methods. Of another stream, its own transport says what keeps the process alive.
    const { socket } = this
    const method: unknown = Reflect.get(socket, isNeeded ? 'ref' : 'unref')
    if (typeof method === 'function') Reflect.apply(method, socket, [])
  }

  flush(): void {
    this.isCorked = false
    try {
      this.socket.uncork()
    } catch (error) {
      // A stream that the user's `connect` gave may throw where it should call back.
      this.socket.destroy(error instanceof Error ? error : new Error(causeText(error)))
    }
  }
}

function uncork(writer: SocketWriter): void {
  writer.flush()
}
