// Acquires records while a caller waits for some, and sends acknowledgements: one session per broker, one
// request in flight. Nothing is read ahead, as the time of the locks begins at the broker.

import { monotonicMs } from '../async/clock.ts'
import { backoff } from '../async/retry.ts'
import { startTimer } from '../async/timers.ts'
import { stopSwitch, within } from '../async/watchers.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { noteMissingLeader } from '../consumer/assignment/missing-leader.ts'
import {
  ClosedError,
  ConnectionError,
  KafkaError,
  toKafkaError,
  UnsupportedVersionError,
} from '../errors.ts'
import type { Connection } from '../network/connection.ts'
import { shareFetch } from '../protocol/messages/share-fetch.ts'
import { acknowledgeTopics, partitionKey, type SentAcknowledgements } from './acknowledgements.ts'
import type { ShareAssignment, SharePartition } from './share-assignment.ts'
import type { ShareBroker } from './share-broker.ts'
import { lockIsOver, RENEW_VERSION, type ShareBrokers, tooOld } from './share-brokers.ts'
import { SHARE_ADVICE, shareError, shareSessionAction } from './share-error-table.ts'
import { type ShareRequestOptions, sendAcknowledgements, sendFetch } from './share-requests.ts'
import { applyShareResponse, type ShareResponseOwner, settleAll } from './share-response.ts'

export interface ShareFetcherOptions extends ShareRequestOptions {
  readonly checkCrcs: boolean
  readonly maxDecompressedBytes: number
}

/** Receives what the fetcher finds, and says whether it is to look. */
export interface ShareFetcherOwner<K, V> extends ShareResponseOwner<K, V> {
  /** A caller waits for records, and none are there. */
  readonly wantsRecords: boolean
  /** Something that was acquired is lost. */
  onLost(): void
  /** The brokers refuse this user: the caller gets the error once. */
  onRefused(error: Error): void
  /** Nothing more can be fetched at all. */
  onFatal(error: KafkaError): void
}

/** How long acknowledgements wait for a request that they can join (ms). */
const ACKNOWLEDGE_WITHIN_MS = 500
const none: SentAcknowledgements = new Map()

export class ShareFetcher<K, V> {
  private readonly cluster: Cluster
  private readonly assignment: ShareAssignment
  private readonly options: ShareFetcherOptions
  private readonly owner: ShareFetcherOwner<K, V>
  private readonly brokers: ShareBrokers
  private readonly stopped = stopSwitch()
  private unsubscribe: (() => void) | null = null
  private isScheduled = false
  private isClosing = false
  private needsRenewals = false
  private turn = 0
  private timer: NodeJS.Timeout | null = null
  /** The time that brokers give to records, as they said last (ms). */
  acquisitionLockTimeoutMs: number | null = null

  constructor(
    cluster: Cluster,
    brokers: ShareBrokers,
    assignment: ShareAssignment,
    options: ShareFetcherOptions,
    owner: ShareFetcherOwner<K, V>,
  ) {
    this.cluster = cluster
    this.brokers = brokers
    this.assignment = assignment
    this.options = options
    this.owner = owner
    this.needsRenewals = options.shareAcquireMode === 'record_limit'
  }

  start(): void {
    if (this.unsubscribe !== null || this.stopped.signal.aborted) return
    this.unsubscribe = this.cluster.onConnection(({ nodeId, kind, connection }) => {
      if (kind !== 'fetch') return
      const broker = this.brokers.find(nodeId)
      if (connection === null && broker !== undefined) this.checkConnection(broker)
      this.wake()
    })
    this.wake()
  }

  /** Something changed: look, before this turn ends, whether there is something to send. */
  wake(): void {
    if (this.isScheduled || this.unsubscribe === null) return
    this.isScheduled = true
    queueMicrotask(() => {
      this.isScheduled = false
      if (!this.stopped.signal.aborted) this.pass()
    })
  }

