// Records waiting per partition: appended into batches, listed per broker when a batch is ready, drained
// into requests, put back for a retry, expired. No socket, no timer: `now` comes in, and `nextDeadline`
// says when to come again. Nothing here walks over all partitions, so that ten thousand cost as six do.

import { DeadlineHeap } from '../../collections/deadline-heap.ts'
import { removeItem } from '../../collections/remove-item.ts'
import type { CompressionType } from '../../compression/codec.ts'
import { InvalidTransactionStateError } from '../../errors.ts'
import { BatchBuilder } from '../../records/batch-builder.ts'
import type { HeaderInput } from '../../records/headers.ts'
import { recordBatchOverhead } from '../../records/record-batch.ts'
import type { RecordData } from '../../types.ts'
import type { ProducerIdentity } from '../idempotence/producer-identity.ts'
import { findGate } from '../idempotence/send-gates.ts'
import { Batch } from './batch.ts'
import type { BufferMemory } from './buffer-memory.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { FlushTracker } from './flush-tracker.ts'
import { FlushTriggers } from './flush-triggers.ts'
import type { PartitionQueue, ProducerBatch } from './partition-queue.ts'
import { ReadyQueue } from './ready-queue.ts'

export interface AccumulatorOptions {
  readonly batchSize: number
  readonly lingerMs: number
  readonly deliveryTimeoutMs: number
  readonly maxRequestSize: number
  readonly mutesPartitions: boolean
  readonly compressionType: CompressionType
  readonly compressionLevel: number | null
  readonly flush: { readonly records: number; readonly bytes: number; readonly intervalMs: number }
}

/** What the accumulator shares with the rest of the producer. */
export interface AccumulatorContext {
  readonly memory: BufferMemory
  readonly buffers: BufferPool
  readonly flushes: FlushTracker
  readonly producer: ProducerIdentity
  readonly now: () => number
  /** Something is ready, or will be earlier than `nextDeadline` last said. */
  readonly wake: () => void
  /** Throws when no batch may be opened: the code of a user that a call runs may have ended the transaction. */
  readonly checkOpen: (() => void) | null
  /** A partition has a first batch to send, or one more: it has to be in the transaction. */
  readonly onOpened: ((partition: PartitionQueue) => void) | null
  /** A batch could not be compressed. */
  readonly onSealFailed: (batch: ProducerBatch, error: unknown) => void
}

const never = Number.POSITIVE_INFINITY

export class Accumulator {
  /** What the last `append` took of its batch, in bytes. */
  appendedBytes = 0
  /** How often a partition was given another leader. */
  leaderChanges = 0
  /** Partitions with batches and without a leader, and since when. */
  readonly leaderless: Map<PartitionQueue, number> = new Map()

  private readonly options: AccumulatorOptions
  private readonly context: AccumulatorContext
  // What every record needs, one load away.
  private readonly memory: BufferMemory
  private readonly batchSize: number
  private readonly lingerMs: number
  private readonly hasThresholds: boolean
  private readonly thresholds: FlushTriggers
  private readonly lanes = new ReadyQueue()
  /** Partitions whose head lingers or backs off. */
  private readonly wakes = new DeadlineHeap<PartitionQueue>()
  /** Partitions with a batch, by its delivery timeout. */
  private readonly expiries = new DeadlineHeap<PartitionQueue>()

  constructor(options: AccumulatorOptions, context: AccumulatorContext) {
    this.options = options
    this.context = context
    this.thresholds = new FlushTriggers(options.flush)
    this.memory = context.memory
    this.batchSize = options.batchSize
    // A batch that lingers without end still waits for its time: a flush looks only at those that do.
    this.lingerMs = Math.min(options.lingerMs, Number.MAX_SAFE_INTEGER)
    this.hasThresholds = this.thresholds.isUsed
  }

