// What a Fetch request came to: its response is taken up partition by partition, or its failure makes the
// broker or a partition wait. What follows from that is the owner's.

import { monotonicMs } from '../../async/clock.ts'
import { backoff } from '../../async/retry.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { LeaderHint } from '../../cluster/leader-hints.ts'
import { DecodeError, KafkaError, toKafkaError, UnsupportedVersionError } from '../../errors.ts'
import { brokerError } from '../../protocol/error-codes.ts'
import type { FetchResponse, PartitionData } from '../../protocol/messages/fetch.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { Assignment } from '../assignment/assignment.ts'
import type { BlockOptions } from '../buffer/completed-fetch.ts'
import type { FetchedMemory, HeldBytes } from '../buffer/fetched-memory.ts'
import type { BrokerLoop } from './broker-loop.ts'
import { memoryOf } from './fetch-memory.ts'
import { applyPartitionResponse } from './fetch-response.ts'

/** Receives what the fetcher finds. */
export interface FetcherOwner<K, V> {
  /** Something of this partition can be delivered: records, or an error. */
  onDeliverable(state: AssignedPartition<K, V>): void
  /** The position is not in the log, or the log was cut below it. */
  onOutOfRange(state: AssignedPartition<K, V>, error: Error): void
  onDiverged(state: AssignedPartition<K, V>, endOffset: bigint, epoch: number): void
  /** Nothing more can be fetched at all. */
  onFatal(error: Error): void
  readonly delivery: {
    /** Whether a caller waits, and nothing that is buffered can be given to it. */
    readonly isStarved: boolean
    /** Drops what is buffered and cannot be delivered now. */
    dropHeld(): void
  }
}

/** The partitions that a request was about. */
type Targets<K, V> = readonly AssignedPartition<K, V>[]

export class FetchResults<K, V> {
  private readonly cluster: Cluster
  private readonly subscription: Assignment<K, V>
  private readonly options: { readonly block: BlockOptions; readonly clientRack: string | null }
  private readonly held: HeldBytes
  private readonly owner: FetcherOwner<K, V>

  constructor(
    cluster: Cluster,
    subscription: Assignment<K, V>,
    options: { readonly block: BlockOptions; readonly clientRack: string | null },
    held: HeldBytes,
    owner: FetcherOwner<K, V>,
  ) {
    this.cluster = cluster
    this.subscription = subscription
    this.options = options
    this.held = held
    this.owner = owner
  }

  /** Takes up a response. */
  responded(loop: BrokerLoop<K, V>, response: FetchResponse, targets: Targets<K, V>): void {
    loop.notBefore = 0
    loop.isolation.clear(targets)
    loop.respondedAt = monotonicMs()
    if (!loop.session.handleResponse(response)) {
      const { logger } = this.cluster.options
      logger.debug('a new fetch session begins', { node: loop.nodeId, code: response.errorCode })
      const error =
        response.errorCode === 0
          ? incomplete(loop.nodeId, targets)
          : brokerError(response.errorCode, `Fetch from node ${loop.nodeId}`)
      this.hinder(loop, targets, error)
      this.backOffLoop(loop)
      return
    }
    loop.failures = 0
    const missing = response.throttleTimeMs > 0 ? [] : loop.session.missing()
    if (loop.hasProblems) {
      const isMissing = new Set(missing)
      for (const target of targets) if (!isMissing.has(target)) target.clearProblem()
    }
    loop.hasProblems = missing.length > 0
    if (missing.length > 0) this.hinder(loop, missing, incomplete(loop.nodeId, missing))
    let hasData = false
    const memory = memoryOf(response, this.held)
    const hinted = this.applyLeaderHints(loop, response)
    for (const { topic, topicId, partitions } of response.responses) {
      for (const partition of partitions) {
        if (partition.records !== null && partition.records.length > 0) hasData = true
        const entry = loop.session.find(topic, topicId, partition.partitionIndex)
        if (entry === undefined) continue
        const { target } = entry
        // The new leader is known already: nothing to wait for (KIP-951).
        if (hinted.has(target) && partition.errorCode !== 0) continue
        // The rule: a response has no effect once the partition has moved from what was asked. One that is
        // being validated asks again when that is done, as this response may come from the old leader.
        if (target.version !== entry.version || target.fetchOffset !== entry.fetchOffset) continue
        if (!target.isAssigned || target.fetchState !== 'fetching') continue
        this.applyPartition(loop, target, partition, memory)
      }
    }
    loop.emptyResponses = hasData ? 0 : loop.emptyResponses + 1
    if (!hasData && (missing.length > 0 || isVain(loop, targets))) this.backOffLoop(loop)
  }

