// SaslHandshake and SaslAuthenticate.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
} from '../../protocol/messages/sasl-authenticate.ts'
import type {
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from '../../protocol/messages/sasl-handshake.ts'
import type { RequestContext } from '../handler.ts'

export function handleSaslHandshake(
  { state, security }: RequestContext,
  { mechanism }: SaslHandshakeRequest,
): SaslHandshakeResponse {
  const { sasl } = state
  if (sasl === null) return { errorCode: errorCodes.ILLEGAL_SASL_STATE, mechanisms: [] }
  security.exchange = sasl.begin(mechanism)
  const errorCode = security.exchange === null ? errorCodes.UNSUPPORTED_SASL_MECHANISM : 0
  return { errorCode, mechanisms: [...sasl.mechanisms] }
}

export function handleSaslAuthenticate(
  { state, security }: RequestContext,
  { authBytes }: SaslAuthenticateRequest,
): SaslAuthenticateResponse {
  const { exchange } = security
  if (exchange === null) {
    return failed(
      errorCodes.ILLEGAL_SASL_STATE,
      'SaslAuthenticate request received after successful authentication',
    )
  }
  const outcome = exchange(authBytes, state.clock.wall())
  if (outcome.kind === 'failed') {
    security.exchange = null
    return failed(errorCodes.SASL_AUTHENTICATION_FAILED, outcome.reason)
  }
  let sessionLifetimeMs = 0n
  if (outcome.kind === 'done') {
    const { user, lifetimeMs } = outcome
    const expiresAt = lifetimeMs === 0 ? Number.POSITIVE_INFINITY : state.now() + lifetimeMs
    security.authenticated(user, expiresAt)
    sessionLifetimeMs = BigInt(Math.floor(lifetimeMs))
  }
  return { errorCode: 0, errorMessage: null, authBytes: outcome.message, sessionLifetimeMs }
}

function failed(errorCode: number, errorMessage: string): SaslAuthenticateResponse {
  return { errorCode, errorMessage, authBytes: Buffer.alloc(0), sessionLifetimeMs: 0n }
}