  /** From now on, brokers that cannot renew locks are refused. */
  requireRenewals(): void {
    this.needsRenewals = true
  }

  /** No more records are asked for. Acknowledgements are sent as before. */
  stopFetching(): void {
    this.isClosing = true
  }

  /** Sends the last acknowledgements and closes the sessions, which releases everything else. */
  async close(deadline: AbortSignal): Promise<void> {
    this.isClosing = true
    await Promise.all([...this.brokers.all].map((broker) => this.closeBroker(broker, deadline)))
    this.stopped.abort(new ClosedError('The share consumer was closed'))
    this.unsubscribe?.()
    if (this.timer !== null) clearTimeout(this.timer)
    for (const broker of this.brokers.all) {
      this.endSession(broker, new ClosedError('The share consumer was closed'))
    }
  }

  /** One look at all brokers: sends to each that is free what there is for it. */
  private pass(): void {
    const now = monotonicMs()
    const targets = this.targets(now)
    let next = targets.next
    const isExclusive = this.options.shareAcquireMode === 'record_limit'
    const mayFetch = !isExclusive || ![...this.brokers.all].some((each) => each.isFetching)
    const nodeIds = new Set([...targets.byNode.keys(), ...this.brokers.nodeIds])
    const ordered = [...nodeIds]
    // Each broker is the first in its turn.
    const rotated = ordered.map((_, index) => ordered[(index + this.turn) % ordered.length])
    let isTaken = !mayFetch
    for (const nodeId of rotated) {
      const ofNode = isTaken ? [] : (targets.byNode.get(nodeId) ?? [])
      const broker = this.brokers.of(nodeId)
      next = Math.min(next, this.serve(broker, ofNode, now))
      if (isExclusive && broker.isFetching) isTaken = true
    }
    if (isExclusive && isTaken && mayFetch) this.turn++
    this.wakeAt(next, now)
  }

  /** What may be fetched now, by leader; and when there may be more. */
  private targets(now: number): { byNode: Map<number, SharePartition[]>; next: number } {
    const byNode = new Map<number, SharePartition[]>()
    let next = Number.POSITIVE_INFINITY
    if (this.isClosing || !this.owner.wantsRecords) return { byNode, next }
    for (const partition of this.assignment.partitions) {
      if (partition.notBefore > now) {
        next = Math.min(next, partition.notBefore)
        continue
      }
      const leader = this.cluster.leaderOf(partition.topic, partition.partition)
      if (leader === null) {
        noteMissingLeader(this.cluster, partition)
        continue
      }
      const ofNode = byNode.get(leader.nodeId)
      if (ofNode === undefined) byNode.set(leader.nodeId, [partition])
      else ofNode.push(partition)
    }
    return { byNode, next }
  }

  /** Sends the next request to a broker if there is one. When to look again, otherwise. */
  private serve(broker: ShareBroker, targets: readonly SharePartition[], now: number): number {
    const never = Number.POSITIVE_INFINITY
    if (broker.isBusy) return never
    this.settleLate(broker, now)
    const { acknowledgements, renewals } = broker
    const hasAcknowledgements = !acknowledgements.isEmpty
    if (targets.length === 0 && !hasAcknowledgements && renewals.isEmpty) return never
    if (broker.notBefore > now) return broker.notBefore
    const connection = this.cluster.readyConnection(broker.nodeId, 'fetch')
    if (connection !== broker.connection) this.checkConnection(broker)
    // One is being opened; its coming, or its failure, will be told.
    if (connection === null) return never
    if (connection.throttledUntil > now) return connection.throttledUntil
    if (this.needsRenewals && this.refusesOld(connection)) return never
    broker.connection ??= connection
    const send = (work: Promise<void>): number => {
      broker.settled = work
      return never
    }
    if (!renewals.isEmpty)
      return send(this.acknowledgeAt(broker, connection, renewals.take(), true))
    if (targets.length > 0) {
      const keys = new Set(targets.map(partitionKey))
      if (acknowledgements.hasOthersThan(keys)) {
        return send(this.acknowledgeAt(broker, connection, acknowledgements.take(), false))
      }
      return send(this.fetchAt(broker, connection, targets, acknowledgements.take()))
    }
    const dueAt = broker.isUrgent ? now : acknowledgements.since + ACKNOWLEDGE_WITHIN_MS
    if (dueAt > now) return dueAt
    broker.isUrgent = false
    return send(this.acknowledgeAt(broker, connection, acknowledgements.take(), false))
  }

