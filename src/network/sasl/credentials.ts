// What the user's functions give for an authentication: checked before anything is sent, and never quoted.
// A token is asked for once and used for all connections until most of its time is over.

import { monotonicMs, wallMs } from '../../async/clock.ts'
import { waitFor } from '../../async/wait.ts'
import { ConfigError, kindOf } from '../../errors.ts'
import type {
  CredentialsProvider,
  OAuthBearerToken,
  SaslContext,
} from '../../options/sasl-options.ts'
import { askForSecret } from '../../options/secret-source.ts'

/** @throws ConfigError unless `given` has a user name and a password */
export function checkCredentials(given: unknown): { username: string; password: string } {
  const username = field(given, 'username')
  const password = field(given, 'password')
  if (typeof username === 'string' && typeof password === 'string') return { username, password }
  throw new ConfigError(
    `sasl.credentials must return { username, password }, two strings, got ${described(given, { username, password })}`,
  )
}

/** @throws ConfigError unless `given` has a token */
export function checkToken(given: unknown): OAuthBearerToken {
  const token = field(given, 'token')
  const authorizationId = field(given, 'authorizationId')
  const extensions = field(given, 'extensions')
  const expiresAt = field(given, 'expiresAt')
  if (typeof token !== 'string' || token === '') {
    const hint =
      typeof given === 'string'
        ? ': return { token: it }'
        : field(given, 'access_token') === undefined
          ? ''
          : ': return { token: response.access_token }'
    throw new ConfigError(
      `sasl.token must return { token }, a string, got ${described(given, { token })}${hint}`,
    )
  }
  if (authorizationId !== undefined && typeof authorizationId !== 'string') {
    throw new ConfigError(
      `sasl.token: authorizationId must be a string, got ${kindOf(authorizationId)}`,
    )
  }
  if (expiresAt !== undefined && !(typeof expiresAt === 'number' && expiresAt > 0)) {
    throw new ConfigError(
      `sasl.token: expiresAt must be a number of milliseconds since 1970, got ${kindOf(expiresAt)}`,
    )
  }
  return {
    token,
    ...(authorizationId !== undefined && { authorizationId }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(extensions !== undefined && { extensions: checkExtensions(extensions) }),
  }
}

function checkExtensions(given: unknown): Record<string, string> {
  const checked: Record<string, string> = {}
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigError(`sasl.token: extensions must be an object, got ${kindOf(given)}`)
  }
  for (const [key, value] of Object.entries(given)) {
    if (typeof value !== 'string') {
      throw new ConfigError(`sasl.token: each extension must be a string, got ${kindOf(value)}`)
    }
    checked[key] = value
  }
  return checked
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function described(given: unknown, fields: Record<string, unknown>): string {
  if (typeof given !== 'object' || given === null) return kindOf(given)
  const kinds = Object.entries(fields).map(([key, value]) => `${key}: ${kindOf(value)}`)
  return `an object with ${kinds.join(', ')}`
}

/** A token is replaced when this part of its time is over: the broker ends the session with the token. */
const USED_PART = 0.8
/** How long a token is used that does not say when it expires. */
const UNKNOWN_LIFETIME_MS = 30_000

interface KeptToken {
  readonly token: OAuthBearerToken
  /** By `monotonicMs()`. */
  readonly goodUntil: number
}

/** The token that all connections of one client use. */
export class TokenCache {
  private readonly provider: CredentialsProvider<OAuthBearerToken>
  private kept: KeptToken | null = null
  private asking: Promise<KeptToken> | null = null

  constructor(provider: CredentialsProvider<OAuthBearerToken>) {
    this.provider = provider
  }

  /** @throws what the provider throws; ConfigError for what is not a token; the reason of the context's signal */
  async get(context: SaslContext): Promise<OAuthBearerToken> {
    for (;;) {
      context.signal.throwIfAborted()
      if (this.kept !== null && this.kept.goodUntil > monotonicMs()) return this.kept.token
      const isOwn = this.asking === null
      this.asking ??= this.ask(context).finally(() => {
        this.asking = null
      })
      try {
        return (await waitFor(this.asking, { signal: context.signal }, '')).token
      } catch (error) {
        // Another connection asked, and may have been closed meanwhile: ask on behalf of this one.
        if (isOwn || context.signal.aborted) throw error
      }
    }
  }

  /** The broker refused it: the next authentication asks for another. */
  forget(): void {
    this.kept = null
  }

  private async ask(context: SaslContext): Promise<KeptToken> {
    const asked = askForSecret(() => this.provider(context))
    // One that never settles must not be waited for by the next connection too.
    const token = checkToken(await waitFor(asked, { signal: context.signal }, 'sasl.token'))
    const expiresAt = token.expiresAt ?? jwtExpiry(token.token)
    const lifetimeMs = expiresAt === null ? UNKNOWN_LIFETIME_MS : (expiresAt - wallMs()) * USED_PART
    const kept = { token, goodUntil: monotonicMs() + lifetimeMs }
    this.kept = kept
    return kept
  }
}

/** The `exp` claim of a JWT, in milliseconds since 1970; null if it has none, or is not a JWT. */
function jwtExpiry(token: string): number | null {
  const exp = jwtClaim(token, 'exp')
  return typeof exp === 'number' ? exp * 1000 : null
}

/** A claim of a JWT; undefined if it has none of that name, or is not a JWT. */
export function jwtClaim(token: string, name: string): unknown {
  const [, payload] = token.split('.')
  if (payload === undefined) return undefined
  try {
    return field(JSON.parse(Buffer.from(payload, 'base64url').toString()), name)
  } catch {
    // An opaque token with a dot in it.
    return undefined
  }
}
