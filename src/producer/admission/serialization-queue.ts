// Records whose serializers have not settled, and the records behind them. The records of a topic are
// sent in the order they were given, whichever serializer settles first. What the serializers are expected to make
// counts against bufferMemory, and a serializer is not called while that is spent.

import type { TickClock } from '../../async/tick-clock.ts'
import { Queue } from '../../collections/queue.ts'
import { type KafkaError, toKafkaError } from '../../errors.ts'
import { headerList, ownHeaders } from '../../records/headers.ts'
import { ownBytes } from '../../records/own-bytes.ts'
import { recordSizeUpperBound } from '../../records/record-encoder.ts'
import type { Accumulator } from '../batching/accumulator.ts'
import type { Destination } from '../batching/batch-callbacks.ts'
import type { BufferMemory } from '../batching/buffer-memory.ts'
import type { FlushTracker } from '../batching/flush-tracker.ts'
import type { HeldRecord } from '../batching/topic.ts'
import { type PlainRecord, UnsettledRecord } from '../record.ts'
import { admissionTimeout, asOutcome } from './admission-errors.ts'
import { DeadlineQueue } from './deadline-queue.ts'
import type { RecordAdmission } from './record-admission.ts'

export interface SerializationQueueContext {
  readonly admission: RecordAdmission
  readonly memory: BufferMemory
  readonly flushes: FlushTracker
  readonly accumulator: Accumulator
  readonly clock: TickClock
  readonly maxBlockMs: number
  /** Called when a record is refused; null without transactions. */
  readonly onRefused: ((error: KafkaError) => void) | null
}

/** What a serialized record is expected to take before any was seen (bytes). */
const FIRST_ESTIMATE = 1024

/** One record of the queue. */
export class SerializingRecord {
  readonly topic: string
  readonly isCharged: boolean
  readonly destination: Destination
  readonly since: number
  readonly deadline: number
  readonly generation: number
  /** What the memory budget has been charged for it (bytes). */
  charged = 0
  isStarted = false
  /** The record, once its serializers have settled. */
  plain: PlainRecord | null = null
  /** It has left the queue. */
  isOut = false
  /** Set when it waits for memory or metadata after that. */
  held: HeldRecord | null = null

  constructor(
    topic: string,
    isCharged: boolean,
    destination: Destination,
    times: { since: number; deadline: number },
    generation: number,
  ) {
    this.topic = topic
    this.isCharged = isCharged
    this.destination = destination
    this.since = times.since
    this.deadline = times.deadline
    this.generation = generation
  }

  /** Whether it is in a batch, or was refused. */
  get isDone(): boolean {
    return this.isOut && (this.held === null || this.held.isDone)
  }
}

export class SerializationQueue {
  private readonly context: SerializationQueueContext
  private readonly topics = new Map<string, Queue<SerializingRecord>>()
  private readonly all: DeadlineQueue<SerializingRecord>
  /** What a record took lately, serialized (bytes). */
  private estimate = FIRST_ESTIMATE

  constructor(context: SerializationQueueContext) {
    this.context = context
    this.all = new DeadlineQueue({
      clock: context.clock,
      isOver: (entry: SerializingRecord) => entry.isOut,
      expire: (entry) => this.refuse(entry, this.timeout(entry)),
    })
  }

  get isEmpty(): boolean {
    return this.topics.size === 0
  }

  /** Whether records of this topic must wait behind others. */
  isHolding(topic: string): boolean {
    return this.topics.size > 0 && this.topics.has(topic)
  }

  /** Whether no further serializer should be called for now. */
  get isFull(): boolean {
    const { memory } = this.context
    return memory.isSpent || memory.hasWaiters
  }

  /** The topics whose first record waits for its serializer, and since when. */
  *waiting(): Generator<[topic: string, since: number]> {
    for (const [topic, queue] of this.topics) {
      const head = queue.peek()
      if (head?.isStarted && head.plain === null) yield [topic, head.since]
    }
  }

  /** Adds a record behind those of its topic. */
  hold(
    record: PlainRecord | UnsettledRecord,
    isCharged: boolean,
    destination: Destination,
  ): SerializingRecord {
    const { clock, flushes, maxBlockMs } = this.context
    const { topic } = record
    const since = clock.now()
    const times = { since, deadline: since + maxBlockMs }
    const entry = new SerializingRecord(topic, isCharged, destination, times, flushes.enter())
    let queue = this.topics.get(topic)
    if (queue === undefined) {
      queue = new Queue()
      this.topics.set(topic, queue)
    }
    queue.push(entry)
    this.all.push(entry)
    if (record instanceof UnsettledRecord) this.startWhenRoom(entry, record)
    else this.settled(entry, record)
    return entry
  }

