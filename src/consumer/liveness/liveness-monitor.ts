// Whether this consumer lives, looked at from time to time: is the event loop turning, is a record worked on
// for too long, is any broker reached? stall-detector.ts and outage-detector.ts judge; here is the timer, and what
// follows from their word.

import { monotonicMs } from '../../async/clock.ts'
import { startInterval } from '../../async/timers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { StandingProblem } from '../assignment/standing-problem.ts'
import type { Membership } from '../offsets/committer.ts'
import { type ConsumerProblem, ProblemReports } from './consumer-problems.ts'
import { OutageDetector } from './outage-detector.ts'
import { type LivenessEvent, StallDetector, type StallDetectorOptions } from './stall-detector.ts'

/** What lasts longer than this is reported. */
const PATIENCE_MS = 5000

export interface LivenessMonitorOptions extends StallDetectorOptions {
  readonly defaultApiTimeoutMs: number
}

/** With the consumer protocol the broker sets the intervals: a stall of two of them raises the fence. */
export function livenessOptions(
  options: LivenessMonitorOptions & { readonly groupProtocol: string },
): LivenessMonitorOptions {
  if (options.groupProtocol === 'classic') return options
  return { ...options, heartbeatIntervalMs: 5000, sessionTimeoutMs: 15_000 }
}

/** What of a group is needed; null: there is none. */
export interface MonitoredGroup {
  readonly membership: Membership | null
  readonly sessionEndsAt: number | null
  beatNow(): void
  onPollExpired(): void
}

/** What of the delivery is needed. */
export interface MonitoredDelivery {
  setFence(isUp: boolean): void
  sampleHeldMs(now: number): number
}

export interface LivenessMonitorOwner {
  readonly group: MonitoredGroup | null
  problems(): ConsumerProblem[]
  /** Something has kept records from flowing for a while. */
  onProblem(error: Error): void
  onStall(durationMs: number): void
  onError(error: Error): void
}

export class LivenessMonitor {
  /** The last time the coordinator took this member for alive (ms). */
  lastHeartbeatAt: number | null = null
  private readonly cluster: Cluster
  private readonly delivery: MonitoredDelivery
  private readonly options: LivenessMonitorOptions
  private readonly owner: LivenessMonitorOwner
  private readonly liveness: StallDetector
  private readonly outage: OutageDetector
  private readonly patienceMs: number
  private readonly reports: ProblemReports
  private reportedAt = 0
  private quietUntil = 0
  private timer: NodeJS.Timeout | undefined
  /** The membership that a slow handler has cost. */
  private expiry: StandingProblem | null = null

  constructor(
    cluster: Cluster,
    delivery: MonitoredDelivery,
    options: LivenessMonitorOptions,
    owner: LivenessMonitorOwner,
  ) {
    this.cluster = cluster
    this.delivery = delivery
    this.options = options
    this.owner = owner
    this.liveness = new StallDetector(options, monotonicMs())
    this.outage = new OutageDetector(options.defaultApiTimeoutMs)
    // Longer than an outage needs to be noticed: that is reported as one, and not broker by broker.
    this.patienceMs = Math.max(1000, Math.min(PATIENCE_MS, options.defaultApiTimeoutMs))
    this.reports = new ProblemReports(this.patienceMs)
  }

  /** Why this consumer is not a member of its group; null: it is, or was never, or joins. */
  get problem(): StandingProblem | null {
    if (this.isMember) this.expiry = null
    return this.expiry
  }

  /** Since when no broker at all is reached (ms); null: one is. */
  get unreachableSince(): number | null {
    return this.outage.since === 0 ? null : this.outage.since
  }

  start(): void {
    this.liveness.start(monotonicMs())
    this.timer = startInterval(() => this.tick(), this.liveness.tickMs)
  }

  stop(): void {
    clearInterval(this.timer)
  }

  /** The clock was read somewhere. */
  check(now: number): void {
    // Before the timer runs there is nothing that could be late.
    if (this.timer !== undefined) this.tell(this.liveness.check(now))
  }

  /** The coordinator took this member for alive at some time after `since`, or does so no longer. */
  onAlive(since: number): void {
    if (this.isMember) this.lastHeartbeatAt = monotonicMs()
    this.liftFence(since)
  }

  private get isMember(): boolean {
    const { group } = this.owner
    return group !== null && group.membership !== null
  }

  private tick(): void {
    const now = monotonicMs()
    this.tell(this.liveness.tick(now))
    const { isOutage, mayRecover } = this.cluster
    if (this.outage.look(now, isOutage, mayRecover)) this.owner.onError(this.cluster.outageError)
    // An outage is reported as one, and not broker by broker; nor is what is left of it when it ends.
    if (isOutage) this.quietUntil = now + PATIENCE_MS
    else if (now >= this.quietUntil) this.reportProblems(now)
    const { group } = this.owner
    if (group === null) return
    if (this.liveness.isFenced && !this.isMember) this.liftFence(now)
    this.checkSession(now, group)
    const heldMs = this.delivery.sampleHeldMs(now)
    if (!this.isMember || !this.liveness.isPollExpired(heldMs)) return
    const { maxPollIntervalMs } = this.options
    this.cluster.options.logger.warn(
      `a record or batch has been worked on for ${heldMs} ms, longer than maxPollIntervalMs (${maxPollIntervalMs}): leaving the group until more is asked for`,
    )
    this.expiry = new StandingProblem(
      `This consumer has left its group, as a record or batch was worked on for longer than maxPollIntervalMs (${maxPollIntervalMs}): it joins again when that is done and more is asked for`,
      null,
    )
    group.onPollExpired()
  }

  /** Coordinator and member may be cut off from each other while records of other brokers still arrive. */
  private checkSession(now: number, group: MonitoredGroup): void {
    const { sessionEndsAt } = group
    if (this.liveness.isFenced || sessionEndsAt === null) return
    // Not one tick too late.
    if (now + this.liveness.tickMs < sessionEndsAt) return
    this.cluster.options.logger.warn(
      'no heartbeat has had a response for as long as the session lasts: no record is delivered until one has',
    )
    this.liveness.raiseFence(now)
    this.delivery.setFence(true)
    group.beatNow()
  }

  /** Looked for at most once a second: there may be many partitions. */
  private reportProblems(now: number): void {
    if (now - this.reportedAt < Math.min(1000, this.patienceMs)) return
    this.reportedAt = now
    for (const error of this.reports.due(this.owner.problems(), now)) this.owner.onProblem(error)
  }

  private tell(event: LivenessEvent | null): void {
    if (event === null) return
    const { durationMs } = event
    this.cluster.options.logger.warn(`The event loop was blocked for ${durationMs} ms`)
    this.owner.onStall(durationMs)
    const { group } = this.owner
    if (!event.isFencing || group === null) return
    this.delivery.setFence(true)
    group.beatNow()
  }

  private liftFence(since: number): void {
    if (this.liveness.alive(since)) this.delivery.setFence(false)
  }
}
