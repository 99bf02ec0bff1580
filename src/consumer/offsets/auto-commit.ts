// Commits what is done without being asked: by interval, and when partitions are released.

import { startInterval } from '../../async/timers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { ClosedError, CommitFailedError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import { committableEntries } from './commit-entries.ts'
import type { Committer } from './committer.ts'

export interface AutoCommitOptions {
  readonly enableAutoCommit: boolean
  readonly autoCommitIntervalMs: number
  readonly defaultApiTimeoutMs: number
  readonly sessionTimeoutMs: number
}

export class AutoCommit {
  private readonly cluster: Cluster
  private readonly committer: Committer | null
  private readonly options: AutoCommitOptions
  private readonly onError: (error: Error) => void
  private timer: NodeJS.Timeout | undefined

  /** @param committer null: there is no group to commit to */
  constructor(
    cluster: Cluster,
    committer: Committer | null,
    options: AutoCommitOptions,
    onError: (error: Error) => void,
  ) {
    this.cluster = cluster
    this.committer = committer
    this.options = options
    this.onError = onError
  }

  /** Commits what is done of `partitions` at every interval. */
  start(partitions: () => Iterable<AssignedPartition>): void {
    const { enableAutoCommit, autoCommitIntervalMs } = this.options
    if (this.committer === null || !enableAutoCommit) return
    // A commit that takes long holds up no later one: offsets of other partitions go with that.
    this.timer = startInterval(() => void this.commit(partitions(), true), autoCommitIntervalMs)
  }

  stop(): void {
    clearInterval(this.timer)
  }

  /**
   * Commits what is done, if that is done automatically. Never rejects; what fails is reported.
   * @param isRecommitting also what did not change since the last commit
   */
  async commit(states: Iterable<AssignedPartition>, isRecommitting: boolean): Promise<void> {
    const { enableAutoCommit, defaultApiTimeoutMs, sessionTimeoutMs } = this.options
    if (this.committer === null || !enableAutoCommit) return
    // A topic that was deleted takes no offsets: health() says what is in the way.
    const entries = committableEntries(states, isRecommitting).filter(
      ({ topic }) => this.cluster.topicError(topic) !== errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    )
    if (entries.length === 0) this.committer.nothingToCommit()
    try {
      await this.committer.commit(entries, Math.min(defaultApiTimeoutMs, sessionTimeoutMs))
    } catch (error) {
      // What was committed at this interval again, or is by the last commit before the end, is not lost.
      if (error instanceof ClosedError && isRecommitting) return
      // A problem in health() is reported as one when it lasts, and the next interval tries again.
      if (isRecommitting && this.committer.problem !== null) return
      // If not now, a rebalance commits what is done before it revokes the partitions.
      if (error instanceof CommitFailedError && error.retriable) {
        this.cluster.options.logger.debug(error.message)
      } else if (error instanceof Error) this.onError(error)
    }
  }
}
