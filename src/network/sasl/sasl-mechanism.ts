// What every SASL mechanism is to the handshake: the bytes that go into SaslAuthenticate rounds, and
// nothing of sockets. Also the contract of a plug-in such as GSSAPI.

/** What a mechanism, and the function that gives its credentials, may know of the connection. */
export interface SaslContext {
  readonly host: string
  readonly port: number
  /** Whether TLS protects what is sent. */
  readonly isEncrypted: boolean
  /** Aborts when the time to connect is over: hand it on to whatever fetches credentials. */
  readonly signal: AbortSignal
}

/** Gives credentials. Called anew for each authentication, so that they may rotate. */
export type CredentialsProvider<T> = (context: SaslContext) => T | Promise<T>

/** A mechanism as it is configured; it holds no state of a connection. */
export interface SaslMechanism {
  /** The name that SaslHandshake asks for, such as `SCRAM-SHA-256`. */
  readonly name: string
  /** Begins one authentication: a new one for each connection and each re-authentication (KIP-368). */
  begin(context: SaslContext): SaslExchange
}

/**
 * One authentication. `start()` gives the first bytes to send; each answer of the broker goes to
 * `next()`, which gives the next bytes, or null at the end. Only null means that the client is content:
 * a broker that calls the exchange done earlier has not proved itself.
 */
export interface SaslExchange {
  /** Who authenticates, for error texts; empty as long as it is not known. */
  readonly user: string
  /** @throws AuthenticationError where the credentials cannot be used */
  start(): Promise<Buffer>
  /** @throws AuthenticationError where the broker's answer is not what the mechanism demands */
  next(challenge: Buffer): Promise<Buffer | null>
}

/** A name as SCRAM and OAUTHBEARER write it: `=` and `,` have a meaning there (RFC 5801, 5802). */
export function escapeSaslName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}
