// Requests to a schema registry, over node:http so that client certificates work: with a time limit, a limit
// of size, retries where another attempt may help, and one request for callers that ask the same.

import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import { backoff, sleep } from '../async/retry.ts'
import { startTimer } from '../async/timers.ts'
import { waitFor } from '../async/wait.ts'
import { causeText, describeValue, InvalidArgumentError, SchemaRegistryError } from '../errors.ts'
import { serverNameOf } from '../options/server-name.ts'
import { type OidcAuth, OidcTokens } from './oidc-tokens.ts'

/** A bearer token, or a function that gives one, which is called for each request. */
export interface TokenAuth {
  readonly token: string | (() => string | Promise<string>)
}

/** How this client proves who it is: Basic, Bearer, or Bearer with tokens of an identity provider. */
export type RegistryAuth =
  | { readonly username: string; readonly password: string }
  | TokenAuth
  | OidcAuth

/** TLS options, as Node's `tls.connect` takes them. */
export type RegistryTls = SecureContextOptions & {
  readonly rejectUnauthorized?: boolean
  /** The name that the certificate is checked against. @defaultValue the host of the URL */
  readonly servername?: string
}

export interface HttpOptions {
  readonly urls: readonly string[]
  readonly auth: RegistryAuth | null
  readonly headers: Readonly<Record<string, string>>
  readonly ssl: RegistryTls
  readonly requestTimeoutMs: number
  readonly retries: number
  readonly retryBackoffMs: number
  readonly maxResponseBytes: number
}

/** What a registry may respond with when it is down or busy. */
const retriableStatus: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

export class HttpClient {
  private readonly options: HttpOptions
  private readonly inFlight = new Map<string, Promise<unknown>>()

  private tokens: OidcTokens | null = null

  constructor(options: HttpOptions) {
    this.options = options
  }

  /** @throws {SchemaRegistryError} */
  json(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const key = `${method} ${path} ${body === undefined ? '' : JSON.stringify(body)}`
    let asked = this.inFlight.get(key)
    if (asked === undefined) {
      asked = this.attempts(method, path, body).finally(() => this.inFlight.delete(key))
      this.inFlight.set(key, asked)
    }
    return asked
  }

  private async attempts(method: string, path: string, body?: object): Promise<unknown> {
    const { urls, retries, retryBackoffMs } = this.options
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.once(method, urls[attempt % urls.length], path, body)
      } catch (error) {
        if (!(error instanceof SchemaRegistryError) || attempt >= retries) throw error
        // A token may have been revoked: another one is tried, once.
        const mayHelp = error.status === 401 && this.tokens !== null && attempt === 0
        if (!error.retriable && !mayHelp) throw error
        await sleep(backoff(attempt, retryBackoffMs, retryBackoffMs * 10))
      }
    }
  }

  private async once(
    method: string,
    base: string,
    path: string,
    body: object | undefined,
  ): Promise<unknown> {
    const url = new URL(base.replace(/\/$/, '') + path)
    const where = `${method} ${path} at schema registry ${url.host}`
    const content = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      accept: 'application/vnd.schemaregistry.v1+json, application/json',
      'content-type': 'application/vnd.schemaregistry.v1+json',
      ...this.options.headers,
      ...(await this.authorization(where)),
    }
    const response = await exchange(where, url, method, headers, content, this.options)
    if (response.status === 401) this.tokens?.forget()
    return parsed(where, response)
  }

  private async authorization(where: string): Promise<Record<string, string>> {
    const { auth } = this.options
    if (auth === null) return {}
    if ('username' in auth) {
      const credentials = Buffer.from(`${auth.username}:${auth.password}`).toString('base64')
      return { authorization: `Basic ${credentials}` }
    }
    try {
      return { authorization: `Bearer ${await this.token(auth)}` }
    } catch (cause) {
      if (cause instanceof SchemaRegistryError) throw cause
      const text = `${where} failed: no token could be had: ${causeText(cause)}`
      throw new SchemaRegistryError(text, { cause, retriable: true })
    }
  }

  private async token(auth: TokenAuth | OidcAuth): Promise<string> {
    const { requestTimeoutMs: timeoutMs } = this.options
    if ('token' in auth) {
      const { token } = auth
      const asked = async (): Promise<unknown> => (typeof token === 'function' ? token() : token)
      return checkedToken(await waitFor(asked(), { timeoutMs, signal: undefined }, 'auth.token()'))
    }
    this.tokens ??= new OidcTokens(auth, timeoutMs, (url, headers, body) =>
      exchange(`POST to token endpoint ${url.host}`, url, 'POST', headers, body, this.options),
    )
    return checkedToken(await this.tokens.get())
  }
}

/** @throws {InvalidArgumentError} for what no header can carry */
function checkedToken(token: unknown): string {
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token
  const got = typeof token === 'string' ? 'other characters' : describeValue(token)
  throw new InvalidArgumentError(`a token must be text of visible ASCII characters, got ${got}`)
}

interface HttpResponse {
  readonly status: number
  readonly text: string
  /** Where it redirects to. */
  readonly location: string | undefined
}

/** One request and its response, whatever its status. */
function exchange(
  where: string,
  url: URL,
  method: string,
  headers: Record<string, string>,
  content: string | undefined,
  { requestTimeoutMs, maxResponseBytes, ssl }: HttpOptions,
): Promise<HttpResponse> {
  const late = `no response within ${requestTimeoutMs} ms`
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown): void =>
      reject(new SchemaRegistryError(`${where} failed: ${reason}`, { cause, retriable: true }))
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const servername = serverNameOf(url.hostname)
    let isLate = false
    const request = send(url, { method, headers, servername, ...ssl }, (response) => {
      read(response, where, maxResponseBytes).then(
        (text) => {
          clearTimeout(timer)
          const { location } = response.headers
          resolve({ status: response.statusCode ?? 0, text, location })
        },
        (error: unknown) => {
          request.destroy()
          clearTimeout(timer)
          if (error instanceof SchemaRegistryError) reject(error)
          else fail(isLate ? late : 'its response broke off', error)
        },
      )
    })
    const timer = startTimer(() => {
      isLate = true
      request.destroy()
    }, requestTimeoutMs)
    request.on('error', (error) => {
      clearTimeout(timer)
      fail(isLate ? late : error.message, error)
    })
    request.end(content)
  })
}

async function read(response: IncomingMessage, where: string, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.length
    if (size > maxBytes) {
      throw new SchemaRegistryError(
        `${where} failed: its response is larger than maxResponseBytes (${maxBytes})`,
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parsed(where: string, { status, text, location }: HttpResponse): unknown {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    if (status === 200) {
      throw new SchemaRegistryError(`${where} failed: its response is not JSON`, { cause, status })
    }
  }
  if (status >= 200 && status < 300) return body
  const isObject = typeof body === 'object' && body !== null
  const message: unknown = isObject ? Reflect.get(body as object, 'message') : undefined
  const code: unknown = isObject ? Reflect.get(body as object, 'error_code') : undefined
  const redirect = status >= 300 && status < 400 ? location?.slice(0, 200) : undefined
  const reason =
    redirect !== undefined
      ? `: it redirects to ${redirect}. Give that address as 'url'`
      : typeof message === 'string'
        ? `: ${message}`
        : ''
  throw new SchemaRegistryError(`${where} failed: HTTP ${status}${reason}`, {
    status,
    errorCode: typeof code === 'number' ? code : 0,
    retriable: retriableStatus.has(status),
  })
}
