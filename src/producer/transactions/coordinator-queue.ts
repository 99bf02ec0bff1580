// Requests to coordinators: one at a time, in order, each tried again until a response decides
// (coordinator-error-table.ts), its time is up, or it is not wanted any more.

import { withAnySignal } from '../../async/any-signal.ts'
import { monotonicMs } from '../../async/clock.ts'
import { backoff, sleep } from '../../async/retry.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type ClusterProblem, FailureStreak } from '../../cluster/problems.ts'
import {
  AuthenticationError,
  BrokerError,
  CommitFailedError,
  ConfigError,
  ConnectionError,
  FencedError,
  InvalidArgumentError,
  type KafkaError,
  TimeoutError,
  TransactionAbortableError,
  toKafkaError,
  UnsupportedVersionError,
} from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import { CONCURRENT_WAIT_MS } from '../sending/batch-completion.ts'
import {
  type CoordinatorRequest,
  type CoordinatorVerdict,
  coordinatorVerdict,
  findCoordinatorVerdict,
  localVerdict,
} from './coordinator-error-table.ts'
import type { Attempt, TransactionRequests } from './transaction-requests.ts'

/** How long a request is tried, and what else ends it. */
export interface Terms {
  readonly timeoutMs: number
  /** Whether anybody wants it still. */
  readonly goesOn?: () => boolean
  readonly signal?: AbortSignal
  /** Whether it is the first of its transaction: the end of the one before may still be written. */
  readonly isFirst?: boolean
  /** An attempt may have reached the coordinator, and its response did not come. */
  readonly onDoubt?: () => void
  /** After such an attempt the next one comes at least this long (ms) after it was sent. */
  readonly doubtMs?: number
}

export interface Failure {
  readonly verdict: 'abortable' | 'forgotten' | 'refused' | 'final' | 'timeUp' | 'unwanted'
  readonly error: KafkaError
}

export type Ending = { readonly verdict: 'done' } | Failure

export class CoordinatorQueue {
  private readonly cluster: Cluster
  private readonly requests: TransactionRequests
  private readonly transactionalId: string
  /** Why the request that is being tried is tried again; undefined: it is not. */
  lastError: KafkaError | undefined
  private readonly stopped = new AbortController()
  private last: Promise<unknown> = Promise.resolve()
  private readonly failures = new FailureStreak()
  private readonly onStart: () => void
  /** Whether a request is being tried. */
  isBusy = false

  /** @param onStart called when a request is tried for the first time */
  constructor(
    cluster: Cluster,
    requests: TransactionRequests,
    transactionalId: string,
    onStart: () => void,
  ) {
    this.cluster = cluster
    this.onStart = onStart
    this.requests = requests
    this.transactionalId = transactionalId
  }

  get isStopped(): boolean {
    return this.stopped.signal.aborted
  }

  /** Why the request that is being tried has no success. */
  get problem(): ClusterProblem | null {
    return this.isBusy ? this.failures.problem(null, true) : null
  }

  /** The broker that is being asked; null: none is. */
  get busyNode(): number | null {
    return this.isBusy ? this.requests.askedNode : null
  }

  stop(reason: KafkaError): void {
    this.stopped.abort(reason)
  }

  /** Runs `task` when those before it are done. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    const run = this.last.then(task)
    // The caller that asked for it gets its failure.
    this.last = run.catch(() => {})
    return run
  }

  /** @param ask one attempt: the code of the response, 0 for success */
  async persist(
    request: CoordinatorRequest,
    terms: Terms,
    ask: (attempt: Attempt) => Promise<number>,
  ): Promise<Ending> {
    this.lastError = undefined
    this.failures.succeeded()
    this.isBusy = true
    this.onStart()
    try {
      return await withAnySignal([this.stopped.signal, terms.signal], (signal) =>
        this.tryUntilDecided(request, terms, ask, signal),
      )
    } finally {
      this.isBusy = false
    }
  }

  private async tryUntilDecided(
    request: CoordinatorRequest,
    terms: Terms,
    ask: (attempt: Attempt) => Promise<number>,
    signal: AbortSignal,
  ): Promise<Ending> {
    const { requestTimeoutMs, retryBackoffMs, retryBackoffMaxMs, logger } = this.cluster.options
    const deadline = monotonicMs() + terms.timeoutMs
    for (let failures = 0; ; failures++) {
      if (terms.goesOn?.() === false) return this.unwanted(request)
      const left = Math.min(deadline - monotonicMs(), requestTimeoutMs)
      const attempt = { timeoutMs: Math.max(1, left), signal }
      const startedAt = monotonicMs()
      const { verdict, error } = await this.tryOnce(request, attempt, ask)
      if (error === null) return { verdict: 'done' }
      const isInDoubt = verdict === 'retryInDoubt' || mayHaveArrived(error)
      if (isInDoubt) terms.onDoubt?.()
      if (signal.aborted) return { verdict: 'timeUp', error: toKafkaError(signal.reason) }
      if (verdict === 'find') this.requests.forgetCoordinator()
      else if (verdict !== 'retry' && verdict !== 'retryInDoubt')
        return this.failure(verdict, error)
      logger.debug(`tried again: ${error.message}`)
      this.lastError = error
      this.failures.failed(error)
      let waitMs = backoff(failures, retryBackoffMs, retryBackoffMaxMs)
      if (terms.isFirst && isConcurrent(error)) waitMs = Math.min(waitMs, CONCURRENT_WAIT_MS)
      if (isInDoubt) waitMs = Math.max(waitMs, startedAt + (terms.doubtMs ?? 0) - monotonicMs())
      if (monotonicMs() + waitMs >= deadline)
        return { verdict: 'timeUp', error: late(terms, error) }
      // The signal only ends the wait: the next attempt finds it.
      await sleep(waitMs, signal).catch(() => {})
    }
  }