  /** The session ends with its connection: the broker has released what it held. */
  private checkConnection(broker: ShareBroker): void {
    const { connection } = broker
    if (connection === null || !connection.isClosed) return
    this.endSession(
      broker,
      new ConnectionError(
        `The connection to node ${broker.nodeId} was lost, and with it the locks of its records: they are delivered again`,
        { wasSent: true },
      ),
    )
  }

  private endSession(broker: ShareBroker, error: KafkaError): void {
    for (const each of broker.endSession(error)) this.owner.onSettled(each, error)
    this.owner.onLost()
  }

  private refusesOld(connection: Connection): boolean {
    if (connection.version(shareFetch) >= RENEW_VERSION) return false
    this.owner.onFatal(tooOld(connection))
    return true
  }

  /** One ShareFetch and its response. Never rejects. */
  private async fetchAt(
    broker: ShareBroker,
    connection: Connection,
    targets: readonly SharePartition[],
    acknowledged: SentAcknowledgements,
  ): Promise<void> {
    const { session } = broker
    broker.isFetching = true
    broker.isUrgent = false
    const topics = session.next(targets, acknowledged)
    await this.exchange(broker, acknowledged, async () => {
      const sentAt = monotonicMs()
      const response = await sendFetch(
        connection,
        session.epoch,
        topics,
        acknowledged,
        this.options,
      )
      if (!this.accepts(broker, response, acknowledged, 'ShareFetch')) return
      this.acquisitionLockTimeoutMs = response.acquisitionLockTimeoutMs
      const { cluster, assignment, options, owner } = this
      const { hold } = session
      applyShareResponse(
        { cluster, assignment, hold, targets, acknowledged, sentAt, options, owner },
        response,
      )
    })
    broker.isFetching = false
    this.wake()
  }

  /** One ShareAcknowledge and its response. Never rejects. */
  private async acknowledgeAt(
    broker: ShareBroker,
    connection: Connection,
    acknowledged: SentAcknowledgements,
    isRenewAck: boolean,
  ): Promise<void> {
    const epoch = broker.session.epoch
    await this.exchange(broker, acknowledged, async () => {
      const topics = acknowledgeTopics(acknowledged)
      const response = await sendAcknowledgements(
        connection,
        epoch,
        topics,
        isRenewAck,
        this.options,
      )
      if (!this.accepts(broker, response, acknowledged, 'ShareAcknowledge')) return
      if (isRenewAck && response.acquisitionLockTimeoutMs > 0) {
        this.acquisitionLockTimeoutMs = response.acquisitionLockTimeoutMs
      }
      settleAll(this.owner, this.cluster, acknowledged, response)
    })
    this.wake()
  }

  /** What every request to a broker has in common: it is the only one, and its failure ends the session. */
  private async exchange(
    broker: ShareBroker,
    acknowledged: SentAcknowledgements,
    work: () => Promise<void>,
  ): Promise<void> {
    broker.isBusy = true
    broker.dueAt = monotonicMs() + (broker.isFetching ? this.options.fetchMaxWaitMs : 0)
    try {
      await work()
    } catch (error) {
      this.failed(broker, error, acknowledged)
    } finally {
      broker.isBusy = false
    }
  }

