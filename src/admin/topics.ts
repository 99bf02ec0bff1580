// Topics: create, delete, list, describe.

import { errorCodes } from '../protocol/error-codes.ts'
import {
  type CreatableTopic,
  createTopics as createApi,
} from '../protocol/messages/create-topics.ts'
import { deleteTopics as deleteApi } from '../protocol/messages/delete-topics.ts'
import { type MetadataResponseTopic, metadata } from '../protocol/messages/metadata.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { WaitOptions } from '../types.ts'
import {
  checkAssignments,
  checkInt,
  checkItem,
  checkList,
  checkName,
  checkNames,
  checkObject,
  checkUuids,
  configText,
  wrong,
} from './checks.ts'
import { type ConfigSource, configSources, constantOf, operationsOf } from './constants.ts'
import type { AdminCall, AdminEngine, ItemResponse } from './engine.ts'
import { itemError, tooOld } from './item-errors.ts'
import type { ValidateOptions } from './options.ts'
import { askMetadata, brokerIds, inOrderOf, toAny } from './routing.ts'
import type { TopicDescription } from './topic-description.ts'
import { describePartitions } from './topic-partitions.ts'

/** A topic to be created. */
export interface NewTopic {
  topic: string
  /**
   * How many partitions. Leave it out when you give `assignments`.
   * @defaultValue what the brokers' `num.partitions` says
   */
  numPartitions?: number
  /**
   * How many replicas each partition has. Leave it out when you give `assignments`.
   * @defaultValue what the brokers' `default.replication.factor` says
   */
  replicationFactor?: number
  /** The broker ids of the replicas of each partition, in order; the first is the preferred leader. */
  assignments?: readonly (readonly number[])[]
  /** Topic configs, such as `{ 'retention.ms': 3600000 }`. */
  configs?: Readonly<Record<string, string | number | boolean | bigint>>
}

export interface CreateTopicsOptions extends ValidateOptions {
  /**
   * Resolves when every broker knows the topic and a leader of each partition, not when the controller
   * has written it down.
   * @defaultValue false
   */
  waitUntilReady?: boolean
}

/** A topic as the controller made it. */
export interface CreatedTopic {
  topic: string
  /** The zero UUID with `validateOnly`, and with brokers before 2.8. */
  topicId: string
  /** -1 where the broker does not say, which needs the right to describe the topic's configs. */
  numPartitions: number
  replicationFactor: number
  configs: { name: string; value: string | null; source: ConfigSource }[]
}

/** A topic of a list. */
export interface TopicListing {
  topic: string
  topicId: string
  isInternal: boolean
  numPartitions: number
}

export interface ListTopicsOptions extends WaitOptions {
  /**
   * Whether topics of Kafka's own, such as `__consumer_offsets`, are listed.
   * @defaultValue false
   */
  listInternal?: boolean
}

export interface DescribeTopicsOptions extends WaitOptions {
  /** @defaultValue false */
  includeAuthorizedOperations?: boolean
}

/** Topics by name or by id: `['orders']`, or `{ topicIds: ['...'] }`. */
export type TopicCollection = Iterable<string> | { topicIds: Iterable<string> }

const IDS_IN_DELETE = 6
const IDS_IN_METADATA = 12

