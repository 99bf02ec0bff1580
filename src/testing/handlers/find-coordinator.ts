// FindCoordinator: the node of a group or transactional id; since v4 of many at once.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  Coordinator,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../../protocol/messages/find-coordinator.ts'
import type { RequestContext } from '../handler.ts'
import { mayDo } from '../security/authorize.ts'

const MANY_SINCE = 4
const GROUP = 0
const TRANSACTION = 1

export function handleFindCoordinator(
  context: RequestContext,
  request: FindCoordinatorRequest,
): FindCoordinatorResponse {
  if (context.version >= MANY_SINCE) {
    const coordinators = request.coordinatorKeys.map((key) => find(context, request.keyType, key))
    return { ...noSingle, coordinators }
  }
  const { errorCode, errorMessage, nodeId, host, port } = find(
    context,
    request.keyType,
    request.key,
  )
  return { throttleTimeMs: 0, errorCode, errorMessage, nodeId, host, port, coordinators: [] }
}

const noSingle = {
  throttleTimeMs: 0,
  errorCode: 0,
  errorMessage: '',
  nodeId: 0,
  host: '',
  port: 0,
}

function find(context: RequestContext, keyType: number, key: string): Coordinator {
  const { state } = context
  if (keyType !== GROUP && keyType !== TRANSACTION) {
    return notFound(key, errorCodes.INVALID_REQUEST, `key type ${keyType} is not served here`)
  }
  if (keyType === GROUP && !mayDo(context, 'DESCRIBE', 'GROUP', key)) {
    return notFound(key, errorCodes.GROUP_AUTHORIZATION_FAILED, 'Group authorization failed.')
  }
  if (keyType === TRANSACTION && !mayDo(context, 'DESCRIBE', 'TRANSACTIONAL_ID', key)) {
    const errorCode = errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    return notFound(key, errorCode, 'Transactional Id authorization failed.')
  }
  const node = state.coordinatorOf(key)
  if (node === undefined) {
    return notFound(key, errorCodes.COORDINATOR_NOT_AVAILABLE, 'The coordinator is not available.')
  }
  const { id, host, port } = node
  return { key, nodeId: id, host, port, errorCode: 0, errorMessage: '' }
}

function notFound(key: string, errorCode: number, errorMessage: string): Coordinator {
  return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage }
}
