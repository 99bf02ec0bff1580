// Membership in a classic group: joins, syncs, says that it is alive, and joins again when the
// group changes. One loop does everything that moves partitions, so that revokes, losses and
// assignments follow each other; heartbeats run beside it and only set what the loop is to do next.
// A generation is one object that never changes: a response counts only if the object it was asked
// under is still the present one.

import { withAnySignal } from '../../async/any-signal.ts'
import { monotonicMs } from '../../async/clock.ts'
import { backoff, sleep } from '../../async/retry.ts'
import { timeoutSignal } from '../../async/timers.ts'
import { stopSwitch } from '../../async/watchers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient } from '../../cluster/coordinator-client.ts'
import { isSameList } from '../../collections/same-list.ts'
import { KafkaError, toKafkaError } from '../../errors.ts'
import { brokerError } from '../../protocol/error-codes.ts'
import type { JoinGroupResponse } from '../../protocol/messages/join-group.ts'
import { without } from '../../topic-partition.ts'
import type { StandingProblem } from '../assignment/standing-problem.ts'
import type { Membership } from '../offsets/committer.ts'
import { leadGroup, partitionCounts } from './assignment-leader.ts'
import { tellAssignment } from './assignors/call-assignor.ts'
import { fatalGroupError, type MemberAction, memberAction } from './classic-error-table.ts'
import { type ClassicHeartbeatOwner, ClassicHeartbeats } from './classic-heartbeats.ts'
import { type ClassicRequestOptions, ClassicRequests, type Generation } from './classic-requests.ts'
import { decodeAssignment } from './consumer-protocol.ts'
import { groupFailure } from './group-failure.ts'
import type { GroupMembership, GroupOwner } from './group-membership.ts'
import { MembershipProblem } from './membership-problem.ts'
import { RebalanceMeter } from './rebalance-meter.ts'
import type { Rebalancer } from './rebalancer.ts'

export interface ClassicGroupOptions extends ClassicRequestOptions {
  readonly heartbeatIntervalMs: number
  readonly defaultApiTimeoutMs: number
}

type GroupState = 'unjoined' | 'preparing' | 'completing' | 'stable'

export class ClassicGroup implements GroupMembership {
  private readonly cluster: Cluster
  private readonly coordinator: CoordinatorClient
  private readonly rebalancer: Rebalancer<unknown, unknown>
  private readonly options: ClassicGroupOptions
  private readonly owner: GroupOwner
  private readonly isCooperative: boolean
  private readonly stopped = stopSwitch()
  private readonly requests: ClassicRequests
  private readonly heartbeats: ClassicHeartbeats
  private state: GroupState = 'unjoined'
  private memberId = ''
  private generation: Generation | null = null
  private joinReason: string | null = 'the consumer starts'
  private isLost = false
  /** Aborts when the membership is lost. */
  private loss = stopSwitch()
  private waitsForPull = true
  private failures = 0
  private hasJoined = false
  /** Whether topics were looked up for a join that is only repeated with the id that it was given. */
  private isPrepared = false
  private readonly trouble: MembershipProblem
  readonly protocol = 'classic'
  readonly rebalances: RebalanceMeter = new RebalanceMeter()
  private joinedTopics: readonly string[] = []
  /** As leader: on how many partitions of each topic the assignment was based. */
  private basis: ReadonlyMap<string, number> | null = null
  private wakeLoop: (() => void) | null = null
  private loop: Promise<void> | null = null

  constructor(
    cluster: Cluster,
    coordinator: CoordinatorClient,
    rebalancer: Rebalancer<unknown, unknown>,
    options: ClassicGroupOptions,
    owner: GroupOwner,
  ) {
    this.cluster = cluster
    this.coordinator = coordinator
    this.trouble = new MembershipProblem(coordinator.groupId)
    this.rebalancer = rebalancer
    this.options = options
    this.owner = owner
    // Partitions may stay while joining only if every assignor that could be chosen allows for it.
    this.isCooperative = options.assignors.every((assignor) => assignor.isCooperative === true)
    this.requests = new ClassicRequests(coordinator, options, cluster.options.requestTimeoutMs)
    this.heartbeats = new ClassicHeartbeats(
      cluster,
      coordinator,
      this.requests,
      this.trouble,
      options,
      this.heartbeatOwner(),
    )
  }