export async function createTopics(
  engine: AdminEngine,
  topics: Iterable<NewTopic>,
  options: CreateTopicsOptions = {},
): Promise<CreatedTopic[]> {
  const name = 'createTopics()'
  const wanted = checkList(name, 'topics', topics).map((topic) => ({
    topic,
    body: creatable(name, topic),
  }))
  const call = engine.begin(name, options, ['validateOnly', 'waitUntilReady'])
  const { validateOnly = false, waitUntilReady = false } = options
  if (waitUntilReady) call.needBrokers('know when brokers are ready (waitUntilReady)')
  const results = await call.settle(wanted, {
    nameOf: ({ body }) => `topic "${body.name}"`,
    send: async ({ target, items }) => {
      const body = {
        topics: items.map(({ body }) => body),
        timeoutMs: call.brokerMs,
        validateOnly,
      }
      const response = await call.send(createApi, () => body, target)
      return inOrderOf(
        items,
        ({ body }) => body.name,
        response.topics,
        (result) => result.name,
        ({ errorCode, errorMessage, configs, ...result }) => ({
          errorCode,
          errorMessage,
          value: {
            topic: result.name,
            topicId: result.topicId,
            numPartitions: result.numPartitions,
            replicationFactor: result.replicationFactor,
            configs: (configs ?? []).map(({ name, value, configSource }) => ({
              name,
              value,
              source: constantOf(configSources, configSource, 'UNKNOWN'),
            })),
          },
        }),
      )
    },
  })
  const created = results.flatMap(({ value }) => value?.topic ?? [])
  if (waitUntilReady && !validateOnly && created.length > 0) await untilReady(call, created)
  return call.valuesOf(results)
}

export async function deleteTopics(
  engine: AdminEngine,
  topics: TopicCollection,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'deleteTopics()'
  const byId = isByIds(topics)
  const names = byId
    ? checkUuids(name, 'topicIds', topics.topicIds)
    : checkNames(name, 'topics', topics)
  const call = engine.begin(name, options)
  await call.each(names, {
    nameOf: (topic) => (byId ? `topic id ${topic}` : `topic "${topic}"`),
    send: async ({ target, items }) => {
      const timeoutMs = call.brokerMs
      const response = await call.send(
        deleteApi,
        (version) => {
          if (version >= IDS_IN_DELETE) {
            const topics = items.map((topic) =>
              byId ? { name: null, topicId: topic } : { name: topic, topicId: ZERO_UUID },
            )
            return { topics, topicNames: [], timeoutMs }
          }
          if (byId) throw tooOld(name, 'delete topics by id', '2.8')
          return { topics: [], topicNames: [...items], timeoutMs }
        },
        target,
      )
      return inOrderOf(
        items,
        (topic) => topic,
        response.responses,
        (result) => (byId ? result.topicId : (result.name ?? '')),
        ({ errorCode, errorMessage }) => ({ errorCode, errorMessage, value: undefined }),
      )
    },
  })
}

export async function listTopics(
  engine: AdminEngine,
  options: ListTopicsOptions = {},
): Promise<TopicListing[]> {
  const call = engine.begin('listTopics()', options, ['listInternal'])
  const { topics } = await call.retry('', () => askMetadata(call, null))
  const { listInternal = false } = options
  return topics
    .flatMap(({ name, topicId, isInternal, partitions }) =>
      name === null || (isInternal && !listInternal)
        ? []
        : [{ topic: name, topicId, isInternal, numPartitions: partitions.length }],
    )
    .sort((a, b) => (a.topic < b.topic ? -1 : 1))
}

export async function describeTopics(
  engine: AdminEngine,
  topics: TopicCollection,
  options: DescribeTopicsOptions = {},
): Promise<TopicDescription[]> {
  const name = 'describeTopics()'
  const byId = isByIds(topics)
  const names = byId
    ? checkUuids(name, 'topicIds', topics.topicIds)
    : checkNames(name, 'topics', topics)
  const call = engine.begin(name, options, ['includeAuthorizedOperations'])
  const { includeAuthorizedOperations = false } = options
  return call.each(names, {
    nameOf: (topic) => (byId ? `topic id ${topic}` : `topic "${topic}"`),
    route: toAny,
    send: async ({ target, items }) => {
      const found = byId
        ? null
        : await describePartitions(call, items, target, includeAuthorizedOperations)
      return found ?? describeByMetadata(call, items, byId, includeAuthorizedOperations)
    },
  })
}

