// DescribeQuorum: the nodes of the cluster as the voters of its metadata log, the controller in front.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DescribeQuorumRequest,
  DescribeQuorumResponse,
  DescribeQuorumResponsePartitionData,
} from '../../protocol/messages/describe-quorum.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { RequestContext } from '../handler.ts'
import { clusterError } from '../security/authorize.ts'

const METADATA_TOPIC = '__cluster_metadata'
const NODES_SINCE = 2

export function handleDescribeQuorum(
  context: RequestContext,
  request: DescribeQuorumRequest,
): DescribeQuorumResponse {
  const refusal = clusterError(context, 'DESCRIBE')
  if (refusal !== 0) return { errorCode: refusal, errorMessage: null, topics: [], nodes: [] }
  const { state, version } = context
  const nodes = [...state.nodes.values()]
  const now = BigInt(Math.floor(state.clock.wall()))
  // Every change of a topic is one entry of the metadata log.
  const highWatermark = BigInt(state.topics.version)
  const quorum: DescribeQuorumResponsePartitionData = {
    partitionIndex: 0,
    errorCode: 0,
    errorMessage: null,
    leaderId: state.upNodes[0]?.id ?? -1,
    leaderEpoch: 1,
    highWatermark,
    currentVoters: nodes.map(({ id }) => ({
      replicaId: id,
      replicaDirectoryId: ZERO_UUID,
      logEndOffset: highWatermark,
      lastFetchTimestamp: now,
      lastCaughtUpTimestamp: now,
    })),
    observers: [],
  }
  const unknown = {
    errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    leaderId: -1,
    currentVoters: [],
  }
  return {
    errorCode: 0,
    errorMessage: null,
    topics: request.topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => {
        const isMetadata = topicName === METADATA_TOPIC && partitionIndex === 0
        return isMetadata ? quorum : { ...quorum, ...unknown, partitionIndex }
      }),
    })),
    nodes:
      version < NODES_SINCE
        ? []
        : nodes.map(({ id, host, port }) => ({
            nodeId: id,
            listeners: [{ name: 'CONTROLLER', host, port }],
          })),
  }
}
