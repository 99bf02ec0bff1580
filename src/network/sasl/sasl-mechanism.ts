// What SASL mechanisms have in common. What a mechanism is to the handshake stands in options/kafka-options.ts, since
// users may give their own: bytes for SaslAuthenticate rounds, and nothing of sockets.

/** A name as SCRAM and OAUTHBEARER write it: `=` and `,` have a meaning there (RFC 5801, 5802). */
export function escapeSaslName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}
