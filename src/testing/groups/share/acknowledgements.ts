// The acknowledgements in a ShareFetch or ShareAcknowledge request: their form is checked here, their
// records in share-partition.ts.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type { AcknowledgementBatch } from '../../../protocol/messages/acknowledgement-batch.ts'
import { GroupError } from '../group-error.ts'
import { acknowledgeTypes } from './share-partition.ts'

/** @throws {GroupError} INVALID_REQUEST */
export function checkAcknowledgements(
  batches: readonly AcknowledgementBatch[],
  allowsRenew: boolean,
): void {
  let end = -1n
  const last = allowsRenew ? acknowledgeTypes.RENEW : acknowledgeTypes.REJECT
  for (const { firstOffset, lastOffset, acknowledgeTypes: types } of batches) {
    const count = lastOffset - firstOffset + 1n
    const isValid =
      count > 0n &&
      firstOffset >= end &&
      types.length > 0 &&
      (types.length === 1 || BigInt(types.length) === count) &&
      types.every((type) => type >= acknowledgeTypes.GAP && type <= last)
    if (!isValid) throw new GroupError(errorCodes.INVALID_REQUEST, '')
    end = lastOffset
  }
}
