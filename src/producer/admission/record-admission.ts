// Accepts records: validates, chooses the partition, appends, or holds what must wait for metadata or
// memory, in order. What is called for every record allocates nothing.

import { sleep } from '../../async/retry.ts'
import type { TickClock } from '../../async/tick-clock.ts'
import { startTimer } from '../../async/timers.ts'
import { stopSwitch } from '../../async/watchers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import {
  BufferExhaustedError,
  describeValue,
  InvalidArgumentError,
  type KafkaError,
  TimeoutError,
  toKafkaError,
} from '../../errors.ts'
import { type HeaderInput, headerList } from '../../records/headers.ts'
import { recordBatchOverhead } from '../../records/record-batch.ts'
import { recordSizeUpperBound } from '../../records/record-encoder.ts'
import type { RecordData } from '../../types.ts'
import type { Accumulator } from '../batching/accumulator.ts'
import type { Destination } from '../batching/batch-callbacks.ts'
import type { BufferMemory } from '../batching/buffer-memory.ts'
import type { FlushTracker } from '../batching/flush-tracker.ts'
import type { ProducerBatch } from '../batching/partition-queue.ts'
import type { HeldRecord, ProducerTopic } from '../batching/topic.ts'
import { WaitingRecord } from '../batching/waiting-record.ts'
import { ANY_PARTITION, type PartitionChooser } from '../partitioning/partitioner.ts'
import type { StickyPartitioner } from '../partitioning/sticky-partitioner.ts'
import type { PlainRecord } from '../record.ts'
import type { Topics } from '../sending/topic-metadata.ts'
import {
  admissionTimeout,
  asOutcome,
  metadataError,
  notSentError,
  tooLargeError,
} from './admission-errors.ts'
import { DeadlineQueue } from './deadline-queue.ts'
import { UnknownPartitions } from './unknown-partitions.ts'

/** Between two questions for a topic whose metadata could not be had. */
const ASK_AGAIN_MS = 100

export interface RecordAdmissionOptions {
  readonly maxRequestSize: number
  readonly maxBlockMs: number
  readonly allowAutoCreateTopics: boolean
}

export interface RecordAdmissionContext {
  readonly cluster: Cluster
  readonly accumulator: Accumulator
  readonly memory: BufferMemory
  readonly flushes: FlushTracker
  readonly topics: Topics
  readonly chooser: PartitionChooser
  readonly sticky: StickyPartitioner
  readonly clock: TickClock
  readonly wake: () => void
  /** Called when a record that was held is refused; null without transactions. */
  readonly onRefused: ((error: KafkaError) => void) | null
}

export class RecordAdmission {
  private readonly options: RecordAdmissionOptions
  private readonly context: RecordAdmissionContext
  // What every record needs, one load away.
  private readonly clock: TickClock
  private readonly memory: BufferMemory
  private readonly accumulator: Accumulator
  private readonly chooser: PartitionChooser
  /** The largest record that can ever be granted memory and be sent. */
  private readonly mostBytes: number
  private lastTopic: ProducerTopic | null = null
  /** Records that wait for memory: none that comes later may pass them. */
  private readonly memoryWaits: DeadlineQueue<HeldRecord>
  private readonly missingPartitions: UnknownPartitions
  private readonly closing = stopSwitch()
  /** Ends the calls of drained() that wait. */
  private readonly drains = new Set<(error: KafkaError | null) => void>()

  constructor(options: RecordAdmissionOptions, context: RecordAdmissionContext) {
    this.options = options
    this.context = context
    this.clock = context.clock
    this.memory = context.memory
    this.accumulator = context.accumulator
    this.chooser = context.chooser
    this.memoryWaits = new DeadlineQueue({
      clock: context.clock,
      isOver: (held: HeldRecord) => held.isDone || !held.waitsForMemory,
      expire: (held) => this.cancel(held, this.memoryTimeout(held)),
    })
    this.missingPartitions = new UnknownPartitions(options, {
      cluster: context.cluster,
      clock: context.clock,
      refuse: (held, error) => this.cancel(held, error),
    })
    this.mostBytes = Math.min(options.maxRequestSize, context.memory.limit) - recordBatchOverhead
  }

