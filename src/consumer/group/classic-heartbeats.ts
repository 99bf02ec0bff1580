// The heartbeats of a member of a classic group, and the proof that it still is one after its session may have
// ended unnoticed.

import { monotonicMs } from '../../async/clock.ts'
import { backoff } from '../../async/retry.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient } from '../../cluster/coordinator-client.ts'
import { type KafkaError, toKafkaError } from '../../errors.ts'
import { brokerError } from '../../protocol/error-codes.ts'
import { type MemberAction, memberAction } from './classic-error-table.ts'
import type { ClassicRequests, Generation } from './classic-requests.ts'
import { groupFailure } from './group-failure.ts'
import { HeartbeatTimer } from './heartbeat-timer.ts'
import type { MembershipProblem } from './membership-problem.ts'

/** The group that the member is of. */
export interface ClassicHeartbeatOwner {
  readonly generation: Generation | null
  readonly state: 'unjoined' | 'preparing' | 'completing' | 'stable'
  /** Whether the caller is to hear of an error now. */
  readonly isOverdue: boolean
  /** The coordinator took this member for alive at some time after `since` (monotonic ms). */
  onAlive(since: number): void
  /** What the response means for the membership. */
  apply(action: MemberAction, code: number): void
  onRefused(error: KafkaError): void
  fail(error: KafkaError): void
}

export interface ClassicHeartbeatTimes {
  readonly heartbeatIntervalMs: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

export class ClassicHeartbeats {
  readonly timer: HeartbeatTimer
  private readonly cluster: Cluster
  private readonly coordinator: CoordinatorClient
  private readonly requests: ClassicRequests
  private readonly trouble: MembershipProblem
  private readonly times: ClassicHeartbeatTimes
  private readonly owner: ClassicHeartbeatOwner
  private failures = 0
  private isDoubted = false
  /** The coordinator took this member for alive at some time after this (monotonic ms). */
  private aliveAt = 0

  constructor(
    cluster: Cluster,
    coordinator: CoordinatorClient,
    requests: ClassicRequests,
    trouble: MembershipProblem,
    times: ClassicHeartbeatTimes,
    owner: ClassicHeartbeatOwner,
  ) {
    this.cluster = cluster
    this.coordinator = coordinator
    this.requests = requests
    this.trouble = trouble
    this.times = times
    this.owner = owner
    this.timer = new HeartbeatTimer(times.heartbeatIntervalMs, () => this.beat())
  }

  /** When the coordinator may give this member up (monotonic ms); null: it is none. */
  get sessionEndsAt(): number | null {
    const { generation, state } = this.owner
    if (generation === null) return null
    // The coordinator waits for a member that is to join again for as long as a rebalance may take.
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.times
    return this.aliveAt + (state === 'stable' ? sessionTimeoutMs : rebalanceTimeoutMs)
  }

  /** The session may have ended: until it is proven that it has not, no heartbeat counts. */
  doubt(): void {
    this.isDoubted = true
    this.timer.schedule(0)
  }

  /** The member is one of a new generation, and alive. */
  onJoined(): void {
    this.aliveAt = monotonicMs()
    this.timer.start()
  }

  /** The member has an assignment: what is in doubt can be proven. */
  onStable(): void {
    this.aliveAt = monotonicMs()
    if (this.isDoubted) this.timer.schedule(0)
  }

  /** The membership is lost: there is nothing to prove. */
  onLost(): void {
    this.isDoubted = false
    this.timer.pause()
  }

  /** One heartbeat. How long until the next one, if not the interval. */
  private async beat(): Promise<number | null> {
    const { owner, trouble } = this
    const { generation } = owner
    if (generation === null || owner.state === 'preparing' || owner.state === 'unjoined') {
      return null
    }
    const { retryBackoffMs } = this.cluster.options
    const isProof = this.isDoubted && owner.state === 'stable'
    const sentAt = monotonicMs()
    try {
      const { response, nodeId } = await (isProof
        ? this.requests.prove(generation)
        : this.requests.heartbeat(generation))
      if (generation !== owner.generation) return null
      const { errorCode } = response
      const isRediscovering = this.coordinator.handleCode(errorCode, nodeId)
      const action = memberAction('heartbeat', errorCode)
      if (action === 'done') trouble.accepted()
      else if (owner.state === 'stable') trouble.interrupted()
      if (action === 'done' || action === 'rejoin') {
        if (isProof) this.isDoubted = false
        if (!this.isDoubted) {
          this.aliveAt = sentAt
          owner.onAlive(sentAt)
        }
        this.failures = 0
        if (owner.state === 'stable') trouble.clear()
      } else {
        const what = `Heartbeat of group "${this.coordinator.groupId}"`
        trouble.note(brokerError(errorCode, what, this.cluster.principal))
      }
      // A rebalance that has begun under us is joined by the loop already.
      if (action !== 'rejoin' || owner.state === 'stable') owner.apply(action, errorCode)
      return isRediscovering || this.isDoubted ? retryBackoffMs : null
    } catch (error) {
      if (generation !== owner.generation) return null
      const failure = groupFailure(error)
      const cause = toKafkaError(error)
      if (failure === 'fatal') {
        owner.fail(cause)
        return null
      }
      trouble.note(cause)
      if (failure === 'refused' && owner.isOverdue) {
        // Once for each such time: the session may outlast it.
        trouble.clear()
        owner.onRefused(cause)
      }
      this.cluster.options.logger.debug('a heartbeat failed', { error })
      return backoff(this.failures++, retryBackoffMs, this.times.heartbeatIntervalMs)
    }
  }
}
