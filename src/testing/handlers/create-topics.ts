// CreateTopics, with the checks of a controller. Every node takes it, as brokers forward it.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  CreatableTopic,
  CreatableTopicResult,
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../protocol/messages/create-topics.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { ClusterState, TopicSettings } from '../cluster-state.ts'
import { describeTopicConfigs } from '../configs/config-resources.ts'
import { findTopicConfigProblem } from '../configs/topic-configs.ts'
import type { RequestContext } from '../handler.ts'
import { randomUuid } from '../random-uuid.ts'
import { repeatedKeys } from '../repeated-keys.ts'
import { EXCESS, findReplicasProblem, MOST_RECORDS } from '../replica-assignment.ts'
import { mayDo } from '../security/authorize.ts'
import { findNameProblem, type Topic } from '../topic-store.ts'

const CLUSTER_METADATA = '__cluster_metadata'

interface Problem {
  errorCode: number
  message: string
}

export function handleCreateTopics(
  context: RequestContext,
  request: CreateTopicsRequest,
): CreateTopicsResponse {
  const { state } = context
  const excess = findExcess(state, request)
  if (excess !== null) {
    return { throttleTimeMs: 0, topics: request.topics.map(({ name }) => refused(name, excess)) }
  }
  const mayCreateAny = mayDo(context, 'CREATE', 'CLUSTER')
  // A name that is given twice gets one result.
  const repeated = repeatedKeys(request.topics.map(({ name }) => name))
  const byName = new Map(request.topics.map((topic) => [topic.name, topic]))
  const topics = [...byName].map(([name, topic]) => {
    const problem = repeated.has(name) ? duplicate : findProblem(state, topic)
    if (!mayCreateAny && !mayDo(context, 'CREATE', 'TOPIC', name))
      return refused(name, unauthorized)
    if (problem !== null) return refused(name, problem)
    const settings = settingsOf(state, topic)
    if (request.validateOnly) return planned(context, topic, settings)
    return created(context, state.createTopic(name, settings))
  })
  return { throttleTimeMs: 0, topics }
}

const unauthorized = {
  errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED,
  message: 'Authorization failed.',
}
/** More than a controller writes at once. */
function findExcess(state: ClusterState, { topics }: CreateTopicsRequest): Problem | null {
  let partitions = 0
  let others = 0
  for (const { numPartitions, assignments, configs } of topics) {
    others += 1 + configs.length
    if (assignments.length > 0) partitions += assignments.length
    else if (numPartitions === -1) partitions += state.properties.numPartitions
    else if (numPartitions > 0) partitions += numPartitions
  }
  const errorCode = errorCodes.POLICY_VIOLATION
  if (partitions > MOST_RECORDS) {
    return { errorCode, message: 'Excessively large number of partitions per request.' }
  }
  return partitions + others > MOST_RECORDS ? { errorCode, message: EXCESS } : null
}

const duplicate = { errorCode: errorCodes.INVALID_REQUEST, message: 'Duplicate topic name.' }

function findProblem(state: ClusterState, topic: CreatableTopic): Problem | null {
  const { name, numPartitions, replicationFactor, assignments, configs } = topic
  const nameProblem = findNameProblem(name)
  if (nameProblem !== null) {
    const message = `Topic name is invalid: ${nameProblem}`
    return { errorCode: errorCodes.INVALID_TOPIC_EXCEPTION, message }
  }
  if (state.topics.get(name) !== undefined) {
    const message = `Topic '${name}' already exists.`
    return { errorCode: errorCodes.TOPIC_ALREADY_EXISTS, message }
  }
  const colliding = state.topics.colliding(name)
  if (colliding !== undefined) {
    const message = `Topic '${name}' collides with existing topic: ${colliding}`
    return { errorCode: errorCodes.INVALID_TOPIC_EXCEPTION, message }
  }
  if (name === CLUSTER_METADATA) {
    const message = `Creation of internal topic ${name} is prohibited.`
    return { errorCode: errorCodes.INVALID_REQUEST, message }
  }
  const given = new Map(configs.map((config) => [config.name, config.value]))
  const configProblem = findTopicConfigProblem(given)
  if (configProblem !== null) {
    return { errorCode: errorCodes.INVALID_CONFIG, message: configProblem }
  }
  if (assignments.length > 0) return findAssignmentProblem(state, topic)
  if (replicationFactor < -1 || replicationFactor === 0) {
    const message = 'Replication factor must be larger than 0, or -1 to use the default value.'
    return { errorCode: errorCodes.INVALID_REPLICATION_FACTOR, message }
  }
  if (numPartitions < -1 || numPartitions === 0) {
    const message = 'Number of partitions was set to an invalid non-positive value.'
    return { errorCode: errorCodes.INVALID_PARTITIONS, message }
  }
  if (replicationFactor > state.upNodes.length) {
    const message = `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ${replicationFactor} cannot be reached because only ${state.upNodes.length} broker(s) are registered or some brokers have all their log directories cordoned.`
    return { errorCode: errorCodes.INVALID_REPLICATION_FACTOR, message }
  }
  return null
}