  /**
   * Appends a record, if that can be done now. The record is then the last one of the batch returned.
   * @returns null when the topic's metadata or memory must be waited for, or others wait already
   * @throws InvalidArgumentError for a wrong record; BufferExhaustedError when it `mayOverdraw` and even
   * that is used up
   */
  append(record: PlainRecord, mayOverdraw: boolean): ProducerBatch | null {
    const { memory } = this
    const now = this.clock.now()
    const topic = this.topicOf(record, now)
    const { key = null, value, partition } = record
    const headers = headerList(record.headers)
    const bound = recordSizeUpperBound(key, value, headers)
    if (bound > this.mostBytes) throw this.tooLarge(topic, bound)
    const timestamp =
      record.timestamp === undefined ? this.clock.timestamp : checkTimestamp(record.timestamp)
    if (partition !== undefined) checkPartition(partition)
    if (mayOverdraw) this.requireMemory()
    if (!topic.isKnown || topic.held.length > 0 || !this.memoryWaits.isEmpty) return null
    if (partition !== undefined && partition >= topic.metadata.length) return null
    if (!mayOverdraw && !memory.hasRoomFor(bound + recordBatchOverhead)) return null
    return this.place(topic, partition, key, value, headers, timestamp, bound, now)
  }

  /**
   * Holds a record that `append` could not take. It keeps its place among those of its topic.
   * @param since of a record that was held elsewhere before: its deadline and its flush generation
   */
  hold(
    record: PlainRecord,
    isCharged: boolean,
    destination: Destination,
    since: { deadline: number; generation: number } | null = null,
  ): HeldRecord {
    const { memory, clock, flushes, wake } = this.context
    const now = clock.now()
    const topic = this.topicOf(record, now)
    const { key = null, value } = record
    const headers = headerList(record.headers)
    const upperBound = recordSizeUpperBound(key, value, headers)
    if (upperBound > this.mostBytes) throw this.tooLarge(topic, upperBound)
    const deadline = since?.deadline ?? now + this.options.maxBlockMs
    const generation = since?.generation ?? flushes.enter()
    const place = {
      timestamp: clock.timestamp,
      upperBound,
      deadline,
      generation,
      isCharged,
      destination,
    }
    const held = new WaitingRecord(topic, record, headers, place, this.granted)
    if (isCharged) memory.hold(upperBound)
    if (topic.isKnown && topic.held.length === 0) this.admit(held, now)
    else {
      topic.held.push(held)
      void this.awaitTopic(topic)
      wake()
    }
    return held
  }

  /** Resolves when there is room for a record, in turn with the records that wait. */
  drained(): Promise<void> {
    const { memory, wake } = this.context
    const mustQueue = memory.isSpent || memory.hasWaiters
    if (!mustQueue && !memory.isCrowded) return Promise.resolve()
    return new Promise((resolve, reject) => {
      let isCancelled = false
      let leave = (): void => {}
      const end = (error: KafkaError | null): void => {
        isCancelled = true
        leave()
        clearTimeout(timer)
        this.drains.delete(end)
        if (error === null) resolve()
        else reject(error)
      }
      const timer = startTimer(() => end(this.memoryError()), this.options.maxBlockMs)
      this.drains.add(end)
      if (mustQueue) {
        memory.wait({
          bytes: 1,
          get isCancelled() {
            return isCancelled
          },
          grant: () => end(null),
        })
      } else leave = memory.waitWhileCrowded(() => end(null))
      wake()
    })
  }

  /** @throws {BufferExhaustedError} when callers have ignored that the budget is spent */
  requireMemory(): void {
    if (this.memory.isOverdrawn) throw this.memoryError()
  }

