// The operations of the admin client on topics: partitions, offsets, records, and configs of everything.

import { readAll } from '../read-argument.ts'
import type { WaitOptions } from '../types.ts'
import {
  type ConfigAlteration,
  type ConfigDescription,
  type ConfigQuery,
  type ConfigResource,
  type DescribeConfigsOptions,
  describeConfigs,
  incrementalAlterConfigs,
  type ListConfigResourcesOptions,
  listConfigResources,
} from './configs.ts'
import type { ElectionType } from './constants.ts'
import type { AdminEngine } from './engine.ts'
import type { ValidateOptions } from './options.ts'
import {
  createPartitions,
  type DeletedRecords,
  deleteRecords,
  type ElectionResult,
  type ElectLeadersOptions,
  electLeaders,
  type ListedOffset,
  type ListOffsetsOptions,
  listOffsets,
  type NewPartitions,
  type OffsetQuery,
  type RecordsToDelete,
} from './partitions.ts'
import type { TopicDescription } from './topic-description.ts'
import {
  type CreatedTopic,
  type CreateTopicsOptions,
  createTopics,
  type DescribeTopicsOptions,
  deleteTopics,
  describeTopics,
  type ListTopicsOptions,
  listTopics,
  type NewTopic,
  type TopicCollection,
  type TopicListing,
} from './topics.ts'

/** Operations on topics; each method is documented here and done in the file of its subject. */
export class TopicsAdmin {
  protected readonly engine: AdminEngine

  constructor(engine: AdminEngine) {
    this.engine = engine
  }

  /**
   * Creates topics.
   * @example
   * await admin.createTopics([{ topic: 'orders', numPartitions: 6 }], { waitUntilReady: true })
   * @throws {AdminError} with each topic's outcome, when one or more could not be created
   */
  async createTopics(
    topics: Iterable<NewTopic>,
    options?: CreateTopicsOptions,
  ): Promise<CreatedTopic[]> {
    return createTopics(this.engine, ...readAll('createTopics()', [topics, options]))
  }

  /**
   * Deletes topics, by name or by id (KIP-516): `['orders']` or `{ topicIds: [...] }`.
   * @throws {AdminError} with each topic's outcome
   */
  async deleteTopics(topics: TopicCollection, options?: WaitOptions): Promise<void> {
    return deleteTopics(this.engine, ...readAll('deleteTopics()', [topics, options]))
  }

  /**
   * Lists the topics that this principal may describe, in order of their names.
   */
  async listTopics(options?: ListTopicsOptions): Promise<TopicListing[]> {
    return listTopics(this.engine, ...readAll('listTopics()', [options]))
  }

  /**
   * Describes topics with their partitions, leaders and replicas, by name or by id.
   * @throws {AdminError} with each topic's outcome
   */
  async describeTopics(
    topics: TopicCollection,
    options?: DescribeTopicsOptions,
  ): Promise<TopicDescription[]> {
    return describeTopics(this.engine, ...readAll('describeTopics()', [topics, options]))
  }

  /**
   * Adds partitions to topics. Records with a key then go to other partitions than before.
   * @throws {AdminError} with each topic's outcome
   */
  async createPartitions(
    topics: Iterable<NewPartitions>,
    options?: ValidateOptions,
  ): Promise<void> {
    return createPartitions(this.engine, ...readAll('createPartitions()', [topics, options]))
  }

  /**
   * Elects the preferred leaders, or unclean ones, of some partitions or of all (KIP-460).
   * @throws {AdminError} with each partition's outcome
   */
  async electLeaders(
    electionType: ElectionType,
    options?: ElectLeadersOptions,
  ): Promise<ElectionResult[]> {
    return electLeaders(this.engine, ...readAll('electLeaders()', [electionType, options]))
  }

  /**
   * Deletes the records of partitions before an offset (KIP-107).
   * @throws {AdminError} with each partition's outcome
   */
  async deleteRecords(
    records: Iterable<RecordsToDelete>,
    options?: WaitOptions,
  ): Promise<DeletedRecords[]> {
    return deleteRecords(this.engine, ...readAll('deleteRecords()', [records, options]))
  }

  /**
   * Lists offsets of partitions: first, last, by timestamp.
   * @example
   * await admin.listOffsets([{ topic: 'orders', partition: 0, offset: 'latest' }])
   * @throws {AdminError} with each partition's outcome
   */
  async listOffsets(
    queries: Iterable<OffsetQuery>,
    options?: ListOffsetsOptions,
  ): Promise<ListedOffset[]> {
    return listOffsets(this.engine, ...readAll('listOffsets()', [queries, options]))
  }

  /**
   * Describes configs with their sources, and with `includeSynonyms` what they override.
   * @throws {AdminError} with each resource's outcome
   */
  async describeConfigs(
    resources: Iterable<ConfigQuery>,
    options?: DescribeConfigsOptions,
  ): Promise<ConfigDescription[]> {
    return describeConfigs(this.engine, ...readAll('describeConfigs()', [resources, options]))
  }

  /**
   * Changes the configs that are named and leaves all others as they are (KIP-339).
   * @throws {AdminError} with each resource's outcome
   */
  async incrementalAlterConfigs(
    alterations: Iterable<ConfigAlteration>,
    options?: ValidateOptions,
  ): Promise<void> {
    return incrementalAlterConfigs(
      this.engine,
      ...readAll('incrementalAlterConfigs()', [alterations, options]),
    )
  }

  /**
   * Lists resources that have configs, such as groups and client metrics subscriptions (KIP-1142).
   */
  async listConfigResources(options?: ListConfigResourcesOptions): Promise<ConfigResource[]> {
    return listConfigResources(this.engine, ...readAll('listConfigResources()', [options]))
  }
}