/** With brokers before 3.8, and by id: Metadata, which does not know of eligible leader replicas. */
async function describeByMetadata(
  call: AdminCall,
  items: readonly string[],
  byId: boolean,
  includeTopicAuthorizedOperations: boolean,
): Promise<(ItemResponse<TopicDescription> | undefined)[]> {
  const response = await call.send(
    metadata,
    (version) => {
      if (byId && version < IDS_IN_METADATA) throw tooOld(call.name, 'describe topics by id', '3.1')
      return {
        topics: items.map((topic) =>
          byId ? { topicId: topic, name: null } : { topicId: ZERO_UUID, name: topic },
        ),
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: includeTopicAuthorizedOperations && version >= 8,
      }
    },
    'any',
  )
  return inOrderOf(
    items,
    (topic) => topic,
    response.topics,
    (topic) => (byId ? topic.topicId : (topic.name ?? '')),
    (topic) => ({ errorCode: topic.errorCode, value: describedTopic(topic) }),
  )
}

function describedTopic(topic: MetadataResponseTopic): TopicDescription {
  return {
    topic: topic.name ?? '',
    topicId: topic.topicId,
    isInternal: topic.isInternal,
    partitions: topic.partitions
      .map((partition) => ({
        partition: partition.partitionIndex,
        leader: partition.leaderId,
        leaderEpoch: partition.leaderEpoch,
        replicas: partition.replicaNodes,
        isr: partition.isrNodes,
        offlineReplicas: partition.offlineReplicas,
        eligibleLeaderReplicas: null,
        lastKnownElr: null,
      }))
      .sort((a, b) => a.partition - b.partition),
    authorizedOperations: operationsOf(topic.topicAuthorizedOperations),
  }
}

/** Waits until every broker knows all the topics and a leader of each of their partitions. */
async function untilReady(call: AdminCall, names: readonly string[]): Promise<void> {
  const nodes = await brokerIds(call)
  await Promise.all(
    nodes.map((node) =>
      call.retry('', async () => {
        const { topics } = await call.send(
          metadata,
          () => ({
            topics: names.map((name) => ({ topicId: ZERO_UUID, name })),
            allowAutoTopicCreation: false,
            includeClusterAuthorizedOperations: false,
            includeTopicAuthorizedOperations: false,
          }),
          { nodeId: node },
        )
        const ready = new Set(topics.filter(isReady).map(({ name }) => name))
        const missing = names.find((name) => !ready.has(name))
        if (missing === undefined) return
        throw itemError(
          errorCodes.LEADER_NOT_AVAILABLE,
          `createTopics() of topic "${missing}", waiting for broker ${node},`,
        )
      }),
    ),
  )
}

function isReady({ errorCode, partitions }: MetadataResponseTopic): boolean {
  return (
    errorCode === 0 && partitions.length > 0 && partitions.every(({ leaderId }) => leaderId >= 0)
  )
}

function creatable(call: string, topic: NewTopic): CreatableTopic {
  const keys = ['topic', 'numPartitions', 'replicationFactor', 'assignments', 'configs']
  checkItem(call, 'each of topics', topic, keys)
  checkName(call, 'topic of each of topics', topic.topic)
  const { numPartitions, replicationFactor, assignments, configs = {} } = topic
  const at = `of topic "${topic.topic}"`
  if (numPartitions !== undefined) checkInt(call, `numPartitions ${at}`, numPartitions, 1)
  if (replicationFactor !== undefined) {
    checkInt(call, `replicationFactor ${at}`, replicationFactor, 1)
  }
  if (assignments !== undefined && (numPartitions ?? replicationFactor) !== undefined) {
    const expected = 'given without numPartitions and replicationFactor'
    throw wrong(call, `assignments ${at}`, expected, assignments)
  }
  checkObject(call, `configs ${at}`, configs)
  return {
    name: topic.topic,
    numPartitions: numPartitions ?? -1,
    replicationFactor: replicationFactor ?? -1,
    assignments: checkAssignments(call, `assignments ${at}`, assignments ?? []).map(
      (brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }),
    ),
    configs: Object.entries(configs).map(([name, value]) => ({
      name,
      value: configText(call, `config "${name}" ${at}`, value),
    })),
  }
}

function isByIds(topics: TopicCollection): topics is { topicIds: Iterable<string> } {
  return typeof topics === 'object' && topics !== null && 'topicIds' in topics
}
