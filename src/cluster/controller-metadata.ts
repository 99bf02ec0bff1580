// The quorum as its controllers describe it (KIP-919), in the shape of a Metadata response without topics:
// controllers do not serve Metadata.

import { BrokerError, UnsupportedVersionError } from '../errors.ts'
import type { Connection } from '../network/connection.ts'
import { codeName, errorCodes } from '../protocol/error-codes.ts'
import { describeCluster } from '../protocol/messages/describe-cluster.ts'
import type { MetadataResponse } from '../protocol/messages/metadata.ts'

/** `endpointType` of DescribeCluster. */
const CONTROLLERS = 2

/**
 * Asks one controller for all of them.
 * @throws UnsupportedVersionError from what is not a controller of Kafka 3.7 or later
 */
export async function askController(
  connection: Connection,
  limits: { timeoutMs: number; signal: AbortSignal },
): Promise<MetadataResponse> {
  const version = connection.version(describeCluster)
  if (version < 1) {
    throw new UnsupportedVersionError(
      `${connection.describe()} does not serve DescribeCluster v1: 'bootstrapControllers' must be controllers of Kafka 3.7 or later`,
    )
  }
  const response = await connection.send(
    describeCluster,
    version,
    {
      includeClusterAuthorizedOperations: false,
      endpointType: CONTROLLERS,
      includeFencedBrokers: false,
    },
    limits,
  )
  if (response.errorCode === errorCodes.MISMATCHED_ENDPOINT_TYPE) {
    throw new BrokerError(
      response.errorCode,
      codeName(response.errorCode),
      `${connection.describe()} is a broker: 'bootstrapControllers' must be controllers. Give brokers in 'bootstrapServers'.`,
      { retriable: false },
    )
  }
  const { throttleTimeMs, errorCode, clusterId, controllerId, brokers } = response
  return {
    throttleTimeMs,
    errorCode,
    clusterId,
    controllerId,
    brokers: brokers.map(({ brokerId, host, port, rack }) => ({
      nodeId: brokerId,
      host,
      port,
      rack,
    })),
    topics: [],
    clusterAuthorizedOperations: response.clusterAuthorizedOperations,
  }
}

/** A controller where a broker is expected, or a broker where a controller is (KIP-919). */
export function isWrongEndpoint(error: unknown): boolean {
  if (error instanceof UnsupportedVersionError) return true
  const { MISMATCHED_ENDPOINT_TYPE, UNSUPPORTED_ENDPOINT_TYPE } = errorCodes
  return (
    error instanceof BrokerError &&
    (error.errorCode === MISMATCHED_ENDPOINT_TYPE || error.errorCode === UNSUPPORTED_ENDPOINT_TYPE)
  )
}
