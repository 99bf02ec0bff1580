// EndTxn: commits or aborts. Since v5 each end raises the producer's epoch (KIP-890).

import { errorCodes } from '../../protocol/error-codes.ts'
import type { EndTxnRequest, EndTxnResponse } from '../../protocol/messages/end-txn.ts'
import { checkTransaction } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'

const FENCED_SINCE = 2
const BUMPS_SINCE = 5

export function handleEndTxn(context: RequestContext, request: EndTxnRequest): EndTxnResponse {
  const { state, version } = context
  const { transactionalId, committed } = request
  const error = checkTransaction(context, transactionalId, 'WRITE')
  if (error !== 0) {
    return { throttleTimeMs: 0, errorCode: error, producerId: -1n, producerEpoch: -1 }
  }
  const bumps = version >= BUMPS_SINCE
  const response = state.transactions.end(transactionalId, request, committed, bumps, state.now())
  const isFenced = response.errorCode === errorCodes.PRODUCER_FENCED && version < FENCED_SINCE
  const errorCode = isFenced ? errorCodes.INVALID_PRODUCER_EPOCH : response.errorCode
  return { throttleTimeMs: 0, ...response, errorCode }
}
