// What a person is told about a connection that does not come about, or ends: the cause in plain words,
// and what to look at. Texts only; who retries what is decided elsewhere.

import {
  AuthenticationError,
  ConnectionError,
  causeText,
  DecodeError,
  KafkaError,
} from '../errors.ts'

/** What a connection is doing on its way to being ready. */
export type SetupPhase = 'resolving' | 'connecting' | 'tls' | 'apiVersions' | 'sasl'

export function describeNode(nodeId: number, address: string): string {
  return nodeId < 0 ? `bootstrap address ${address}` : `node ${nodeId} (${address})`
}

const phaseTexts: Record<SetupPhase, string> = {
  resolving: 'the host name was not resolved',
  connecting: 'the TCP connection was not accepted',
  tls: 'TCP is connected, but the TLS handshake did not end (a broker that is paused, or a plaintext listener?)',
  apiVersions:
    'TCP is connected, but the broker did not respond to ApiVersions (a broker that is paused, or a listener that expects TLS?)',
  sasl: 'the broker did not end the authentication',
}

/** How far a setup has come. */
export function describePhase(phase: SetupPhase): string {
  return phaseTexts[phase]
}

/** The error of a setup that ran out of time in `phase`. */
export function setupTimeoutText(phase: SetupPhase, timeoutMs: number): string {
  return `not ready within ${timeoutMs} ms: ${phaseTexts[phase]}`
}

/** The text of a stream that the broker ended before the connection was ready. */
export function endOfStreamText(phase: SetupPhase): string {
  if (phase === 'apiVersions') {
    return 'the broker closed the connection during ApiVersions: it may require TLS, or be older than 0.10'
  }
  if (phase === 'tls') {
    return 'the broker closed the connection during the TLS handshake: it may be plaintext on this port'
  }
  if (phase === 'sasl') return 'the broker closed the connection during the authentication'
  return 'the broker closed the connection'
}

/** What went wrong in `phase`, in words that name what to change. */
export function explainSetupFailure(error: unknown, phase: SetupPhase, host: string): string {
  if (!(error instanceof Error)) return causeText(error)
  if (error instanceof KafkaError) return error.message
  const code = codeOf(error)
  if (phase === 'apiVersions' && code === 'ECONNRESET') return endOfStreamText(phase)
  if (phase !== 'tls' && !isTlsAlert(code)) return error.message
  if (code === 'ECONNRESET' || code === 'EPIPE') return endOfStreamText('tls')
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return `the server did not respond with TLS: this port may be a plaintext listener (${opensslText(error)})`
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the broker's certificate is not for '${host}' (it is for ${namesIn(error)}): connect by a name that it has, or set ssl.servername`
  }
  if (isTlsAlert(code)) {
    return `the broker refused the TLS handshake: ${opensslText(error)}. It may require a client certificate: set ssl.cert and ssl.key`
  }
  const shownCode = code === '' ? '' : ` (${code})`
  return `the broker's certificate was not accepted for '${host}': ${error.message}${shownCode}.${certificateAdvice(code)}`
}

/** OpenSSL's own words, without the places in its source that Node puts into the message. */
function opensslText(error: Error): string {
  const reason: unknown = Reflect.get(error, 'reason')
  return typeof reason === 'string' ? reason : error.message.trim()
}

/** What to do about a certificate that was not accepted; empty if that is not known. */
function certificateAdvice(code: string): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return ' Renew it at the broker; if it is still valid, set the clock of this machine'
    case 'CERT_NOT_YET_VALID':
      return ' Set the clock of this machine, or that of the authority that signed it'
    case 'CERT_REVOKED':
      return ' Replace it at the broker'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return ' Set ssl.ca to the certificate of the authority that signed it'
    default:
      return ''
  }
}

/** The names of the certificate that was refused, as Node's error has them. */
function namesIn(error: Error): string {
  const cert: unknown = Reflect.get(error, 'cert')
  const names: unknown = cert instanceof Object ? Reflect.get(cert, 'subjectaltname') : undefined
  return typeof names === 'string' ? names : error.message
}

/** Whether trying again soon is of no use: what is wrong is a certificate or who we are. */
export function isPermanent(error: unknown, phase: SetupPhase): boolean {
  // A server that does not speak the protocol from the start is not a broker.
  if (error instanceof DecodeError) return true
  if (error instanceof KafkaError) return !error.retriable
  const code = error instanceof Error ? codeOf(error) : ''
  if (isTlsAlert(code)) return true
  return phase === 'tls' && !networkCodes.has(code)
}

const networkCodes: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
])

/** The error of a failed setup: AuthenticationError where the broker refused who we are. */
export function setupError(
  where: string,
  text: string,
  error: unknown,
  phase: SetupPhase,
): ConnectionError | AuthenticationError {
  const message = `Cannot connect to ${where}: ${text}`
  const code = error instanceof Error ? codeOf(error) : ''
  if (error instanceof AuthenticationError || isTlsAlert(code)) {
    return new AuthenticationError(message, { cause: error })
  }
  return new ConnectionError(message, { cause: error, retriable: !isPermanent(error, phase) })
}

/** Alerts about our certificate; in TLS 1.3 they come after the handshake seems done. */
function isTlsAlert(code: string): boolean {
  return /^ERR_SSL_.*ALERT.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/.test(code)
}

export function codeOf(error: Error): string {
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' ? code : ''
}
