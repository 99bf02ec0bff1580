// Finds positions: what the group has committed, what the reset policy says, and whether the log still
// holds what a position stands on. One request about a partition at a time; a response counts only if the
// partition's version is the one it was asked under. Whatever fails for want of a broker is tried again
// in the same state: an unreachable host is never a reason to reset an offset.

import { monotonicMs, wallMs } from '../../async/clock.ts'
import { backoff } from '../../async/retry.ts'
import { startTimer } from '../../async/timers.ts'
import { stopSwitch } from '../../async/watchers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient } from '../../cluster/coordinator-client.ts'
import { BrokerError, KafkaError, OffsetOutOfRangeError, toKafkaError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { TopicPartition } from '../../types.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { Assignment } from '../assignment/assignment.ts'
import { noteMissingLeader } from '../assignment/missing-leader.ts'
import type { AutoOffsetReset, LogTruncation } from '../options.ts'
import { type CommittedOffsets, type FetchingMember, fetchCommitted } from './committed-offsets.ts'
import { type EpochQuestion, epochEndOffsets } from './leader-epoch-offsets.ts'
import { type ListOffsetsResult, type ListOffsetsWish, listOffsets } from './list-offsets.ts'
import { type OffsetRequest, offsetAction } from './offset-error-table.ts'
import { EARLIEST, LATEST, resetTimestamp } from './offset-reset.ts'

export interface OffsetResolverOptions {
  readonly autoOffsetReset: AutoOffsetReset
  /** For partitions that came into being while this consumer was subscribed. */
  readonly autoOffsetResetNewPartitions: AutoOffsetReset
  isNew(state: AssignedPartition): boolean
  /** Whether it is of a retry topic: what is there was sent there to be read, all of it. */
  isOfRetryTopic(state: AssignedPartition): boolean
  readonly isReadCommitted: boolean
}

/** Receives what the resolver finds. */
export interface OffsetResolverOwner {
  /** The member of a KIP-848 group that asks for committed offsets; null: it is not one. */
  member(): FetchingMember | null
  /** The coordinator has another epoch for the member: the next heartbeat brings it. */
  onStaleMember(): void
  /** Partitions may be fetched now, or have an error for the caller. */
  onResolved(state: AssignedPartition): void
  onTruncated(truncation: LogTruncation): void
  /** The group as a whole may not be read. */
  onFatal(error: Error): void
}

interface Reset extends ListOffsetsWish {
  readonly state: AssignedPartition
  readonly version: number
}

interface Validation extends EpochQuestion {
  readonly state: AssignedPartition
  readonly version: number
  readonly offset: bigint
}

export class OffsetResolver {
  private readonly cluster: Cluster
  private readonly subscription: Assignment
  private readonly coordinator: CoordinatorClient | null
  private readonly options: OffsetResolverOptions
  private readonly owner: OffsetResolverOwner
  private readonly stopped = stopSwitch()
  private isStarted = false
  private isScheduled = false
  private timer: NodeJS.Timeout | null = null

  constructor(
    cluster: Cluster,
    subscription: Assignment,
    coordinator: CoordinatorClient | null,
    options: OffsetResolverOptions,
    owner: OffsetResolverOwner,
  ) {
    this.cluster = cluster
    this.subscription = subscription
    this.coordinator = coordinator
    this.options = options
    this.owner = owner
  }

  start(): void {
    this.isStarted = true
    this.wake()
  }

  stop(): void {
    this.stopped.abort()
    if (this.timer !== null) clearTimeout(this.timer)
  }

  /** Something changed: look, before this turn ends, for partitions without a valid position. */
  wake(): void {
    if (this.isScheduled || !this.isStarted || this.stopped.signal.aborted) return
    this.isScheduled = true
    queueMicrotask(() => {
      this.isScheduled = false
      if (!this.stopped.signal.aborted) this.pass()
    })
  }

  /** Goes where the reset policy says; with `none`, the caller gets what `makeError` returns. */
  resetByPolicy(
    state: AssignedPartition,
    makeError: () => Error,
    policy: AutoOffsetReset = this.options.autoOffsetReset,
  ): void {
    const isAll = this.options.isOfRetryTopic(state)
    const timestamp = isAll ? EARLIEST : resetTimestamp(policy, wallMs())
    if (timestamp === null) {
      // Making an error for each of very many partitions takes seconds.
      this.report(state, makeError())
      return
    }
    state.awaitReset(timestamp)
    this.wake()
  }

  /** The position is outside of the leader's log. Where that happens again and again it is a problem, and waits. */
  leaveLog(state: AssignedPartition, { message }: Error): void {
    const { logger, retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    const policy = this.options.isOfRetryTopic(state) ? 'earliest' : this.options.autoOffsetReset
    const sequel =
      policy === 'none'
        ? "Seek, or set autoOffsetReset to something else than 'none'"
        : `The position is reset by autoOffsetReset: ${JSON.stringify(policy)}`
    const error = new OffsetOutOfRangeError(`${message}. ${sequel}`)
    const before = state.attempts.noteReset()
    if (before === 0) logger.warn(error.message)
    state.setProblem(error.message, error)
    this.resetByPolicy(state, () => error)
    if (before === 0) return
    state.attempts.wait(monotonicMs() + backoff(before - 1, retryBackoffMs, retryBackoffMaxMs))
  }

  /** The leader's log holds what the position stands on only up to `endOffset` (-1: none of it). */
  truncate(state: AssignedPartition, endOffset: bigint, epoch: number): void {
    const { position } = state
    if (endOffset < position && state.isInHand) {
      // A commit of the new position would pass what is in hand. It is asked again until that is done.
      state.attempts.settle()
      state.attempts.wait(monotonicMs() + this.cluster.options.retryBackoffMs)
      return
    }
    if (endOffset < 0n) {
      const text = `The leader of ${state.name} does not know the leader epoch of offset ${position}: its log is another one. Seek, or set an autoOffsetReset`
      this.resetByPolicy(state, () => new OffsetOutOfRangeError(text))
      return
    }
    if (endOffset < position) {
      const { topic, partition } = state
      this.owner.onTruncated({ topic, partition, from: position, to: endOffset })
      if (resetTimestamp(this.options.autoOffsetReset, 0) === null) {
        const text = `The log of ${state.name} was truncated to offset ${endOffset}, the position was ${position}. Seek, or set an autoOffsetReset`
        state.fail(new OffsetOutOfRangeError(text), true)
      } else {
        state.seekValidated(endOffset, epoch)
      }
    } else {
      // What was delivered is still there. Some of what is buffered behind it is not.
      state.dropBuffer()
      state.validated()
    }
    this.owner.onResolved(state)
  }

  private pass(): void {
    const now = monotonicMs()
    const committed: AssignedPartition[] = []
    const resets = new Map<number, Reset[]>()
    const validations = new Map<number, Validation[]>()
    let next = Number.POSITIVE_INFINITY
    for (const state of this.subscription.partitions) {
      if (state.fetchState === 'fetching' || state.fetchState === 'initializing') continue
      if (state.attempts.isAsking(state.version)) continue
      if (state.failure !== null || state.isRevoking) continue
      const { retryAt } = state.attempts
      if (retryAt > now) {
        next = Math.min(next, retryAt)
        continue
      }
      if (state.fetchState === 'awaitCommitted') {
        committed.push(state)
      } else if (state.leader < 0) {
        noteMissingLeader(this.cluster, state)
        continue
      } else if (state.fetchState === 'awaitReset') {
        const { topic, partition, version, resetTo } = state
        addTo(resets, state.leader, { state, topic, partition, version, timestamp: resetTo })
      } else {
        addTo(validations, state.leader, toValidation(state))
      }
      state.attempts.ask(state.version)
    }
    if (committed.length > 0) this.run(this.findCommitted(committed))
    // Apart: a broker that is silent must not hold up the partitions of the others.
    for (const ofNode of resets.values()) this.run(this.findResets(ofNode))
    for (const [nodeId, ofNode] of validations) this.run(this.validate(nodeId, ofNode))
    this.wakeAt(next, now)
  }

  /** An error that is not of the family is a mistake in this client: trying again would hide it. */
  private run(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.stopped.signal.aborted) this.owner.onFatal(toKafkaError(error))
    })
  }

  private async findCommitted(states: readonly AssignedPartition[]): Promise<void> {
    const { coordinator } = this
    const { signal } = this.stopped
    const versions = new Map(states.map((state) => [state, state.version]))
    let found: CommittedOffsets = { committed: [], errors: [] }
    let failure: KafkaError | null = null
    try {
      if (coordinator !== null) {
        const member = this.owner.member()
        found = await fetchCommitted(this.cluster, coordinator, states, { signal, member })
      }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof KafkaError)) throw error
      failure = error
    }
    if (signal.aborted) return
    const isStale =
      failure instanceof BrokerError && failure.errorCode === errorCodes.STALE_MEMBER_EPOCH
    if (isStale) this.owner.onStaleMember()
    if (isFatal(failure)) {
      this.owner.onFatal(failure)
      return
    }
    const byState = <T extends TopicPartition>(entries: readonly T[]) =>
      new Map(entries.map((each) => [this.subscription.get(each.topic, each.partition), each]))
    const committed = byState(found.committed)
    const errors = byState(found.errors)
    for (const [state, version] of versions) {
      if (state.version !== version || state.fetchState !== 'awaitCommitted') continue
      const entry = committed.get(state)
      const error = failure ?? errors.get(state)?.error ?? null
      if (error !== null) {
        this.handleError(state, error, 'offsetFetch')
      } else if (entry === undefined && state.commits.start.offset >= 0n) {
        // Nothing is committed, so everything read since the beginning is to be read again.
        const { offset, leaderEpoch } = state.commits.start
        state.seek(offset, leaderEpoch)
        this.owner.onResolved(state)
      } else if (entry === undefined) {
        this.resetUncommitted(state, coordinator?.groupId ?? '')
      } else {
        state.seek(entry.offset, entry.leaderEpoch)
        state.commits.learn(entry)
        this.owner.onResolved(state)
      }
    }
    this.wake()
  }

  /** The group has no offset of this partition. */
  private resetUncommitted(state: AssignedPartition, groupId: string): void {
    const { autoOffsetReset, autoOffsetResetNewPartitions } = this.options
    const isNew = this.options.isNew(state)
    const option = isNew ? 'autoOffsetResetNewPartitions' : 'autoOffsetReset'
    const policy = isNew ? autoOffsetResetNewPartitions : autoOffsetReset
    const makeError = (): Error => {
      const text = `Group ${groupId} has no committed offset for ${state.name} and ${option} is 'none'`
      return new OffsetOutOfRangeError(text)
    }
    this.resetByPolicy(state, makeError, policy)
  }

  private async findResets(resets: readonly Reset[]): Promise<void> {
    const tooYoung: Reset[] = []
    for (const result of await this.ask(resets)) {
      if (this.place(result) === 'notFound') tooYoung.push(result.wish)
    }
    if (tooYoung.length > 0) await this.findEnds(tooYoung)
  }

  /**
   * No record is as young as the timestamp: the end of the log is where such records will come. A record
   * may be written between two questions, so the timestamp is asked for once more when the end is known:
   * if there is still no such record, none lies before that end.
   */
  private async findEnds(resets: readonly Reset[]): Promise<void> {
    const ends = new Map<AssignedPartition, { offset: bigint; leaderEpoch: number }>()
    const again: Reset[] = []
    for (const result of await this.ask(resets.map((reset) => ({ ...reset, timestamp: LATEST })))) {
      const { wish, error } = result
      if (error === null && result.offset >= 0n) {
        ends.set(wish.state, result)
        const timestamp = wish.state.resetTo
        if (isWanted(wish)) again.push({ ...wish, timestamp })
      } else this.place(result)
    }
    if (again.length === 0) return
    for (const result of await this.ask(again)) {
      const { state } = result.wish
      const end = ends.get(state)
      if (this.place(result) !== 'notFound' || end === undefined) continue
      state.seekValidated(end.offset, end.leaderEpoch)
      this.owner.onResolved(state)
    }
  }

  /** ListOffsets; the results to questions that are still wanted. */
  private async ask(resets: readonly Reset[]): Promise<ListOffsetsResult<Reset>[]> {
    const { signal } = this.stopped
    const results = await listOffsets(this.cluster, resets, {
      isReadCommitted: this.options.isReadCommitted,
      timeoutMs: this.cluster.options.requestTimeoutMs,
      signal,
    })
    if (signal.aborted) return []
    // Another reset, or a seek, may have come meanwhile: this response is to the old question.
    return results.filter(({ wish }) => isWanted(wish))
  }

  /** Sets the position to what was found. */
  private place(result: ListOffsetsResult<Reset>): 'done' | 'notFound' {
    const { state, timestamp } = result.wish
    if (result.error !== null) {
      const { error } = result
      const isUnsearchable =
        error instanceof BrokerError &&
        timestamp >= 0n &&
        offsetAction('listOffsets', error.errorCode) === 'notFound'
      if (isUnsearchable) return 'notFound'
      this.handleError(state, error, 'listOffsets')
    } else if (result.offset >= 0n) {
      state.seekValidated(result.offset, result.leaderEpoch)
      this.owner.onResolved(state)
    } else if (timestamp >= 0n) {
      return 'notFound'
    } else {
      this.retryLater(state, `the leader of ${state.name} does not say where its log is`, null)
    }
    return 'done'
  }

  private async validate(nodeId: number, validations: readonly Validation[]): Promise<void> {
    const { signal } = this.stopped
    const results = await epochEndOffsets(this.cluster, nodeId, validations, {
      timeoutMs: this.cluster.options.requestTimeoutMs,
      signal,
    })
    if (signal.aborted) return
    for (const validation of results === null ? validations : []) {
      if (!isCurrent(validation)) continue
      validation.state.validated()
      this.owner.onResolved(validation.state)
    }
    for (const result of results ?? []) {
      const { question } = result
      const { state } = question
      if (!isCurrent(question)) {
        // The leader changed again while it was asked: ask the new one.
        if (state.version === question.version) state.attempts.settle()
        continue
      }
      if (result.error !== null) {
        this.handleError(state, result.error, 'offsetForLeaderEpoch')
      } else if (result.epoch < 0 || result.endOffset < question.offset) {
        this.truncate(state, result.epoch < 0 ? -1n : result.endOffset, result.epoch)
      } else {
        state.validated()
        this.owner.onResolved(state)
      }
    }
    this.wake()
  }

  private handleError(state: AssignedPartition, error: KafkaError, request: OffsetRequest): void {
    const action = error instanceof BrokerError ? offsetAction(request, error.errorCode) : 'refresh'
    if (action === 'report') {
      this.report(state, error)
      return
    }
    this.cluster.options.logger.debug(error.message)
    if (action === 'refresh') this.cluster.requestRefresh(error.message)
    this.retryLater(state, error.message, error)
  }

  /** The caller gets the error; then, and after a pause, the same is asked again. */
  private report(state: AssignedPartition, error: Error): void {
    this.retryLater(state, error.message, error)
    state.fail(error)
    this.owner.onResolved(state)
  }

  private retryLater(state: AssignedPartition, reason: string, error: Error | null): void {
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    state.attempts.fail(
      (failures) => monotonicMs() + backoff(failures, retryBackoffMs, retryBackoffMaxMs),
    )
    state.setProblem(reason, error)
    this.wake()
  }

  private wakeAt(time: number, now: number): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    if (time === Number.POSITIVE_INFINITY) return
    this.timer = startTimer(() => this.wake(), Math.max(1, Math.ceil(time - now))) ?? null
  }
}

/**
 * The question about a partition. Asked about is the end of what is buffered: if the leader has that, it
 * has everything before it.
 */
function toValidation(state: AssignedPartition): Validation {
  const { topic, partition, version, leaderEpoch } = state
  const { epoch, offset } = state.fetchAt
  return { state, topic, partition, version, leaderEpoch, epoch, offset }
}

function addTo<T>(lists: Map<number, T[]>, key: number, item: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}

function isWanted({ state, version }: Reset): boolean {
  return state.version === version && state.fetchState === 'awaitReset'
}

/** Whether nothing that happens on the brokers can let this group be read. */
function isFatal(error: KafkaError | null): error is BrokerError {
  return (
    error instanceof BrokerError && offsetAction('offsetFetchGroup', error.errorCode) === 'fatal'
  )
}

function isCurrent({ state, version, leaderEpoch }: Validation): boolean {
  return (
    state.version === version &&
    state.fetchState === 'awaitValidation' &&
    state.leaderEpoch === leaderEpoch
  )
}