  /** A record waits no longer: its caller's limit is reached, or its time is up. */
  cancel(entry: SerializingRecord, error: KafkaError): void {
    if (entry.held !== null) this.context.admission.cancel(entry.held, error)
    else this.refuse(entry, error)
  }

  /** Refuses every record of the queue. */
  refuseAll(error: KafkaError): void {
    for (const entry of this.all.drain()) this.refuse(entry, error)
  }

  private startWhenRoom(entry: SerializingRecord, record: UnsettledRecord): void {
    if (record.isStarted || entry.isCharged || !this.isFull) {
      this.start(entry, record)
      return
    }
    this.context.memory.wait({
      bytes: this.estimate,
      get isCancelled() {
        return entry.isOut
      },
      grant: () => this.start(entry, record),
    })
  }

  private start(entry: SerializingRecord, record: UnsettledRecord): void {
    entry.isStarted = true
    entry.charged = this.estimate
    this.context.memory.charge(entry.charged, 1)
    record.settle().then(
      (plain) => {
        if (!entry.isOut) this.settled(entry, plain)
      },
      (error: unknown) => this.refuse(entry, toKafkaError(error)),
    )
  }

  private settled(entry: SerializingRecord, plain: PlainRecord): void {
    entry.plain = plain
    const queue = this.topics.get(entry.topic)
    if (queue?.peek() !== entry) {
      try {
        this.keep(entry, plain)
      } catch (error) {
        this.refuse(entry, toKafkaError(error))
        return
      }
    }
    this.advance(entry.topic)
  }

  /** Charges what the record really takes while it waits for those before it. */
  private keep(entry: SerializingRecord, plain: PlainRecord): void {
    const { memory } = this.context
    const { key = null, value } = plain
    const headers = headerList(plain.headers)
    const bytes = recordSizeUpperBound(key, value, headers)
    if (entry.isStarted) this.estimate = Math.ceil((this.estimate * 7 + bytes) / 8)
    memory.charge(bytes - entry.charged, entry.charged === 0 ? 1 : 0)
    entry.charged = bytes
    entry.plain = {
      ...plain,
      key: ownBytes(key),
      value: ownBytes(value),
      headers: ownHeaders(headers),
    }
  }

  /** Appends the records at the head of a topic's queue that are serialized. */
  private advance(topic: string): void {
    const queue = this.topics.get(topic)
    if (queue === undefined) return
    for (let head = queue.peek(); head !== undefined; head = queue.peek()) {
      if (!head.isOut && head.plain === null) return
      queue.shift()
      if (queue.length === 0) this.topics.delete(topic)
      if (!head.isOut && head.plain !== null) this.place(head, head.plain)
    }
    this.all.watch()
  }

  private place(entry: SerializingRecord, plain: PlainRecord): void {
    const { admission, memory, flushes, accumulator, clock } = this.context
    const { isCharged, destination, generation, deadline } = entry
    entry.isOut = true
    entry.plain = null
    this.uncharge(entry)
    try {
      const mustWait = isCharged && memory.isOverdrawn
      const batch = mustWait ? null : admission.append(plain, isCharged)
      if (batch === null) {
        entry.held = admission.hold(plain, isCharged, destination, { deadline, generation })
        return
      }
      flushes.transfer(generation, batch)
      accumulator.review(batch.partition, clock.now())
      destination.placed(batch, batch.count - 1)
    } catch (error) {
      this.refused(entry, toKafkaError(error))
    }
  }

  private refuse(entry: SerializingRecord, error: KafkaError): void {
    if (entry.isOut) return
    entry.isOut = true
    entry.plain = null
    this.uncharge(entry)
    this.refused(entry, error)
    this.advance(entry.topic)
    this.context.memory.grantWaiters()
  }

  private refused(entry: SerializingRecord, cause: KafkaError): void {
    const error = asOutcome({ topic: entry.topic }, cause)
    this.context.flushes.leave(entry.generation)
    entry.destination.refused(error)
    this.context.onRefused?.(error)
  }

  private uncharge(entry: SerializingRecord): void {
    const { charged } = entry
    if (charged === 0) return
    entry.charged = 0
    this.context.memory.release(charged, 1)
  }

  private timeout({ topic, isStarted }: SerializingRecord): KafkaError {
    const { maxBlockMs } = this.context
    const reason = isStarted
      ? `its serializer has not settled within maxBlockMs = ${maxBlockMs} ms`
      : `no buffer memory was freed for its serializer within maxBlockMs = ${maxBlockMs} ms`
    return admissionTimeout({ topic }, `${reason}. The record was not sent`)
  }
}