  /**
   * Encodes a record into the open batch of its partition. On every record's way: with many partitions
   * each object that is touched here is a miss in the cache.
   */
  append(
    partition: PartitionQueue,
    key: RecordData,
    value: RecordData,
    headers: readonly HeaderInput[],
    timestamp: number,
    upperBound: number,
    now: number,
  ): ProducerBatch {
    let { builder, open: batch } = partition
    if (builder === null || batch === null || !builder.hasRoomFor(upperBound)) {
      batch = this.openBatch(partition, now)
      builder = batch.builder
    }
    let bytes: number
    try {
      bytes = builder.append(key, value, headers, timestamp, upperBound)
    } catch (error) {
      if (!builder.isEncoding) this.dropIfEmpty(partition)
      throw error
    }
    // A getter of a header may have ended the transaction, or closed the producer.
    if (partition.open !== batch && batch.isSettled) throw endedMeanwhile(partition)
    this.appendedBytes = bytes
    this.memory.charge(bytes, 1)
    if (builder.sizeInBytes >= this.batchSize) this.closeOpen(partition, now)
    if (this.hasThresholds && this.thresholds.added(bytes, now)) this.releaseAll(now)
    return batch
  }

  /** The open batch takes no more records: it is full. */
  closeOpen(partition: PartitionQueue, now: number): void {
    if (partition.open === null) return
    partition.close(partition.open)
    this.review(partition, now)
  }

  /** Everything that waits now is sent without lingering. */
  releaseAll(now: number): void {
    this.context.flushes.advance()
    this.thresholds.released(now)
    for (const partition of this.wakes.drain()) {
      partition.wakeAt = 0
      this.review(partition, now)
    }
  }

  /** Something about a partition changed: lists it if its next batch is ready, or looks again later. */
  review(partition: PartitionQueue, now: number): void {
    if (partition.leader < 0 && partition.queue.length > 0) {
      if (!this.leaderless.has(partition)) this.leaderless.set(partition, now)
      this.context.wake()
      return
    }
    if (this.leaderless.size > 0) this.leaderless.delete(partition)
    const time = this.readyAt(partition)
    if (time <= now) {
      this.lanes.list(partition, now)
      this.context.wake()
    } else if (time < never) this.schedule(partition, time)
  }

  /** Another broker leads a partition, or the same under a newer epoch; -1: no broker does. */
  setLeader(partition: PartitionQueue, nodeId: number, leaderEpoch: number, now: number): void {
    if (partition.leader === nodeId && partition.leaderEpoch === leaderEpoch) return
    this.leaderChanges++
    if (partition.leaderChanges > 0 || partition.batchCount > 0) partition.state.isProbing = true
    partition.leader = nodeId
    partition.leaderEpoch = leaderEpoch
    partition.leaderChanges++
    partition.listedAt = -1
    this.review(partition, now)
  }

  /** Looks at the partitions whose time has come. */
  advance(now: number): void {
    if (this.thresholds.dueAt <= now) this.releaseAll(now)
    for (let due = this.wakes.popDue(now); due !== undefined; due = this.wakes.popDue(now)) {
      due.wakeAt = 0
      this.review(due, now)
    }
  }

  /** Batches beyond their delivery timeout, in flight or not. */
  expired(now: number): ProducerBatch[] {
    const expired: ProducerBatch[] = []
    const { deliveryTimeoutMs } = this.options
    const expiryOf = (batch: ProducerBatch): number => batch.createdAt + deliveryTimeoutMs
    for (let due = this.expiries.popDue(now); due !== undefined; due = this.expiries.popDue(now)) {
      due.isWatched = false
      let next = never
      for (const batch of due.underWay) {
        if (batch.isSettled) continue
        const time = expiryOf(batch)
        if (time <= now) expired.push(batch)
        else next = Math.min(next, time)
      }
      for (const batch of due.queue) {
        if (batch.isSettled) continue
        const time = expiryOf(batch)
        if (time > now) {
          // In append order: the others are not older.
          next = Math.min(next, time)
          break
        }
        expired.push(batch)
      }
      if (next < never) this.watch(due, next)
    }
    return expired
  }

  /** Whether a batch may wait for its time to come. */
  get isLingering(): boolean {
    return this.wakes.length > 0
  }

