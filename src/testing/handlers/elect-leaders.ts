// ElectLeaders: the preferred replica leads again, or any replica that is up.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  ElectLeadersPartitionResult,
  ElectLeadersRequest,
  ElectLeadersResponse,
} from '../../protocol/messages/elect-leaders.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { RequestContext } from '../handler.ts'
import { clusterError } from '../security/authorize.ts'
import type { Partition } from '../topic-store.ts'

const PREFERRED = 0
const UNCLEAN = 1

export function handleElectLeaders(
  context: RequestContext,
  { electionType, topicPartitions }: ElectLeadersRequest,
): ElectLeadersResponse {
  const refusal = clusterError(context, 'ALTER')
  if (refusal !== 0) return { throttleTimeMs: 0, errorCode: refusal, replicaElectionResults: [] }
  const isKnownType = electionType === PREFERRED || electionType === UNCLEAN
  if (!isKnownType && topicPartitions?.length !== 0) {
    const errorCode = errorCodes.INVALID_REQUEST
    return { throttleTimeMs: 0, errorCode, replicaElectionResults: [] }
  }
  const { state } = context
  const asked =
    topicPartitions ??
    [...state.topics.all].map(({ name, partitions }) => ({
      topic: name,
      partitions: partitions.map(({ index }) => index),
    }))
  const replicaElectionResults = asked
    .map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions
        .map((partitionId): ElectLeadersPartitionResult => {
          const partition = state.topics.partition(topic, partitionId)
          if (partition === undefined) return noPartition(state, topic, partitionId)
          return { partitionId, ...elect(state, partition, electionType === PREFERRED) }
        })
        // Of all partitions, those whose leader is the right one are left out.
        .filter(({ errorCode }) => {
          return topicPartitions !== null || errorCode !== errorCodes.ELECTION_NOT_NEEDED
        }),
    }))
    .filter(({ partitionResult }) => topicPartitions !== null || partitionResult.length > 0)
  return { throttleTimeMs: 0, errorCode: 0, replicaElectionResults }
}

function noPartition(
  { topics }: ClusterState,
  topic: string,
  partitionId: number,
): ElectLeadersPartitionResult {
  const errorMessage =
    topics.get(topic) === undefined
      ? `No such topic as ${topic}`
      : `No such partition as ${topic}-${partitionId}`
  return { partitionId, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage }
}

function elect(
  state: ClusterState,
  partition: Partition,
  isPreferred: boolean,
): { errorCode: number; errorMessage: string | null } {
  const { replicas, inSync, leaderId } = partition
  const wanted = isPreferred ? replicas[0] : (replicas.find((id) => state.isUp(id)) ?? -1)
  if (isPreferred ? leaderId === wanted : state.isUp(leaderId)) {
    const errorMessage = 'Leader election not needed for topic partition.'
    return { errorCode: errorCodes.ELECTION_NOT_NEEDED, errorMessage }
  }
  if (isPreferred && !(state.isUp(wanted) && inSync.includes(wanted))) {
    const errorMessage = 'The preferred leader was not available.'
    return { errorCode: errorCodes.PREFERRED_LEADER_NOT_AVAILABLE, errorMessage }
  }
  if (wanted === -1) {
    const errorMessage = 'There are no eligible leaders for the partition.'
    return { errorCode: errorCodes.ELIGIBLE_LEADERS_NOT_AVAILABLE, errorMessage }
  }
  state.topics.setLeader(partition, wanted)
  return { errorCode: 0, errorMessage: null }
}
