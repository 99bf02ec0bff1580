// The operations of the admin client on what coordinators keep: groups, their offsets, transactions.

import { readAll } from '../read-argument.ts'
import type { OffsetToCommit, TopicPartition, WaitOptions } from '../types.ts'
import {
  type DescribeGroupsOptions,
  describeGroups,
  type GroupDescription,
} from './describe-groups.ts'
import type { GroupOffsetsQuery } from './group-items.ts'
import { type GroupLag, groupLag } from './group-lag.ts'
import {
  alterConsumerGroupOffsets,
  deleteConsumerGroupOffsets,
  type GroupOffsets,
  type ListGroupOffsetsOptions,
  listConsumerGroupOffsets,
} from './group-offsets.ts'
import {
  deleteGroups,
  type GroupListing,
  type ListGroupsOptions,
  listGroups,
  type RemoveMembersOptions,
  removeMembersFromConsumerGroup,
} from './groups.ts'
import {
  type FindHangingTransactionsOptions,
  findHangingTransactions,
  type HangingTransaction,
} from './hanging-transactions.ts'
import type { ListOffsetsOptions } from './partitions.ts'
import {
  type OffsetReset,
  type ResetOffsetsOptions,
  resetConsumerGroupOffsets,
} from './reset-offsets.ts'
import {
  alterShareGroupOffsets,
  deleteShareGroupOffsets,
  listShareGroupOffsets,
  type ShareGroupOffsets,
  type ShareGroupStart,
} from './share-groups.ts'
import { TopicsAdmin } from './topics-admin.ts'
import {
  type AbortTransactionSpec,
  abortTransaction,
  type DescribeProducersOptions,
  describeProducers,
  describeTransactions,
  type FencedProducer,
  fenceProducers,
  type ListTransactionsOptions,
  listTransactions,
  type PartitionProducers,
  type TransactionDescription,
  type TransactionListing,
} from './transactions.ts'

/** Operations on groups and transactions; each method is documented here and done in the file of its subject. */
export class GroupsAdmin extends TopicsAdmin {
  /**
   * Lists the groups of all brokers, of every type.
   * @throws {AdminError} with each broker's outcome, when one or more could not be asked
   */
  async listGroups(options?: ListGroupsOptions): Promise<GroupListing[]> {
    return listGroups(this.engine, ...readAll('listGroups()', [options]))
  }

  /**
   * Describes groups of every type: classic, consumer, share, streams.
   * @throws {AdminError} with each group's outcome
   */
  async describeGroups(
    groupIds: Iterable<string>,
    options?: DescribeGroupsOptions,
  ): Promise<GroupDescription[]> {
    return describeGroups(this.engine, ...readAll('describeGroups()', [groupIds, options]))
  }

  /**
   * Deletes groups of every type that have no members, and what they have committed.
   * @throws {AdminError} with each group's outcome
   */
  async deleteGroups(groupIds: Iterable<string>, options?: WaitOptions): Promise<void> {
    return deleteGroups(this.engine, ...readAll('deleteGroups()', [groupIds, options]))
  }

  /**
   * Removes members from a classic group, all of them by default (KIP-345).
   * @throws {AdminError} with each member's outcome
   */
  async removeMembersFromConsumerGroup(
    groupId: string,
    options?: RemoveMembersOptions,
  ): Promise<void> {
    return removeMembersFromConsumerGroup(
      this.engine,
      ...readAll('removeMembersFromConsumerGroup()', [groupId, options]),
    )
  }

  /**
   * Lists how far groups are behind, partition by partition, and which member reads each.
   * @throws {AdminError} with each group's outcome
   */
  async groupLag(groupIds: Iterable<string>, options?: ListOffsetsOptions): Promise<GroupLag[]> {
    return groupLag(this.engine, ...readAll('groupLag()', [groupIds, options]))
  }

  /**
   * Lists what groups have committed. Works for streams groups too.
   * @throws {AdminError} with each group's outcome
   */
  async listConsumerGroupOffsets(
    groups: Iterable<string | GroupOffsetsQuery>,
    options?: ListGroupOffsetsOptions,
  ): Promise<GroupOffsets[]> {
    return listConsumerGroupOffsets(
      this.engine,
      ...readAll('listConsumerGroupOffsets()', [groups, options]),
    )
  }

  /**
   * Sets what a group without members has committed.
   * @throws {AdminError} with each partition's outcome
   */
  async alterConsumerGroupOffsets(
    groupId: string,
    offsets: Iterable<OffsetToCommit>,
    options?: WaitOptions,
  ): Promise<void> {
    return alterConsumerGroupOffsets(
      this.engine,
      ...readAll('alterConsumerGroupOffsets()', [groupId, offsets, options]),
    )
  }

