// What a broker means that does not accept a sequence number: the table of docs/internals/producer.md, section 6. Most
// such responses are echoes of an earlier batch's failure; the rest say that the broker forgot something.

import { errorCodes } from '../../protocol/error-codes.ts'
import type { ProducerBatch } from '../batching/partition-queue.ts'
import type { PartitionSequences } from '../idempotence/partition-sequences.ts'

export type SequenceVerdict =
  /** An earlier batch is unresolved: this one waits for it. It wrote nothing, and no retry is counted. */
  | 'requeue'
  /** A broker before 2.5 that is not sure: the same once more. */
  | 'retry'
  /** An earlier batch left a gap: this one goes with the bump that closes it. */
  | 'awaitBump'
  /** The broker forgot us, and nothing is lost by that: a new epoch. */
  | 'forgotten'
  /** The broker has lost what it acknowledged, or its order: a new epoch, and the user is told. */
  | 'dataLoss'
  /** A later batch was written already: writing this one would break the order. */
  | 'overtaken'
  /** The attempt that a bump makes under the old numbers: an earlier attempt may have written it. */
  | 'inDoubt'
  /** That attempt, and no earlier one is in doubt: it can get new numbers. */
  | 'absent'

export function judgeSequenceError(
  errorCode: number,
  batch: ProducerBatch,
  state: PartitionSequences,
  logStartOffset: bigint,
): SequenceVerdict {
  if (errorCode === errorCodes.UNKNOWN_PRODUCER_ID && logStartOffset < 0n) return 'retry'
  if (batch.isResend) return batch.isAmbiguous ? 'inDoubt' : 'absent'
  const isOutOfOrder = errorCode === errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER
  if (isOutOfOrder && state.unresolved[0] !== batch && !state.isBehindGap(batch)) return 'requeue'
  if (state.isBehindGap(batch)) return 'awaitBump'
  if (state.isOvertaken(batch)) return 'overtaken'
  const isLossPossible = state.lastAckedSequence >= 0 && state.isNext(batch)
  if (!isLossPossible || logStartOffset > state.lastAckedOffset) return 'forgotten'
  return 'dataLoss'
}
