// InitProducerId: a new producer id, from epoch 0 on. Whatever id an idempotent producer had before
// does not matter.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../protocol/messages/init-producer-id.ts'
import type { RequestContext } from '../handler.ts'

export function handleInitProducerId(
  { state }: RequestContext,
  request: InitProducerIdRequest,
): InitProducerIdResponse {
  const { transactionalId } = request
  if (transactionalId === null) return answer(0, state.newProducerId(), 0)
  return answer(errorCodes.INVALID_REQUEST, -1n, -1)
}

function answer(
  errorCode: number,
  producerId: bigint,
  producerEpoch: number,
): InitProducerIdResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    producerId,
    producerEpoch,
    ongoingTxnProducerId: -1n,
    ongoingTxnProducerEpoch: -1,
  }
}
