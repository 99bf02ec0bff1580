// What the caller hears of an end of a transaction that has no outcome, or that another call forbids.

import { InvalidTransactionStateError, KafkaError, OutcomeUnknownError } from '../../errors.ts'
import type { TransactionCall } from './transaction-manager.ts'

export interface EndWithoutOutcome {
  readonly call: TransactionCall
  readonly transactionalId: string
  /** Whether EndTxn was sent. */
  readonly mayBeDone: boolean
  readonly cause: unknown
  /** The caller's own limit (ms), if that is what has passed. */
  readonly timeoutMs?: number | undefined
}

export function outcomeUnknown(end: EndWithoutOutcome): OutcomeUnknownError {
  const { call, transactionalId, mayBeDone, cause, timeoutMs } = end
  const time = timeoutMs === undefined ? '' : ` within ${timeoutMs} ms`
  const what = mayBeDone ? 'the request may have reached the coordinator' : 'it was not done yet'
  const why = cause instanceof KafkaError ? ` (${cause.message})` : ''
  return new OutcomeUnknownError(
    `${call}() of '${transactionalId}' has no outcome${time}: ${what}${why}. Call ${call}() again, or initTransactions()`,
    { cause },
  )
}

/** The refusal of a later attempt says nothing of an earlier one that may have committed. */
export function decidedUnseen(transactionalId: string, cause: KafkaError): OutcomeUnknownError {
  return new OutcomeUnknownError(
    `commitTransaction() of '${transactionalId}' has no outcome: an attempt whose response was lost may have committed it, and this producer cannot ask any more. Its successor continues from what is committed. ${cause.message}`,
    { cause },
  )
}

export function busy(
  call: TransactionCall,
  pending: TransactionCall,
): InvalidTransactionStateError {
  return new InvalidTransactionStateError(
    `${call}() was refused: ${pending}() is in progress: await it first`,
  )
}
