// Opens a TCP or TLS socket to one address. What it receives goes where the receiver says, without a
// chunk being allocated in between (`onread`); both kinds of socket do that alike. A stream that the
// user's `connect` gave is used in the same way, at the cost of a copy.

import { once } from 'node:events'
import type { OnReadOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { waitFor } from '../async/wait.ts'
import { ConnectionError } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'
import { serverNameOf } from '../options/server-name.ts'
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
  /** Where to connect to: an IP address and a port, or a stream that leads there. */
  to: { readonly address: string; readonly port: number } | Duplex
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
export async function openTcpSocket({ to, receiver, signal }: SocketTarget): Promise<Duplex> {
  if (isStream(to)) {
    await openGiven(to, signal)
    receiveFrom(to, receiver)
    return to
  }
  const socket = lazyNode.net.connect({
    host: to.address,
    port: to.port,
    onread: onRead(receiver),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
  })
  return opened(socket, 'connect', signal)
}

/** @throws Node's own error of the socket or of the certificate check, or the signal's reason */
export async function openTlsSocket(target: TlsTarget): Promise<Duplex> {
  const { to, signal } = target
  if (isStream(to)) await openGiven(to, signal)
  const socket = isStream(to) ? tlsOver(to, target) : tlsTo(to, target)
  socket.on('session', target.onSession)
  return opened(socket, 'secureConnect', signal)
}

function tlsTo(to: { address: string; port: number }, target: TlsTarget): TLSSocket {
  // A constant first: Node's types do not list `onread` here, its documentation of tls.connect does.
  const options = {
    ...tlsOptions(target),
    host: to.address,
    port: to.port,
    onread: onRead(target.receiver),
  }
  const socket = lazyNode.tls.connect(options)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS)
  socket.once('connect', target.onTcpConnected)
  return socket
}

function tlsOver(stream: Duplex, target: TlsTarget): TLSSocket {
  const options = { ...tlsOptions(target), host: target.host, socket: stream }
  const socket = lazyNode.tls.connect(options)
  receiveFrom(socket, target.receiver)
  target.onTcpConnected()
  // Node does not end the one with the other.
  stream.on('error', (error) => socket.destroy(error))
  stream.on('close', () => socket.destroy())
  socket.on('close', () => stream.destroy())
  return socket
}

function tlsOptions({ host, session, tls }: TlsTarget): ConnectionOptions {
  const servername = serverNameOf(host)
  return {
    minVersion: 'TLSv1.2',
    ...(servername !== undefined && { servername }),
    ...(session !== undefined && { session }),
    // Node would check the address that is connected to, which may be that of a tunnel.
    ...(servername === undefined && {
      checkServerIdentity: (name, cert) =>
        lazyNode.tls.checkServerIdentity(tls.servername === name ? name : host, cert),
    }),
    ...tls,
  }
}

function isStream(to: SocketTarget['to']): to is Duplex {
  return 'pipe' in to
}

/** Waits for a socket that is still connecting: `connect` may have called no more than `net.connect()`. */
async function openGiven(stream: Duplex, signal: AbortSignal): Promise<void> {
  if (stream.errored) throw stream.errored
  if (stream.destroyed) throw new ConnectionError("the stream that 'connect' returned is closed")
  stream.on('error', ignoreLateError)
  if (stream instanceof lazyNode.net.Socket && stream.connecting)
    await opened(stream, 'connect', signal)
  if (!(stream instanceof lazyNode.net.Socket)) return
  stream.setNoDelay(true)
  stream.setKeepAlive(true, KEEP_ALIVE_AFTER_MS)
}

/** Copies what comes into the receiver's own buffers. */
function receiveFrom(stream: Duplex, receiver: Receiver): void {
  stream.on('data', (chunk: Buffer | string) => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    for (let at = 0; at < bytes.length; ) {
      const target = receiver.target()
      const end = Math.min(bytes.length, at + target.length)
      target.set(bytes.subarray(at, end))
      receiver.received(end - at)
      at = end
    }
  })
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

async function opened<T extends Duplex>(socket: T, event: string, signal: AbortSignal): Promise<T> {
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