  /** No response came, or one that cannot be read. */
  failed(loop: BrokerLoop<K, V>, error: unknown, targets: Targets<K, V>): void {
    loop.session.handleFailure()
    // An error that is not of the family is a mistake in this client: fetching again would hide it.
    if (error instanceof UnsupportedVersionError || !(error instanceof KafkaError)) {
      this.owner.onFatal(toKafkaError(error))
      return
    }
    this.hinder(loop, targets, error)
    if (error instanceof DecodeError) this.isolate(loop, error, targets)
    else this.backOffLoop(loop)
    const reason = `fetch from node ${loop.nodeId} failed`
    this.cluster.options.logger.debug(reason, { error })
    this.cluster.requestRefresh(reason)
  }

  private applyPartition(
    loop: BrokerLoop<K, V>,
    state: AssignedPartition<K, V>,
    response: PartitionData,
    memory: FetchedMemory,
  ): void {
    const { options } = this
    const effect = applyPartitionResponse(
      state,
      response,
      loop.nodeId,
      options.block,
      {
        hasRack: options.clientRack !== null,
        leaseUntilMs: monotonicMs() + this.cluster.options.metadataMaxAgeMs,
        principal: this.cluster.principal,
      },
      memory,
    )
    if (effect.kind === 'none') return
    this.subscription.moveToEnd(state)
    switch (effect.kind) {
      case 'deliver':
        this.owner.onDeliverable(state)
        break
      case 'outOfRange':
        this.owner.onOutOfRange(state, effect.error)
        break
      case 'diverged':
        this.owner.onDiverged(state, effect.endOffset, effect.epoch)
        break
      case 'report':
        this.backOff(state, effect.error)
        state.fail(effect.error)
        this.owner.onDeliverable(state)
        break
      default:
        this.cluster.options.logger.debug(effect.error.message)
        if (effect.kind === 'refresh') this.cluster.requestRefresh(effect.error.message)
        this.backOff(state, effect.error)
    }
  }

  /** The partitions of which the response named a leader that was not known. */
  private applyLeaderHints(
    { session }: BrokerLoop<K, V>,
    response: FetchResponse,
  ): ReadonlySet<AssignedPartition<K, V>> {
    const targets = new Map<LeaderHint, AssignedPartition<K, V>>()
    for (const { topic, topicId, partitions } of response.responses) {
      for (const { partitionIndex, currentLeader } of partitions) {
        if (currentLeader.leaderId < 0) continue
        const entry = session.find(topic, topicId, partitionIndex)
        if (entry === undefined || currentLeader.leaderEpoch <= entry.target.leaderEpoch) continue
        const { target } = entry
        const name = { topic: target.topic, partition: target.partition }
        targets.set({ ...name, topicId: entry.topicId, ...currentLeader }, target)
      }
    }
    const taken = this.cluster.applyLeaderHints([...targets.keys()], response.nodeEndpoints)
    const hinted = new Set<AssignedPartition<K, V>>()
    for (const [hint, target] of targets) if (taken.has(hint)) hinted.add(target)
    return hinted
  }

  /** None of these partitions can be read at the moment. */
  private hinder(loop: BrokerLoop<K, V>, targets: Targets<K, V>, error: Error): void {
    loop.hasProblems = true
    for (const target of targets) target.setProblem(error.message, error)
  }

  /** A response cannot be read: finds out by which partition, and reports that one to the caller. */
  private isolate(loop: BrokerLoop<K, V>, error: DecodeError, targets: Targets<K, V>): void {
    const culprit = loop.isolation.accuse(targets)
    if (culprit === null || !culprit.isWanted) return
    const { name, fetchOffset } = culprit
    const failure = new KafkaError(
      `Fetch of ${name} at offset ${fetchOffset} from node ${loop.nodeId} failed: its response cannot be read. ${error.message}. Raise maxResponseSize, or seek() past what cannot be read`,
      { cause: error },
    )
    this.backOff(culprit, failure)
    culprit.fail(failure)
    this.owner.onDeliverable(culprit)
  }

  private backOffLoop(loop: BrokerLoop<K, V>): void {
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    loop.notBefore = monotonicMs() + backoff(loop.failures++, retryBackoffMs, retryBackoffMaxMs)
  }

  private backOff(state: AssignedPartition<K, V>, error: Error): void {
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    state.setProblem(error.message, error)
    state.attempts.fail(
      (failures) => monotonicMs() + backoff(failures, retryBackoffMs, retryBackoffMaxMs),
    )
  }
}

/** Whether a broker responds at once, and with nothing, although the log has more: it would do so again and again. */
function isVain<K, V>({ dueAt }: BrokerLoop<K, V>, targets: Targets<K, V>): boolean {
  return monotonicMs() < dueAt && targets.some(({ fetchAt }) => fetchAt.unreadSince > 0)
}

/** The error of a response that leaves out partitions, or names others. */
function incomplete(nodeId: number, targets: readonly { readonly name: string }[]): KafkaError {
  const names = targets.slice(0, 3).map(({ name }) => name)
  const more = targets.length > 3 ? ` and ${targets.length - 3} more` : ''
  return new KafkaError(
    `The Fetch response of node ${nodeId} does not name the partitions that were asked for: ${names.join(', ')}${more}`,
    { retriable: true },
  )
}
