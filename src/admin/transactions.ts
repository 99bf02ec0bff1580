// Producers and transactions: describe and list them, abort hanging ones, fence producers (KIP-664).

import { errorCodes } from '../protocol/error-codes.ts'
import { describeProducers as producersApi } from '../protocol/messages/describe-producers.ts'
import { describeTransactions as describeApi } from '../protocol/messages/describe-transactions.ts'
import { initProducerId } from '../protocol/messages/init-producer-id.ts'
import { listTransactions as listApi } from '../protocol/messages/list-transactions.ts'
import { writeTxnMarkers } from '../protocol/messages/write-txn-markers.ts'
import { groupByTopic } from '../topic-partition.ts'
import type { TopicPartition, WaitOptions } from '../types.ts'
import {
  checkInt,
  checkList,
  checkNames,
  checkObject,
  checkOffset,
  checkOptions,
  checkPartitions,
} from './checks.ts'
import type { AdminEngine } from './engine.ts'
import { itemError, tooOld } from './item-errors.ts'
import { partitionName } from './names.ts'
import {
  askEveryBroker,
  inOrderOf,
  leaderRetries,
  oneByOne,
  toCoordinators,
  toLeaders,
  toNodes,
} from './routing.ts'

/** A producer that wrote to a partition lately. */
export interface ProducerState {
  producerId: bigint
  producerEpoch: number
  /** -1: none. */
  lastSequence: number
  /** Ms since 1970, or -1. */
  lastTimestamp: number
  coordinatorEpoch: number
  /** Where its open transaction begins in this partition; null: none is open. */
  currentTxnStartOffset: bigint | null
}

/** The active producers of a partition. */
export interface PartitionProducers extends TopicPartition {
  producers: ProducerState[]
}

export interface DescribeProducersOptions extends WaitOptions {
  /** Asks this broker's replica. @defaultValue the leader of each partition */
  brokerId?: number
}

export type TransactionState =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort'
  | 'Dead'
  | 'PrepareEpochFence'
  | 'Unknown'

/** A transactional id that its coordinator knows. */
export interface TransactionListing {
  transactionalId: string
  producerId: bigint
  state: TransactionState
}

export interface ListTransactionsOptions extends WaitOptions {
  /** @defaultValue all */
  states?: Iterable<TransactionState>
  /** @defaultValue all */
  producerIds?: Iterable<bigint>
  /** Only transactions that have been open for longer than this (ms; brokers from 3.8 on). */
  durationMs?: number
  /** An RE2/J pattern of transactional ids (brokers from 4.1 on). */
  transactionalIdPattern?: string
}

/** A transaction as its coordinator knows it. */
export interface TransactionDescription {
  transactionalId: string
  /** The broker id of the coordinator. */
  coordinator: number
  state: TransactionState
  producerId: bigint
  producerEpoch: number
  transactionTimeoutMs: number
  /** Ms since 1970; null: no transaction is open. */
  transactionStartTimeMs: number | null
  partitions: TopicPartition[]
}

/** A transaction to be aborted in one partition, as `describeProducers` shows it. */
export interface AbortTransactionSpec extends TopicPartition {
  producerId: bigint
  producerEpoch: number
  coordinatorEpoch: number
}

/** A producer that was fenced, and the epoch that did it. */
export interface FencedProducer {
  transactionalId: string
  producerId: bigint
  producerEpoch: number
}

export async function describeProducers(
  engine: AdminEngine,
  partitions: Iterable<TopicPartition>,
  options: DescribeProducersOptions = {},
): Promise<PartitionProducers[]> {
  const name = 'describeProducers()'
  checkOptions(name, options)
  const wanted = checkPartitions(name, 'partitions', partitions)
  const { brokerId } = options
  if (brokerId !== undefined) checkInt(name, 'brokerId', brokerId)
  const call = engine.begin(name, options, ['brokerId'])
  return call.each(wanted, {
    nameOf: partitionName,
    route: brokerId === undefined ? toLeaders((item) => item) : toNodes(() => brokerId),
    retries: brokerId === undefined ? leaderRetries : [],
    send: async ({ target, items }) => {
      const topics = [...groupByTopic(items)].map(([name, ofTopic]) => ({
        name,
        partitionIndexes: ofTopic.map(({ partition }) => partition),
      }))
      const response = await call.send(producersApi, () => ({ topics }), target)
      const entries = response.topics.flatMap(({ name, partitions }) =>
        partitions.map((entry) => ({ ...entry, topic: name, partition: entry.partitionIndex })),
      )
      return inOrderOf(items, partitionName, entries, partitionName, (entry) => ({
        errorCode: entry.errorCode,
        errorMessage: entry.errorMessage,
        value: {
          topic: entry.topic,
          partition: entry.partition,
          producers: entry.activeProducers.map((producer) => ({
            producerId: producer.producerId,
            producerEpoch: producer.producerEpoch,
            lastSequence: producer.lastSequence,
            lastTimestamp: Number(producer.lastTimestamp),
            coordinatorEpoch: producer.coordinatorEpoch,
            currentTxnStartOffset:
              producer.currentTxnStartOffset < 0n ? null : producer.currentTxnStartOffset,
          })),
        },
      }))
    },
  })
}

