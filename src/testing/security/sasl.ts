// Authentication of the connections of a test cluster: PLAIN, SCRAM, and OAUTHBEARER with unsecured
// tokens.

import { ConfigError } from '../../errors.ts'
import { ScramExchange } from './scram-exchange.ts'
import type { ScramMechanism, ScramUsers } from './scram-users.ts'

export type SaslMechanism = 'PLAIN' | ScramMechanism | 'OAUTHBEARER'

/** How clients of a test cluster have to authenticate. */
export interface SaslOptions {
  /** @defaultValue all: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER */
  mechanisms?: SaslMechanism[]
  /** Passwords by user, for PLAIN and SCRAM. */
  users?: Record<string, string>
  /** How long an authentication is valid (ms, `connections.max.reauth.ms`). @defaultValue 0, for ever */
  maxReauthMs?: number
}

export const saslMechanisms: readonly SaslMechanism[] = [
  'PLAIN',
  'SCRAM-SHA-256',
  'SCRAM-SHA-512',
  'OAUTHBEARER',
]

export const ANONYMOUS = 'User:ANONYMOUS'

/** The outcome of one SaslAuthenticate request. */
export type SaslOutcome =
  | { readonly kind: 'continue'; readonly message: Buffer }
  | {
      readonly kind: 'done'
      readonly message: Buffer
      readonly user: string
      readonly lifetimeMs: number
    }
  | { readonly kind: 'failed'; readonly reason: string }

export class SaslServer {
  readonly mechanisms: readonly SaslMechanism[]
  readonly scramUsers: ScramUsers
  readonly maxReauthMs: number
  private readonly passwords: ReadonlyMap<string, string>

  /** @throws {ConfigError} when an option is not valid. */
  constructor(options: SaslOptions, scramUsers: ScramUsers) {
    const unknown = options.mechanisms?.find((name) => !saslMechanisms.includes(name))
    if (unknown !== undefined) {
      throw new ConfigError(
        `sasl.mechanisms is not valid: expected ${saslMechanisms.join(', ')}, got "${unknown}"`,
      )
    }
    this.mechanisms = options.mechanisms ?? saslMechanisms
    this.maxReauthMs = options.maxReauthMs ?? 0
    this.passwords = new Map(Object.entries(options.users ?? {}))
    this.scramUsers = scramUsers
    for (const [user, password] of this.passwords) scramUsers.setPassword(user, password)
  }

  /** Begins an exchange by that mechanism; null when it is not offered. */
  begin(mechanism: string): ((message: Buffer, wallMs: number) => SaslOutcome) | null {
    const known = this.mechanisms.find((name) => name === mechanism)
    if (known === undefined) return null
    if (known === 'PLAIN') return (message) => this.plain(message)
    if (known === 'OAUTHBEARER') return (message, wallMs) => this.bearer(message, wallMs)
    const exchange = new ScramExchange(known, (user) => this.scramUsers.of(user).get(known))
    return (message) => {
      const step = exchange.next(message.toString())
      if (step === null) return invalidCredentials(known)
      const reply = Buffer.from(step.message)
      if (step.user === null) return { kind: 'continue', message: reply }
      return { kind: 'done', message: reply, user: step.user, lifetimeMs: this.maxReauthMs }
    }
  }

  private plain(message: Buffer): SaslOutcome {
    const [, user, password] = message.toString().split('\0')
    if (user === undefined || this.passwords.get(user) !== password || password === undefined) {
      return { kind: 'failed', reason: 'Authentication failed: Invalid username or password' }
    }
    return { kind: 'done', message: Buffer.alloc(0), user, lifetimeMs: this.maxReauthMs }
  }

  private bearer(message: Buffer, wallMs: number): SaslOutcome {
    const token = /auth=Bearer ([\w.-]+)/i.exec(message.toString())?.[1]
    const claims = readClaims(token?.split('.')[1] ?? '')
    const { sub, exp } = claims ?? {}
    if (typeof sub !== 'string' || typeof exp !== 'number' || exp * 1000 <= wallMs) {
      return invalidCredentials('OAUTHBEARER')
    }
    const left = exp * 1000 - wallMs
    const lifetimeMs = this.maxReauthMs === 0 ? 0 : Math.min(left, this.maxReauthMs)
    return { kind: 'done', message: Buffer.alloc(0), user: sub, lifetimeMs }
  }
}

function readClaims(part: string): Record<string, unknown> | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof claims === 'object' ? (claims as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function invalidCredentials(mechanism: string): SaslOutcome {
  return {
    kind: 'failed',
    reason: `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`,
  }
}

/** What one connection has proved so far. */
export class ConnectionSecurity {
  principal: string = ANONYMOUS
  /** The exchange that a SaslHandshake has begun. */
  exchange: ((message: Buffer, wallMs: number) => SaslOutcome) | null = null
  /** Monotonic time; Infinity while the connection needs no new authentication. */
  private expiresAt = Number.NEGATIVE_INFINITY

  authenticated(user: string, expiresAt: number): void {
    this.principal = `User:${user}`
    this.expiresAt = expiresAt
    this.exchange = null
  }

  isAuthenticated(now: number): boolean {
    return now < this.expiresAt
  }
}
