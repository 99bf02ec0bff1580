// The one loop of a producer: drains ready batches into Produce requests, writes them, and passes responses
// to batch-completion.ts. It owns the producer's timer and the requests in flight. It runs as a microtask, so
// that everything that happened in one turn of the event loop is handled by one turn of this loop.

import { monotonicMs } from '../../async/clock.ts'
import type { TickClock } from '../../async/tick-clock.ts'
import { MAX_TIMER_MS } from '../../async/timers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import {
  ConnectionError,
  type KafkaError,
  TimeoutError,
  toKafkaError,
  UnsupportedVersionError,
} from '../../errors.ts'
import type { Connection } from '../../network/connection.ts'
import { type ProduceResponse, produce } from '../../protocol/messages/produce.ts'
import type { Accumulator } from '../batching/accumulator.ts'
import type { BufferMemory } from '../batching/buffer-memory.ts'
import type { FlushTracker } from '../batching/flush-tracker.ts'
import type { ProducerBatch } from '../batching/partition-queue.ts'
import type { ProducerIdRequest } from '../idempotence/producer-id-request.ts'
import type { ProducerIdentity } from '../idempotence/producer-identity.ts'
import type { BatchCompletion } from './batch-completion.ts'
import { traceBatches } from './batch-traces.ts'
import { FIRST_VERSION_WITH_ZSTD, hintsOf, ProduceRequests } from './produce-request.ts'
import type { Topics } from './topic-metadata.ts'

/**
 * A broker that owes a response or a connection for this long (ms) may be hung: others are asked who leads, and
 * again after each further such time, since an election takes seconds.
 */
const SILENCE_MS = 1000
/** How long (ms) the old leader may owe its response after metadata has named a new one (gate G2). */
const OLD_LEADER_MS = 500
/** How long (ms) batches may fill while records wait for memory and requests in flight will free some. */
const FILL_MS = 5
/** How long (ms) one turn may drain before sockets are read again. */
const TURN_MS = 8

export interface SenderOptions {
  readonly acks: -1 | 0 | 1
  readonly requestTimeoutMs: number
  readonly maxInFlightRequestsPerConnection: number
  readonly usesZstd: boolean
  readonly transactionalId: string | null
}

/** What counts the batches that are sent. */
export interface SendMetrics {
  sent(batches: Iterable<ProducerBatch>, now: number): void
}

export interface SenderContext {
  readonly cluster: Cluster
  readonly accumulator: Accumulator
  readonly memory: BufferMemory
  readonly delivery: BatchCompletion
  readonly topics: Topics
  readonly producer: ProducerIdentity
  readonly producerIds: ProducerIdRequest
  readonly flushes: FlushTracker
  readonly clock: TickClock
  readonly metrics: SendMetrics
  /** Called at the end of each turn: requests may have ended. null without transactions. */
  readonly onTurn: (() => void) | null
}

/** A request in flight. */
interface UnderWay {
  readonly exchange: ProduceRequests
  readonly connection: Connection
  /** The kernel has all its bytes. */
  isReleased: boolean
  /** When its connection is closed, as another broker leads one of its partitions; Infinity: not. */
  abandonAt: number
  /** `leaderChanges` when it was last asked whether one does. */
  judgedAt: number
}

export class Sender {
  private readonly options: SenderOptions
  private readonly context: SenderContext
  /** In the order they were written. */
  private readonly underWay = new Set<UnderWay>()
  /** Why there is no connection to a broker, by its id. */
  private readonly obstacles = new Map<number, KafkaError>()
  /** Brokers that took a connection of this client before: what keeps them away now may pass. */
  private readonly proven = new Set<number>()
  private isAwake = false
  private isClosed = false
  private timer: NodeJS.Timeout | null = null
  private timerDue = Number.POSITIVE_INFINITY
  private holdsProcess = true
  /** When batches are sent as they are, as records wait for memory; Infinity: none do. */
  private releaseAt = Number.POSITIVE_INFINITY
  /** When metadata may be asked for again because of a broker's silence. */
  private mayAskAt = 0
  private readonly stopListening: () => void