  get problem(): StandingProblem | null {
    return this.trouble.of(this.rebalancer.ownsPartitions)
  }

  get membership(): Membership | null {
    return this.generation
  }

  get sessionEndsAt(): number | null {
    return this.heartbeats.sessionEndsAt
  }

  get status(): 'idle' | 'joining' | 'stable' {
    if (this.waitsForPull) return 'idle'
    return this.state === 'stable' ? 'stable' : 'joining'
  }

  onPull(): void {
    if (!this.waitsForPull || this.stopped.signal.aborted) return
    this.waitsForPull = false
    this.loop ??= this.run()
    this.wakeLoop?.()
  }

  /** The group has to come together again. */
  requestRejoin(reason: string): void {
    if (this.joinReason !== null || this.stopped.signal.aborted) return
    this.cluster.options.logger.info(`rejoining group ${this.coordinator.groupId}`, { reason })
    this.joinReason = reason
    this.wakeLoop?.()
  }

  onMetadata(): void {
    if (this.generation === null) return
    if (!isSameList(this.owner.subscribedTopics(), this.joinedTopics)) {
      this.requestRejoin('the subscription matches other topics')
      return
    }
    if (this.basis === null) return
    const counts = partitionCounts(this.cluster, this.basis.keys())
    for (const [topic, count] of this.basis) {
      if (counts.get(topic) === count) continue
      this.requestRejoin(`topic ${topic} has ${counts.get(topic)} partitions instead of ${count}`)
      return
    }
  }

  onCommitRefused(code: number, membership: Membership): boolean {
    if (membership !== this.generation) return membership.memberId === this.generation?.memberId
    // During a rebalance the generation of a commit is old by nature: that costs no assignment.
    if (this.state !== 'stable') return true
    this.apply(memberAction('commit', code), code, 'commit')
    return false
  }

  /** The user works on one record for longer than `maxPollIntervalMs`: makes room for others. */
  onPollExpired(): void {
    if (this.generation === null || this.stopped.signal.aborted) return
    const { memberId } = this
    const isStatic = this.options.groupInstanceId !== null
    // A static member says nothing: it comes back within its session, or its time runs out.
    if (!isStatic) void this.sendLeave(memberId, 'the poll interval has expired')
    this.lose('the poll interval has expired', isStatic)
    this.waitsForPull = true
  }

  beatNow(): void {
    this.heartbeats.doubt()
  }

  async stop(): Promise<void> {
    this.stopped.abort()
    this.wakeLoop?.()
    await this.loop
  }

  async leave(isLeaving: boolean, reason: string): Promise<void> {
    this.heartbeats.timer.pause()
    const { memberId } = this
    this.generation = null
    this.state = 'unjoined'
    if (isLeaving && memberId !== '') await this.sendLeave(memberId, reason)
  }

