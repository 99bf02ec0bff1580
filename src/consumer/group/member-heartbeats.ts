// The heartbeats of a member that a coordinator assigns partitions to (KIP-848 and share groups): what becomes of
// a response and of a failure, and how long to wait until the next one.

import { monotonicMs } from '../../async/clock.ts'
import { backoff } from '../../async/retry.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient, CoordinatorResponse } from '../../cluster/coordinator-client.ts'
import { KafkaError, toKafkaError, UnsupportedVersionError } from '../../errors.ts'
import { groupFailure } from './group-failure.ts'
import { HeartbeatTimer } from './heartbeat-timer.ts'
import { MembershipProblem } from './membership-problem.ts'

/** Where the coordinator has not said how often it wants one (ms). */
export const FIRST_INTERVAL_MS = 5000

/** From joining to losing the membership. A response counts only if its life is still the present one. */
export interface MemberLife<Fields> {
  epoch: number
  /** What the coordinator knows of the member; null: nothing for certain, so that everything is said. */
  known: Fields | null
}

/** What the responses of both protocols have in common. */
export interface HeartbeatResponse {
  readonly errorCode: number
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
}

/** The group that the member is of. */
export interface HeartbeatOwner<Fields, Life extends MemberLife<Fields>, Response> {
  /** The life that the member has now. */
  present(): Life
  /** What the member has to say of itself now. */
  fields(): Fields
  send(life: Life, fields: Fields): Promise<CoordinatorResponse<Response>>
  /** @param intervalMs how long until the next heartbeat */
  accept(life: Life, response: Response, sentAt: number, intervalMs: number): void
  /**
   * The coordinator responded with an error.
   * @returns how long until the next heartbeat (ms); null: the interval
   */
  refused(response: Response): number | null
  /** The broker does not have this request. */
  unsupported(error: UnsupportedVersionError): void
  /** The brokers refuse this user, and heartbeats have stopped until the caller asks for records again. */
  giveUp(error: KafkaError): void
  /** No repetition can help. */
  fail(error: KafkaError): void
}

export class MemberHeartbeats<
  Fields,
  Life extends MemberLife<Fields>,
  Response extends HeartbeatResponse,
> {
  readonly timer: HeartbeatTimer
  readonly trouble: MembershipProblem
  /** Whether the coordinator may know of this member. */
  hasBeaten = false
  /** Whether this member ever was one. */
  hasJoined = false
  private readonly cluster: Cluster
  private readonly coordinator: CoordinatorClient
  private readonly defaultApiTimeoutMs: number
  private readonly owner: HeartbeatOwner<Fields, Life, Response>
  private failures = 0

  constructor(
    cluster: Cluster,
    coordinator: CoordinatorClient,
    defaultApiTimeoutMs: number,
    owner: HeartbeatOwner<Fields, Life, Response>,
  ) {
    this.cluster = cluster
    this.coordinator = coordinator
    this.defaultApiTimeoutMs = defaultApiTimeoutMs
    this.owner = owner
    this.trouble = new MembershipProblem(coordinator.groupId)
    this.timer = new HeartbeatTimer(FIRST_INTERVAL_MS, () => this.beat())
  }

  /** How long to wait after a heartbeat that failed (ms). */
  backOff(): number {
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    return backoff(this.failures++, retryBackoffMs, retryBackoffMaxMs)
  }

  /** One heartbeat. How long until the next one; null: the interval. */
  private async beat(): Promise<number | null> {
    const { owner } = this
    const life = owner.present()
    const sentAt = monotonicMs()
    const fields = owner.fields()
    this.hasBeaten = true
    try {
      const { response, nodeId } = await owner.send(life, fields)
      // The life that began meanwhile has said nothing yet.
      if (life !== owner.present()) return 0
      if (response.errorCode === 0) {
        // As the epoch of the next heartbeat it would say that the member leaves.
        if (response.memberEpoch < 0) throw negativeEpoch(this.coordinator.groupId, response)
        life.known = fields
        this.failures = 0
        this.trouble.clear()
        const { heartbeatIntervalMs } = response
        const intervalMs = heartbeatIntervalMs > 0 ? heartbeatIntervalMs : FIRST_INTERVAL_MS
        owner.accept(life, response, sentAt, intervalMs)
        return intervalMs
      }
      const isRediscovering = this.coordinator.handleCode(response.errorCode, nodeId)
      life.known = null
      const waitMs = owner.refused(response)
      return isRediscovering ? this.cluster.options.retryBackoffMs : waitMs
    } catch (error) {
      if (life !== owner.present()) return 0
      // How much of it the coordinator has taken is not known.
      life.known = null
      return this.failed(error)
    }
  }

  private failed(error: unknown): number | null {
    const { owner, trouble } = this
    if (error instanceof UnsupportedVersionError) {
      owner.unsupported(error)
      return null
    }
    const failure = groupFailure(error)
    const cause = toKafkaError(error)
    if (failure === 'fatal') {
      owner.fail(cause)
      return null
    }
    trouble.note(cause)
    this.cluster.options.logger.debug('a heartbeat failed', { error })
    if (failure !== 'refused' || !this.isOverdue) return this.backOff()
    this.timer.pause()
    owner.giveUp(cause)
    return null
  }

  /** A member keeps trying for a while before it tells its caller; at the start the caller waits for news. */
  private get isOverdue(): boolean {
    return !this.hasJoined || this.trouble.ageMs > this.defaultApiTimeoutMs
  }
}

function negativeEpoch(groupId: string, { memberEpoch }: HeartbeatResponse): KafkaError {
  return new KafkaError(
    `The coordinator of group "${groupId}" responded to a heartbeat with member epoch ${memberEpoch}`,
    { retriable: true },
  )
}
