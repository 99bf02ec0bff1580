// Commits offsets: by hand, by interval, before a revoke and on close. commit-queue.ts keeps them in order;
// here is the request, its table of errors (docs/internals/consumer.md, section 5) and the retries.

import { monotonicMs } from '../../async/clock.ts'
import { backoff, sleep } from '../../async/retry.ts'
import { type WaitLimits, waitFor } from '../../async/wait.ts'
import { stopSwitch } from '../../async/watchers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type CoordinatorClient, isUnreachable } from '../../cluster/coordinator-client.ts'
import { channels, traced } from '../../diagnostics.ts'
import {
  ClosedError,
  CommitFailedError,
  causeText,
  DecodeError,
  FencedError,
  TimeoutError,
} from '../../errors.ts'
import { brokerError, codeName, errorCodes, isRetriable } from '../../protocol/error-codes.ts'
import {
  type OffsetCommitRequest,
  type OffsetCommitRequestTopic,
  offsetCommit,
} from '../../protocol/messages/offset-commit.ts'
import { groupByTopic } from '../../topic-partition.ts'
import { NO_TOPIC_ID } from '../assignment/assigned-partition.ts'
import { StandingProblem } from '../assignment/standing-problem.ts'
import { isOfThisTopic, isOutdated } from './commit-entries.ts'
import { type CommitEntry, CommitQueue } from './commit-queue.ts'

/** Identifies a group member in its requests. */
export interface Membership {
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

/** A consumer that is not a member of a group: it assigns by hand. */
export const standalone: Membership = { generationId: -1, memberId: '', groupInstanceId: null }

export interface CommitterOwner {
  /** null: not a member now, so nothing can be committed. */
  membership(): Membership | null
  /**
   * The coordinator refused a commit made under `membership` with a code that concerns the member.
   * @returns whether the member continues all the same: a rebalance is what made that membership old
   */
  onRefused(code: number, membership: Membership): boolean
  /** The group has these offsets. */
  onCommitted?(entries: readonly CommitEntry[]): void
}

/** What goes into one request. */
interface Selection {
  readonly membership: Membership
  readonly entries: readonly CommitEntry[]
  readonly topics: OffsetCommitRequestTopic[]
}

/** Thrown instead of writing a request: nothing of it is to be committed any more. */
const nothingLeft = new CommitFailedError('nothing is left to commit')

/** Whether the request may succeed by another connection: a response that cannot be read says nothing of it. */
function mayPass(error: unknown): boolean {
  return isUnreachable(error) || (error instanceof DecodeError && error.retriable)
}

function nullIfNothingLeft(error: unknown): null {
  if (error === nothingLeft) return null
  throw error
}

const TOPIC_ID_VERSION = 10

export class Committer {
  private readonly cluster: Cluster
  private readonly coordinator: CoordinatorClient
  private readonly owner: CommitterOwner
  private readonly queue = new CommitQueue()
  private readonly stopped = stopSwitch()
  private isRunning = false
  private lastError: Error | null = null
  private standing: StandingProblem | null = null
  /** Topics that metadata is asked for on account of commits alone. */
  private readonly unknownTopics = new Set<string>()

  constructor(cluster: Cluster, coordinator: CoordinatorClient, owner: CommitterOwner) {
    this.cluster = cluster
    this.coordinator = coordinator
    this.owner = owner
  }

  /** Why offsets are not committed, and since when; null: the last ones were, or none is to be. */
  get problem(): StandingProblem | null {
    return this.standing
  }

  /** Nothing is done that the group does not have: what failed before is wanted no more. */
  nothingToCommit(): void {
    if (this.queue.size === 0) this.standing = null
  }

  /** Settles when the group has these offsets. Retriable failures are tried again until `timeoutMs`. */
  commit(entries: readonly CommitEntry[], timeoutMs: number): Promise<void> {
    if (this.stopped.signal.aborted) {
      return Promise.reject(new ClosedError('The consumer was closed'))
    }
    if (entries.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.queue.add({
        entries,
        timeoutMs,
        deadline: monotonicMs() + timeoutMs,
        settle: (error) => (error === null ? resolve() : reject(error)),
      })
      void this.run()
    })
  }

