// ListTransactions: the transactional ids that the node asked coordinates.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  ListTransactionsRequest,
  ListTransactionsResponse,
} from '../../protocol/messages/list-transactions.ts'
import { checkTransaction } from '../coordinator-check.ts'
import { compileRe2, Re2SyntaxError } from '../groups/re2.ts'
import type { RequestContext } from '../handler.ts'

const states = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
]

const invalidPattern: ListTransactionsResponse = {
  throttleTimeMs: 0,
  errorCode: errorCodes.INVALID_REGULAR_EXPRESSION,
  unknownStateFilters: [],
  transactionStates: [],
}

function compile(pattern: string | null): RegExp | null | 'invalid' {
  if (pattern === null || pattern === '') return null
  try {
    return compileRe2(pattern)
  } catch (error) {
    if (error instanceof Re2SyntaxError) return 'invalid'
    throw error
  }
}

export function handleListTransactions(
  context: RequestContext,
  request: ListTransactionsRequest,
): ListTransactionsResponse {
  const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request
  const pattern = compile(transactionalIdPattern)
  if (pattern === 'invalid') return invalidPattern
  const since = context.state.clock.wall() - Number(durationFilter)
  const found = [...context.state.transactions.transactions.values()]
    .filter(({ transactionalId }) => checkTransaction(context, transactionalId, 'DESCRIBE') === 0)
    .filter(({ state }) => stateFilters.length === 0 || stateFilters.includes(state))
    .filter(
      ({ producerId }) => producerIdFilters.length === 0 || producerIdFilters.includes(producerId),
    )
    .filter(({ startedAtMs }) => durationFilter < 0n || startedAtMs <= since)
    .filter(({ transactionalId }) => pattern === null || pattern.test(transactionalId))
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    unknownStateFilters: [...new Set(stateFilters)].filter((state) => !states.includes(state)),
    transactionStates: found.map(({ transactionalId, producerId, state }) => ({
      transactionalId,
      producerId,
      transactionState: state,
    })),
  }
}
