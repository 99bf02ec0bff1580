// AddPartitionsToTxn: of one transaction from clients (to v3), of many from brokers (since v4).

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  AddPartitionsToTxnTopicResult,
  AddPartitionsToTxnTransaction,
} from '../../protocol/messages/add-partitions-to-txn.ts'
import { checkTransaction } from '../coordinator-check.ts'
import type { RequestContext } from '../handler.ts'
import { topicError } from '../security/authorize.ts'

const MANY_SINCE = 4
const FENCED_SINCE = 2

export function handleAddPartitionsToTxn(
  context: RequestContext,
  request: AddPartitionsToTxnRequest,
): AddPartitionsToTxnResponse {
  const empty = { throttleTimeMs: 0, errorCode: 0 }
  if (context.version >= MANY_SINCE) {
    const resultsByTransaction = request.transactions.map((transaction) => ({
      transactionalId: transaction.transactionalId,
      topicResults: addTo(context, transaction),
    }))
    return { ...empty, resultsByTransaction, resultsByTopicV3AndBelow: [] }
  }
  const resultsByTopicV3AndBelow = addTo(context, {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    verifyOnly: false,
    topics: request.v3AndBelowTopics,
  })
  return { ...empty, resultsByTransaction: [], resultsByTopicV3AndBelow }
}

/** All partitions come in, or none does. */
function addTo(
  context: RequestContext,
  transaction: AddPartitionsToTxnTransaction,
): AddPartitionsToTxnTopicResult[] {
  const { state, version } = context
  const { transactionalId, topics } = transaction
  const isKnown = (name: string, partition: number): boolean =>
    state.topics.partition(name, partition) !== undefined
  const areKnown = topics.every(({ name, partitions }) => partitions.every((p) => isKnown(name, p)))
  const mayWrite = topics.every(({ name }) => topicError(context, 'WRITE', name) === 0)
  const all = topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({ topic: name, partition })),
  )
  const codeOf = (name: string, partition: number): number => {
    if (!mayWrite) {
      return topicError(context, 'WRITE', name) || errorCodes.OPERATION_NOT_ATTEMPTED
    }
    if (!areKnown) {
      return isKnown(name, partition)
        ? errorCodes.OPERATION_NOT_ATTEMPTED
        : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    }
    const participant = { topic: name, partition }
    return transaction.verifyOnly
      ? state.transactions.verify(transactionalId, transaction, participant)
      : added
  }
  let added = checkTransaction(context, transactionalId, 'WRITE')
  if (added === 0 && mayWrite && areKnown && !transaction.verifyOnly) {
    added = state.transactions.add(transactionalId, transaction, all, state.now())
    if (added === errorCodes.PRODUCER_FENCED && version < FENCED_SINCE) {
      added = errorCodes.INVALID_PRODUCER_EPOCH
    }
  }
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: codeOf(name, partitionIndex),
    })),
  }))
}
