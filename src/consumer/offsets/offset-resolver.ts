// Finds positions: what the group has committed, what the reset policy says, and whether the log still
// holds what a position stands on. One request about a partition at a time; an answer counts only if the
// partition's version is the one it was asked under. Whatever fails for want of a broker is tried again
// in the same state: an unreachable host is never a reason to reset an offset.

import { monotonicMs, wallMs } from '../../async/clock.ts'
import { backoff } from '../../async/retry.ts'
import { stopSwitch } from '../../async/watchers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient } from '../../cluster/coordinator-client.ts'
import { BrokerError, type KafkaError, OffsetOutOfRangeError, toKafkaError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { Assignment } from '../assignment/assignment.ts'
import type { AutoOffsetReset, LogTruncation } from '../options.ts'
import { type CommittedAnswer, fetchCommitted } from './committed-offsets.ts'
import { type EpochQuestion, epochEndOffsets } from './leader-epoch-offsets.ts'
import { type ListOffsetsWish, listOffsets } from './list-offsets.ts'
import { LATEST, resetTimestamp } from './offset-reset.ts'

export interface OffsetResolverOptions {
  readonly autoOffsetReset: AutoOffsetReset
  readonly isReadCommitted: boolean
}

/** Whom the resolver tells. */
export interface OffsetResolverOwner {
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

  /** Goes where the reset policy says; with `none`, the caller gets `error`. */
  resetByPolicy(state: AssignedPartition, error: Error): void {
    const timestamp = resetTimestamp(this.options.autoOffsetReset, wallMs())
    if (timestamp === null) {
      state.fail(error)
      this.owner.onResolved(state)
      return
    }
    state.awaitReset(timestamp)
    this.wake()
  }

  /** The leader's log holds what the position stands on only up to `endOffset` (-1: none of it). */
  truncate(state: AssignedPartition, endOffset: bigint, epoch: number): void {
    const { position } = state
    if (endOffset < 0n) {
      const text = `The leader of ${state.name} does not know the leader epoch of offset ${position}: its log is another one. Seek, or set an autoOffsetReset`
      this.resetByPolicy(state, new OffsetOutOfRangeError(text))
      return
    }
    if (endOffset < position) {
      const { topic, partition } = state
      this.owner.onTruncated({ topic, partition, from: position, to: endOffset })
      if (resetTimestamp(this.options.autoOffsetReset, 0) === null) {
        const text = `The log of ${state.name} was truncated to offset ${endOffset}, the position was ${position}. Seek, or set an autoOffsetReset`
        state.fail(new OffsetOutOfRangeError(text))
      } else {
        state.seekValidated(endOffset, epoch)
      }
    } else {
      // What was handed over is still there, some of what is buffered behind it is not.
      state.dropBuffer()
      state.validated()
    }
    this.owner.onResolved(state)
  }

  private pass(): void {
    const now = monotonicMs()
    const committed: AssignedPartition[] = []
    const resets: Reset[] = []
    const validations = new Map<number, Validation[]>()
    let next = Number.POSITIVE_INFINITY
    for (const state of this.subscription.partitions) {
      if (state.fetchState === 'fetching' || state.fetchState === 'initializing') continue
      if (state.resolvingVersion === state.version) continue
      if (state.isDenied || state.failure !== null || state.isRevoking) continue
      if (state.retryAt > now) {
        next = Math.min(next, state.retryAt)
        continue
      }
      if (state.fetchState === 'awaitCommitted') {
        committed.push(state)
      } else if (state.leader < 0) {
        this.cluster.requestRefresh(`no leader of ${state.name} is known`)
        continue
      } else if (state.fetchState === 'awaitReset') {
        const { topic, partition, version, resetTo } = state
        resets.push({ state, topic, partition, version, timestamp: resetTo })
      } else {
        const validation = toValidation(state)
        const ofNode = validations.get(state.leader)
        if (ofNode === undefined) validations.set(state.leader, [validation])
        else ofNode.push(validation)
      }
      state.resolvingVersion = state.version
    }
    if (committed.length > 0) void this.findCommitted(committed)
    if (resets.length > 0) void this.findResets(resets)
    for (const [nodeId, ofNode] of validations) void this.validate(nodeId, ofNode)
    this.wakeAt(next, now)
  }

  private async findCommitted(states: readonly AssignedPartition[]): Promise<void> {
    const { coordinator } = this
    const { signal } = this.stopped
    const versions = new Map(states.map((state) => [state, state.version]))
    let found: CommittedAnswer = { committed: [], errors: [] }
    let failure: KafkaError | null = null
    try {
      if (coordinator !== null) {
        found = await fetchCommitted(this.cluster, coordinator, states, { signal })
      }
    } catch (error) {
      failure = toKafkaError(error, 'OffsetFetch failed')
    }
    if (signal.aborted) return
    if (failure instanceof BrokerError && !failure.retriable) {
      this.owner.onFatal(failure)
      return
    }
    const byName = new Map(found.committed.map((entry) => [nameOf(entry), entry]))
    const errors = new Map(found.errors.map((entry) => [nameOf(entry), entry.error]))
    for (const [state, version] of versions) {
      if (state.version !== version || state.fetchState !== 'awaitCommitted') continue
      const entry = byName.get(state.name)
      const error = failure ?? errors.get(state.name) ?? null
      if (error !== null) {
        this.handleError(state, error)
      } else if (entry === undefined && state.placedOffset >= 0n) {
        // Nothing is committed, so all that was read since the beginning is to be read again.
        state.seek(state.placedOffset, state.placedEpoch)
        this.owner.onResolved(state)
      } else if (entry === undefined) {
        const text = `Group ${coordinator?.groupId} has no committed offset for ${state.name} and autoOffsetReset is 'none'`
        this.resetByPolicy(state, new OffsetOutOfRangeError(text))
      } else {
        state.seek(entry.offset, entry.leaderEpoch)
        state.committedOffset = entry.offset
        this.owner.onResolved(state)
      }
    }
    this.wake()
  }

  private async findResets(resets: readonly Reset[]): Promise<void> {
    const { signal } = this.stopped
    const results = await listOffsets(this.cluster, resets, {
      isReadCommitted: this.options.isReadCommitted,
      timeoutMs: this.cluster.options.requestTimeoutMs,
      signal,
    })
    if (signal.aborted) return
    for (const result of results) {
      const { state, version, timestamp } = result.wish
      // Another reset, or a seek, may have come meanwhile: this answer is to the old question.
      if (state.version !== version || state.fetchState !== 'awaitReset') continue
      if (result.error !== null) {
        this.handleError(state, result.error)
      } else if (result.offset < 0n) {
        if (timestamp === LATEST) {
          this.retryLater(state)
        } else {
          // No record is as young as that: the end is where such records will come.
          state.awaitReset(LATEST)
        }
      } else {
        state.seekValidated(result.offset, result.leaderEpoch)
        this.owner.onResolved(state)
      }
    }
    this.wake()
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
        if (state.version === question.version) state.resolvingVersion = -1
        continue
      }
      if (result.error !== null) {
        this.handleError(state, result.error)
      } else if (result.epoch < 0 || result.endOffset < question.offset) {
        this.truncate(state, result.epoch < 0 ? -1n : result.endOffset, result.epoch)
      } else {
        state.validated()
        this.owner.onResolved(state)
      }
    }
    this.wake()
  }

  private handleError(state: AssignedPartition, error: KafkaError): void {
    if (error instanceof BrokerError && error.errorCode === errorCodes.TOPIC_AUTHORIZATION_FAILED) {
      state.resolvingVersion = -1
      state.isDenied = true
      state.fail(error)
      this.owner.onResolved(state)
      return
    }
    this.cluster.options.logger.debug(error.message)
    this.cluster.requestRefresh(error.message)
    this.retryLater(state)
  }

  private retryLater(state: AssignedPartition): void {
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    state.resolvingVersion = -1
    state.retryAt = monotonicMs() + backoff(state.failures++, retryBackoffMs, retryBackoffMaxMs)
  }

  private wakeAt(time: number, now: number): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    if (time === Number.POSITIVE_INFINITY) return
    this.timer = setTimeout(() => this.wake(), Math.max(1, Math.ceil(time - now)))
  }
}

/**
 * The question about a partition. Asked about is the end of what is buffered: if the leader has that, it
 * has everything before it.
 */
function toValidation(state: AssignedPartition): Validation {
  const { topic, partition, version, leaderEpoch, fetchOffset, fetchEpoch } = state
  return { state, topic, partition, version, leaderEpoch, epoch: fetchEpoch, offset: fetchOffset }
}

function isCurrent({ state, version, leaderEpoch }: Validation): boolean {
  return (
    state.version === version &&
    state.fetchState === 'awaitValidation' &&
    state.leaderEpoch === leaderEpoch
  )
}

function nameOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}-${partition}`
}