  /**
   * Deletes what a group has committed for partitions that no member is subscribed to (KIP-496).
   * @throws {AdminError} with each partition's outcome
   */
  async deleteConsumerGroupOffsets(
    groupId: string,
    partitions: Iterable<TopicPartition>,
    options?: WaitOptions,
  ): Promise<void> {
    return deleteConsumerGroupOffsets(
      this.engine,
      ...readAll('deleteConsumerGroupOffsets()', [groupId, partitions, options]),
    )
  }

  /**
   * Resets what a group without members has committed, and gives what was changed. Share groups too.
   * With `validateOnly` nothing is changed.
   * @example
   * await admin.resetConsumerGroupOffsets('billing', { to: 'earliest', topics: ['orders'] })
   * @throws {BrokerError} NON_EMPTY_GROUP when the group has members, before anything is changed
   */
  async resetConsumerGroupOffsets(
    groupId: string,
    options: ResetOffsetsOptions,
  ): Promise<OffsetReset[]> {
    return resetConsumerGroupOffsets(
      this.engine,
      ...readAll('resetConsumerGroupOffsets()', [groupId, options]),
    )
  }

  /**
   * Lists where share groups begin in each partition, and their lag.
   * @throws {AdminError} with each group's outcome
   */
  async listShareGroupOffsets(
    groups: Iterable<string | GroupOffsetsQuery>,
    options?: WaitOptions,
  ): Promise<ShareGroupOffsets[]> {
    return listShareGroupOffsets(
      this.engine,
      ...readAll('listShareGroupOffsets()', [groups, options]),
    )
  }

  /**
   * Sets where a share group without members begins.
   * @throws {AdminError} with each partition's outcome
   */
  async alterShareGroupOffsets(
    groupId: string,
    offsets: Iterable<ShareGroupStart>,
    options?: WaitOptions,
  ): Promise<void> {
    return alterShareGroupOffsets(
      this.engine,
      ...readAll('alterShareGroupOffsets()', [groupId, offsets, options]),
    )
  }

  /**
   * Deletes a share group's offsets in whole topics.
   * @throws {AdminError} with each topic's outcome
   */
  async deleteShareGroupOffsets(
    groupId: string,
    topics: Iterable<string>,
    options?: WaitOptions,
  ): Promise<void> {
    return deleteShareGroupOffsets(
      this.engine,
      ...readAll('deleteShareGroupOffsets()', [groupId, topics, options]),
    )
  }

  /**
   * Describes the producers that wrote to partitions lately, and their open transactions.
   * @throws {AdminError} with each partition's outcome
   */
  async describeProducers(
    partitions: Iterable<TopicPartition>,
    options?: DescribeProducersOptions,
  ): Promise<PartitionProducers[]> {
    return describeProducers(this.engine, ...readAll('describeProducers()', [partitions, options]))
  }

  /**
   * Lists the transactional ids that the coordinators know.
   * @throws {AdminError} with each broker's outcome
   */
  async listTransactions(options?: ListTransactionsOptions): Promise<TransactionListing[]> {
    return listTransactions(this.engine, ...readAll('listTransactions()', [options]))
  }

  /**
   * Describes transactions by their transactional ids.
   * @throws {AdminError} with each id's outcome
   */
  async describeTransactions(
    transactionalIds: Iterable<string>,
    options?: WaitOptions,
  ): Promise<TransactionDescription[]> {
    return describeTransactions(
      this.engine,
      ...readAll('describeTransactions()', [transactionalIds, options]),
    )
  }

  /**
   * Finds open transactions that no coordinator knows: pass them to `abortTransaction`.
   * @throws {AdminError} with each partition's outcome, when one or more could not be judged
   */
  async findHangingTransactions(
    options?: FindHangingTransactionsOptions,
  ): Promise<HangingTransaction[]> {
    return findHangingTransactions(this.engine, ...readAll('findHangingTransactions()', [options]))
  }

  /**
   * Aborts a hanging transaction in one partition, without its coordinator.
   * @throws {AdminError} when the partition's leader refuses it
   */
  async abortTransaction(transaction: AbortTransactionSpec, options?: WaitOptions): Promise<void> {
    return abortTransaction(this.engine, ...readAll('abortTransaction()', [transaction, options]))
  }

  /**
   * Fences the producers of transactional ids and aborts their open transactions.
   * @throws {AdminError} with each id's outcome
   */
  async fenceProducers(
    transactionalIds: Iterable<string>,
    options?: WaitOptions,
  ): Promise<FencedProducer[]> {
    return fenceProducers(this.engine, ...readAll('fenceProducers()', [transactionalIds, options]))
  }
}
