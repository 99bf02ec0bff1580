// SASL PLAIN (RFC 4616): user name and password as they are, in one message. Anyone who can read the
// connection can read the password, hence it is refused without TLS unless that is allowed on purpose.

import { AuthenticationError, ConfigError } from '../../errors.ts'
import type {
  CredentialsProvider,
  SaslContext,
  SaslExchange,
  SaslMechanism,
} from '../../options/sasl-options.ts'

export interface PlainCredentials {
  username: string
  password: string
}

/**
 * @param allowUnencrypted whether the password may be sent over a connection without TLS
 */
export function plain(
  credentials: CredentialsProvider<PlainCredentials>,
  allowUnencrypted: boolean,
): SaslMechanism {
  return {
    name: 'PLAIN',
    begin(context) {
      if (!context.isEncrypted && !allowUnencrypted) {
        throw new ConfigError(
          `SASL PLAIN would send the password to ${context.host}:${context.port} unencrypted: use TLS, or a SCRAM mechanism, or allow it explicitly`,
        )
      }
      return new PlainExchange(credentials, context)
    },
  }
}

class PlainExchange implements SaslExchange {
  user = ''
  private readonly credentials: CredentialsProvider<PlainCredentials>
  private readonly context: SaslContext

  constructor(credentials: CredentialsProvider<PlainCredentials>, context: SaslContext) {
    this.credentials = credentials
    this.context = context
  }

  async start(): Promise<Buffer> {
    const { username, password } = await this.credentials(this.context)
    this.user = username
    for (const [what, value] of [
      ['user name', username],
      ['password', password],
    ]) {
      if (value === '') throw new AuthenticationError(`SASL PLAIN: the ${what} is empty`)
      if (value.includes('\0')) {
        throw new AuthenticationError(`SASL PLAIN cannot carry a NUL character in the ${what}`)
      }
    }
    return Buffer.from(`\0${username}\0${password}`)
  }

  /** A response without an error code is the end: PLAIN has nothing more to say. */
  async next(): Promise<null> {
    return null
  }
}