  private async tryOnce(
    request: CoordinatorRequest,
    attempt: Attempt,
    ask: (attempt: Attempt) => Promise<number>,
  ): Promise<{ verdict: CoordinatorVerdict; error: KafkaError | null }> {
    try {
      attempt.signal.throwIfAborted()
      const code = await ask(attempt)
      const error =
        code === 0 ? null : brokerError(code, this.describe(request), this.cluster.principal)
      return { verdict: coordinatorVerdict(request, code), error }
    } catch (thrown) {
      const error = toKafkaError(thrown)
      return { verdict: thrownVerdict(request, error), error }
    }
  }

  private failure(verdict: CoordinatorVerdict, error: KafkaError): Failure {
    switch (verdict) {
      case 'abortable':
        return { verdict, error: isOfMember(error) ? memberError(error) : error }
      case 'forgotten':
      case 'refused':
        return { verdict, error }
      case 'timeoutTooLong': {
        const text = `option 'transactionTimeoutMs' is more than transaction.max.timeout.ms of the brokers allows: ${error.message}`
        return { verdict: 'refused', error: new ConfigError(text, { cause: error }) }
      }
      case 'fenced':
        return { verdict: 'final', error: fencedError(error, this.transactionalId) }
      default:
        if (isWrongState(error)) error.message += TIMED_OUT_HINT
        return { verdict: 'final', error }
    }
  }

  private unwanted(request: CoordinatorRequest): Failure {
    const text = `${this.describe(request)} is not wanted any more: the transaction has failed or is being aborted`
    return { verdict: 'unwanted', error: new TransactionAbortableError(text) }
  }

  private describe(request: CoordinatorRequest): string {
    return `${names[request]} of transactional id '${this.transactionalId}'`
  }
}

const names: Readonly<Record<CoordinatorRequest, string>> = {
  initProducerId: 'InitProducerId',
  addPartitionsToTxn: 'AddPartitionsToTxn',
  addOffsetsToTxn: 'AddOffsetsToTxn',
  txnOffsetCommit: 'TxnOffsetCommit',
  commit: 'EndTxn (commit)',
  abort: 'EndTxn (abort)',
}

/** The error of a producer that does not own its transactional id any more. */
export function fencedError(cause: KafkaError, transactionalId: string): FencedError {
  return new FencedError(
    `this producer can do nothing more: another one has taken over transactional id '${transactionalId}', or a transaction lasted longer than transactionTimeoutMs and the brokers aborted it. ${cause.message}`,
    { cause },
  )
}

function thrownVerdict(request: CoordinatorRequest, error: KafkaError): CoordinatorVerdict {
  // FindCoordinator was refused.
  if (error instanceof BrokerError) return findCoordinatorVerdict(request, error.errorCode)
  return error.retriable ? 'retry' : localVerdict(request)
}

function mayHaveArrived(error: KafkaError): boolean {
  if (error instanceof ConnectionError || error instanceof TimeoutError) return error.wasSent
  return !neverSent.some((kind) => error instanceof kind)
}

/** Errors that come before a request is written, or with a response. */
const neverSent = [
  BrokerError,
  UnsupportedVersionError,
  AuthenticationError,
  InvalidArgumentError,
] as const

function isConcurrent(error: KafkaError): boolean {
  return error instanceof BrokerError && error.errorCode === errorCodes.CONCURRENT_TRANSACTIONS
}

function isWrongState(error: KafkaError): boolean {
  return error instanceof BrokerError && error.errorCode === errorCodes.INVALID_TXN_STATE
}

const TIMED_OUT_HINT =
  '. The brokers may have aborted the transaction, as it lasted longer than transactionTimeoutMs: make another producer'

function isOfMember(error: KafkaError): boolean {
  return error instanceof BrokerError && memberReasons.has(error.errorCode)
}

const HAS_REBALANCED = "the consumer's group has rebalanced since the consumer joined it"

const memberReasons: ReadonlyMap<number, string> = new Map([
  [errorCodes.ILLEGAL_GENERATION, HAS_REBALANCED],
  [errorCodes.STALE_MEMBER_EPOCH, HAS_REBALANCED],
  [errorCodes.REBALANCE_IN_PROGRESS, "the consumer's group is rebalancing"],
  [errorCodes.UNKNOWN_MEMBER_ID, 'the consumer is not a member of its group any more'],
  [errorCodes.FENCED_INSTANCE_ID, 'another member has joined with the same groupInstanceId'],
])

function memberError(cause: KafkaError): CommitFailedError {
  const reason =
    (cause instanceof BrokerError && memberReasons.get(cause.errorCode)) || HAS_REBALANCED
  return new CommitFailedError(
    `${reason}, so its offsets cannot be part of the transaction: ${cause.message}`,
    { cause },
  )
}

function late({ timeoutMs }: Terms, cause: KafkaError): TimeoutError {
  return new TimeoutError(`not done within ${timeoutMs} ms: ${cause.message}`, { cause })
}