  /** As `commit`, but ends in time also when another caller waits longer for the request in flight. */
  commitWithin(entries: readonly CommitEntry[], limits: WaitLimits): Promise<void> {
    const { timeoutMs } = limits
    return waitFor(this.commit(entries, timeoutMs), limits, () => this.timeUp(timeoutMs))
  }

  /** Stops committing, and rejects what is not committed yet. */
  stop(): void {
    if (this.stopped.signal.aborted) return
    const error = new ClosedError('The consumer was closed before its offsets were committed')
    this.stopped.abort(error)
    this.queue.abort(error)
  }

  /** One commit after the other until none waits. Never rejects. */
  private async run(): Promise<void> {
    if (this.isRunning) return
    this.isRunning = true
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    let failures = 0
    // What fails of a commit by hand is told to its caller, who knows then.
    let isAutomatic = false
    // Calls of the same turn go together.
    await Promise.resolve()
    for (;;) {
      this.queue.expire(monotonicMs(), (waiter) => this.timeUp(waiter.timeoutMs))
      const entries = this.queue.take()
      this.releaseTopics(entries ?? [])
      if (entries === null) {
        if (!isAutomatic) this.standing = null
        break
      }
      const failed = new Map<CommitEntry, Error>()
      const retried = new Map<CommitEntry, Error>()
      const sent = await this.attempt(entries, failed, retried)
      if (this.stopped.signal.aborted) break
      const committed = sent.filter((entry) => !failed.has(entry) && !retried.has(entry))
      for (const entry of committed) markCommitted(entry, this.cluster)
      if (committed.length > 0) this.owner.onCommitted?.(committed)
      isAutomatic = this.judge(failed, retried)
      this.queue.finish(failed, retried)
      if (retried.size === 0) {
        failures = 0
        continue
      }
      this.lastError = [...retried.values()][0]
      const wait = backoff(failures++, retryBackoffMs, retryBackoffMaxMs)
      const isStopped = await sleep(wait, this.stopped.signal).then(
        () => false,
        () => true,
      )
      if (isStopped) break
    }
    this.isRunning = false
  }

  /**
   * Notes what stands in the way after an attempt.
   * @returns whether it stays there until a later attempt succeeds: the next interval makes one
   */
  private judge(
    failed: ReadonlyMap<CommitEntry, Error>,
    retried: ReadonlyMap<CommitEntry, Error>,
  ): boolean {
    const lost = [...failed].filter(
      ([{ isAutomatic }, error]) => isAutomatic && !(error instanceof CommitFailedError),
    )
    // A broker that cannot be reached is in health() as such.
    const bad = [...retried, ...lost].filter(([, error]) => !isUnreachable(error))
    const error = bad[0]?.[1] ?? null
    this.standing =
      error === null ? null : new StandingProblem(error.message, error, this.standing?.firstAt)
    return bad.some(([{ isAutomatic }]) => isAutomatic)
  }

  /** The error of a caller that waits no longer. */
  private timeUp(timeoutMs: number): TimeoutError {
    return new TimeoutError(
      `commit() timed out after ${timeoutMs} ms: the offsets may be committed later${this.lastError === null ? '' : `: ${this.lastError.message}`}`,
      { cause: this.lastError, wasSent: true },
    )
  }