  /** When `advance` or `expired` has something to do. */
  get nextDeadline(): number {
    return Math.min(this.wakes.nextTime, this.expiries.nextTime, this.thresholds.dueAt)
  }

  /** Brokers for which something is ready. */
  readyNodes(): Iterable<number> {
    return this.lanes.nodes()
  }

  /** Since when a broker has taken nothing although something was ready; 0: nothing is. */
  waitingSince(nodeId: number): number {
    return this.lanes.waitingSince(nodeId)
  }

  /** Whether a broker has taken nothing for `forMs` although something was ready. */
  isStuck(nodeId: number, forMs: number, now: number): boolean {
    const since = this.waitingSince(nodeId)
    return since > 0 && now - since > forMs
  }

  /**
   * The next request's worth of batches for a broker: at most one of each partition, `maxRequestSize`
   * bytes in total (one that is larger goes alone). They are numbered and in flight from here on.
   */
  drain(nodeId: number, now: number): ProducerBatch[] {
    const { lanes } = this
    const lane = lanes.get(nodeId)
    if (lane === undefined) return []
    const batches: ProducerBatch[] = []
    let size = 0
    for (let left = lane.ready.length; left > 0; left--) {
      const partition = lanes.next(lane)
      if (partition === null) continue
      const batch = partition.candidate
      if (batch === null || this.readyAt(partition) > now) {
        this.review(partition, now)
        continue
      }
      // Only the producer id can be missing here: what else holds it back was seen by readyAt.
      if (findGate(partition, batch, nodeId, this.context.producer) !== null) {
        lanes.keep(lane, partition, false)
        continue
      }
      if (!this.seal(partition, batch)) continue
      const bytes = batch.builder.compressedSizeInBytes
      if (batches.length > 0 && size + bytes > this.options.maxRequestSize) {
        lanes.keep(lane, partition, true)
        break
      }
      size += bytes
      this.send(partition, batch, nodeId)
      batches.push(batch)
      this.review(partition, now)
    }
    lanes.served(lane, batches.length > 0, now)
    return batches
  }

  /** The request with this batch has ended, whatever the response. */
  requestEnded(batch: ProducerBatch): void {
    removeItem(batch.partition.underWay, batch)
  }

  /** A batch is acknowledged: its bytes can be written over, unless a socket may still hold them. */
  recycle(batch: ProducerBatch): void {
    if (batch.isReleased) batch.builder.release(this.giveBack)
  }

  /** A batch that was never sent has failed: it waits no longer. */
  discarded(batch: ProducerBatch): void {
    batch.partition.take(batch)
    if (batch.attemptedLeader < 0) this.leftBehind(batch)
  }

  /** Puts a batch back to be sent again, at its place. */
  requeue(batch: ProducerBatch, now: number): void {
    batch.partition.insert(batch)
    this.watch(batch.partition, batch.createdAt + this.options.deliveryTimeoutMs)
    this.review(batch.partition, now)
  }

  /** Makes batches of a partition that is split: `builders` hold the parent's records in order. */
  makeChildren(parent: ProducerBatch, builders: readonly BatchBuilder[]): ProducerBatch[] {
    const { length } = builders
    const orderWidth = parent.orderWidth / length
    const children = builders.map((builder, i) => {
      // What is charged stays the same to the byte: the budget must come out even.
      const rest = i === 0 ? parent.chargedBytes % length : 0
      const share = Math.floor(parent.chargedBytes / length) + rest
      return parent.makeChild(builder, { order: parent.order + i * orderWidth, orderWidth, share })
    })
    this.context.flushes.enterAt(parent.generation, children.length)
    return children
  }

  /** When the next batch of a partition may be sent: `never` while a response or metadata must come first. */
  private readyAt(partition: PartitionQueue): number {
    const batch = partition.candidate
    if (batch === null || partition.isSealing || partition.leader < 0) return never
    if (this.options.mutesPartitions && partition.inFlight > 0) return never
    const gate = findGate(partition, batch, partition.leader, this.context.producer)
    // Waiting for a producer id, it stays listed: that response is not about this partition.
    if (gate !== null && gate !== 'noProducerId') return never
    if (batch.retryAt > 0) {
      return batch.attemptedLeader === partition.leaderChanges ? batch.retryAt : 0
    }
    if (batch.isClosed || batch.generation < this.context.flushes.current) return 0
    return batch.createdAt + this.lingerMs
  }