  constructor(options: SenderOptions, context: SenderContext) {
    this.options = options
    this.context = context
    this.stopListening = context.cluster.onConnection(({ nodeId, kind, connection, error }) => {
      if (connection !== null) this.proven.add(nodeId)
      if (kind !== 'produce') return
      if (connection !== null) this.obstacles.delete(nodeId)
      else if (error !== null) this.obstacles.set(nodeId, toKafkaError(error))
      this.wake()
    })
  }

  /** There may be something to do: looks at the end of this tick, once however often it is called. */
  wake(): void {
    if (this.isAwake || this.isClosed) return
    this.isAwake = true
    queueMicrotask(this.turn)
  }

  /** Why a broker cannot be reached; null: it can. */
  obstacleTo(nodeId: number): KafkaError | null {
    return this.obstacles.get(nodeId) ?? null
  }

  close(): void {
    this.isClosed = true
    this.stopListening()
    if (this.timer !== null) clearTimeout(this.timer)
  }

  private readonly turn = (): void => {
    if (this.isClosed) return
    const { accumulator, delivery, topics, cluster, clock } = this.context
    const now = clock.read()
    topics.apply(now)
    delivery.expire(now)
    accumulator.advance(now)
    this.acquireProducerId()
    // Draining takes everything that it makes ready itself, so what it wakes by that is awake already.
    let isDone = this.drainAll(now)
    if (this.mustRelease(now)) {
      accumulator.releaseAll(now)
      isDone = this.drainAll(now)
    }
    this.isAwake = false
    if (accumulator.leaderless.size > 0) {
      cluster.requestRefresh('records wait for partitions without a leader')
    }
    this.watchSilence(now)
    this.context.onTurn?.()
    if (isDone) this.setTimer(now)
    else {
      this.isAwake = true
      setImmediate(this.turn)
    }
  }

  /**
   * Whether batches must go as they are because records wait for memory: when nothing is in flight that
   * will free some, or when that takes long. Not sooner, as batches sent in a hurry hold a record or two.
   */
  private mustRelease(now: number): boolean {
    const { memory, accumulator } = this.context
    if (!memory.hasWaiters || !accumulator.isLingering) {
      this.releaseAt = Number.POSITIVE_INFINITY
      return false
    }
    const isDue = this.underWay.size === 0 || this.releaseAt <= now
    if (isDue || this.releaseAt === Number.POSITIVE_INFINITY) this.releaseAt = now + FILL_MS
    return isDue
  }

  private acquireProducerId(): void {
    const { producer, producerIds, flushes } = this.context
    if (producer.isTransactional) return
    if (flushes.isEmpty) producerIds.stop()
    else if (!producer.canNumber && producer.fatalError === null) producerIds.request()
  }

  /** False: the turn has lasted long enough, and there is more to do. */
  private drainAll(now: number): boolean {
    const { accumulator, cluster } = this.context
    const until = now + TURN_MS
    for (const node of accumulator.readyNodes()) {
      const connection = cluster.readyConnection(node, 'produce')
      if (connection === null) this.refuseFor(node, now)
      while (connection !== null && this.mayWrite(connection, now)) {
        const batches = accumulator.drain(node, now)
        if (batches.length === 0) break
        this.write(connection, new ProduceRequests(node, batches, now))
        if (monotonicMs() > until) return false
      }
    }
    return true
  }

  /** What waits for a broker that no further attempt reaches, such as for its certificate, fails at once. */
  private refuseFor(nodeId: number, now: number): void {
    const { accumulator, delivery } = this.context
    const obstacle = this.obstacles.get(nodeId)
    if (obstacle === undefined || this.proven.has(nodeId)) return
    if (!(obstacle instanceof ConnectionError) || obstacle.retriable) return
    for (;;) {
      const batches = accumulator.drain(nodeId, now)
      if (batches.length === 0) return
      for (const batch of batches) delivery.unsendable(batch, obstacle, now)
    }
  }

