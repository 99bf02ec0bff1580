// DescribeCluster: the nodes that are up, and which of them is the controller.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../protocol/messages/describe-cluster.ts'
import type { RequestContext } from '../handler.ts'

const BROKERS = 1
const NO_OPERATIONS = -0x80000000

export function handleDescribeCluster(
  { state }: RequestContext,
  request: DescribeClusterRequest,
): DescribeClusterResponse {
  const isForBrokers = request.endpointType === BROKERS
  const nodes = isForBrokers ? state.upNodes : []
  return {
    throttleTimeMs: 0,
    errorCode: isForBrokers ? 0 : errorCodes.MISMATCHED_ENDPOINT_TYPE,
    errorMessage: isForBrokers ? null : 'This is a broker, not a controller.',
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
    clusterAuthorizedOperations: NO_OPERATIONS,
  }
}
