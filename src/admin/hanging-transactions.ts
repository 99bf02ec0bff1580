// Transactions that are open in a partition although no coordinator knows of them any more: they hold up
// every `read_committed` consumer until they are aborted.

import { wallMs } from '../async/clock.ts'
import type { TopicPartition, WaitOptions } from '../types.ts'
import { checkInt, checkOptions, checkPartitions } from './checks.ts'
import { type AdminEngine, settled } from './engine.ts'
import { partitionName } from './names.ts'
import { describeTopics, listTopics } from './topics.ts'
import {
  type AbortTransactionSpec,
  describeProducers,
  describeTransactions,
  listTransactions,
} from './transactions.ts'

export interface FindHangingTransactionsOptions extends WaitOptions {
  /** @defaultValue all partitions of all topics */
  partitions?: Iterable<TopicPartition>
  /** Only partitions that have a replica on this broker. */
  brokerId?: number
  /**
   * The brokers' `transaction.max.timeout.ms`: younger transactions cannot hang.
   * @defaultValue 900000
   */
  maxTransactionTimeoutMs?: number
}

/** An open transaction that its coordinator does not know; pass it to `abortTransaction`. */
export interface HangingTransaction extends AbortTransactionSpec {
  /** Null: no coordinator knows the producer. */
  transactionalId: string | null
  startOffset: bigint
  /** Ms since 1970, or -1. */
  lastTimestamp: number
}

/** How long a coordinator may take to end a transaction that has timed out. */
const END_MARGIN_MS = 300_000

export async function findHangingTransactions(
  engine: AdminEngine,
  options: FindHangingTransactionsOptions = {},
): Promise<HangingTransaction[]> {
  const name = 'findHangingTransactions()'
  checkOptions(name, options)
  const { brokerId, maxTransactionTimeoutMs = 900_000 } = options
  checkInt(name, 'maxTransactionTimeoutMs', maxTransactionTimeoutMs)
  if (brokerId !== undefined) checkInt(name, 'brokerId', brokerId)
  const given =
    options.partitions === undefined
      ? undefined
      : checkPartitions(name, 'partitions', options.partitions)
  const call = engine.begin(name, options, ['partitions', 'brokerId', 'maxTransactionTimeoutMs'])
  const topics = given
    ? [...new Set(given.map(({ topic }) => topic))]
    : (await listTopics(engine, call.rest)).map(({ topic }) => topic)
  const described = await describeTopics(engine, topics, call.rest)
  const wanted = given && new Set(given.map(partitionName))
  const places = described.flatMap(({ topic, partitions }) =>
    partitions
      .filter(({ replicas }) => brokerId === undefined || replicas.includes(brokerId))
      .map(({ partition }) => ({ topic, partition }))
      .filter((place) => wanted === undefined || wanted.has(partitionName(place))),
  )
  const until = wallMs() - maxTransactionTimeoutMs - END_MARGIN_MS
  const where = brokerId === undefined ? call.rest : Object.assign(call.rest, { brokerId })
  const open: HangingTransaction[] = []
  for (const { topic, partition, producers } of await describeProducers(engine, places, where)) {
    for (const producer of producers) {
      const { currentTxnStartOffset: startOffset, lastTimestamp } = producer
      if (startOffset === null || lastTimestamp > until) continue
      const { producerId, producerEpoch, coordinatorEpoch } = producer
      open.push({
        topic,
        partition,
        producerId,
        producerEpoch,
        coordinatorEpoch,
        transactionalId: null,
        startOffset,
        lastTimestamp,
      })
    }
  }
  if (open.length === 0) return []
  const producerIds = new Set(open.map(({ producerId }) => producerId))
  const listed = await listTransactions(engine, Object.assign(call.rest, { producerIds }))
  const ids = listed.map(({ transactionalId }) => transactionalId)
  const known = new Map<bigint, { transactionalId: string; partitions: Set<string> }>()
  for (const { value } of await settled(describeTransactions(engine, ids, call.rest))) {
    if (value === null) continue
    const { producerId, transactionalId, partitions } = value
    known.set(producerId, { transactionalId, partitions: new Set(partitions.map(partitionName)) })
  }
  return open.flatMap((transaction) => {
    const coordinated = known.get(transaction.producerId)
    if (coordinated?.partitions.has(partitionName(transaction))) return []
    return { ...transaction, transactionalId: coordinated?.transactionalId ?? null }
  })
}
