// AlterPartitionReassignments and ListPartitionReassignments. All replicas share one log, so a partition
// is reassigned at once, and no reassignment is ever in progress.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../../protocol/messages/alter-partition-reassignments.ts'
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../../protocol/messages/list-partition-reassignments.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { RequestContext } from '../handler.ts'
import { findReplicasProblem } from '../replica-assignment.ts'
import { clusterError } from '../security/authorize.ts'

export function handleAlterPartitionReassignments(
  context: RequestContext,
  { topics, allowReplicationFactorChange }: AlterPartitionReassignmentsRequest,
): AlterPartitionReassignmentsResponse {
  const refusal = clusterError(context, 'ALTER')
  if (refusal !== 0)
    return {
      throttleTimeMs: 0,
      allowReplicationFactorChange: true,
      errorCode: refusal,
      errorMessage: null,
      responses: [],
    }
  const { state } = context
  const responses = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, replicas }) => ({
      partitionIndex,
      ...reassign(state, name, partitionIndex, replicas, allowReplicationFactorChange),
    })),
  }))
  return {
    throttleTimeMs: 0,
    // A broker's response always has its default here.
    allowReplicationFactorChange: true,
    errorCode: 0,
    errorMessage: null,
    responses,
  }
}

function reassign(
  state: ClusterState,
  topic: string,
  index: number,
  replicas: number[] | null,
  allowsOtherFactor: boolean,
): { errorCode: number; errorMessage: string | null } {
  const partition = state.topics.partition(topic, index)
  if (partition === undefined) {
    const errorMessage =
      state.topics.get(topic) === undefined
        ? `Unable to find a topic named ${topic}.`
        : `Unable to find partition ${topic}:${index}.`
    return { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage }
  }
  if (replicas === null) {
    return { errorCode: errorCodes.NO_REASSIGNMENT_IN_PROGRESS, errorMessage: null }
  }
  const errorMessage = findReplicasProblem(replicas, (id) => state.nodes.has(id))
  if (errorMessage !== null) {
    return { errorCode: errorCodes.INVALID_REPLICA_ASSIGNMENT, errorMessage }
  }
  if (!allowsOtherFactor && replicas.length !== partition.replicas.length) {
    return {
      errorCode: errorCodes.INVALID_REPLICATION_FACTOR,
      errorMessage: `The replication factor is changed from ${partition.replicas.length} to ${replicas.length}`,
    }
  }
  partition.replicas = [...replicas]
  partition.inSync = replicas.filter((id) => state.isUp(id))
  if (!partition.inSync.includes(partition.leaderId)) {
    state.topics.setLeader(partition, partition.inSync[0] ?? -1)
  }
  return { errorCode: 0, errorMessage: null }
}

export function handleListPartitionReassignments(
  context: RequestContext,
  __: ListPartitionReassignmentsRequest,
): ListPartitionReassignmentsResponse {
  const refusal = clusterError(context, 'DESCRIBE')
  if (refusal !== 0)
    return { throttleTimeMs: 0, errorCode: refusal, errorMessage: null, topics: [] }
  return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, topics: [] }
}
