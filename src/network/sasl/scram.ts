// SASL SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, 7677; KIP-84). The password never leaves the client,
// and the broker proves that it knows the password too: nothing is trusted before its signature fits.
// As Kafka does, the password is hashed as UTF-8 without SASLprep.

import { promisify } from 'node:util'
import { AuthenticationError, escapeText } from '../../errors.ts'
import { lazyNode } from '../../lazy-node.ts'
import type {
  CredentialsProvider,
  SaslContext,
  SaslExchange,
  SaslMechanism,
} from '../../options/sasl-options.ts'
import { escapeSaslName } from './sasl-mechanism.ts'

export interface ScramCredentials {
  username: string
  password: string
  /** Whether these are the id and the HMAC (in base64) of a delegation token (KIP-48). Default: false. */
  tokenAuth?: boolean
}

export type ScramName = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** Below this a stolen exchange is too cheap to guess the password from (RFC 7677; Kafka's own limit). */
const MIN_ITERATIONS = 4096
/** A broker that asks for more only wants to keep us busy. Kafka stores at most 16384. */
const MAX_ITERATIONS = 1_000_000

const hashes = {
  'SCRAM-SHA-256': { algorithm: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { algorithm: 'sha512', bytes: 64 },
} as const

/** "n,,": no channel binding, no other identity. In base64 it stands in the final message. */
const GS2_HEADER = 'n,,'
const SERVER_FIRST = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([0-9]{1,10})(?:,.*)?$/
const SERVER_FINAL = /^v=([A-Za-z0-9+/]+={0,2})(?:,.*)?$/

/**
 * @param createNonce gives a nonce that was never used before, in printable ASCII without commas
 */
export function scram(
  name: ScramName,
  credentials: CredentialsProvider<ScramCredentials>,
  createNonce: () => string = () => lazyNode.crypto.randomBytes(24).toString('base64url'),
): SaslMechanism {
  return {
    name,
    begin: (context) => new ScramExchange(name, credentials, context, createNonce()),
  }
}

type ScramState =
  | { step: 'new' }
  | { step: 'firstSent'; firstBare: string; password: string }
  | { step: 'finalSent'; serverSignature: Buffer }
  | { step: 'done' }

class ScramExchange implements SaslExchange {
  user = ''
  principal: string | null = null
  private readonly name: ScramName
  private readonly credentials: CredentialsProvider<ScramCredentials>
  private readonly context: SaslContext
  private readonly nonce: string
  private state: ScramState = { step: 'new' }

  constructor(
    name: ScramName,
    credentials: CredentialsProvider<ScramCredentials>,
    context: SaslContext,
    nonce: string,
  ) {
    this.name = name
    this.credentials = credentials
    this.context = context
    this.nonce = nonce
  }

  async start(): Promise<Buffer> {
    const { username, password, tokenAuth } = await this.credentials(this.context)
    this.user = username
    // With a delegation token, the principal is the owner of the token.
    this.principal = tokenAuth === true ? null : `User:${username}`
    if (username === '') throw this.error('the user name is empty')
    if (password === '') throw this.error('the password is empty')
    const extensions = tokenAuth === true ? ',tokenauth=true' : ''
    const firstBare = `n=${escapeSaslName(username)},r=${this.nonce}${extensions}`
    this.state = { step: 'firstSent', firstBare, password }
    return Buffer.from(GS2_HEADER + firstBare)
  }

  async next(challenge: Buffer): Promise<Buffer | null> {
    const { state } = this
    this.state = { step: 'done' }
    const message = challenge.toString()
    if (state.step === 'firstSent') return this.prove(state.firstBare, state.password, message)
    if (state.step === 'finalSent') return this.verify(state.serverSignature, message)
    throw this.error('the broker continues an exchange that is not open')
  }

  /** Responds to the broker's first message; computes what its final one must be. */
  private async prove(firstBare: string, password: string, serverFirst: string): Promise<Buffer> {
    this.refuseError(serverFirst)
    const match = SERVER_FIRST.exec(serverFirst)
    if (match === null) {
      throw this.error(
        "the broker's first message is not of the form r=<nonce>,s=<salt>,i=<iterations>",
      )
    }
    const [, nonce, salt, count] = match
    if (!nonce.startsWith(this.nonce) || nonce.length === this.nonce.length) {
      throw this.error(
        "the broker's nonce does not extend ours: the response is not to our message",
      )
    }
    const iterations = Number(count)
    if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
      throw this.error(
        `the broker asks for ${iterations} iterations: ${MIN_ITERATIONS} to ${MAX_ITERATIONS} are accepted`,
      )
    }
    const { algorithm, bytes } = hashes[this.name]
    const salted = await promisify(lazyNode.crypto.pbkdf2)(
      Buffer.from(password),
      Buffer.from(salt, 'base64'),
      iterations,
      bytes,
      algorithm,
    )
    const withoutProof = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${nonce}`
    const authMessage = `${firstBare},${serverFirst},${withoutProof}`
    const hmac = (key: Buffer, text: string): Buffer =>
      lazyNode.crypto.createHmac(algorithm, key).update(text).digest()
    const proof = hmac(salted, 'Client Key')
    const storedKey = lazyNode.crypto.createHash(algorithm).update(proof).digest()
    const signature = hmac(storedKey, authMessage)
    for (let i = 0; i < bytes; i++) proof[i] ^= signature[i]
    const serverSignature = hmac(hmac(salted, 'Server Key'), authMessage)
    this.state = { step: 'finalSent', serverSignature }
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }

  private verify(expected: Buffer, serverFinal: string): null {
    this.refuseError(serverFinal)
    const match = SERVER_FINAL.exec(serverFinal)
    const given = Buffer.from(match === null ? '' : match[1], 'base64')
    if (given.length !== expected.length || !lazyNode.crypto.timingSafeEqual(given, expected)) {
      throw this.error(
        "the broker's signature is wrong: it does not know the password, so it may not be the broker it claims to be",
      )
    }
    return null
  }

  private refuseError(message: string): void {
    if (message.startsWith('e='))
      throw this.error(`the broker refused: ${escapeText(message.slice(2))}`)
  }

  private error(problem: string): AuthenticationError {
    const user = this.user === '' ? '' : ` for user '${this.user}'`
    return new AuthenticationError(`SASL ${this.name}${user}: ${problem}`)
  }
}