  private mayWrite(connection: Connection, now: number): boolean {
    const { acks, maxInFlightRequestsPerConnection: most } = this.options
    if (connection.isClosed || connection.throttledUntil > now) return false
    let inFlight = 0
    for (const request of this.underWay) if (request.connection === connection) inFlight++
    // Without responses, only the kernel says that enough is in flight.
    return inFlight < most && (acks !== 0 || !connection.isCongested)
  }

  private write(connection: Connection, exchange: ProduceRequests): void {
    const { acks, requestTimeoutMs } = this.options
    const request: UnderWay = {
      exchange,
      connection,
      isReleased: false,
      abandonAt: Number.POSITIVE_INFINITY,
      judgedAt: this.context.accumulator.leaderChanges,
    }
    this.underWay.add(request)
    let version: number
    try {
      version = connection.version(produce, this.mostVersion(exchange))
      if (this.options.usesZstd && version < FIRST_VERSION_WITH_ZSTD) throw zstdUnsupported(version)
    } catch (error) {
      this.lost(request, error)
      return
    }
    const body = exchange.request(acks, requestTimeoutMs, this.options.transactionalId)
    const { metrics, cluster } = this.context
    metrics.sent(exchange.batches(), exchange.sentAt)
    traceBatches(exchange.batches(), cluster.options.clientId, exchange.nodeId)
    if (acks === 0) {
      connection.sendWithoutResponse(produce, version, body).then(
        () => this.handedOver(request),
        (error: unknown) => this.lost(request, error),
      )
    } else {
      const onReleased = (): void => {
        request.isReleased = true
      }
      const sending = { timeoutMs: requestTimeoutMs, onReleased }
      connection.send(produce, version, body, sending).then(
        (response) => this.responded(request, response, version),
        (error: unknown) => this.lost(request, error),
      )
    }
  }

  private mostVersion(exchange: ProduceRequests): number | undefined {
    const { mostProduceVersion } = this.context.producer
    return mostProduceVersion ?? exchange.mostVersion
  }

  private responded(request: UnderWay, response: ProduceResponse, version: number): void {
    const { delivery, cluster, topics, clock } = this.context
    this.underWay.delete(request)
    const now = clock.read()
    const { exchange } = request
    const { nodeId } = exchange
    const matched = exchange.match(response, version)
    cluster.applyLeaderHints(hintsOf(matched), response.nodeEndpoints)
    for (const { batch, part } of matched) {
      if (request.isReleased) batch.writeReleased()
      if (part === null) {
        const error = new ConnectionError(
          `Produce to ${batch.partition} on node ${nodeId} failed: the response does not mention the partition`,
        )
        cluster.requestRefresh(error.message)
        delivery.lost(batch, error, true, now)
        continue
      }
      delivery.responded(batch, part, nodeId, now)
    }
    topics.apply(now)
    this.wake()
  }

  private handedOver(request: UnderWay): void {
    const { delivery, clock } = this.context
    this.underWay.delete(request)
    const now = clock.read()
    for (const batch of request.exchange.batches()) {
      batch.writeReleased()
      delivery.written(batch, now)
    }
    this.wake()
  }

  private lost(request: UnderWay, thrown: unknown): void {
    const { delivery, cluster, clock } = this.context
    this.underWay.delete(request)
    const now = clock.read()
    const error = toKafkaError(thrown)
    const wasSent = wasWritten(error)
    const mayPass = error.retriable || wasSent
    if (mayPass) cluster.requestRefresh(error.message)
    for (const batch of request.exchange.batches()) {
      if (mayPass) delivery.lost(batch, error, wasSent, now)
      else delivery.unsendable(batch, error, now)
    }
    this.wake()
  }