  private heartbeatOwner(): ClassicHeartbeatOwner {
    const group = this
    return {
      get generation() {
        return group.generation
      },
      get state() {
        return group.state
      },
      get isOverdue() {
        return group.isOverdue
      },
      onAlive: (since) => this.owner.onAlive(since),
      apply: (action, code) => this.apply(action, code, 'heartbeat'),
      onRefused: (error) => this.owner.onRefused(error),
      fail: (error) => this.fail(error),
    }
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped
    while (!signal.aborted) {
      try {
        if (this.isLost) {
          this.isLost = false
          await this.rebalancer.forgetLost()
        } else if (this.joinReason === null || this.waitsForPull) {
          await this.changed()
        } else {
          await this.join(this.joinReason)
        }
      } catch (error) {
        if (signal.aborted) break
        this.joinReason ??= 'the last attempt to join failed'
        const failure = groupFailure(error)
        const cause = toKafkaError(error)
        if (failure !== 'fatal') this.trouble.note(cause)
        if (failure === 'fatal') this.fail(cause)
        else if (failure === 'refused' && this.isOverdue) this.refuse(cause)
        else await this.backOff()
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

  /** One attempt to join the next generation, with every step before and after. */
  private async join(reason: string): Promise<void> {
    const { signal } = this.stopped
    this.rebalances.begin()
    if (this.generation === null && !this.isPrepared) await this.owner.prepareTopics(signal)
    this.isPrepared = false
    const topics = this.owner.subscribedTopics()
    const timeout = timeoutSignal(this.options.rebalanceTimeoutMs)
    const revoked = this.toRevokeBeforeJoin(topics)
    await withAnySignal([timeout, signal], (end) => this.rebalancer.revoke(revoked, end))
    if (this.isLost || signal.aborted) return
    // Only now: this join serves every request to rebalance that came before this line.
    this.joinReason = null
    this.state = 'preparing'
    this.joinedTopics = topics
    const member = { memberId: this.memberId, topics, ownedPartitions: this.rebalancer.owned }
    const generationId = this.generation?.generationId ?? -1
    const { response, version, nodeId } = await this.trouble.wait.for(
      'JoinGroup',
      this.requests.join({ ...member, generationId, reason }, signal),
    )
    if (response.errorCode === 0) {
      await this.sync(response)
      return
    }
    this.state = this.generation === null ? 'unjoined' : 'stable'
    this.joinReason ??= reason
    this.coordinator.handleCode(response.errorCode, nodeId)
    const action = memberAction('join', response.errorCode)
    const isNamed = action === 'useMemberId' && this.memberId === ''
    if (!isNamed) this.trouble.note(this.errorOf('JoinGroup', response.errorCode))
    this.cluster.options.logger.debug('join refused', { code: response.errorCode, version })
    if (isNamed) {
      this.memberId = response.memberId
      this.isPrepared = true
    } else await this.applyInLoop(action, response.errorCode, 'join')
  }

  private toRevokeBeforeJoin(topics: readonly string[]): { topic: string; partition: number }[] {
    const { owned } = this.rebalancer
    const wanted = new Set(this.isCooperative ? topics : [])
    return owned.filter(({ topic }) => !wanted.has(topic))
  }

  private async sync(joined: JoinGroupResponse): Promise<void> {
    const { signal } = this.stopped
    const generation: Generation = {
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupInstanceId: this.options.groupInstanceId,
      protocolName: joined.protocolName ?? '',
    }
    this.memberId = joined.memberId
    this.generation = generation
    this.state = 'completing'
    this.heartbeats.onJoined()
    this.basis = null
    let assignments: { memberId: string; assignment: Buffer }[] = []
    if (joined.leader === joined.memberId) {
      const { cluster, options, owner } = this
      const limits = { timeoutMs: options.rebalanceTimeoutMs }
      const deciding = withAnySignal([signal, this.loss.signal], (end) =>
        leadGroup(cluster, options.assignors, joined, { ...limits, signal: end }, owner.onError),
      )
      const decision = await this.trouble.wait.for('assign()', deciding)
      this.basis = decision.basis
      assignments = decision.assignments
    } else this.cluster.topicsInUse.replace('leader', [])
    const { response, nodeId } = await this.trouble.wait
      .for('SyncGroup', this.requests.sync(generation, assignments, signal))
      .catch((error: unknown) => {
        this.joinReason ??= 'the response to SyncGroup was lost'
        throw error
      })
    // A heartbeat may have said meanwhile that this generation is over.
    if (generation !== this.generation || this.isLost) return
    if (response.errorCode !== 0) {
      this.coordinator.handleCode(response.errorCode, nodeId)
      this.joinReason ??= 'the group changed before the assignment came'
      this.trouble.note(this.errorOf('SyncGroup', response.errorCode))
      await this.applyInLoop(memberAction('sync', response.errorCode), response.errorCode, 'sync')
      return
    }
    const { assignedPartitions, userData } = decodeAssignment(response.assignment)
    this.state = 'stable'
    this.failures = 0
    this.hasJoined = true
    this.trouble.clear()
    this.heartbeats.onStable()
    const assignment = { partitions: assignedPartitions, userData }
    const assignor = this.options.assignors.find(({ name }) => name === generation.protocolName)
    tellAssignment(assignor, assignment, generation.generationId, this.owner.onError)
    await this.take(assignedPartitions)
    this.rebalances.end()
    this.onMetadata()
  }

  /** Releases the partitions that went to other members, then takes the new ones. */
  private async take(assigned: readonly { topic: string; partition: number }[]): Promise<void> {
    const { owned } = this.rebalancer
    const revoked = without(owned, assigned)
    const added = without(assigned, owned)
    this.cluster.options.logger.info(`assigned by group ${this.coordinator.groupId}`, {
      generation: this.generation?.generationId,
      added: added.length,
      revoked: revoked.length,
    })
    if (revoked.length > 0) {
      // Their next owner waits for the round that follows (KIP-429).
      this.joinReason ??= 'partitions were revoked'
      await this.rebalancer.revoke(revoked)
      if (this.isLost) return
    }
    const topics = new Set(this.owner.subscribedTopics())
    await this.rebalancer.assign(added, (topic) => topics.has(topic))
  }

  /** What an error code means, as far as it needs no waiting. */
  private apply(
    action: MemberAction,
    code: number,
    request: 'join' | 'sync' | 'heartbeat' | 'commit',
  ): void {
    switch (action) {
      case 'rejoin':
        this.requestRejoin('the group is rebalancing')
        break
      case 'resetGeneration':
        this.lose(`${request}: the generation is over`, true)
        break
      case 'resetMember':
        this.lose(`${request}: the coordinator does not know this member`, false)
        break
      case 'fatal':
        this.fail(fatalGroupError(request, code, this.coordinator.groupId, this.cluster.principal))
        break
      default:
    }
  }

  private async applyInLoop(
    action: MemberAction,
    code: number,
    request: 'join' | 'sync',
  ): Promise<void> {
    this.apply(action, code, request)
    // The group has changed: it is joined again at once, but not again and again.
    if (this.failures > 0 || action === 'backOff' || action === 'rediscover') await this.backOff()
    else this.failures++
  }

  /** The partitions may be others' already: nothing of them is delivered from here on. */
  private lose(reason: string, keepMemberId: boolean): void {
    this.cluster.options.logger.warn(`lost the membership in group ${this.coordinator.groupId}`, {
      reason,
    })
    if (!keepMemberId) this.memberId = ''
    this.generation = null
    this.state = 'unjoined'
    this.basis = null
    this.heartbeats.onLost()
    this.isLost = true
    this.loss.abort(new KafkaError(reason))
    this.loss = stopSwitch()
    this.joinReason ??= reason
    this.rebalancer.markLost()
    // Nothing is left that could be delivered wrongly.
    this.owner.onAlive(monotonicMs())
    this.wakeLoop?.()
  }

  private errorOf(request: string, code: number): KafkaError {
    const what = `${request} of group "${this.coordinator.groupId}"`
    return brokerError(code, what, this.cluster.principal)
  }

  /** A member keeps trying for a while before it tells its caller; at the start the caller waits for news. */
  private get isOverdue(): boolean {
    return !this.hasJoined || this.trouble.ageMs > this.options.defaultApiTimeoutMs
  }

  /** The next pull gets the error; a pull after that tries again. */
  private refuse(error: KafkaError): void {
    this.waitsForPull = true
    this.hasJoined = false
    this.owner.onRefused(error)
  }

  private fail(error: Error): void {
    this.heartbeats.timer.pause()
    this.generation = null
    this.state = 'unjoined'
    this.stopped.abort()
    this.isLost = true
    this.rebalancer.markLost()
    this.wakeLoop?.()
    this.owner.onFatal(error)
  }

  private async backOff(): Promise<void> {
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    const wait = backoff(this.failures++, retryBackoffMs, retryBackoffMaxMs)
    // Rejected only when the consumer stops, which the loop looks at itself.
    await sleep(wait, this.stopped.signal).catch(() => {})
  }

  private async sendLeave(memberId: string, reason: string): Promise<void> {
    try {
      await this.requests.leave(memberId, reason)
    } catch (error) {
      // The session timeout will do the same, later.
      this.cluster.options.logger.warn('the group was not told that this member leaves', { error })
    }
  }
}
