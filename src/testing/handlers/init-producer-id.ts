// InitProducerId: a new producer id for an idempotent producer, whatever id it had; for a transactional
// one the next epoch, by which all before it are fenced.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../protocol/messages/init-producer-id.ts'
import { checkTransaction } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'
import { mayDo, mayDoAny } from '../security/authorize.ts'
import type { CoordinatorResponse } from '../transaction-coordinator.ts'

const FENCED_SINCE = 4

export function handleInitProducerId(
  context: RequestContext,
  request: InitProducerIdRequest,
): InitProducerIdResponse {
  const { errorCode, producerId, producerEpoch } = init(context, request)
  const isFenced = errorCode === errorCodes.PRODUCER_FENCED && context.version < FENCED_SINCE
  return {
    throttleTimeMs: 0,
    errorCode: isFenced ? errorCodes.INVALID_PRODUCER_EPOCH : errorCode,
    producerId,
    producerEpoch,
    ongoingTxnProducerId: -1n,
    ongoingTxnProducerEpoch: -1,
  }
}

function init(context: RequestContext, request: InitProducerIdRequest): CoordinatorResponse {
  const { state } = context
  const { transactionalId, producerId, producerEpoch } = request
  if ((producerId === -1n) !== (producerEpoch === -1)) return failed(errorCodes.INVALID_REQUEST)
  if (transactionalId === null) {
    const mayWrite =
      mayDo(context, 'IDEMPOTENT_WRITE', 'CLUSTER') || mayDoAny(context, 'WRITE', 'TOPIC')
    if (!mayWrite) return failed(errorCodes.CLUSTER_AUTHORIZATION_FAILED)
    return { errorCode: 0, producerId: state.newProducerId(), producerEpoch: 0 }
  }
  const error = transactionalId === '' ? 0 : checkTransaction(context, transactionalId, 'WRITE')
  if (error !== 0) return failed(error)
  return state.transactions.initProducerId(
    transactionalId,
    request.transactionTimeoutMs,
    producerId === -1n ? null : request,
    state.now(),
  )
}

function failed(errorCode: number): CoordinatorResponse {
  return { errorCode, producerId: -1n, producerEpoch: -1 }
}
