// DescribeTransactions: state, producer and partitions of transactional ids.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
  TransactionState,
} from '../../protocol/messages/describe-transactions.ts'
import { checkTransaction } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'

export function handleDescribeTransactions(
  context: RequestContext,
  request: DescribeTransactionsRequest,
): DescribeTransactionsResponse {
  const transactionStates = request.transactionalIds.map((id) => describe(context, id))
  return { throttleTimeMs: 0, transactionStates }
}

function describe(context: RequestContext, transactionalId: string): TransactionState {
  const error =
    transactionalId === ''
      ? errorCodes.INVALID_REQUEST
      : checkTransaction(context, transactionalId, 'DESCRIBE')
  if (error !== 0) return unknown(transactionalId, error)
  const transaction = context.state.transactions.transactions.get(transactionalId)
  if (transaction === undefined) {
    return unknown(transactionalId, errorCodes.TRANSACTIONAL_ID_NOT_FOUND)
  }
  const topics = new Map<string, number[]>()
  for (const participant of transaction.participants.values()) {
    if ('groupId' in participant) continue
    const { topic, partition } = participant
    topics.set(topic, [...(topics.get(topic) ?? []), partition])
  }
  return {
    errorCode: 0,
    transactionalId,
    transactionState: transaction.state,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStartTimeMs: BigInt(transaction.startedAtMs),
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
  }
}

function unknown(transactionalId: string, errorCode: number): TransactionState {
  return {
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0n,
    producerId: 0n,
    producerEpoch: 0,
    topics: [],
  }
}