  /** Whether the head of the response is good. Else the session is over. */
  private accepts(
    broker: ShareBroker,
    response: { errorCode: number; errorMessage: string | null },
    acknowledged: SentAcknowledgements,
    api: string,
  ): boolean {
    broker.respondedAt = monotonicMs()
    const { errorCode, errorMessage } = response
    const action = shareSessionAction(errorCode)
    if (action === 'done') {
      broker.failures = 0
      broker.session.advance()
      return true
    }
    const what = `${api} to node ${broker.nodeId}`
    const error = shareError(errorCode, what, errorMessage, this.cluster.principal)
    this.cluster.options.logger.debug('a share session is over', { error })
    this.settle(acknowledged, error)
    this.endSession(broker, error)
    if (action === 'fatal') this.owner.onFatal(error)
    else if (action === 'report') this.owner.onRefused(error)
    // A session that is refused again and again is not opened without a pause.
    if (action === 'reopen' && broker.failures === 0) {
      broker.failures = 1
      return false
    }
    this.backOff(broker)
    this.hinder(broker, error)
    return false
  }

  private failed(broker: ShareBroker, error: unknown, acknowledged: SentAcknowledgements): void {
    const cause = toKafkaError(error)
    this.settle(acknowledged, cause)
    this.endSession(broker, cause)
    if (this.stopped.signal.aborted || error instanceof ClosedError) return
    if (error instanceof UnsupportedVersionError) {
      const text = `Node ${broker.nodeId} has no share groups: ${SHARE_ADVICE}. ${error.message}`
      this.owner.onFatal(new UnsupportedVersionError(text, { cause: error }))
      return
    }
    // An error that is not of the family is a mistake in this client: asking again would hide it.
    if (!(error instanceof KafkaError)) {
      this.owner.onFatal(cause)
      return
    }
    this.backOff(broker)
    this.hinder(broker, cause)
    this.cluster.options.logger.debug(`a request to node ${broker.nodeId} failed`, { error })
    this.cluster.requestRefresh(`a request of a share group to node ${broker.nodeId} failed`)
  }

  /** Acknowledgements that have waited for longer than their locks have failed. */
  private settleLate(broker: ShareBroker, now: number): void {
    for (const late of broker.takeLate(now)) this.owner.onSettled(late, lockIsOver(late.name))
  }

  private settle(acknowledged: SentAcknowledgements, error: KafkaError): void {
    for (const each of acknowledged.values()) this.owner.onSettled(each, error)
  }

  /** None of the partitions that it leads can be fetched at the moment. */
  private hinder(broker: ShareBroker, error: KafkaError): void {
    for (const partition of this.assignment.partitions) {
      const leader = this.cluster.leaderOf(partition.topic, partition.partition)
      if (leader?.nodeId === broker.nodeId) partition.failed(error, () => 0)
    }
  }

  private backOff(broker: ShareBroker): void {
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    broker.notBefore = monotonicMs() + backoff(broker.failures++, retryBackoffMs, retryBackoffMaxMs)
  }

  private async closeBroker(broker: ShareBroker, deadline: AbortSignal): Promise<void> {
    await within(deadline, broker.settled)
    const { connection, session } = broker
    if (connection === null || connection.isClosed || !session.isOpen || deadline.aborted) return
    this.settleLate(broker, monotonicMs())
    const acknowledged = broker.acknowledgements.isEmpty ? none : broker.acknowledgements.take()
    const closing = this.exchange(broker, acknowledged, async () => {
      const topics = acknowledgeTopics(acknowledged)
      const { finalEpoch } = session
      const response = await sendAcknowledgements(
        connection,
        finalEpoch,
        topics,
        false,
        this.options,
      )
      if (!this.accepts(broker, response, acknowledged, 'ShareAcknowledge')) return
      settleAll(this.owner, this.cluster, acknowledged, response)
    })
    broker.settled = closing
    await within(deadline, closing)
  }

  private wakeAt(time: number, now: number): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    if (time === Number.POSITIVE_INFINITY) return
    this.timer = startTimer(() => this.wake(), Math.max(1, Math.ceil(time - now))) ?? null
  }
}
