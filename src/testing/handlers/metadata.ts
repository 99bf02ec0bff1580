// Metadata: the nodes that are up, and topics by name or by id (v12+), with their leaders.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  MetadataRequest,
  MetadataResponse,
  MetadataResponsePartition,
  MetadataResponseTopic,
} from '../../protocol/messages/metadata.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { RequestContext } from '../handler.ts'
import { topicError } from '../security/authorize.ts'
import {
  authorizedOperations,
  clusterOperations,
  NOT_ASKED,
} from '../security/authorized-operations.ts'
import { findNameProblem, missingTopicError, type Partition, type Topic } from '../topic-store.ts'

export function handleMetadata(
  context: RequestContext,
  request: MetadataRequest,
): MetadataResponse {
  const { state } = context
  const nodes = state.upNodes
  return {
    throttleTimeMs: 0,
    brokers: nodes.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: state.clusterId,
    controllerId: nodes[0]?.id ?? -1,
    topics: withOperations(context, request, describeTopics(context, request)),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations(context)
      : NOT_ASKED,
    errorCode: 0,
  }
}

function withOperations(
  context: RequestContext,
  { includeTopicAuthorizedOperations }: MetadataRequest,
  topics: MetadataResponseTopic[],
): MetadataResponseTopic[] {
  if (!includeTopicAuthorizedOperations) return topics
  return topics.map((topic) => {
    if (topic.name === null) return topic
    const operations = authorizedOperations(context, 'TOPIC', topic.name)
    return { ...topic, topicAuthorizedOperations: operations }
  })
}

function describeTopics(
  context: RequestContext,
  request: MetadataRequest,
): MetadataResponseTopic[] {
  const { state, version } = context
  const { topics } = request
  const refusalOf = (name: string): number => topicError(context, 'DESCRIBE', name)
  // In v0 an empty list means all, later null does.
  if (topics === null || (version === 0 && topics.length === 0)) {
    return [...state.topics.all]
      .filter(({ name }) => refusalOf(name) === 0)
      .map((topic) => describeTopic(state, topic))
  }
  const mayCreate = state.autoCreateTopics && request.allowAutoTopicCreation
  // A request that names any topic by its id is about ids alone.
  const byId = topics.some(({ topicId }) => topicId !== ZERO_UUID)
  const asked = new Map<string, (typeof topics)[number]>()
  for (const topic of topics) {
    if (!byId) asked.set(topic.name ?? '', topic)
    else if (topic.topicId !== ZERO_UUID) asked.set(topic.topicId, topic)
  }
  return [...asked.values()].map(({ name, topicId }) => {
    const topic = byId ? state.topics.getById(topicId) : state.topics.get(name ?? '')
    const refusal = refusalOf(topic?.name ?? name ?? '')
    if (refusal !== 0 && !byId) return unknownTopic(refusal, name, topicId)
    if (topic !== undefined && refusal === 0) return describeTopic(state, topic)
    if (byId) return unknownTopic(errorCodes.UNKNOWN_TOPIC_ID, null, topicId)
    return describeMissing(state, name ?? '', mayCreate)
  })
}

/** A topic that is made because of this request is there for the next one only, as in Kafka. */
function describeMissing(
  state: ClusterState,
  name: string,
  mayCreate: boolean,
): MetadataResponseTopic {
  if (mayCreate && findNameProblem(name) === null) state.createTopic(name, {})
  return unknownTopic(missingTopicError(name), name, ZERO_UUID)
}

function describeTopic(state: ClusterState, topic: Topic): MetadataResponseTopic {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: false,
    partitions: topic.partitions.map((partition) => describePartition(state, partition)),
    topicAuthorizedOperations: NOT_ASKED,
  }
}

function describePartition(state: ClusterState, partition: Partition): MetadataResponsePartition {
  const { index, leaderId, replicas, inSync, log } = partition
  const hasLeader = state.isUp(leaderId)
  return {
    errorCode: hasLeader ? 0 : errorCodes.LEADER_NOT_AVAILABLE,
    partitionIndex: index,
    leaderId: hasLeader ? leaderId : -1,
    leaderEpoch: log.leaderEpoch,
    replicaNodes: [...replicas],
    isrNodes: [...inSync],
    offlineReplicas: replicas.filter((id) => !state.isUp(id)),
  }
}

function unknownTopic(
  errorCode: number,
  name: string | null,
  topicId: string,
): MetadataResponseTopic {
  return {
    errorCode,
    name,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: NOT_ASKED,
  }
}
