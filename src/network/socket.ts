// Opens a TCP or TLS socket to one address. What it receives goes where the receiver says, without a
// chunk being allocated in between (`onread`); both kinds of socket do that alike.

import { once } from 'node:events'
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import { waitFor } from '../async/wait.ts'
import { lazyNode } from '../lazy-node.ts'
import type { TlsOptions } from '../options/ssl-options.ts'

const KEEP_ALIVE_AFTER_MS = 30_000

/** Where received bytes go. Neither function may throw. */
export interface Receiver {
  /** The buffer that the next bytes are written to. */
  target(): Uint8Array
  /** The first `bytes` bytes of the last target were filled. */
  received(bytes: number): void
}

export interface SocketTarget {
  /** The name by which the broker is known: what its certificate is checked against. */
  host: string
  /** One IP address of that name. */
  address: string
  port: number
  receiver: Receiver
  signal: AbortSignal
}

export interface TlsTarget extends SocketTarget {
  tls: TlsOptions
  /** A session of an earlier connection to the same broker, to be resumed. */
  session: Buffer | undefined
  onTcpConnected: () => void
  onSession: (session: Buffer) => void
}

/** @throws Node's own error of the socket, or the signal's reason */
export function openTcpSocket(target: SocketTarget): Promise<Socket> {
  const socket = connectTcp({
    host: target.address,
    port: target.port,
    onread: onRead(target.receiver),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
  })
  return opened(socket, 'connect', target.signal)
}

/** @throws Node's own error of the socket or of the certificate check, or the signal's reason */
export function openTlsSocket(target: TlsTarget): Promise<Socket> {
  // A constant first: Node's types do not list `onread` here, its documentation of tls.connect does.
  const options = {
    servername: isIP(target.host) === 0 ? target.host : undefined,
    minVersion: 'TLSv1.2' as const,
    session: target.session,
    ...target.tls,
    host: target.address,
    port: target.port,
    onread: onRead(target.receiver),
  }
  const socket = lazyNode.tls.connect(options)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS)
  socket.once('connect', target.onTcpConnected)
  socket.on('session', target.onSession)
  return opened(socket, 'secureConnect', target.signal)
}

function onRead(receiver: Receiver): OnReadOpts {
  return {
    buffer: () => receiver.target(),
    callback: (bytes) => {
      receiver.received(bytes)
      return true
    },
  }
}

async function opened(socket: Socket, event: string, signal: AbortSignal): Promise<Socket> {
  // An error that comes after this wait must find a listener; `socket.errored` keeps it.
  socket.on('error', ignoreLateError)
  try {
    // `once` rejects with the socket's own error.
    await waitFor(once(socket, event), { signal }, 'connecting')
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function ignoreLateError(): void {}
