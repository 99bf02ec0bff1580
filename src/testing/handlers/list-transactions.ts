// ListTransactions: the transactional ids that the node asked coordinates.

import type {
  ListTransactionsRequest,
  ListTransactionsResponse,
} from '../../protocol/messages/list-transactions.ts'
import { checkCoordinator } from '../coordinator-check.ts'
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

export function handleListTransactions(
  context: RequestContext,
  request: ListTransactionsRequest,
): ListTransactionsResponse {
  const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request
  const pattern =
    transactionalIdPattern === null ? null : new RegExp(`^(?:${transactionalIdPattern})$`)
  const since = Date.now() - Number(durationFilter)
  const found = [...context.state.transactions.transactions.values()]
    .filter(({ transactionalId }) => checkCoordinator(context, transactionalId) === 0)
    .filter(({ state }) => stateFilters.length === 0 || stateFilters.includes(state))
    .filter(
      ({ producerId }) => producerIdFilters.length === 0 || producerIdFilters.includes(producerId),
    )
    .filter(({ startedAtMs }) => durationFilter < 0n || (startedAtMs >= 0 && startedAtMs <= since))
    .filter(({ transactionalId }) => pattern === null || pattern.test(transactionalId))
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    unknownStateFilters: stateFilters.filter((state) => !states.includes(state)),
    transactionStates: found.map(({ transactionalId, producerId, state }) => ({
      transactionalId,
      producerId,
      transactionState: state,
    })),
  }
}
