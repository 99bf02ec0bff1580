// One loop per partition: what `consumer.partitions()` gives. A stream is given when its partition is
// assigned, and ends when it is taken away.

import type { ConsumerRecord } from '../../records/consumer-record.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { CommitBatch, ConsumerBatch } from './consumer-batch.ts'
import type { Delivery } from './delivery.ts'
import { batchStream, type ConsumerLoop, recordStream } from './iterators.ts'
import type { Loop } from './loop.ts'

/** The records of one partition, for as long as it is assigned. */
export class PartitionStream<K = Buffer | null, V = Buffer | null>
  implements AsyncIterable<ConsumerRecord<K, V>>
{
  readonly topic: string
  readonly partition: number
  private readonly delivery: Delivery<K, V>
  private readonly state: AssignedPartition<K, V>
  private readonly commitBatch: CommitBatch

  constructor(delivery: Delivery<K, V>, state: AssignedPartition<K, V>, commitBatch: CommitBatch) {
    this.topic = state.topic
    this.partition = state.partition
    this.delivery = delivery
    this.state = state
    this.commitBatch = commitBatch
  }

  /** Aborts when the partition is no longer this consumer's. */
  get signal(): AbortSignal {
    return this.state.signal
  }

  [Symbol.asyncIterator](): ConsumerLoop<ConsumerRecord<K, V>> {
    return recordStream(this.delivery, this.state, undefined)
  }

  /** In batches of at most `maxPollRecords`. */
  batches(): ConsumerLoop<ConsumerBatch<K, V>> {
    return batchStream(this.delivery, this.state, undefined, this.commitBatch)
  }
}

type Result<K, V> = IteratorResult<PartitionStream<K, V>, undefined>

/** Gives a stream for each partition, those assigned now and those that come. */
export class PartitionIterators<K, V> implements ConsumerLoop<PartitionStream<K, V>>, Loop {
  readonly heldPartition = null
  readonly isOverAll = false
  private readonly delivery: Delivery<K, V>
  private readonly commitBatch: CommitBatch
  private readonly signal: AbortSignal | undefined
  private readonly given = new WeakSet<AssignedPartition<K, V>>()
  /** Partitions to give, the next one last, and `subscription.changes` when all were looked at. */
  private coming: AssignedPartition<K, V>[] = []
  private seen = -1
  private waiter: {
    resolve: (result: Result<K, V>) => void
    reject: (error: unknown) => void
  } | null = null
  private pending: Promise<Result<K, V>> | null = null
  private isEnded = false

  constructor(delivery: Delivery<K, V>, commitBatch: CommitBatch, signal: AbortSignal | undefined) {
    this.delivery = delivery
    this.commitBatch = commitBatch
    this.signal = signal
    delivery.add(this)
    signal?.addEventListener('abort', this.onAbort, { once: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Result<K, V>> {
    // The caller did not await the previous next(). The calls are served one after the other.
    if (this.waiter !== null && this.pending !== null) {
      return this.pending.then(() => this.next())
    }
    const result = new Promise<Result<K, V>>((resolve, reject) => {
      this.waiter = { resolve, reject }
    })
    this.pending = result
    this.retry()
    if (this.waiter !== null) this.delivery.pull()
    return result
  }

  /** A stream of records is nothing that could be done: its own loop says what is. */
  markDone(): void {}

  return(): Promise<Result<K, V>> {
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.end()
    return Promise.resolve()
  }

  sampleHeldMs(): number {
    return 0
  }

  unwatch(): void {
    this.signal?.removeEventListener('abort', this.onAbort)
  }

  retry(): void {
    const { waiter } = this
    if (waiter === null) return
    try {
      const result = this.find()
      if (result === null) return
      this.waiter = null
      waiter.resolve(result)
    } catch (error) {
      this.waiter = null
      this.end()
      waiter.reject(error)
    }
  }

  private find(): Result<K, V> | null {
    const { delivery } = this
    if (this.isEnded) return { done: true, value: undefined }
    this.signal?.throwIfAborted()
    const error = delivery.takeError()
    if (error !== null) throw error
    if (delivery.isEnded) {
      this.end()
      return { done: true, value: undefined }
    }
    const state = this.nextComing() ?? this.lookForMore()
    if (state === undefined) return null
    this.given.add(state)
    return { done: false, value: new PartitionStream(delivery, state, this.commitBatch) }
  }

  private nextComing(): AssignedPartition<K, V> | undefined {
    for (let state = this.coming.pop(); state !== undefined; state = this.coming.pop()) {
      if (this.isToGive(state)) return state
    }
    return undefined
  }

  private lookForMore(): AssignedPartition<K, V> | undefined {
    const { changes, partitions } = this.delivery.subscription
    if (this.seen === changes) return undefined
    this.seen = changes
    this.coming = [...partitions].filter((state) => this.isToGive(state)).reverse()
    return this.coming.pop()
  }

  private isToGive(state: AssignedPartition<K, V>): boolean {
    const { isAssigned, isAwaitingCallback, isRevoking } = state
    return isAssigned && !isAwaitingCallback && !isRevoking && !this.given.has(state)
  }

  private readonly onAbort = (): void => {
    this.retry()
  }

  private end(): void {
    this.isEnded = true
    this.unwatch()
    this.delivery.remove(this)
    const { waiter } = this
    this.waiter = null
    waiter?.resolve({ done: true, value: undefined })
  }
}
