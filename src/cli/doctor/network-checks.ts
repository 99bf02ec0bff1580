// Is there a way to an address: the name, the TCP connection, the certificate.

import { lookup } from 'node:dns/promises'
import { addAbortListener } from 'node:events'
import { connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls, type PeerCertificate } from 'node:tls'
import { wallMs } from '../../async/clock.ts'
import { startTimer, timeoutSignal } from '../../async/timers.ts'
import { serverNameOf } from '../../options/server-name.ts'
import type { TlsOptions } from '../../options/ssl-options.ts'
import { Finding, type Report } from './report.ts'

export interface Address {
  host: string
  port: number
}

/** How long a connection may take where `--timeout` does not say. */
const TIMEOUT_MS = 5000
const DAY_MS = 86_400_000
const SOON_DAYS = 30

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

interface Limits {
  timeoutMs: number
  signal: AbortSignal
}

/** Checks name, TCP and, with `tls`, the certificate. True if all is fine. */
export async function checkAddress(
  report: Report,
  address: Address,
  tls: TlsOptions | null,
  timeoutMs: number = TIMEOUT_MS,
): Promise<boolean> {
  const limits = { timeoutMs, signal: report.signal }
  const { host, port } = address
  let found: string[] = []
  const hasName = await report.check('DNS', host, async () => {
    if (isIP(host) !== 0) {
      found = [host]
      return 'an address, not a name'
    }
    found = await resolve(host)
    return found.join(', ')
  })
  if (!hasName) return false
  let reachable: string | null = null
  const problems: string[] = []
  const hasTcp = await report.check('TCP', addressText(address), async () => {
    for (const ip of found) {
      const problem = await tcpProblem(ip, port, limits)
      if (problem === null) reachable ??= ip
      else problems.push(`${ip}: ${problem}`)
    }
    if (reachable === null) {
      throw new Finding(
        problems.join('; '),
        'Check that a broker listens there, and that no firewall is between.',
      )
    }
    if (problems.length > 0) {
      throw new Finding(
        `only ${reachable} can be reached; ${problems.join('; ')}`,
        'Connections can be slow to open: remove the addresses that do not work from DNS.',
      )
    }
    return 'connected'
  })
  if (reachable === null) return false
  if (tls === null) return hasTcp
  const ip = reachable
  return report.check('TLS', addressText(address), () => checkTls(host, ip, port, tls, limits))
}

async function resolve(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (cause) {
    const code: unknown = Reflect.get(Object(cause), 'code')
    const text = code === 'ENOTFOUND' ? 'the name does not exist' : String(code)
    throw new Finding(
      `${text} in DNS, as this machine asks it`,
      'Check the spelling, and that the name can be resolved from here and not only inside of the cluster.',
    )
  }
}

/** Null: connected. */
function tcpProblem(
  host: string,
  port: number,
  { timeoutMs, signal }: Limits,
): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port, signal: timeoutSignal(timeoutMs) })
    const interrupted = addAbortListener(signal, () => end('interrupted'))
    const end = (problem: string | null): void => {
      interrupted[Symbol.dispose]()
      socket.destroy()
      resolve(problem)
    }
    socket.once('connect', () => end(null))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.name === 'AbortError') end(`no response within ${timeoutMs} ms`)
      else end(error.code === 'ECONNREFUSED' ? 'connection refused' : error.message)
    })
  })
}

async function checkTls(
  host: string,
  address: string,
  port: number,
  tls: TlsOptions,
  limits: Limits,
): Promise<string> {
  const { protocol, certificate, problem } = await handshake(host, address, port, tls, limits)
  if (problem !== null) throw problem
  const until = Date.parse(certificate.valid_to)
  const days = Math.floor((until - wallMs()) / DAY_MS)
  const subject = certificate.subject?.CN ?? certificate.subjectaltname ?? 'no name'
  const text = `${protocol}, certificate for ${String(subject)}, valid for ${days} more days`
  if (days < SOON_DAYS) throw new Finding(text, 'Renew the certificate of the broker.')
  return text
}

interface Handshake {
  protocol: string | null
  certificate: PeerCertificate
  problem: Finding | null
}

function handshake(
  host: string,
  address: string,
  port: number,
  tls: TlsOptions,
  { timeoutMs, signal }: Limits,
): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      servername: serverNameOf(host),
      ...tls,
      host: address,
      port,
      // The handshake is finished also with a certificate that is not trusted, to say what is wrong.
      rejectUnauthorized: false,
    })
    const timer = startTimer(() => {
      socket.destroy(new Error(`no TLS handshake within ${timeoutMs} ms`))
    }, timeoutMs)
    const interrupted = addAbortListener(signal, () => socket.destroy(new Error('interrupted')))
    socket.once('close', () => interrupted[Symbol.dispose]())
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      const certificate = socket.getPeerCertificate()
      const problem =
        socket.authorized || tls.rejectUnauthorized === false
          ? null
          : distrust(String(socket.authorizationError), host, certificate)
      resolve({ protocol: socket.getProtocol(), certificate, problem })
      socket.destroy()
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      reject(tlsFinding(error))
    })
  })
}

function distrust(code: string, host: string, certificate: PeerCertificate): Finding {
  if (code.includes('EXPIRED')) {
    return new Finding(
      `the certificate expired at ${certificate.valid_to}`,
      'Renew the certificate of the broker.',
    )
  }
  if (/ALTNAME|IDENT/i.test(code)) {
    return new Finding(
      `the certificate is for ${certificate.subjectaltname ?? certificate.subject?.CN}, not for ${host}`,
      'Connect by a name that the certificate has, or have the broker use a certificate for this name.',
    )
  }
  return new Finding(
    `the certificate is not trusted (${code})`,
    'Give the certificate authority that signed it: ssl.truststore.location=ca.pem, or the option ssl.ca.',
  )
}

function tlsFinding(error: NodeJS.ErrnoException): Finding {
  const text = error.message
  if (/wrong version number|packet length too long|ECONNRESET|socket disconnected/i.test(text)) {
    return new Finding(
      'the server did not respond with TLS',
      'This port may be a plaintext listener: use the port of the TLS listener, or security.protocol=PLAINTEXT.',
    )
  }
  if (/alert.*certificate|handshake failure/i.test(text)) {
    return new Finding(
      `the broker refused the handshake: ${text}`,
      'It may demand a client certificate (ssl.client.auth=required): give ssl.keystore.location.',
    )
  }
  return new Finding(text)
}
