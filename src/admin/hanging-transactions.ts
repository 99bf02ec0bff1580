// Transactions that are open in a partition although no coordinator knows of them any more: they hold up
// every `read_committed` consumer until they are aborted.

import { wallMs } from '../async/clock.ts'
import { type ItemResult, KafkaError } from '../errors.ts'
import type { TopicPartition, WaitOptions } from '../types.ts'
import { checkInt, checkOptions, checkPartitions } from './checks.ts'
import { type AdminCall, type AdminEngine, settled } from './engine.ts'
import { partitionName } from './names.ts'
import { describeTopics, listTopics } from './topics.ts'
import {
  type AbortTransactionSpec,
  describeProducers,
  describeTransactions,
  listTransactions,
  type PartitionProducers,
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
  const described = await settled(describeTopics(engine, topics, call.rest))
  const results: ItemResult<HangingTransaction[]>[] = []
  for (const [i, { error }] of described.entries()) {
    if (error !== null) results.push({ item: `topic "${topics[i]}"`, value: null, error })
  }
  const wanted = given && new Set(given.map(partitionName))
  const places = described
    .flatMap(({ value }) => value ?? [])
    .flatMap(({ topic, partitions }) =>
      partitions
        .filter(({ replicas }) => brokerId === undefined || replicas.includes(brokerId))
        .map(({ partition }) => ({ topic, partition }))
        .filter((place) => wanted === undefined || wanted.has(partitionName(place))),
    )
  const until = wallMs() - maxTransactionTimeoutMs - END_MARGIN_MS
  const where = brokerId === undefined ? call.rest : Object.assign(call.rest, { brokerId })
  const ofPlaces = await settled(describeProducers(engine, places, where))
  const openOf = ofPlaces.map(({ value }) => (value === null ? [] : openSince(until, value)))
  const open = openOf.flat()
  const known =
    open.length === 0 ? new Map<bigint, Coordinated>() : await coordinated(engine, call, open)
  for (const [i, { error }] of ofPlaces.entries()) {
    results.push(outcome(partitionName(places[i]), error, openOf[i], known))
  }
  return call.valuesOf(results).flat()
}

/** A producer as its coordinator knows it; why it could not be described. */
type Coordinated = { transactionalId: string; partitions: Set<string> } | KafkaError

/** Those of the open transactions that no coordinator has, if that is known of each. */
function outcome(
  item: string,
  failure: KafkaError | null,
  open: readonly HangingTransaction[],
  known: ReadonlyMap<bigint, Coordinated>,
): ItemResult<HangingTransaction[]> {
  if (failure !== null) return { item, value: null, error: failure }
  const value: HangingTransaction[] = []
  for (const transaction of open) {
    const producer = known.get(transaction.producerId)
    if (producer instanceof KafkaError) return { item, value: null, error: producer }
    if (producer?.partitions.has(partitionName(transaction))) continue
    value.push({ ...transaction, transactionalId: producer?.transactionalId ?? null })
  }
  return { item, value, error: null }
}

/** The transactions of a partition that are open and were last written to before `until`. */
function openSince(
  until: number,
  { topic, partition, producers }: PartitionProducers,
): HangingTransaction[] {
  const open: HangingTransaction[] = []
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
  return open
}

/** What coordinators have of the producers, by producer id. One that they do not know is left out. */
async function coordinated(
  engine: AdminEngine,
  call: AdminCall,
  open: readonly HangingTransaction[],
): Promise<Map<bigint, Coordinated>> {
  const producerIds = new Set(open.map(({ producerId }) => producerId))
  const listed = await listTransactions(engine, Object.assign(call.rest, { producerIds }))
  const ids = listed.map(({ transactionalId }) => transactionalId)
  const known = new Map<bigint, Coordinated>()
  const described = await settled(describeTransactions(engine, ids, call.rest))
  for (const [i, { value, error }] of described.entries()) {
    if (error === null) {
      const { producerId, transactionalId, partitions } = value
      known.set(producerId, { transactionalId, partitions: new Set(partitions.map(partitionName)) })
    } else if (Reflect.get(error, 'codeName') !== 'TRANSACTIONAL_ID_NOT_FOUND') {
      // It may be in order: to abort it would be wrong.
      known.set(listed[i].producerId, error)
    }
  }
  return known
}
