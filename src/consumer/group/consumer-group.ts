// Membership in a group of the consumer protocol (KIP-848): the member only heartbeats, and the coordinator
// assigns. Heartbeats run beside one loop that does everything that moves partitions: it takes up targets,
// one at a time, and forgets what was lost. A life of the member is one object: a response counts only if
// the life it was asked under is still the present one.

import { withAnySignal } from '../../async/any-signal.ts'
import { monotonicMs } from '../../async/clock.ts'
import { timeoutSignal } from '../../async/timers.ts'
import { stopSwitch } from '../../async/watchers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient } from '../../cluster/coordinator-client.ts'
import { isSameList } from '../../collections/same-list.ts'
import { type KafkaError, toKafkaError } from '../../errors.ts'
import type {
  ConsumerGroupHeartbeatResponse,
  TopicPartitions,
} from '../../protocol/messages/consumer-group-heartbeat.ts'
import type { TopicPartition } from '../../types.ts'
import type { StandingProblem } from '../assignment/standing-problem.ts'
import type { Membership } from '../offsets/committer.ts'
import { consumerGroupError } from './consumer-group-error.ts'
import { ConsumerRequests } from './consumer-requests.ts'
import type { GroupMembership, GroupOwner } from './group-membership.ts'
import { heartbeatAction } from './heartbeat-error-table.ts'
import type { MemberFields } from './heartbeat-fields.ts'
import { FIRST_INTERVAL_MS, MemberHeartbeats, type MemberLife } from './member-heartbeats.ts'
import { RebalanceMeter } from './rebalance-meter.ts'
import type { Rebalancer } from './rebalancer.ts'
import { byTopicId, resolveTarget, UnknownTopics } from './target-assignment.ts'

export interface ConsumerGroupOptions {
  readonly memberId: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly defaultApiTimeoutMs: number
  readonly groupInstanceId: string | null
  readonly groupRemoteAssignor: string | null
  readonly clientRack: string | null
}

export interface ConsumerGroupOwner extends GroupOwner {
  /** What is subscribed to: names, and an expression that the broker evaluates. */
  subscription(): { readonly names: readonly string[]; readonly regex: string | null }
  /** The broker or the group does not speak this protocol. True: another one is used instead. */
  onUnsupported(error: KafkaError): boolean
}

interface Life extends MemberLife<MemberFields> {
  target: readonly TopicPartitions[] | null
  /** The target that was taken up last. */
  taken: readonly TopicPartitions[] | null
  /** What the coordinator is told that this member owns. */
  owned: readonly TopicPartition[]
}

function newLife(): Life {
  return { epoch: 0, known: null, target: null, taken: null, owned: [] }
}

/** A member is not told how long its session is. By default it is nine times the interval of heartbeats. */
const SESSION_INTERVALS = 9

export class ConsumerGroup implements GroupMembership {
  private readonly cluster: Cluster
  private readonly coordinator: CoordinatorClient
  private readonly rebalancer: Rebalancer<unknown, unknown>
  private readonly options: ConsumerGroupOptions
  private readonly owner: ConsumerGroupOwner
  private readonly heartbeats: MemberHeartbeats<MemberFields, Life, ConsumerGroupHeartbeatResponse>
  private readonly stopped = stopSwitch()
  private readonly requests: ConsumerRequests
  readonly protocol = 'consumer'
  readonly rebalances: RebalanceMeter = new RebalanceMeter()
  private life = newLife()
  private current: Membership | null = null
  private topicIds: ReadonlyMap<string, string> = new Map()
  private readonly unknown = new UnknownTopics()
  private isLost = false
  private isBeating = false
  /** How long the first heartbeat of the next life waits (ms). */
  private joinsInMs = 0
  private waitsForPull = true
  private unreleasedSince = 0
  private intervalMs = FIRST_INTERVAL_MS
  private aliveAt = 0
  private wakeLoop: (() => void) | null = null
  private loop: Promise<void> | null = null

  constructor(
    cluster: Cluster,
    coordinator: CoordinatorClient,
    rebalancer: Rebalancer<unknown, unknown>,
    options: ConsumerGroupOptions,
    owner: ConsumerGroupOwner,
  ) {
    this.cluster = cluster
    this.coordinator = coordinator
    this.rebalancer = rebalancer
    this.options = options
    this.owner = owner
    this.requests = new ConsumerRequests(cluster, coordinator, options)
    const { defaultApiTimeoutMs } = options
    this.heartbeats = new MemberHeartbeats(cluster, coordinator, defaultApiTimeoutMs, {
      present: () => this.life,
      fields: () => this.fields,
      send: ({ epoch, known }, fields) => this.requests.heartbeat(epoch, fields, known),
      accept: (...accepted) => this.accept(...accepted),
      refused: (response) => this.refused(response),
      unsupported: (error) => this.unsupported(error),
      giveUp: (error) => this.giveUp(error),
      fail: (error) => this.fail(error),
    })
  }