  /** @returns what was sent to the coordinator; of that, what is in neither map is committed */
  private async attempt(
    all: readonly CommitEntry[],
    failed: Map<CommitEntry, Error>,
    retried: Map<CommitEntry, Error>,
  ): Promise<readonly CommitEntry[]> {
    let sent = this.select(all, failed)
    if (sent.entries.length === 0) return []
    const hasIds = sent.topics.every(({ topicId }) => topicId !== NO_TOPIC_ID)
    // Once more when there is a connection: what changed while the coordinator was looked for counts.
    const body = (): OffsetCommitRequest => {
      sent = this.select(sent.entries, failed)
      if (sent.entries.length === 0) throw nothingLeft
      return this.request(sent)
    }
    const { requestTimeoutMs } = this.cluster.options
    try {
      const limits = {
        maxVersion: hasIds ? undefined : TOPIC_ID_VERSION - 1,
        timeoutMs: Math.max(1, Math.min(this.queue.deadline - monotonicMs(), requestTimeoutMs)),
        signal: this.stopped.signal,
      }
      const result = await traced(
        channels.commit,
        () => ({
          clientId: this.cluster.options.clientId,
          groupId: this.coordinator.groupId,
          offsets: sent.entries.map(({ topic, partition, offset }) => ({
            topic,
            partition,
            offset,
          })),
        }),
        // A commit with nothing left has not failed.
        () => this.coordinator.request(offsetCommit, body, limits).catch(nullIfNothingLeft),
      )
      if (result === null) return []
      const { response, version, nodeId } = result
      const { membership, topics, entries } = sent
      const nameOfId = new Map(topics.map(({ topicId, name }) => [topicId, name]))
      const open = new Map(entries.map((entry) => [`${entry.topic}-${entry.partition}`, entry]))
      for (const topic of response.topics) {
        const name = version >= TOPIC_ID_VERSION ? nameOfId.get(topic.topicId) : topic.name
        for (const { partitionIndex, errorCode } of topic.partitions) {
          const entry = open.get(`${name}-${partitionIndex}`)
          if (entry === undefined) continue
          open.delete(`${name}-${partitionIndex}`)
          if (errorCode === errorCodes.NONE) continue
          const error = this.refusal(errorCode, entry, membership, nodeId)
          if (this.mayRetry(errorCode, entry)) retried.set(entry, error)
          else failed.set(entry, error)
        }
      }
      const silence = new CommitFailedError(
        `Node ${nodeId} left partitions out of its OffsetCommit response`,
        { retriable: true },
      )
      for (const entry of open.values()) retried.set(entry, silence)
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(causeText(error), { cause: error })
      for (const entry of sent.entries) (mayPass(error) ? retried : failed).set(entry, cause)
    }
    return sent.entries
  }

  /** What may be committed now. */
  private select(all: readonly CommitEntry[], failed: Map<CommitEntry, Error>): Selection {
    const membership = this.owner.membership()
    const { groupId } = this.coordinator
    const entries: CommitEntry[] = []
    for (const entry of all) {
      const isOwned = entry.state === null || entry.state.isAssigned || membership === standalone
      // While this one waited, a commit by hand may have gone beyond it, or the position went elsewhere:
      // then there is nothing to do.
      if (isOutdated(entry)) continue
      if (!isOfThisTopic(entry, this.cluster)) failed.set(entry, recreated(entry, groupId))
      else if (membership !== null && isOwned) entries.push(entry)
      else failed.set(entry, notOwned(entry, groupId))
    }
    const topics = [...groupByTopic(entries)].map(([name, ofTopic]) => ({
      name,
      topicId: ofTopic[0].topicId ?? this.cluster.topic(name)?.topicId ?? NO_TOPIC_ID,
      partitions: ofTopic.map((entry) => ({
        partitionIndex: entry.partition,
        committedOffset: entry.offset,
        committedLeaderEpoch: entry.leaderEpoch,
        committedMetadata: entry.metadata,
      })),
    }))
    return { membership: membership ?? standalone, entries, topics }
  }

  private request({ membership, topics }: Selection): OffsetCommitRequest {
    return {
      groupId: this.coordinator.groupId,
      generationIdOrMemberEpoch: membership.generationId,
      memberId: membership.memberId,
      groupInstanceId: membership.groupInstanceId,
      retentionTimeMs: -1n,
      topics,
    }
  }

