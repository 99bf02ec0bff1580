// Gets tokens from the token endpoint of an identity provider: the client credentials grant (KIP-768), or
// JWT bearer (KIP-1139). Neither the secret nor the token ever stands in an error.

import { monotonicMs, wallMs } from '../../async/clock.ts'
import { backoff, sleep } from '../../async/retry.ts'
import { AuthenticationError, ConfigError, ConnectionError, kindOf } from '../../errors.ts'
import { lazyNode } from '../../lazy-node.ts'
import type { OidcSettings, SecretSource } from '../../options/oidc-options.ts'
import type { CredentialsProvider, OAuthBearerToken } from '../../options/sasl-options.ts'
import { askForSecret } from '../../options/secret-source.ts'
import { serverNameOf } from '../../options/server-name.ts'
import { signAssertion } from './jwt-assertion.ts'

/** As Java's `sasl.login.retry.backoff.ms` and `.max.ms`. */
const RETRY_BACKOFF_MS = 100
const RETRY_BACKOFF_MAX_MS = 10_000
/** No token response is as large; an endpoint that sends without end must not fill the memory. */
const MAX_RESPONSE_BYTES = 256 * 1024
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

interface HttpResponse {
  status: number
  body: string
}

/** Gives a new token at each call. After failures, calls wait: a provider that is down is not hammered. */
export function oidcToken(settings: OidcSettings): CredentialsProvider<OAuthBearerToken> {
  let failures = 0
  let nextAttemptAt = 0
  return async ({ signal }) => {
    const waitMs = nextAttemptAt - monotonicMs()
    if (waitMs > 0) await sleep(waitMs, signal)
    try {
      const token = await requestToken(settings, signal)
      failures = 0
      return token
    } catch (error) {
      nextAttemptAt = monotonicMs() + backoff(failures++, RETRY_BACKOFF_MS, RETRY_BACKOFF_MAX_MS)
      throw error
    }
  }
}

async function requestToken(
  settings: OidcSettings,
  signal: AbortSignal,
): Promise<OAuthBearerToken> {
  const { scope, authorizationId, extensions } = settings
  const form = new URLSearchParams()
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  }
  if (settings.clientSecret !== null) {
    headers.authorization = await basicHeader(settings)
    form.set('grant_type', 'client_credentials')
  } else {
    form.set('grant_type', JWT_BEARER)
    form.set('assertion', await assertionOf(settings))
    if (settings.clientId !== null) form.set('client_id', settings.clientId)
  }
  if (scope !== null) form.set('scope', scope)
  const startedAt = wallMs()
  const { token, expiresIn } = readResponse(await post(settings, headers, form, signal), settings)
  return {
    token,
    ...(expiresIn !== null && { expiresAt: startedAt + expiresIn * 1000 }),
    ...(authorizationId !== null && { authorizationId }),
    ...(extensions !== null && { extensions }),
  }
}

async function basicHeader(settings: OidcSettings): Promise<string> {
  const { clientSecret, headerUrlencode } = settings
  const encode = (part: string): string => (headerUrlencode ? formEncode(part) : part)
  const secret = await secretOf(clientSecret, 'clientSecret')
  const pair = `${encode(settings.clientId ?? '')}:${encode(secret)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/** As in a form (RFC 6749, section 2.3.1). */
function formEncode(text: string): string {
  return new URLSearchParams({ a: text }).toString().slice(2)
}

async function assertionOf(settings: OidcSettings): Promise<string> {
  if (settings.assertion !== null) return (await secretOf(settings.assertion, 'assertion')).trim()
  const key = await secretOf(settings.assertionPrivateKey, 'assertionPrivateKey')
  return signAssertion(key, settings)
}

async function secretOf(source: SecretSource | null, name: string): Promise<string> {
  const secret: unknown = typeof source === 'function' ? await askForSecret(source) : source
  if (typeof secret === 'string' && secret !== '') return secret
  throw new ConfigError(
    `sasl.${name}: the function must return a string that is not empty, got ${kindOf(secret)}`,
  )
}

function endpointName({ tokenEndpointUrl }: OidcSettings): string {
  const { origin, pathname } = new URL(tokenEndpointUrl)
  return `the token endpoint ${origin}${pathname}`
}

function post(
  settings: OidcSettings,
  headers: Record<string, string>,
  form: URLSearchParams,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const body = form.toString()
  const url = new URL(settings.tokenEndpointUrl)
  const { request } = url.protocol === 'https:' ? lazyNode.https : lazyNode.http
  return new Promise<HttpResponse>((resolve, reject) => {
    const fail = (cause: Error): void => {
      reject(
        new ConnectionError(`${endpointName(settings)} cannot be used: ${cause.message}`, {
          cause,
        }),
      )
    }
    const options = {
      servername: serverNameOf(url.hostname),
      ...settings.ssl,
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      // One request now and then: no connection is kept.
      agent: false as const,
      signal,
    }
    const outgoing = request(url, options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > MAX_RESPONSE_BYTES)
          response.destroy(new Error('its response is too large'))
      })
      response.on('error', fail)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}

function readResponse(
  { status, body }: HttpResponse,
  settings: OidcSettings,
): { token: string; expiresIn: number | null } {
  const json = parseJson(body)
  const where = endpointName(settings)
  if (status !== 200) {
    const reason = [field(json, 'error'), field(json, 'error_description')]
      .filter((part) => typeof part === 'string')
      .join(': ')
      .slice(0, 500)
    const text = `${where} responded with HTTP ${status}${reason === '' ? '' : ` (${reason})`}`
    const mayPass = status >= 500 || status === 408 || status === 429
    if (mayPass) throw new ConnectionError(text)
    throw new AuthenticationError(
      `${text}: check tokenEndpointUrl, the client's id and secret (or assertion), and scope`,
    )
  }
  const token = field(json, 'access_token') ?? field(json, 'id_token')
  if (typeof token !== 'string' || token === '') {
    throw new AuthenticationError(`${where}: its response has no access_token`)
  }
  const expiresIn = Number(field(json, 'expires_in'))
  return { token, expiresIn: expiresIn > 0 ? expiresIn : null }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A page in HTML, for example: it has no field either.
    return null
  }
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
