// The TLS options. As with SASL, nothing that is given here is ever printed: it is kept inside a function.

import type { ConnectionOptions } from 'node:tls'
import { ConfigError, kindOf } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'
import { hasContentElsewhere } from '../read-argument.ts'
import { askForSecret } from './secret-source.ts'

/** Node's own TLS options: `ca`, `cert`, `key`, `passphrase`, `pfx`, `servername`, `minVersion` ... */
export type TlsOptions = Omit<ConnectionOptions, 'host' | 'port' | 'path' | 'socket' | 'lookup'>

/**
 * TLS: `true` for the system's certificate authorities, an object of Node's TLS options, or a function
 * that gives one for each new connection, so that rotated certificates take effect without a restart.
 */
export type SslOption = boolean | TlsOptions | (() => TlsOptions | Promise<TlsOptions>)

/** TLS options as they are used. */
export interface SslSettings {
  /** Gives the options of one connection. @throws ConfigError if the user's function gives none */
  readonly load: () => TlsOptions | Promise<TlsOptions>
  /** Whether they may differ from one connection to the next. */
  readonly mayRotate: boolean
}

const OWNER = "new Kafka(): option 'ssl'"

/** @returns null for no TLS. @throws ConfigError that never quotes what was given */
export function checkSsl(value: unknown): SslSettings | null {
  if (value === false) return null
  if (value === true) return { load: () => ({}), mayRotate: false }
  if (isProvider(value)) {
    return {
      load: async () => checkContents(await askForSecret(value), `${OWNER}: the function`),
      mayRotate: true,
    }
  }
  const options = { ...checkContents(value, OWNER) }
  return { load: () => options, mayRotate: false }
}

function isProvider(value: unknown): value is () => unknown {
  return typeof value === 'function'
}

/**
 * Refuses what Node would ignore, or would refuse only when it connects.
 * @throws ConfigError that never quotes what was given
 */
export function checkContents(value: unknown, where: string): TlsOptions {
  if (!isObject(value)) {
    const expected =
      where === OWNER
        ? "must be true, false, an object of Node's TLS options, or a function that gives one"
        : "must return an object of Node's TLS options ({} for the defaults)"
    throw new ConfigError(`${where} ${expected}, got ${kindOf(value)}`)
  }
  for (const key of ['ca', 'cert', 'key'] as const) checkPem(value[key], key, where)
  // Node would take null or a text for true or false.
  checkType(value.rejectUnauthorized, 'rejectUnauthorized', 'boolean', where)
  checkType(value.servername, 'servername', 'string', where)
  try {
    lazyNode.tls.createSecureContext(value)
  } catch (error) {
    const { message, code } = error instanceof Error ? readError(error) : { message: '', code: '' }
    throw new ConfigError(`${where}: Node refuses it: ${hintOf(message)} (${code || message})`)
  }
  return value
}

function checkType(value: unknown, key: string, type: string, where: string): void {
  if (value === undefined || typeof value === type) return
  throw new ConfigError(`${where}: '${key}' must be a ${type}, got ${kindOf(value)}`)
}

function isObject(value: unknown): value is TlsOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !hasContentElsewhere(value)
}

function checkPem(value: unknown, key: string, where: string): void {
  if (value === undefined) return
  for (const part of Array.isArray(value) ? value : [value]) {
    const pem: unknown = isObject(part) && 'pem' in part ? part.pem : part
    const text =
      typeof pem === 'string'
        ? pem
        : pem instanceof Uint8Array
          ? Buffer.from(pem).toString('latin1')
          : null
    if (text === null) {
      throw new ConfigError(
        `${where}: '${key}' must be PEM, as a string or Buffer, or an array of those, got ${kindOf(pem)}`,
      )
    }
    if (text.includes('-----BEGIN ')) continue
    throw new ConfigError(
      `${where}: '${key}' is not PEM (it has no line -----BEGIN ...). If it is the path of a file, give the file's content: readFileSync(path)`,
    )
  }
}

/** Node puts OpenSSL's text and code into its errors, and nothing of what was given. */
function readError(error: Error): { message: string; code: string } {
  const code: unknown = Reflect.get(error, 'code')
  return { message: error.message, code: typeof code === 'string' ? code : '' }
}

function hintOf(message: string): string {
  if (/mismatch/i.test(message)) return "'key' does not belong to 'cert'"
  if (/bad decrypt|interrupted or cancelled|passphrase|mac verify failure/i.test(message)) {
    return "'passphrase' is missing or wrong"
  }
  if (/not enough data|asn1|pkcs12|no start line|bad base64|PEM/i.test(message)) {
    return "a certificate, key or 'pfx' is cut off or not in its format"
  }
  return 'a TLS option is wrong'
}
