// The principal of a client that has not used SASL: the subject of its certificate, as Java writes it.

import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

/** The principal of a client that shows no certificate. */
const ANONYMOUS = 'User:ANONYMOUS'

/** @returns null where the runtime does not say which certificate was shown */
export function certificatePrincipal(socket: Duplex): string | null {
  if (!isTls(socket)) return ANONYMOUS
  if (typeof socket.getX509Certificate !== 'function') return null
  const certificate = socket.getX509Certificate()
  return certificate === undefined ? ANONYMOUS : `User:${distinguishedName(certificate.subject)}`
}

function isTls(socket: Duplex): socket is TLSSocket {
  return 'encrypted' in socket
}

/**
 * A subject in the form of RFC 2253, which ACLs use: the last attribute first, separated by commas.
 * @param subject as Node writes it, an attribute on each line, with what is special escaped
 */
function distinguishedName(subject: string): string {
  return subject.split('\n').toReversed().join(',')
}