  private schedule(partition: PartitionQueue, time: number): void {
    if (partition.wakeAt !== 0 && partition.wakeAt <= time) return
    partition.wakeAt = time
    const isEarliest = time < this.wakes.nextTime
    this.wakes.push(time, partition)
    if (isEarliest) this.context.wake()
  }

  private watch(partition: PartitionQueue, time: number): void {
    if (partition.isWatched) return
    partition.isWatched = true
    this.expiries.push(time, partition)
  }

  private openBatch(partition: PartitionQueue, now: number): ProducerBatch {
    this.context.checkOpen?.()
    if (partition.open !== null) partition.close(partition.open)
    const { batchSize, deliveryTimeoutMs } = this.options
    const batch = new Batch(
      partition,
      new BatchBuilder(batchSize, partition.capacityHint || undefined, this.allocate),
      {
        createdAt: now,
        generation: this.context.flushes.enter(),
        order: partition.nextOrder(),
        orderWidth: 1,
      },
    )
    this.context.memory.charge(recordBatchOverhead, 0)
    partition.topic.lastUsedAt = now
    partition.queue.push(batch)
    partition.unreported?.push(batch)
    partition.openWith(batch)
    this.watch(partition, now + deliveryTimeoutMs)
    this.context.onOpened?.(partition)
    this.review(partition, now)
    return batch
  }

  private readonly allocate = (bytes: number): Buffer => this.context.buffers.take(bytes)

  private readonly giveBack = (buffer: Buffer): void => this.context.buffers.giveBack(buffer)

  /** A record could not be encoded: out of memory, say. A batch without any must not reach a broker. */
  private dropIfEmpty(partition: PartitionQueue): void {
    const batch = partition.open
    if (batch === null || batch.count > 0) return
    partition.take(batch)
    partition.unreported?.remove(batch)
    this.memory.release(batch.chargedBytes, 0)
    this.context.flushes.leave(batch.generation)
  }

  /** A batch no longer waits for its first attempt. */
  private leftBehind(batch: ProducerBatch): void {
    this.thresholds.left(batch.count, batch.chargedBytes - recordBatchOverhead)
  }

  /** Closes and compresses a batch. False: that continues off the main thread, or has failed. */
  private seal(partition: PartitionQueue, batch: ProducerBatch): boolean {
    const { compressionType, compressionLevel } = this.options
    partition.close(batch)
    try {
      const pending = batch.builder.seal(compressionType, compressionLevel ?? undefined)
      if (pending === undefined) return true
      partition.isSealing = true
      pending.then(
        () => this.sealed(partition),
        (error: unknown) => {
          partition.isSealing = false
          this.context.onSealFailed(batch, error)
        },
      )
    } catch (error) {
      this.context.onSealFailed(batch, error)
    }
    return false
  }

  private sealed(partition: PartitionQueue): void {
    partition.isSealing = false
    this.review(partition, this.context.now())
  }

  private send(partition: PartitionQueue, batch: ProducerBatch, nodeId: number): void {
    const { state } = partition
    partition.take(batch)
    // A batch that is a little larger than the one before it need not grow.
    const { sizeInBytes } = batch.builder
    partition.capacityHint = Math.min(sizeInBytes + (sizeInBytes >> 2), this.options.batchSize)
    if (this.context.producer.isIdempotent && batch.stamp === null) {
      state.number(batch, this.context.producer)
    }
    if (batch.attemptedLeader < 0) this.leftBehind(batch)
    batch.sent(partition.leaderChanges, state.isBumping)
    partition.underWay.push(batch)
    partition.busyNode = nodeId
  }
}

function endedMeanwhile(partition: PartitionQueue): InvalidTransactionStateError {
  return new InvalidTransactionStateError(
    `a record for ${partition} was not taken: a getter of its headers has ended what it belonged to`,
  )
}
