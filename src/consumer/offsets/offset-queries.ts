// Questions about offsets that a caller waits for: committed ones, and those of the log. Tried again
// until the caller's time is up.

import { backoff, sleep } from '../../async/retry.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient } from '../../cluster/coordinator-client.ts'
import { BrokerError, KafkaError } from '../../errors.ts'
import { isUninformative } from '../../protocol/error-codes.ts'
import type { TopicPartition } from '../../types.ts'
import type { Attempts } from '../limited-call.ts'
import type { PartitionOffset, TimestampedOffset } from '../types.ts'
import { type CommittedOffset, fetchCommitted } from './committed-offsets.ts'
import { type ListOffsetsResult, type ListOffsetsWish, listOffsets } from './list-offsets.ts'
import { type OffsetAction, type OffsetRequest, offsetAction } from './offset-error-table.ts'

/** What the group has committed for these partitions; those without an offset are left out. */
export async function queryCommitted(
  cluster: Cluster,
  coordinator: CoordinatorClient,
  partitions: readonly TopicPartition[],
  attempts: Attempts,
): Promise<CommittedOffset[]> {
  return retried(cluster, attempts, async (timeoutMs) => {
    const { signal } = attempts
    const response = await fetchCommitted(cluster, coordinator, partitions, { timeoutMs, signal })
    if (response.errors.length > 0) {
      const { error } = response.errors[0]
      // The topic may have been created again: its id is what is asked with.
      if (isCode(error, 'offsetFetch', 'refresh')) cluster.requestRefresh(error.message)
      throw error
    }
    const found = new Map(response.committed.map((entry) => [nameOf(entry), entry]))
    return partitions.flatMap((partition) => found.get(nameOf(partition)) ?? [])
  })
}

/** What the leaders say of these partitions and timestamps; all of them or an error. */
async function queryOffsets<W extends ListOffsetsWish>(
  cluster: Cluster,
  wishes: readonly W[],
  isReadCommitted: boolean,
  attempts: Attempts,
): Promise<{ wish: W; offset: bigint; timestamp: bigint; leaderEpoch: number }[]> {
  const { signal } = attempts
  const topics = new Set(wishes.map(({ topic }) => topic))
  // The call itself has the limit.
  const timeoutMs = Number.POSITIVE_INFINITY
  const known = (): Promise<unknown> =>
    Promise.all([...topics].map((topic) => cluster.ensureTopic(topic, { timeoutMs, signal })))
  const found = new Map<string, Found<W>>()
  // A broker refuses a request that names a partition twice.
  let open = [...new Map(wishes.map((wish) => [nameOf(wish), wish])).values()]
  try {
    await known()
    return await retried(cluster, attempts, async (attemptMs) => {
      // Another query may have released one of them meanwhile.
      await known()
      const options = { isReadCommitted, timeoutMs: attemptMs, signal }
      const again: W[] = []
      let failure: KafkaError | null = null
      for (const result of await listOffsets(cluster, open, options)) {
        if (result.error === null) {
          found.set(nameOf(result.wish), result)
          continue
        }
        const isByTime = result.wish.timestamp >= 0n
        if (isByTime && isCode(result.error, 'listOffsets', 'notFound')) continue
        if (!mayPass(result.error)) throw result.error
        failure = result.error
        again.push(result.wish)
      }
      open = again
      if (failure !== null) throw failure
      // Brokers respond in any order: what is returned follows the caller's.
      return wishes.flatMap((wish) => found.get(nameOf(wish)) ?? [])
    })
  } finally {
    cluster.topicsInUse.release(topics)
  }
}

type Found<W extends ListOffsetsWish> = Extract<ListOffsetsResult<W>, { error: null }>

/** Where each log begins (EARLIEST) or ends (LATEST). */
export async function logOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  timestamp: bigint,
  isReadCommitted: boolean,
  attempts: Attempts,
): Promise<PartitionOffset[]> {
  const wishes = partitions.map(({ topic, partition }) => ({ topic, partition, timestamp }))
  const found = await queryOffsets(cluster, wishes, isReadCommitted, attempts)
  return found.map(({ wish: { topic, partition }, offset }) => ({ topic, partition, offset }))
}

/** The first record of each log that is not older; logs without such a record are left out. */
export async function offsetsForTimes(
  cluster: Cluster,
  times: readonly (TopicPartition & { timestamp: number })[],
  isReadCommitted: boolean,
  attempts: Attempts,
): Promise<TimestampedOffset[]> {
  const wishes = times.map(({ topic, partition, timestamp }) => ({
    topic,
    partition,
    timestamp: BigInt(timestamp),
  }))
  const found = await queryOffsets(cluster, wishes, isReadCommitted, attempts)
  return found
    .filter(({ offset }) => offset >= 0n)
    .map(({ wish: { topic, partition }, offset, timestamp, leaderEpoch }) => ({
      topic,
      partition,
      offset,
      timestamp: Number(timestamp),
      leaderEpoch,
    }))
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

function isCode(error: KafkaError, request: OffsetRequest, action: OffsetAction): boolean {
  return error instanceof BrokerError && offsetAction(request, error.errorCode) === action
}

/** A code that says nothing of the cause may pass, as any does that the protocol calls retriable. */
function mayPass(error: KafkaError): boolean {
  if (error.retriable) return true
  return error instanceof BrokerError && isUninformative(error.errorCode)
}

/** Tries again what may succeed, until the call is over. */
async function retried<T>(
  cluster: Cluster,
  attempts: Attempts,
  attempt: (timeoutMs: number) => Promise<T>,
): Promise<T> {
  const { retryBackoffMs, retryBackoffMaxMs, requestTimeoutMs } = cluster.options
  for (let failures = 0; ; failures++) {
    try {
      return await attempt(requestTimeoutMs)
    } catch (error) {
      if (!(error instanceof KafkaError) || !mayPass(error)) throw error
      attempts.failed(error)
      await sleep(backoff(failures, retryBackoffMs, retryBackoffMaxMs), attempts.signal)
    }
  }
}
