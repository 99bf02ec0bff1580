// AddOffsetsToTxn: a group's offsets take part in a transaction.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
} from '../../protocol/messages/add-offsets-to-txn.ts'
import { checkTransaction } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'
import { mayDo } from '../security/authorize.ts'

const FENCED_SINCE = 2

export function handleAddOffsetsToTxn(
  context: RequestContext,
  request: AddOffsetsToTxnRequest,
): AddOffsetsToTxnResponse {
  const { state, version } = context
  const { transactionalId, groupId } = request
  let errorCode = checkTransaction(context, transactionalId, 'WRITE')
  if (!mayDo(context, 'READ', 'GROUP', groupId)) errorCode ||= errorCodes.GROUP_AUTHORIZATION_FAILED
  if (errorCode === 0) {
    errorCode = state.transactions.add(transactionalId, request, [{ groupId }], state.now())
  }
  if (errorCode === errorCodes.PRODUCER_FENCED && version < FENCED_SINCE) {
    errorCode = errorCodes.INVALID_PRODUCER_EPOCH
  }
  return { throttleTimeMs: 0, errorCode }
}