  /** A hung broker does not respond: another one is asked who leads. When that is another broker, the
   * connection is closed, as it would hold the partition for a whole request timeout. */
  private watchSilence(now: number): void {
    if (this.nextQuestionAt() <= now) {
      this.mayAskAt = now + SILENCE_MS
      this.context.cluster.requestRefresh('a broker owes a response to Produce, or a connection')
    }
    const { leaderChanges } = this.context.accumulator
    for (const request of this.underWay) {
      const { exchange, connection } = request
      if (request.judgedAt === leaderChanges && request.abandonAt > now) continue
      request.judgedAt = leaderChanges
      if (!hasMoved(exchange)) request.abandonAt = Number.POSITIVE_INFINITY
      else if (request.abandonAt === Number.POSITIVE_INFINITY)
        request.abandonAt = now + OLD_LEADER_MS
      else if (request.abandonAt <= now) {
        connection.close(
          new ConnectionError(
            `node ${exchange.nodeId} owes a response for partitions that another node leads now`,
          ),
        )
      }
    }
  }

  /** When others are asked about a silent broker: one that owes a response, or a connection. */
  private nextQuestionAt(): number {
    const { accumulator, cluster } = this.context
    const [oldest] = this.underWay
    let since = oldest?.exchange.sentAt ?? Number.POSITIVE_INFINITY
    for (const node of accumulator.readyNodes()) {
      if (cluster.readyConnection(node, 'produce') !== null) continue
      since = Math.min(since, accumulator.waitingSince(node))
    }
    return Math.max(since + SILENCE_MS, this.mayAskAt)
  }

  /** One timer for everything that is due some time. One that fires too early only looks again. */
  private setTimer(now: number): void {
    const { accumulator, cluster } = this.context
    let due = Math.min(accumulator.nextDeadline, this.nextQuestionAt(), this.releaseAt)
    for (const { abandonAt } of this.underWay) due = Math.min(due, abandonAt)
    for (const node of accumulator.readyNodes()) {
      const until = cluster.readyConnection(node, 'produce')?.throttledUntil ?? 0
      if (until > now) due = Math.min(due, until)
    }
    if (this.timer === null || this.timerDue > due) {
      if (this.timer !== null) clearTimeout(this.timer)
      this.timer = null
      this.timerDue = due
      if (due === Number.POSITIVE_INFINITY) return
      this.timer = setTimeout(this.timeUp, Math.min(Math.max(1, due - now), MAX_TIMER_MS))
      this.holdsProcess = true
    }
    this.holdProcess(!this.context.flushes.isEmpty)
  }

  /** Only what has no outcome yet keeps the process alive: an idle producer does not. */
  private holdProcess(isNeeded: boolean): void {
    if (this.timer === null || this.holdsProcess === isNeeded) return
    this.holdsProcess = isNeeded
    if (isNeeded) this.timer.ref()
    else this.timer.unref()
  }

  private readonly timeUp = (): void => {
    this.timer = null
    this.timerDue = Number.POSITIVE_INFINITY
    this.wake()
  }
}

/** Whether a byte of the request may have reached the broker. What does not say so was on its way. */
function wasWritten(error: KafkaError): boolean {
  if (error instanceof ConnectionError || error instanceof TimeoutError) return error.wasSent
  return error.name === 'DecodeError' || error.name === 'ClosedError'
}

/** Whether metadata names another leader for one of the partitions than the broker that was asked. */
function hasMoved(exchange: ProduceRequests): boolean {
  for (const { partition, attemptedLeader } of exchange.batches()) {
    const { leader, leaderChanges } = partition
    if (leaderChanges !== attemptedLeader && leader >= 0 && leader !== exchange.nodeId) return true
  }
  return false
}

function zstdUnsupported(version: number): UnsupportedVersionError {
  return new UnsupportedVersionError(
    `the broker takes Produce v${version} at most, and zstd needs v${FIRST_VERSION_WITH_ZSTD} (Kafka 2.1): choose another compressionType`,
  )
}