  /** A held record waits no longer: its caller's limit is reached, or its time is up. */
  cancel(held: HeldRecord, cause: KafkaError): void {
    if (held.isDone) return
    this.finish(held)
    const error = notSentError({ topic: held.topic.name, partition: held.partition }, cause)
    held.destination.refused(error)
    this.context.onRefused?.(error)
    this.context.memory.grantWaiters()
  }

  /** The topic's partitions are known, or there are more: records held for it continue, in order. */
  topicKnown(topic: ProducerTopic, now: number): void {
    for (const held of topic.beyond.drain()) this.admit(held, now)
    for (const held of topic.held.drain()) this.admit(held, now)
  }

  /** Refuses every held record, and ends every drained() call. */
  close(error: KafkaError): void {
    this.refuseAll(error)
    this.missingPartitions.close()
    this.closing.abort()
    for (const end of this.drains) end(error)
  }

  /** Refuses every held record, as its transaction will not be committed. */
  refuseAll(error: KafkaError): void {
    // First those that memory which is freed here may move to another queue.
    for (const held of this.memoryWaits.drain()) this.cancel(held, error)
    for (const topic of this.context.topics.values()) {
      for (const held of topic.held.drain()) this.cancel(held, error)
      for (const held of topic.beyond.drain()) this.cancel(held, error)
    }
  }

  private topicOf(record: PlainRecord, now: number): ProducerTopic {
    const { topic: name } = record
    if (this.lastTopic !== null && this.lastTopic.name === name) return this.lastTopic
    this.lastTopic = this.context.topics.get(name, now)
    return this.lastTopic
  }

  private tooLarge(topic: ProducerTopic, bound: number): InvalidArgumentError {
    return tooLargeError(topic.name, bound, this.options.maxRequestSize, this.memory.limit)
  }

  private place(
    topic: ProducerTopic,
    partition: number | undefined,
    key: RecordData,
    value: RecordData,
    headers: readonly HeaderInput[],
    timestamp: number,
    upperBound: number,
    now: number,
  ): ProducerBatch {
    const { accumulator } = this
    const chosen = partition ?? this.chooser.choose(topic, key, value, headers)
    const number = chosen === ANY_PARTITION ? this.stickTo(topic, upperBound, now) : chosen
    const target = topic.partitions[number]
    const batch = accumulator.append(target, key, value, headers, timestamp, upperBound, now)
    if (chosen === ANY_PARTITION) topic.sticky.bytes += accumulator.appendedBytes
    return batch
  }

  private stickTo(topic: ProducerTopic, upperBound: number, now: number): number {
    const { sticky, accumulator } = this.context
    if (!sticky.isDone(topic, upperBound)) return topic.sticky.partition
    const left = topic.partitions.at(topic.sticky.partition)
    // A batch that the next record does not fit into is full.
    if (left?.open?.builder.hasRoomFor(upperBound) === false) accumulator.closeOpen(left, now)
    return sticky.next(topic, now)
  }

  /** The topic of a held record is known: appends it, or lets it wait for memory in turn. */
  private admit(held: HeldRecord, now: number): void {
    const { memory, wake } = this.context
    if (held.isDone) return
    if (isBeyond(held)) {
      this.missingPartitions.hold(held)
      return
    }
    if (held.isCharged ? this.memoryWaits.isEmpty : memory.hasRoomFor(held.bytes)) {
      this.placeHeld(held, now)
      return
    }
    held.waitsForMemory = true
    memory.wait(held)
    this.memoryWaits.push(held)
    // Its topic must not be let go of meanwhile.
    held.topic.lastUsedAt = held.deadline
    wake()
  }

  private readonly granted = (held: HeldRecord): void => {
    held.waitsForMemory = false
    // The topic may have been created again with fewer partitions since.
    if (isBeyond(held)) this.missingPartitions.hold(held)
    else this.placeHeld(held, this.clock.now())
    this.memoryWaits.watch()
  }

