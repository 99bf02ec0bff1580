// Ways to a broker that the networking guide shows: an SSH server, a SOCKS proxy, an HTTP proxy and a Unix
// socket, each in this process. Real ones are in test/system.

import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Server as SshServer } from 'ssh2'

export interface Doors {
  /** Where each listens, by the address that the guide has in its place. */
  readonly replacements: readonly (readonly [string, string])[]
  /** A private key that the SSH server takes. */
  readonly sshPrivateKey: string
  close(): void
}

/** @param port of the broker on 127.0.0.1 that all of them lead to, unless a port of that host is asked for */
export async function openDoors(port: number, socketPath: string): Promise<Doors> {
  // Made by Node: of the Ed25519 keys that ssh2 makes, it cannot read one in 300 itself.
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const ssh = new SshServer({ hostKeys: [privateKey] }, (client) => {
    client.on('error', () => {})
    client.on('authentication', (context) => context.accept())
    client.on('ready', () => {
      client.on('tcpip', (accept, _, { destIP, destPort }) => {
        joinTo(accept(), destIP, destPort)
      })
    })
  })
  const sshPort = await listen(ssh)

  function joinTo(near: Duplex, host: string, asked: number): void {
    const far = connect(host === '127.0.0.1' ? asked : port, '127.0.0.1')
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
    near.pipe(far).pipe(near)
  }

  const socks = createServer((socket) => void serveSocks(socket, joinTo))
  const http = createHttpServer()
  http.on('connect', (request, socket: Socket) => {
    const [host, asked] = (request.url ?? '').split(':')
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    joinTo(socket, host, Number(asked))
  })
  const unix = createServer((socket) => joinTo(socket, '', 0))
  const socksPort = await listen(socks)
  const httpPort = await listen(http)
  unix.listen(socketPath)
  await once(unix, 'listening')
  const at = (name: string, given: number, real: number): [string, string] => [
    `host: '${name}', port: ${given}`,
    `host: '127.0.0.1', port: ${real}`,
  ]
  return {
    replacements: [
      at('socks.example', 1080, socksPort),
      [`host: 'ssh.example',\n  port: 22,`, `host: '127.0.0.1', port: ${sshPort},`],
      [`host: 'proxy.example',\n      port: 3128,`, `host: '127.0.0.1', port: ${httpPort},`],
      ['/run/kafka.sock', socketPath],
    ],
    sshPrivateKey: privateKey,
    close: () => {
      ssh.close()
      for (const server of [socks, http, unix]) server.close()
    },
  }
}

async function listen(server: Server | SshServer): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** SOCKS 5 without a login: the greeting, and one CONNECT to a name or an IPv4 address. */
async function serveSocks(
  socket: Socket,
  joinTo: (near: Duplex, host: string, port: number) => void,
): Promise<void> {
  socket.on('error', () => {})
  await once(socket, 'data')
  socket.write(Buffer.from([5, 0]))
  const [request] = (await once(socket, 'data')) as [Buffer]
  const isName = request[3] === 3
  const host = isName
    ? request.toString('latin1', 5, 5 + request[4])
    : [...request.subarray(4, 8)].join('.')
  socket.pause()
  socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]))
  joinTo(socket, host, request.readUInt16BE(request.length - 2))
}
