// The errors of requests that got no response: what, to which broker, why, and whether it was written.

import { ClosedError, ConnectionError, DecodeError, TimeoutError } from '../errors.ts'
import type { PendingRequest } from './pending-requests.ts'

/** @param isClosed whether the connection is closed for it */
export function noResponseError(
  pending: PendingRequest,
  where: string,
  isClosed: boolean,
): TimeoutError {
  return new TimeoutError(
    `${pending.name} to ${where} timed out: no response within ${pending.timeoutMs} ms${isClosed ? '; the connection is closed' : ''}`,
    { wasSent: true },
  )
}

/** @param obstacle what kept it from being written */
export function notWrittenError(
  pending: PendingRequest,
  where: string,
  obstacle: string,
): TimeoutError {
  return new TimeoutError(
    `${pending.name} to ${where}: not written within ${pending.timeoutMs} ms: ${obstacle}`,
  )
}

/** @param reason why the connection ended; ClosedError is the caller's own doing, and told as it is */
export function disconnectedError(pending: PendingRequest, where: string, reason: unknown): Error {
  if (reason instanceof ClosedError) return reason
  const why = reason instanceof Error ? reason.message : 'the connection is not open'
  return new ConnectionError(`${pending.name} to ${where}: disconnected: ${why}`, {
    cause: reason,
    wasSent: pending.isWritten,
  })
}

/**
 * The connection is closed with it, and the bytes of another one may be right. So it is retriable, as the
 * errors of the requests behind it are.
 */
export function unreadableError(
  pending: PendingRequest,
  where: string,
  cause: DecodeError,
): DecodeError {
  return new DecodeError(`${pending.name} to ${where}: ${cause.message}`, {
    api: pending.api.name,
    version: pending.version,
    position: cause.position,
    field: cause.field,
    cause,
    retriable: true,
  })
}