  private placeHeld(held: HeldRecord, now: number): void {
    if (held.isDone) return
    const { topic, partition, key, value, headers, timestamp, upperBound, destination } = held
    this.uncharge(held)
    held.isDone = true
    try {
      const batch = this.place(topic, partition, key, value, headers, timestamp, upperBound, now)
      this.context.flushes.transfer(held.generation, batch)
      this.context.accumulator.review(batch.partition, now)
      destination.placed(batch, batch.count - 1)
    } catch (thrown) {
      this.context.flushes.leave(held.generation)
      const error = asOutcome({ topic: topic.name, partition }, toKafkaError(thrown))
      destination.refused(error)
      this.context.onRefused?.(error)
    }
  }

  private finish(held: HeldRecord): void {
    this.uncharge(held)
    held.isDone = true
    this.context.flushes.leave(held.generation)
  }

  private uncharge(held: HeldRecord): void {
    if (held.isCharged) this.context.memory.unhold(held.upperBound)
  }

  /** Asks for a topic's metadata until nothing waits for it any more. */
  private async awaitTopic(topic: ProducerTopic): Promise<void> {
    const { cluster, clock, topics } = this.context
    topic.lastUsedAt = clock.now()
    const { allowAutoCreateTopics: allowAutoCreate, maxBlockMs } = this.options
    if (topic.isAwaited) return
    topic.isAwaited = true
    topic.awaitedSince = topic.lastUsedAt
    /** The last error that a broker responded with: it says more than the silence of a last, short attempt. */
    let lastResponse: KafkaError | null = null
    for (let head = topic.held.peek(); head !== undefined; head = topic.held.peek()) {
      const timeoutMs = Math.min(maxBlockMs, Math.max(1, head.deadline - clock.read()))
      try {
        const metadata = await cluster.ensureTopic(topic.name, {
          timeoutMs,
          wholeWaitMs: maxBlockMs,
          allowAutoCreate,
        })
        topics.becomeKnown(topic, metadata, clock.read())
      } catch (thrown) {
        const error = toKafkaError(thrown)
        if (!(error instanceof TimeoutError)) lastResponse = error
        this.refuseHeld(topic, lastResponse ?? error, clock.read())
        if (topic.held.length === 0) continue
        await sleep(ASK_AGAIN_MS, this.closing.signal).catch(() => {})
      }
    }
    topic.isAwaited = false
    topics.forget(topic)
    if (this.lastTopic === topic) this.lastTopic = null
  }

  /** Metadata could not be had. A record whose error can pass waits until its time is up. */
  private refuseHeld(topic: ProducerTopic, error: KafkaError, now: number): void {
    for (const held of topic.held.drain()) {
      if (error.retriable && held.deadline > now) topic.held.push(held)
      else this.cancel(held, metadataError(topic.name, this.options.maxBlockMs, error))
    }
  }

  private memoryTimeout({ topic, partition }: HeldRecord): KafkaError {
    const cause = this.memoryError()
    const reason = `no buffer memory was freed within maxBlockMs = ${this.options.maxBlockMs} ms. ${cause.message}`
    return admissionTimeout({ topic: topic.name, partition }, reason, cause)
  }

  private memoryError(): BufferExhaustedError {
    const { limit, exhausted } = this.context.memory
    exhausted.record(1)
    return new BufferExhaustedError(
      `bufferMemory (${limit} bytes) is spent by records that are not acknowledged yet. Send fewer at once, await drained(), or raise bufferMemory`,
    )
  }
}

/** Whether the partition that a record names does not exist. */
function isBeyond({ partition, topic }: HeldRecord): boolean {
  return partition !== undefined && partition >= topic.metadata.length
}

function checkTimestamp(timestamp: number): number {
  if (Number.isSafeInteger(timestamp) && timestamp >= 0) return timestamp
  throw new InvalidArgumentError(
    `the timestamp of a record must be a whole number of ms since 1970, got ${describeValue(timestamp)}`,
  )
}

function checkPartition(partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition <= 0x7fffffff) return
  throw new InvalidArgumentError(
    `the partition of a record must be a whole number from 0, got ${describeValue(partition)}: leave it out to have one chosen`,
  )
}