  get membership(): Membership | null {
    return this.current
  }

  get problem(): StandingProblem | null {
    return this.heartbeats.trouble.current ?? this.unknown.problem
  }

  get sessionEndsAt(): number | null {
    return this.current === null ? null : this.aliveAt + SESSION_INTERVALS * this.intervalMs
  }

  get status(): 'idle' | 'joining' | 'stable' {
    if (this.waitsForPull) return 'idle'
    return this.life.taken === null ? 'joining' : 'stable'
  }

  onPull(): void {
    if (!this.waitsForPull || this.stopped.signal.aborted) return
    this.waitsForPull = false
    this.loop ??= this.run()
    this.wakeLoop?.()
  }

  requestRejoin(reason: string): void {
    this.cluster.options.logger.debug('telling the group of a change', { reason })
    this.heartbeats.timer.schedule(0)
  }

  onMetadata(): void {
    const { known } = this.life
    if (known !== null && !isSameList(this.owner.subscription().names, known.topicNames)) {
      this.heartbeats.timer.schedule(0)
    }
    if (!this.unknown.isEmpty) this.wakeLoop?.()
  }

  /** A commit that the coordinator refuses says that the epoch has moved on: the next heartbeat knows. */
  onCommitRefused(_code: number, membership: Membership): boolean {
    if (membership.memberId === this.requests.memberId) this.heartbeats.timer.schedule(0)
    return false
  }

  onPollExpired(): void {
    if (this.current === null || this.stopped.signal.aborted) return
    void this.requests.leave(this.fields, true, 'the poll interval has expired')
    this.lose('the poll interval has expired')
    this.waitsForPull = true
  }

  beatNow(): void {
    this.heartbeats.timer.schedule(0)
  }

  async stop(): Promise<void> {
    this.stopped.abort()
    this.wakeLoop?.()
    await this.loop
  }

  async leave(isLeaving: boolean, reason: string): Promise<void> {
    this.heartbeats.timer.pause()
    this.life = newLife()
    this.current = null
    const isStatic = this.options.groupInstanceId !== null
    // A static member always says that it is going, and whether it comes back.
    if (this.heartbeats.hasBeaten && (isLeaving || isStatic)) {
      await this.requests.leave(this.fields, !isLeaving, reason)
    }
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped
    while (!signal.aborted) {
      try {
        const { life } = this
        if (this.isLost) {
          this.isLost = false
          await this.rebalancer.forgetLost()
        } else if (!this.waitsForPull && !this.isBeating) {
          await this.owner.prepareTopics(signal)
          this.isBeating = true
          this.heartbeats.timer.start()
          this.heartbeats.timer.schedule(this.joinsInMs)
          this.joinsInMs = 0
        } else if (life.target !== null && (life.target !== life.taken || !this.unknown.isEmpty)) {
          await this.takeUp(life, life.target)
        } else {
          await this.changed()
        }
      } catch (error) {
        if (!signal.aborted) this.fail(toKafkaError(error))
      }
    }
    if (this.isLost) await this.rebalancer.forgetLost()
  }

  private changed(): Promise<void> {
    return new Promise((resolve) => {
      this.wakeLoop = () => {
        this.wakeLoop = null
        resolve()
      }
    })
  }

  /** Makes the target the assignment: releases what is not in it, then takes up what is new. */
  private async takeUp(life: Life, target: readonly TopicPartitions[]): Promise<void> {
    const { signal } = this.stopped
    const wanted = resolveTarget(this.cluster, target)
    const wasPartial = !this.unknown.isEmpty && life.taken === target
    this.unknown.replace(wanted.unknownIds)
    const isPartial = !this.unknown.isEmpty
    const names = new Set(wanted.partitions.map(nameOf))
    const { owned } = this.rebalancer
    const kept = new Set(owned.map(nameOf))
    const revoked = owned.filter((each) => !names.has(nameOf(each)))
    const added = wanted.partitions.filter((each) => !kept.has(nameOf(each)))
    if (isPartial) this.cluster.requestRefresh('the assignment names an unknown topic')
    if (wasPartial && added.length === 0 && revoked.length === 0) {
      if (isPartial) await this.changed()
      return
    }
    this.rebalances.begin()
    this.cluster.options.logger.info(`assigned by group ${this.coordinator.groupId}`, {
      epoch: life.epoch,
      added: added.length,
      revoked: revoked.length,
    })
    if (revoked.length > 0) {
      const patience = timeoutSignal(this.options.rebalanceTimeoutMs)
      await withAnySignal([patience, signal], (end) => this.rebalancer.revoke(revoked, end))
      if (life !== this.life || signal.aborted) return
      life.owned = this.rebalancer.owned
    }
    // Trusted also where this client's own view of the subscription has not matched a topic yet.
    await this.rebalancer.assign(added, () => true)
    if (life !== this.life) return
    this.topicIds = wanted.topicIds
    life.owned = this.rebalancer.owned
    life.taken = target
    this.rebalances.end()
    this.heartbeats.hasJoined = true
    this.heartbeats.trouble.clear()
    this.heartbeats.timer.schedule(0)
  }

