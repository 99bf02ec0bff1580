// Requests to a schema registry, over node:http so that client certificates work: with a time limit, a limit
// of size, retries where another attempt may help, and one request for callers that ask the same.

import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import { backoff, sleep } from '../async/retry.ts'
import { startTimer } from '../async/timers.ts'
import { SchemaRegistryError } from '../errors.ts'
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
    const { status, text } = await exchange(where, url, method, headers, content, this.options)
    if (status === 401) this.tokens?.forget()
    return parsed(where, status, text)
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
      const text = `${where} failed: no token could be had`
      throw new SchemaRegistryError(text, { cause, retriable: true })
    }
  }

  private token(auth: TokenAuth | OidcAuth): string | Promise<string> {
    if ('token' in auth) return typeof auth.token === 'function' ? auth.token() : auth.token
    this.tokens ??= new OidcTokens(auth, (url, headers, body) =>
      exchange(`POST to token endpoint ${url.host}`, url, 'POST', headers, body, this.options),
    )
    return this.tokens.get()
  }
}

/** One request and its response, whatever its status. */
function exchange(
  where: string,
  url: URL,
  method: string,
  headers: Record<string, string>,
  content: string | undefined,
  { requestTimeoutMs, maxResponseBytes, ssl }: HttpOptions,
): Promise<{ status: number; text: string }> {
  const late = `no response within ${requestTimeoutMs} ms`
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown): void =>
      reject(new SchemaRegistryError(`${where} failed: ${reason}`, { cause, retriable: true }))
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    let isLate = false
    const request = send(url, { method, headers, ...ssl }, (response) => {
      read(response, where, maxResponseBytes).then(
        (text) => {
          clearTimeout(timer)
          resolve({ status: response.statusCode ?? 0, text })
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

function parsed(where: string, status: number, text: string): unknown {
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
  const reason = typeof message === 'string' ? `: ${message}` : ''
  throw new SchemaRegistryError(`${where} failed: HTTP ${status}${reason}`, {
    status,
    errorCode: typeof code === 'number' ? code : 0,
    retriable: retriableStatus.has(status),
  })
}
