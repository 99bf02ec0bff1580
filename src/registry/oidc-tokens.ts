// Tokens of an identity provider for the requests to a schema registry (OAuth 2.0, client credentials): one
// for all requests, until shortly before it expires.

import { monotonicMs } from '../async/clock.ts'
import { waitFor } from '../async/wait.ts'
import { SchemaRegistryError } from '../errors.ts'

/** Where tokens come from, and who asks for them. */
export interface OidcAuth {
  readonly tokenEndpointUrl: string
  readonly clientId: string
  readonly clientSecret: string | (() => string | Promise<string>)
  /** What the token is to be good for, where the provider asks for that. */
  readonly scope?: string
}

type Post = (
  url: URL,
  headers: Record<string, string>,
  body: string,
) => Promise<{ status: number; text: string }>

/** A token without a lifetime is used for this long (ms). */
const DEFAULT_LIFETIME_MS = 300_000
/** Which part of its lifetime a token is used for. */
const USED_PART = 0.8

export class OidcTokens {
  private readonly auth: OidcAuth
  private readonly timeoutMs: number
  private readonly post: Post
  private current: Promise<string> | null = null
  private until = 0

  /** @param timeoutMs how long `clientSecret()` may take */
  constructor(auth: OidcAuth, timeoutMs: number, post: Post) {
    this.auth = auth
    this.timeoutMs = timeoutMs
    this.post = post
  }

  get(): Promise<string> {
    if (this.current === null || monotonicMs() >= this.until) {
      this.until = Number.POSITIVE_INFINITY
      this.current = this.fetch()
      this.current.catch(() => this.forget())
    }
    return this.current
  }

  /** The registry refused it. */
  forget(): void {
    this.current = null
  }

  private async fetch(): Promise<string> {
    const { tokenEndpointUrl, clientId, clientSecret, scope } = this.auth
    const asked = async (): Promise<string> =>
      typeof clientSecret === 'function' ? clientSecret() : clientSecret
    const limits = { timeoutMs: this.timeoutMs, signal: undefined }
    const secret = await waitFor(asked(), limits, 'auth.clientSecret()')
    const startedAt = monotonicMs()
    const url = new URL(tokenEndpointUrl)
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      ...(scope !== undefined && { scope }),
    })
    const headers = {
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    }
    const { status, text } = await this.post(url, headers, form.toString())
    const body = parsed(text)
    const token: unknown = Reflect.get(body, 'access_token')
    if (status !== 200 || typeof token !== 'string') {
      const error: unknown = Reflect.get(body, 'error_description') ?? Reflect.get(body, 'error')
      const reason = typeof error === 'string' ? error : 'its response has no access_token'
      throw new SchemaRegistryError(
        `The token endpoint ${url.host} gave no token: HTTP ${status}, ${reason}`,
        { status, retriable: status >= 500 || status === 429 },
      )
    }
    const seconds = Number(Reflect.get(body, 'expires_in'))
    const lifetimeMs = seconds > 0 ? seconds * 1000 : DEFAULT_LIFETIME_MS
    this.until = startedAt + lifetimeMs * USED_PART
    return token
  }
}

function parsed(text: string): object {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : {}
  } catch {
    return {}
  }
}
