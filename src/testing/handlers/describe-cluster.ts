// DescribeCluster: the nodes that are up, and which of them is the controller.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../protocol/messages/describe-cluster.ts'
import type { RequestContext } from '../handler.ts'
import { clusterOperations, NOT_ASKED } from '../security/authorized-operations.ts'

const BROKERS = 1
const CONTROLLERS = 2

export function handleDescribeCluster(
  context: RequestContext,
  request: DescribeClusterRequest,
): DescribeClusterResponse {
  const { state } = context
  const { endpointType } = request
  const isForBrokers = endpointType === BROKERS
  const nodes = isForBrokers ? state.upNodes : []
  return {
    throttleTimeMs: 0,
    ...(isForBrokers ? { errorCode: 0, errorMessage: null } : refusalOf(endpointType)),
    endpointType: BROKERS,
    clusterId: state.clusterId,
    controllerId: nodes[0]?.id ?? -1,
    brokers: nodes.map(({ id, host, port, rack }) => ({
      brokerId: id,
      host,
      port,
      rack,
      isFenced: false,
    })),
    clusterAuthorizedOperations:
      isForBrokers && request.includeClusterAuthorizedOperations
        ? clusterOperations(context)
        : NOT_ASKED,
  }
}

function refusalOf(endpointType: number): { errorCode: number; errorMessage: string } {
  if (endpointType === CONTROLLERS) {
    const errorMessage =
      'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
    return { errorCode: errorCodes.MISMATCHED_ENDPOINT_TYPE, errorMessage }
  }
  const errorMessage = `Unsupported endpoint type ${endpointType}`
  return { errorCode: errorCodes.UNSUPPORTED_ENDPOINT_TYPE, errorMessage }
}
