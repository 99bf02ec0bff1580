// SASL OAUTHBEARER (RFC 7628; KIP-255, extensions KIP-342): a bearer token in one message. A broker that
// refuses the token says why in a challenge, which needs a response before the broker fails the exchange.

import { AuthenticationError, ConfigError, escapeText } from '../../errors.ts'
import type {
  CredentialsProvider,
  OAuthBearerToken,
  SaslContext,
  SaslExchange,
  SaslMechanism,
} from '../../options/sasl-options.ts'
import { jwtClaim } from './credentials.ts'
import { escapeSaslName } from './sasl-mechanism.ts'

/** Separates the key-value pairs; alone it is the response to a refusal (RFC 7628, section 3.2.3). */
const SEPARATOR = '\x01'
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/
const EXTENSION_KEY = /^[A-Za-z]+$/
const EXTENSION_VALUE = /^[\x21-\x7e \t\r\n]+$/

/** @param allowUnencrypted whether the token may be sent over a connection without TLS */
export function oauthbearer(
  token: CredentialsProvider<OAuthBearerToken>,
  allowUnencrypted: boolean,
): SaslMechanism {
  return {
    name: 'OAUTHBEARER',
    begin(context) {
      if (!context.isEncrypted && !allowUnencrypted) {
        throw new ConfigError(
          `SASL OAUTHBEARER would send the token to ${context.host}:${context.port} unencrypted: use TLS, or set sasl.allowUnencrypted`,
        )
      }
      return new OAuthBearerExchange(token, context)
    },
  }
}

class OAuthBearerExchange implements SaslExchange {
  user = ''
  principal: string | null = null
  private readonly token: CredentialsProvider<OAuthBearerToken>
  private readonly context: SaslContext
  private refusal: string | null = null

  constructor(token: CredentialsProvider<OAuthBearerToken>, context: SaslContext) {
    this.token = token
    this.context = context
  }

  async start(): Promise<Buffer> {
    const { token, authorizationId = '', extensions = {} } = await this.token(this.context)
    this.user = authorizationId
    const name = authorizationId === '' ? jwtClaim(token, 'sub') : authorizationId
    this.principal = typeof name === 'string' ? `User:${name}` : null
    if (!TOKEN.test(token)) {
      throw new AuthenticationError(
        `SASL OAUTHBEARER: the token (${token.length} characters) is empty or has characters that no bearer token has`,
      )
    }
    const authzid = authorizationId === '' ? '' : `a=${escapeSaslName(authorizationId)}`
    let message = `n,${authzid},${SEPARATOR}auth=Bearer ${token}${SEPARATOR}`
    for (const [key, value] of Object.entries(extensions)) {
      if (!EXTENSION_KEY.test(key) || key === 'auth' || !EXTENSION_VALUE.test(value)) {
        throw new AuthenticationError(
          `SASL OAUTHBEARER: extension '${key}' cannot be sent: a key is of letters and not 'auth', a value of printable ASCII`,
        )
      }
      message += `${key}=${value}${SEPARATOR}`
    }
    return Buffer.from(message + SEPARATOR)
  }

  /**
   * An empty challenge is the end. Any other is the reason of a refusal, as JSON: the client responds, upon
   * which the broker fails the exchange with an error code.
   */
  async next(challenge: Buffer): Promise<Buffer | null> {
    if (this.refusal !== null) {
      throw new AuthenticationError(
        `SASL OAUTHBEARER: the broker refused the token: ${escapeText(this.refusal)}`,
      )
    }
    if (challenge.length === 0) return null
    this.refusal = challenge.toString('utf8', 0, 1000)
    return Buffer.from(SEPARATOR)
  }
}