export async function listTransactions(
  engine: AdminEngine,
  options: ListTransactionsOptions = {},
): Promise<TransactionListing[]> {
  const name = 'listTransactions()'
  checkOptions(name, options)
  const stateFilters = checkNames(name, 'states', options.states ?? [])
  const producerIdFilters = checkList(name, 'producerIds', options.producerIds ?? [])
  for (const id of producerIdFilters) checkOffset(name, 'each of producerIds', id)
  const { durationMs = -1, transactionalIdPattern = null } = options
  const call = engine.begin(name, options, [
    'states',
    'producerIds',
    'durationMs',
    'transactionalIdPattern',
  ])
  const listed = await askEveryBroker(call, 'the transactions', async (target) => {
    const response = await call.send(
      listApi,
      (version) => {
        if (durationMs >= 0 && version < 1) {
          throw tooOld(name, 'list transactions by duration', '3.8')
        }
        if (transactionalIdPattern !== null && version < 2) {
          throw tooOld(name, 'list transactions by a pattern', '4.1')
        }
        return {
          stateFilters: [...stateFilters],
          producerIdFilters,
          durationFilter: BigInt(durationMs),
          transactionalIdPattern,
        }
      },
      target,
    )
    const { errorCode, unknownStateFilters, transactionStates } = response
    if (unknownStateFilters.length > 0) {
      throw itemError(errorCodes.INVALID_REQUEST, name, {
        errorMessage: `the broker does not know the states ${unknownStateFilters.join(', ')}`,
      })
    }
    const value = transactionStates.map(({ transactionalId, producerId, transactionState }) => ({
      transactionalId,
      producerId,
      state: transactionState as TransactionState,
    }))
    return { errorCode, value }
  })
  return listed.flat().sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1))
}

export async function describeTransactions(
  engine: AdminEngine,
  transactionalIds: Iterable<string>,
  options: WaitOptions = {},
): Promise<TransactionDescription[]> {
  const name = 'describeTransactions()'
  const ids = checkNames(name, 'transactionalIds', transactionalIds)
  const call = engine.begin(name, options)
  return call.each(ids, {
    nameOf: transactionName,
    route: toCoordinators('transaction', (id) => id),
    send: async ({ target, items }) => {
      const coordinator = typeof target === 'object' && 'nodeId' in target ? target.nodeId : -1
      const body = { transactionalIds: [...items] }
      const { transactionStates } = await call.send(describeApi, () => body, target)
      return inOrderOf(
        items,
        (id) => id,
        transactionStates,
        ({ transactionalId }) => transactionalId,
        (found) => ({
          errorCode: found.errorCode,
          value: {
            transactionalId: found.transactionalId,
            coordinator,
            state: found.transactionState as TransactionState,
            producerId: found.producerId,
            producerEpoch: found.producerEpoch,
            transactionTimeoutMs: found.transactionTimeoutMs,
            transactionStartTimeMs:
              found.transactionStartTimeMs < 0n ? null : Number(found.transactionStartTimeMs),
            partitions: found.topics.flatMap(({ topic, partitions }) =>
              partitions.map((partition) => ({ topic, partition })),
            ),
          },
        }),
      )
    },
  })
}

export async function abortTransaction(
  engine: AdminEngine,
  transaction: AbortTransactionSpec,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'abortTransaction()'
  checkObject(name, 'transaction', transaction)
  const [{ topic, partition }] = checkPartitions(name, 'transaction', [transaction])
  const { producerId, producerEpoch, coordinatorEpoch } = transaction
  checkOffset(name, 'producerId', producerId)
  checkInt(name, 'producerEpoch', producerEpoch)
  checkInt(name, 'coordinatorEpoch', coordinatorEpoch, -1)
  const call = engine.begin(name, options)
  await call.each([transaction], {
    nameOf: (item) => `producer ${producerId} in ${partitionName(item)}`,
    route: toLeaders((item) => item),
    retries: leaderRetries,
    send: async ({ target }) => {
      const marker = {
        producerId,
        producerEpoch,
        transactionResult: false,
        topics: [{ name: topic, partitionIndexes: [partition] }],
        coordinatorEpoch,
        transactionVersion: 0,
      }
      const { markers } = await call.send(writeTxnMarkers, () => ({ markers: [marker] }), target)
      const written = markers[0]?.topics[0]?.partitions[0]
      return [written && { errorCode: written.errorCode, value: undefined }]
    },
  })
}

export async function fenceProducers(
  engine: AdminEngine,
  transactionalIds: Iterable<string>,
  options: WaitOptions = {},
): Promise<FencedProducer[]> {
  const name = 'fenceProducers()'
  const ids = checkNames(name, 'transactionalIds', transactionalIds)
  const call = engine.begin(name, options)
  return call.each(ids, {
    nameOf: transactionName,
    route: oneByOne(toCoordinators('transaction', (id) => id)),
    send: async ({ target, items }) => {
      const [transactionalId] = items
      const body = {
        transactionalId,
        // Coordinators also allow this long for writing the new epoch to their log (KAFKA-16047).
        transactionTimeoutMs: call.cluster.options.requestTimeoutMs,
        producerId: -1n,
        producerEpoch: -1,
        enable2Pc: false,
        keepPreparedTxn: false,
      }
      const response = await call.send(initProducerId, () => body, target)
      const { errorCode, producerId, producerEpoch } = response
      return [{ errorCode, value: { transactionalId, producerId, producerEpoch } }]
    },
  })
}

function transactionName(id: string): string {
  return `transactional id "${id}"`
}