function findAssignmentProblem(state: ClusterState, topic: CreatableTopic): Problem | null {
  const { numPartitions, replicationFactor, assignments } = topic
  const refused = (message: string): Problem => ({
    errorCode: errorCodes.INVALID_REPLICA_ASSIGNMENT,
    message,
  })
  if (replicationFactor !== -1 || numPartitions !== -1) {
    const option = replicationFactor === -1 ? 'number of partitions' : 'replication factor'
    const message = `A manual partition assignment was specified, but ${option} was not set to -1.`
    return { errorCode: errorCodes.INVALID_REQUEST, message }
  }
  const seen = new Set<number>()
  for (const { partitionIndex, brokerIds } of assignments) {
    if (seen.has(partitionIndex)) {
      return refused(`Found multiple manual partition assignments for partition ${partitionIndex}`)
    }
    seen.add(partitionIndex)
    const factor = assignments[0].brokerIds.length
    const problem = findReplicasProblem(brokerIds, (id) => state.nodes.has(id), factor)
    if (problem !== null) return refused(problem)
  }
  const isGapless = assignments.every((_, i) => seen.has(i))
  return isGapless ? null : refused('partitions should be a consecutive 0-based integer sequence')
}

function settingsOf(state: ClusterState, topic: CreatableTopic): TopicSettings {
  const { numPartitions, replicationFactor } = topic
  const settings: TopicSettings = {
    partitions: numPartitions === -1 ? state.properties.numPartitions : numPartitions,
    replicationFactor:
      replicationFactor === -1 ? state.defaultReplicationFactor : replicationFactor,
    configs: Object.fromEntries(topic.configs.map(({ name, value }) => [name, value ?? ''])),
  }
  if (topic.assignments.length > 0) {
    const sorted = topic.assignments.toSorted((a, b) => a.partitionIndex - b.partitionIndex)
    settings.assignments = sorted.map(({ brokerIds }) => [...brokerIds])
  }
  return settings
}

function created(context: RequestContext, topic: Topic): CreatableTopicResult {
  return {
    name: topic.name,
    topicId: topic.id,
    errorCode: 0,
    errorMessage: null,
    numPartitions: topic.partitions.length,
    replicationFactor: topic.partitions[0].replicas.length,
    configs: effective(context, topic.config.given),
    topicConfigErrorCode: 0,
  }
}

/** The configurations of a topic, given or not. */
function effective(
  { state, node }: RequestContext,
  given: ReadonlyMap<string, string>,
): CreatableTopicResult['configs'] {
  return describeTopicConfigs(state, node.id, given).map(({ name, value, source }) => ({
    name,
    value,
    readOnly: false,
    configSource: source,
    isSensitive: false,
  }))
}

function planned(
  context: RequestContext,
  { name }: CreatableTopic,
  { partitions, replicationFactor, assignments, configs }: TopicSettings,
): CreatableTopicResult {
  const { numPartitions } = context.state.properties
  return {
    name,
    topicId: randomUuid(),
    errorCode: 0,
    errorMessage: null,
    numPartitions: assignments?.length ?? partitions ?? numPartitions,
    replicationFactor: assignments?.[0].length ?? replicationFactor ?? -1,
    configs: effective(context, new Map(Object.entries(configs ?? {}))),
    topicConfigErrorCode: 0,
  }
}

function refused(name: string, { errorCode, message }: Problem): CreatableTopicResult {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode,
    errorMessage: message,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
    topicConfigErrorCode: 0,
  }
}