  /** Whether the same commit may succeed. A rebalance is for the caller to wait out. */
  private mayRetry(code: number, { topic }: CommitEntry): boolean {
    const { REBALANCE_IN_PROGRESS, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID } = errorCodes
    if (code === UNKNOWN_TOPIC_OR_PARTITION || code === UNKNOWN_TOPIC_ID) {
      // The coordinator may not have heard of a new topic. One that was deleted never comes back, nor does
      // its id; where it is not assigned, no other part of the consumer asks for it.
      this.unknownTopics.add(topic)
      this.cluster.addTopics([topic])
      this.cluster.requestRefresh(`the coordinator does not know topic ${topic}`)
      return this.cluster.topicError(topic) !== UNKNOWN_TOPIC_OR_PARTITION
    }
    // A stale epoch: the next attempt is made under the newest one, as long as this is a member.
    if (code === errorCodes.STALE_MEMBER_EPOCH) return true
    return isRetriable(code) && code !== REBALANCE_IN_PROGRESS
  }

  /** Topics that nothing is to be committed for any more are not asked for. */
  private releaseTopics(entries: readonly CommitEntry[]): void {
    if (this.unknownTopics.size === 0) return
    const wanted = new Set(entries.map(({ topic }) => topic))
    const released = [...this.unknownTopics].filter((topic) => !wanted.has(topic))
    for (const topic of released) this.unknownTopics.delete(topic)
    this.cluster.topicsInUse.release(released)
  }

  private refusal(code: number, entry: CommitEntry, membership: Membership, nodeId: number): Error {
    const what = `Commit of ${entry.topic}-${entry.partition} at offset ${entry.offset} for group ${this.coordinator.groupId} at node ${nodeId}`
    const cause = brokerError(code, what, this.cluster.principal)
    this.coordinator.handleCode(code, nodeId)
    switch (code) {
      case errorCodes.REQUEST_TIMED_OUT:
        this.coordinator.forget(nodeId)
        return cause
      case errorCodes.STALE_MEMBER_EPOCH:
        this.owner.onRefused(code, membership)
        return cause
      case errorCodes.ILLEGAL_GENERATION:
      case errorCodes.UNKNOWN_MEMBER_ID: {
        const isRebalancing = this.owner.onRefused(code, membership)
        if (isRebalancing && code === errorCodes.ILLEGAL_GENERATION) {
          return rebalancing(what, cause)
        }
        return new CommitFailedError(
          `${what} failed: ${codeName(code)}, this member's partitions were given to others. Raise maxPollIntervalMs, or work on fewer records at a time`,
          { cause },
        )
      }
      case errorCodes.REBALANCE_IN_PROGRESS:
        this.owner.onRefused(code, membership)
        return rebalancing(what, cause)
      case errorCodes.FENCED_INSTANCE_ID:
        this.owner.onRefused(code, membership)
        return new FencedError(`${what} failed: another member has its groupInstanceId`, { cause })
      default:
        return cause
    }
  }
}

function markCommitted(entry: CommitEntry, cluster: Cluster): void {
  const { state, era } = entry
  if (state !== null && isOfThisTopic(entry, cluster)) state.commits.confirm(entry, era)
}

function notOwned({ topic, partition }: CommitEntry, groupId: string): CommitFailedError {
  return new CommitFailedError(
    `${topic}-${partition} is not assigned to this member of group ${groupId} any more: its offset was not committed`,
  )
}

function recreated({ topic, partition, offset }: CommitEntry, groupId: string): CommitFailedError {
  return new CommitFailedError(
    `Offset ${offset} of ${topic}-${partition} was not committed for group "${groupId}": the topic was deleted and created again, and the offset is of the old one`,
  )
}

/** The same commit may succeed when the group has come together again. */
function rebalancing(what: string, cause: Error): CommitFailedError {
  return new CommitFailedError(`${what} failed: the group is rebalancing`, {
    cause,
    retriable: true,
  })
}