  private get fields(): MemberFields {
    const { names, regex } = this.owner.subscription()
    const { rebalanceTimeoutMs, groupRemoteAssignor, clientRack } = this.options
    return {
      rebalanceTimeoutMs,
      topicNames: names,
      topicRegex: regex,
      serverAssignor: groupRemoteAssignor,
      rackId: clientRack,
      owned: byTopicId(this.life.owned, this.topicIds),
      taken: this.life.taken,
    }
  }

  private accept(
    life: Life,
    response: ConsumerGroupHeartbeatResponse,
    sentAt: number,
    intervalMs: number,
  ): void {
    this.unreleasedSince = 0
    if (this.current === null || life.epoch !== response.memberEpoch) {
      life.epoch = response.memberEpoch
      const { groupInstanceId } = this.options
      this.current = { generationId: life.epoch, memberId: this.requests.memberId, groupInstanceId }
    }
    this.intervalMs = intervalMs
    this.aliveAt = sentAt
    this.owner.onAlive(sentAt)
    if (response.assignment !== null) {
      life.target = response.assignment.topicPartitions
      this.wakeLoop?.()
    }
  }

  private refused(response: ConsumerGroupHeartbeatResponse): number | null {
    const error = consumerGroupError(
      response.errorCode,
      this.coordinator.groupId,
      response.errorMessage,
      this.cluster.principal,
    )
    this.heartbeats.trouble.note(error)
    switch (heartbeatAction(response.errorCode, this.life.epoch > 0)) {
      case 'fenced':
        // One that is refused as it joins would be so again at once.
        this.joinsInMs = this.life.epoch > 0 ? 0 : this.heartbeats.backOff()
        this.lose(error.message)
        return this.joinsInMs
      case 'unreleased':
        return this.waitForRelease(error)
      case 'report':
        this.owner.onRefused(error)
        return this.intervalMs
      case 'unsupported':
        this.unsupported(error)
        return null
      case 'fatal':
        this.fail(error)
        return null
      default:
        return this.heartbeats.backOff()
    }
  }

  private giveUp(error: KafkaError): void {
    this.isBeating = false
    this.waitsForPull = true
    this.owner.onRefused(error)
  }

  private waitForRelease(error: KafkaError): number | null {
    const now = monotonicMs()
    if (this.unreleasedSince === 0) this.unreleasedSince = now
    if (now - this.unreleasedSince <= this.options.sessionTimeoutMs)
      return this.heartbeats.backOff()
    this.fail(error)
    return null
  }

  private unsupported(error: KafkaError): void {
    if (this.heartbeats.hasJoined || !this.owner.onUnsupported(error)) {
      this.fail(error)
      return
    }
    // Another group has taken over: this one is silent from now on.
    this.heartbeats.timer.pause()
    this.life = newLife()
    this.stopped.abort()
    this.wakeLoop?.()
  }

  /** The partitions may be others' already: nothing of them is delivered from here on. */
  private lose(reason: string): void {
    const { groupId } = this.coordinator
    this.cluster.options.logger.warn(`lost the membership in group ${groupId}`, { reason })
    this.life = newLife()
    this.current = null
    this.unknown.replace([])
    this.isBeating = false
    this.heartbeats.timer.pause()
    this.isLost = true
    this.rebalancer.markLost()
    // Nothing is left that could be delivered wrongly.
    this.owner.onAlive(monotonicMs())
    this.wakeLoop?.()
  }

  private fail(error: Error): void {
    this.heartbeats.timer.pause()
    this.life = newLife()
    this.current = null
    this.stopped.abort()
    this.isLost = true
    this.rebalancer.markLost()
    // Forgets what was lost when a callback that runs has settled.
    this.wakeLoop?.()
    this.owner.onFatal(error)
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
