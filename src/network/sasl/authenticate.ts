// Proves to a broker who we are: SaslHandshake names the mechanism, then SaslAuthenticate carries its
// messages until the mechanism itself is content, whatever the broker says.

import { AuthenticationError, ConnectionError, escapeText, type KafkaError } from '../../errors.ts'
import type { SaslContext, SaslExchange, SaslMechanism } from '../../options/sasl-options.ts'
import type { Api } from '../../protocol/api.ts'
import {
  brokerError,
  errorCodes,
  isRetriable,
  isUninformative,
} from '../../protocol/error-codes.ts'
import { saslAuthenticate } from '../../protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../../protocol/messages/sasl-handshake.ts'
import type { Connection } from '../connection.ts'

/** Version 0 would send the mechanism's messages raw, without a response that says what is wrong. */
const LEAST_HANDSHAKE_VERSION = 1
/** No mechanism needs as many; a broker that never ends only keeps the client busy. */
const MAX_ROUNDS = 10

export interface Authenticated {
  /**
   * For how long the broker takes requests before the connection has to authenticate again (KIP-368), in
   * milliseconds; 0: for ever.
   */
  readonly lifetimeMs: number
  /** As brokers name who has authenticated, unless they map names; null: not known. */
  readonly principal: string | null
}

/**
 * @throws AuthenticationError for a refusal, ConnectionError for one that may pass; what `send` throws
 */
export async function authenticate(
  connection: Connection,
  mechanism: SaslMechanism,
  context: SaslContext,
  timeoutMs: number,
): Promise<Authenticated> {
  const send = <Q, A>(api: Api<Q, A>, request: Q): Promise<A> =>
    connection.sendHeld(api, connection.version(api), request, timeoutMs)
  await proposeMechanism(connection, mechanism, send)
  const exchange = mechanism.begin(context)
  let authBytes = await exchange.start()
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const response = await send(saslAuthenticate, { authBytes })
    if (response.errorCode !== 0) {
      throw refusal(response.errorCode, response.errorMessage, mechanism, exchange)
    }
    const next = await exchange.next(response.authBytes)
    if (next === null) {
      return {
        lifetimeMs: Number(response.sessionLifetimeMs),
        principal: principalOf(exchange),
      }
    }
    authBytes = next
  }
  throw new AuthenticationError(
    `SASL ${mechanism.name}: no end after ${MAX_ROUNDS} rounds with the broker`,
  )
}

async function proposeMechanism(
  connection: Connection,
  mechanism: SaslMechanism,
  send: <Q, A>(api: Api<Q, A>, request: Q) => Promise<A>,
): Promise<void> {
  if (connection.version(saslHandshake) < LEAST_HANDSHAKE_VERSION) {
    throw new AuthenticationError(
      'the broker is older than 1.0: it knows SASL only without error messages, which this client does not speak',
    )
  }
  const { errorCode, mechanisms } = await send(saslHandshake, { mechanism: mechanism.name })
  if (errorCode === 0) return
  const cause = brokerError(errorCode, 'SaslHandshake')
  if (errorCode === errorCodes.UNSUPPORTED_SASL_MECHANISM) {
    throw new AuthenticationError(
      `the broker does not offer SASL ${mechanism.name}: it offers ${escapeText(mechanisms.join(', ')) || 'none'}`,
      { cause },
    )
  }
  if (errorCode === errorCodes.ILLEGAL_SASL_STATE) {
    throw new AuthenticationError(
      'the broker does not expect SASL here: this may not be a SASL listener',
      { cause },
    )
  }
  throw refusedWith(errorCode, cause.message, cause)
}

/** A code that may pass, or says nothing of the cause, does not refuse credentials. */
function refusedWith(errorCode: number, message: string, cause: KafkaError): KafkaError {
  return isRetriable(errorCode) || isUninformative(errorCode)
    ? new ConnectionError(message, { cause, wasSent: true })
    : new AuthenticationError(message, { cause })
}

function principalOf({ user, principal }: SaslExchange): string | null {
  if (principal !== undefined) return principal
  return user === '' ? null : `User:${user}`
}

/** Names the mechanism and the user, and never the secret. */
function refusal(
  errorCode: number,
  errorMessage: string | null,
  mechanism: SaslMechanism,
  exchange: SaslExchange,
): KafkaError {
  const who = exchange.user === '' ? '' : ` of user '${exchange.user}'`
  const cause = brokerError(errorCode, `SASL ${mechanism.name} authentication${who}`)
  const text = `${cause.message}: ${escapeText(errorMessage ?? 'no reason given')}`
  return refusedWith(errorCode, text, cause)
}
