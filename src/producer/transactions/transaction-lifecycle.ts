// A producer's transactions: begins and ends them, brings partitions and offsets into them, and gets its
// identity. The states are transaction-manager.ts; here is what waits. Requests to coordinators go one at
// a time, in order. Must stay true: no commit is reported that a coordinator did not confirm, and after
// anything that failed there is none.

import { waitFor } from '../../async/wait.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ClusterProblem } from '../../cluster/problems.ts'
import { KafkaError, OutcomeUnknownError, toKafkaError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { ConsumerGroupMetadata, OffsetToCommit, WaitOptions } from '../../types.ts'
import type { Accumulator } from '../batching/accumulator.ts'
import type { FlushTracker } from '../batching/flush-tracker.ts'
import type { PartitionQueue } from '../batching/partition-queue.ts'
import type { ProducerIdentity } from '../idempotence/producer-identity.ts'
import { CoordinatorQueue, type Failure, fencedError } from './coordinator-queue.ts'
import { busy, decidedUnseen, outcomeUnknown } from './end-errors.ts'
import { type TransactionCall, TransactionManager } from './transaction-manager.ts'
import { TransactionPartitions } from './transaction-partitions.ts'
import { type ProducerIdAndEpoch, TransactionRequests } from './transaction-requests.ts'

export interface TransactionLifecycleOptions {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly maxBlockMs: number
}

export interface TransactionLifecycleContext {
  readonly cluster: Cluster
  readonly producer: ProducerIdentity
  readonly accumulator: Accumulator
  readonly flushes: FlushTracker
  readonly now: () => number
  /** Fails every record that was never sent. */
  readonly failUnsent: (error: KafkaError) => void
  /** There is no way back. */
  readonly onFailed: (error: KafkaError) => void
  /** Makes the sender look, which then calls `turned`. */
  readonly wake: () => void
  /** A coordinator is asked for something: what keeps it from being done must not stay silent. */
  readonly watch: () => void
}

/** A call in progress, for every caller that makes it meanwhile. */
interface Pending {
  readonly call: TransactionCall
  readonly promise: Promise<void>
  /** A caller's own limit was reached: the call continues, and was reported to have no outcome. */
  isReportedUnknown: boolean
}

type EndCall = 'commitTransaction' | 'abortTransaction'

const FEATURE = 'transaction.version'

export class TransactionLifecycle {
  private readonly options: TransactionLifecycleOptions
  private readonly context: TransactionLifecycleContext
  private readonly manager: TransactionManager
  private readonly requests: TransactionRequests
  private readonly calls: CoordinatorQueue
  private pending: Pending | null = null
  private readonly participants: TransactionPartitions
  private settled: (() => void) | null = null
  /** The caller was told that the end of the transaction has no outcome. An abort is asked for again by the next begin. */
  private isLeftOpen = false

  constructor(options: TransactionLifecycleOptions, context: TransactionLifecycleContext) {
    const { cluster, producer } = context
    const { transactionalId } = options
    this.options = options
    this.context = context
    this.manager = new TransactionManager(producer)
    this.requests = new TransactionRequests(cluster, producer, transactionalId)
    this.calls = new CoordinatorQueue(cluster, this.requests, transactionalId, context.watch)
    this.participants = new TransactionPartitions(this.manager, this.calls, this.requests, {
      ...context,
      refused: (call, failure) => this.refused(call, failure),
    })
  }

  /** Why a coordinator does not do what it is asked; null: it does, or is not asked. */
  get problem(): ClusterProblem | null {
    return this.calls.problem
  }

  /** Whether a coordinator is being asked for something. */
  get isAsking(): boolean {
    return this.calls.isBusy
  }

  /** The coordinator that is being asked; null: none is. */
  get busyCoordinator(): number | null {
    return this.calls.busyNode
  }

  /** @throws what says why no record is taken now, and what to do about it */
  requireOpen(call: 'send' | 'sendOffsets' = 'send'): void {
    if (this.manager.state !== 'inTransaction') this.manager.require(call)
  }

  /** @throws what says why nothing is added to a transaction any more: also what waited until it is committed */
  requireGoing(): void {
    if (!this.manager.isGoing) throw this.manager.refusal('send')
  }

  init(limits: WaitOptions = {}): Promise<void> {
    const shared = this.join('initTransactions')
    if (shared !== null) return waitFor(shared, limits, 'initTransactions()')
    if (this.pending?.isReportedUnknown) {
      // An end that ran into its caller's limit: what it decides comes first.
      const ended = this.pending.promise.catch(() => {})
      return waitFor(ended, limits, 'initTransactions()').then(() => this.init(limits))
    }
    if (this.isLeftOpen && this.manager.state === 'abortable') {
      // That is what the error of the end advised, whatever it came to afterwards.
      return this.abort(limits).then(() => this.init(limits))
    }
    return this.checked('initTransactions', () => {
      const { state, nextIdentity } = this.manager
      if (state === 'ready' && nextIdentity !== 'first') return Promise.resolve()
      return waitFor(this.getIdentity('first'), limits, 'initTransactions()')
    })
  }

  async begin(limits: WaitOptions = {}): Promise<void> {
    if (this.pending?.isReportedUnknown) {
      const ended = this.pending.promise.catch(() => {})
      await waitFor(ended, limits, 'beginTransaction()')
    }
    const { pending } = this
    if (pending !== null && pending.call !== 'initTransactions') {
      throw busy('beginTransaction', pending.call)
    }
    if (this.isLeftOpen && this.manager.state === 'aborting') await this.abort(limits)
    this.manager.require('beginTransaction')
    while (this.manager.state !== 'ready' || this.manager.nextIdentity !== null) {
      const identity = this.join('initTransactions') ?? this.getIdentity(this.manager.nextIdentity)
      await waitFor(identity, limits, 'beginTransaction()')
      this.manager.require('beginTransaction')
    }
    this.manager.begin()
    this.isLeftOpen = false
  }

  commit(limits: WaitOptions = {}): Promise<void> {
    return this.end('commitTransaction', limits)
  }

  abort(limits: WaitOptions = {}): Promise<void> {
    return this.end('abortTransaction', limits)
  }

  /** Makes offsets of a group part of the transaction. Whatever keeps them out makes it abortable. */
  async sendOffsets(
    offsets: readonly OffsetToCommit[],
    group: ConsumerGroupMetadata,
    limits: WaitOptions = {},
  ): Promise<void> {
    this.manager.require('sendOffsets')
    if (offsets.length === 0) return
    const { timeoutMs = this.options.maxBlockMs, signal } = limits
    const givenUp = new AbortController()
    const transaction = this.context.producer.openTransaction
    const sent = this.calls.inTurn(() =>
      this.participants.addOffsets(offsets, group, transaction, givenUp.signal),
    )
    const bounds = signal === undefined ? { timeoutMs } : { timeoutMs, signal }
    try {
      await waitFor(sent, bounds, 'sendOffsets()')
    } catch (error) {
      givenUp.abort()
      this.recordRefused(toKafkaError(error))
      throw error
    }
  }

  /** A partition has a batch to send. */
  opened(partition: PartitionQueue): void {
    this.participants.opened(partition)
  }

  /** A batch failed, so the transaction has to. */
  readonly batchFailed = (error: KafkaError, hadNumbers: boolean): void => {
    if (hadNumbers) this.loseNumbers(error)
    this.recordRefused(error)
  }

  /** A record that belongs to the transaction will not be written: there must be no commit. */
  readonly recordRefused = (error: KafkaError): void => {
    if (!this.manager.abortable(error)) {
      this.context.wake()
      return
    }
    // In a microtask: the batches of the same response settle first.
    queueMicrotask(() => this.dropUnsent(error))
  }

  /** Something may have ended. */
  readonly turned = (): void => {
    if (this.settled === null || !this.isSettled) return
    const { settled } = this
    this.settled = null
    settled()
  }

  /** What a broker means that says so of a batch. */
  fenced(cause: KafkaError): KafkaError {
    return fencedError(cause, this.options.transactionalId)
  }

  /** Ends every wait: the producer is closed, or can do nothing more. */
  stop(error: KafkaError): void {
    this.calls.stop(error)
    this.turned()
  }

  /** Aborts what is open, for close(). Waits for an end that is in progress instead. */
  async leave(limits: WaitOptions): Promise<void> {
    if (this.pending !== null) await waitFor(this.pending.promise, limits, 'close()')
    if (this.manager.isOpen && this.pending === null) await this.abort(limits)
  }

  private end(call: EndCall, limits: WaitOptions): Promise<void> {
    const shared = this.join(call)
    if (shared !== null) return this.joinEnd(call, shared, limits)
    return this.checked(call, () => {
      const isCommit = call === 'commitTransaction'
      if (isCommit) this.manager.committing()
      else this.abandon()
      return this.endWithin(call, this.start(call, this.finish(isCommit)), limits)
    })
  }

  /** A caller who was told before that the end has no outcome wants another attempt if that one comes to nothing. */
  private async joinEnd(call: EndCall, work: Promise<void>, limits: WaitOptions): Promise<void> {
    const isSecondCall = this.pending?.isReportedUnknown === true
    try {
      await this.endWithin(call, work, limits)
    } catch (error) {
      if (!isSecondCall || this.pending !== null || !(error instanceof OutcomeUnknownError)) {
        throw error
      }
      await this.end(call, limits)
    }
  }

  /** Waits for an end for as long as the caller wants, or for `maxBlockMs`. The end continues after that. */
  private async endWithin(
    call: TransactionCall,
    work: Promise<void>,
    given: WaitOptions,
  ): Promise<void> {
    const limits = { timeoutMs: this.options.maxBlockMs, ...given }
    try {
      await waitFor(work, limits, () => this.outcomeUnknown(call, this.calls.lastError, limits))
    } catch (error) {
      if (this.pending?.promise === work) this.pending.isReportedUnknown = true
      if (error instanceof OutcomeUnknownError) this.isLeftOpen = true
      throw error
    }
  }

  private async finish(isCommit: boolean): Promise<void> {
    await this.allSettled()
    this.requireEnding(isCommit)
    await this.calls.inTurn(() => this.endOnce(isCommit))
  }

  private async endOnce(isCommit: boolean): Promise<void> {
    const { manager } = this
    const call = isCommit ? 'commitTransaction' : 'abortTransaction'
    // Offsets that were sent before, and not awaited, may have failed.
    this.requireEnding(isCommit)
    if (!manager.mustEnd) {
      this.ended(null)
      return
    }
    let next: ProducerIdAndEpoch | null = null
    manager.ending()
    const ending = await this.calls.persist(
      isCommit ? 'commit' : 'abort',
      { timeoutMs: this.options.maxBlockMs, onDoubt: () => manager.endInDoubt() },
      async (attempt) => {
        const response = await this.requests.endTxn(isCommit, manager.usesVersion2, attempt)
        next = response.next
        const isUnknown =
          response.errorCode === errorCodes.INVALID_TXN_STATE && manager.mayBeUnknown
        return isUnknown && !isCommit ? errorCodes.NONE : response.errorCode
      },
    )
    // A coordinator that does not know the id has no transaction: it expired, or a successor has ended it.
    const isGone = ending.verdict === 'forgotten' && !isCommit && manager.canBump
    if (isGone) manager.lostNumbers()
    if (isGone || ending.verdict === 'done') this.ended(next)
    else if (ending.verdict === 'timeUp') throw this.outcomeUnknown(call, ending.error, {})
    else throw this.endFailed(isCommit, ending)
  }

  /** EndTxn was refused. Returns what the caller gets. */
  private endFailed(isCommit: boolean, failure: Failure): KafkaError {
    const { manager } = this
    const call = isCommit ? 'commitTransaction' : 'abortTransaction'
    manager.endRefused()
    const isFinal = failure.verdict === 'final'
    // An earlier attempt may have committed it: then it must not be taken for aborted.
    const mayBeCommitted = isCommit && manager.isOutcomeUnknown
    if (!isFinal && (mayBeCommitted || failure.verdict === 'refused')) {
      return this.outcomeUnknown(call, failure.error, {})
    }
    const refused = this.refused(call, failure)
    return isFinal && mayBeCommitted
      ? decidedUnseen(this.options.transactionalId, refused)
      : refused
  }

  private requireEnding(isCommit: boolean): void {
    if (this.manager.state === (isCommit ? 'committing' : 'aborting')) return
    throw this.manager.refusal(isCommit ? 'commitTransaction' : 'abortTransaction')
  }

  private ended(next: ProducerIdAndEpoch | null): void {
    this.participants.clear()
    this.manager.ended(next, this.hasVersion2)
  }

  /** The newest that was told by any broker: levels are raised while brokers run. */
  private get hasVersion2(): boolean {
    return this.context.cluster.finalizedFeature(FEATURE) >= 2
  }

  private getIdentity(kind: 'first' | 'bump' | null): Promise<void> {
    return this.start('initTransactions', this.initialize(kind ?? 'first'))
  }

  private async initialize(kind: 'first' | 'bump'): Promise<void> {
    const { manager } = this
    const { transactionTimeoutMs, maxBlockMs } = this.options
    manager.initializing(kind)
    let id = { producerId: -1n, producerEpoch: -1 }
    const ending = await this.calls.inTurn(() =>
      this.calls.persist('initProducerId', { timeoutMs: maxBlockMs }, async (attempt) => {
        const response = await this.requests.initProducerId(kind, transactionTimeoutMs, attempt)
        manager.canBump = response.canBump
        id = response
        return response.errorCode
      }),
    )
    if (ending.verdict === 'done') {
      // The coordinator has ended what was open: it knows none of the partitions and groups any more.
      this.participants.clear()
      manager.initialized(id, this.hasVersion2)
      return
    }
    if (ending.verdict === 'final') this.context.onFailed(ending.error)
    else if (manager.state === 'initializing') manager.initFailed()
    throw ending.error
  }

  /** What a failed request means for the transaction. Returns what its caller is told. */
  private refused(call: TransactionCall, { verdict, error }: Failure): KafkaError {
    const { manager } = this
    const isForgotten = verdict === 'forgotten'
    if (verdict === 'final' || (isForgotten && !manager.canBump)) this.context.onFailed(error)
    else if (verdict === 'abortable' || isForgotten) {
      if (isForgotten) manager.lostNumbers()
      this.recordRefused(error)
    }
    return call === 'sendOffsets' || manager.state === 'fatal' ? error : manager.refusal(call)
  }

  /** Numbers are given once: those that follow need another epoch, which the coordinator must give. */
  private loseNumbers(cause: KafkaError): void {
    const { manager } = this
    if (!manager.isOpen) return
    manager.lostNumbers()
    if (manager.usesVersion2 || manager.canBump) return
    this.context.onFailed(
      new KafkaError(
        `the transaction failed, and these brokers (before Kafka 2.5) cannot let this producer continue after it: create another one. ${cause.message}`,
        { cause },
      ),
    )
  }

  private abandon(): void {
    this.manager.aborting()
    this.dropUnsent(new KafkaError('its transaction was aborted before it was sent'))
  }

  private dropUnsent(error: KafkaError): void {
    this.context.failUnsent(error)
    this.context.wake()
  }

  /** Resolves when every batch has its end, requests included; or when it makes no more difference. */
  private allSettled(): Promise<void> {
    this.context.accumulator.releaseAll(this.context.now())
    return new Promise((resolve) => {
      this.settled = resolve
      this.turned()
    })
  }

  private get isSettled(): boolean {
    const { state } = this.manager
    if (this.calls.isStopped || (state !== 'committing' && state !== 'aborting')) return true
    // A batch whose time was up may still be on its way: it must not come after the end.
    return this.context.flushes.isEmpty && !this.participants.areUnderWay
  }

  /** The promise of the same call, if it is in progress. */
  private join(call: TransactionCall): Promise<void> | null {
    return this.pending?.call === call ? this.pending.promise : null
  }

  private checked(call: TransactionCall, go: () => Promise<void>): Promise<void> {
    try {
      if (this.pending !== null) throw busy(call, this.pending.call)
      this.manager.require(call)
      return go()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  private start(call: TransactionCall, work: Promise<void>): Promise<void> {
    const promise = work
      .catch((error: unknown) => {
        if (!(error instanceof KafkaError)) this.context.onFailed(toKafkaError(error))
        throw error
      })
      .finally(() => {
        this.pending = null
      })
    this.pending = { call, promise, isReportedUnknown: false }
    return promise
  }

  private outcomeUnknown(
    call: TransactionCall,
    cause: unknown,
    { timeoutMs }: WaitOptions,
  ): OutcomeUnknownError {
    const { transactionalId } = this.options
    const mayBeDone = this.manager.isOutcomeUnknown
    return outcomeUnknown({ call, transactionalId, mayBeDone, cause, timeoutMs })
  }
}
