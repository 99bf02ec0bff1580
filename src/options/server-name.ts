// The name by which a TLS handshake asks for a server (SNI).

import { lazyNode } from '../lazy-node.ts'

/**
 * The name to ask for; undefined for an address, which has no place in the handshake. It never ends in the dot of
 * an absolute name (RFC 6066): Java's brokers refuse the handshake with an alert.
 * @param host of an address or a URL
 */
export function serverNameOf(host: string): string | undefined {
  if (host.startsWith('[') || lazyNode.net.isIP(host) !== 0) return undefined
  return host.endsWith('.') ? host.slice(0, -1) : host
}
