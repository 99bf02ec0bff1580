// Whether a write of a transaction is admitted (KIP-890): the coordinator must know that what is written
// to takes part in it. Newer clients let the broker add it, older ones have done so before.

import { errorCodes } from '../protocol/error-codes.ts'
import type { RequestContext } from './handler.ts'
import type { Participant, ProducerIdentity } from './transaction.ts'

/** From which version of an API on the broker adds, and from which it may say TRANSACTION_ABORTABLE. */
export interface AdmissionVersions {
  readonly addsSince: number
  readonly abortableSince: number
}

/** The error of the write; 0 when it is admitted. */
export function admit(
  { state, version }: RequestContext,
  versions: AdmissionVersions,
  transactionalId: string,
  producer: ProducerIdentity,
  participant: Participant,
): number {
  const { transactions } = state
  const error =
    version >= versions.addsSince
      ? transactions.add(transactionalId, producer, [participant], state.now())
      : transactions.verify(transactionalId, producer, participant)
  switch (error) {
    case errorCodes.PRODUCER_FENCED:
      return errorCodes.INVALID_PRODUCER_EPOCH
    case errorCodes.TRANSACTION_ABORTABLE:
      return version >= versions.abortableSince ? error : errorCodes.INVALID_TXN_STATE
    case errorCodes.CONCURRENT_TRANSACTIONS:
      // Older clients would take that for fatal; this one they try again.
      return version >= versions.addsSince ? error : errorCodes.NOT_ENOUGH_REPLICAS
    default:
      return error
  }
}
