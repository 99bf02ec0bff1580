// Consumer groups as a broker runs them (KIP-848): heartbeats, leaving, and the time-outs that fence a
// member. Without sockets or a clock: `now` comes with each call, deadlines are the owner's to run.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../protocol/messages/consumer-group-heartbeat.ts'
import type { BrokerProperties } from '../../broker-properties.ts'
import type { Deadlines } from '../../deadlines.ts'
import { randomUuid } from '../../random-uuid.ts'
import type { TopicStore } from '../../topic-store.ts'
import type { ClassicCoordinator } from '../classic/classic-coordinator.ts'
import type { ClassicGroup } from '../classic/classic-group.ts'
import type { ClientIdentity } from '../client-identity.ts'
import { GroupError } from '../group-error.ts'
import type { GroupSettings } from '../group-settings.ts'
import type { GroupStore } from '../group-store.ts'
import { hasSamePartitions, noPartitions, toTopicPartitions } from '../partition-sets.ts'
import { ConsumerGroup, type ConsumerMember, STATIC_LEAVE_EPOCH } from './consumer-group.ts'
import { validateHeartbeat } from './heartbeat-validation.ts'
import { canDowngrade, canUpgrade, toClassicGroup, toConsumerGroup } from './migration.ts'
import { checkMemberEpoch, reconcile } from './reconcile.ts'
import {
  emptyTarget,
  refreshEpoch,
  refreshTarget,
  resolveNewRegexes,
  serverAssignors,
} from './target-assignment.ts'

export interface ConsumerCoordinatorOptions {
  readonly store: GroupStore
  readonly topics: TopicStore
  readonly properties: BrokerProperties
  readonly settings: GroupSettings
  readonly deadlines: Deadlines
  /** Takes over groups that go back to the classic protocol. */
  readonly classic: ClassicCoordinator
}

export class ConsumerCoordinator {
  readonly options: ConsumerCoordinatorOptions

  constructor(options: ConsumerCoordinatorOptions) {
    this.options = options
  }

  /** @throws {GroupError} when the request is refused. */
  heartbeat(
    request: ConsumerGroupHeartbeatRequest,
    version: number,
    client: ClientIdentity,
    now: number,
  ): ConsumerGroupHeartbeatResponse {
    validateHeartbeat(request, version, [...serverAssignors.keys()])
    const { groupId, memberEpoch } = request
    if (memberEpoch < 0) return this.leave(request, now)
    const isJoin = memberEpoch === 0
    const group = isJoin
      ? this.getOrCreate(groupId, now)
      : this.options.store.consumer(groupId, 'Consumer group')
    this.refuseWhenFull(group, request.memberId)
    const member = this.findMember(group, request, client)
    const hadPartitions = member.assigned
    const change = updateMember(group, member, request, client)
    refreshEpoch(group, this.options.topics, change.raisesEpoch)
    const isFull = isJoin || isFullRequest(request)
    this.advance(group, member, request.topicPartitions, change.hasSubscriptionChanged, now)
    resolveNewRegexes(group, this.options.topics)
    this.expectHeartbeat(group, member, this.sessionTimeoutOf(group, member), now)
    const hasChanged = !hasSamePartitions(hadPartitions, member.assigned)
    return {
      ...emptyResponse,
      memberId: member.memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: this.options.settings.consumer(groupId).heartbeatIntervalMs,
      assignment:
        isFull || hasChanged ? { topicPartitions: toTopicPartitions(member.assigned) } : null,
    }
  }

  /** Computes the target if it is due, and takes the member as far towards it as it can go. */
  advance(
    group: ConsumerGroup,
    member: ConsumerMember,
    owned: ConsumerGroupHeartbeatRequest['topicPartitions'],
    hasSubscriptionChanged: boolean,
    now: number,
  ): void {
    const { topics, settings } = this.options
    refreshTarget(group, topics, settings.consumer(group.groupId).assignmentIntervalMs, now)
    const stateBefore = member.state
    const epochBefore = member.memberEpoch
    const topicIds = group.subscribedTopicIds(member, topics)
    reconcile({ group, member, owned, topicIds, hasSubscriptionChanged })
    if (member.state === stateBefore && member.memberEpoch === epochBefore) return
    if (member.state === 'unrevoked' && member.classic === null) {
      this.expectRevocation(group, member, now)
    } else this.options.deadlines.delete(timerName('rebalance', group, member))
  }

  /** The group; it is created, or converted from a classic one, when a member joins. */
  private getOrCreate(groupId: string, now: number): ConsumerGroup {
    const { store, properties, topics } = this.options
    const group = store.get(groupId)
    if (group?.type === 'consumer') return group
    if (group === undefined || (group.type === 'classic' && group.isEmpty)) {
      const created = new ConsumerGroup(groupId)
      store.set(created)
      return created
    }
    if (group.type !== 'classic' || !canUpgrade(group, properties)) {
      return store.consumer(groupId, 'Consumer group')
    }
    const converted = toConsumerGroup(group, topics)
    this.options.classic.release(group)
    store.set(converted)
    this.restartSessions(converted, now)
    return converted
  }

  restartSessions(group: ConsumerGroup, now: number): void {
    for (const member of group.members.values()) {
      this.expectHeartbeat(group, member, this.sessionTimeoutOf(group, member), now)
    }
  }

  refuseWhenFull(group: ConsumerGroup, memberId: string): void {
    const { groupConsumerMaxSize } = this.options.properties
    if (group.members.size < groupConsumerMaxSize || group.members.has(memberId)) return
    const message = `The consumer group has reached its maximum capacity of ${groupConsumerMaxSize} members.`
    throw new GroupError(errorCodes.GROUP_MAX_SIZE_REACHED, message)
  }

  private findMember(
    group: ConsumerGroup,
    request: ConsumerGroupHeartbeatRequest,
    client: ClientIdentity,
  ): ConsumerMember {
    const { memberEpoch, instanceId, topicPartitions } = request
    const isJoin = memberEpoch === 0
    const memberId = request.memberId === '' ? randomUuid() : request.memberId
    if (instanceId !== null) {
      const known = group.staticMember(instanceId)
      if (isJoin && known === undefined) return this.addMember(group, memberId, instanceId, client)
      if (known === undefined) throw unknownInstance(instanceId)
      if (!isJoin) {
        checkInstance(known, memberId)
        checkMemberEpoch(known, memberEpoch, topicPartitions)
        return known
      }
      if (known.classic === null && known.memberEpoch !== STATIC_LEAVE_EPOCH) {
        throw new GroupError(
          errorCodes.UNRELEASED_INSTANCE_ID,
          `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${known.memberId} member.`,
        )
      }
      this.cancelTimers(group, known)
      return group.replace(known, memberId)
    }
    const known = group.members.get(memberId)
    if (isJoin) return known ?? this.addMember(group, memberId, null, client)
    const member = known ?? group.expect(memberId)
    checkMemberEpoch(member, memberEpoch, topicPartitions)
    return member
  }

  addMember(
    group: ConsumerGroup,
    memberId: string,
    instanceId: string | null,
    client: ClientIdentity,
  ): ConsumerMember {
    const member: ConsumerMember = {
      memberId,
      instanceId,
      rackId: null,
      ...client,
      rebalanceTimeoutMs: -1,
      serverAssignor: null,
      subscribedTopicNames: new Set(),
      subscribedTopicRegex: '',
      memberEpoch: 0,
      previousMemberEpoch: 0,
      state: 'stable',
      assigned: noPartitions,
      pendingRevocation: noPartitions,
      classic: null,
    }
    group.add(member)
    return member
  }

  private leave(
    request: ConsumerGroupHeartbeatRequest,
    now: number,
  ): ConsumerGroupHeartbeatResponse {
    const { groupId, memberId, memberEpoch, instanceId } = request
    const group = this.options.store.consumer(groupId)
    const member = instanceId === null ? group.expect(memberId) : group.staticMember(instanceId)
    if (member === undefined) throw unknownInstance(instanceId ?? '')
    if (instanceId !== null) checkInstance(member, memberId)
    if (memberEpoch === STATIC_LEAVE_EPOCH) {
      member.memberEpoch = STATIC_LEAVE_EPOCH
      group.setOwned(member, member.assigned, noPartitions)
    } else this.fence(group, [member], now)
    return { ...emptyResponse, memberId, memberEpoch }
  }

  /** Removes members; a group that is left with classic members alone goes back to their protocol. */
  fence(group: ConsumerGroup, members: readonly ConsumerMember[], now: number): void {
    for (const member of members) this.cancelTimers(group, member)
    const { properties, topics } = this.options
    const isDowngrade = canDowngrade(group, members, properties)
    for (const member of members) group.remove(member)
    if (group.isEmpty || !isDowngrade) {
      refreshEpoch(group, topics, true)
      if (group.isEmpty) emptyTarget(group)
      return
    }
    const classic = toClassicGroup(group, topics)
    this.toClassic(group, classic, now)
    this.options.classic.rebalanceNow(classic, now)
  }

  /** Puts a classic group in the place of this one. */
  toClassic(group: ConsumerGroup, classic: ClassicGroup, now: number): void {
    for (const member of group.members.values()) this.cancelTimers(group, member)
    this.options.store.set(classic)
    this.options.classic.adopt(classic, now)
  }

  sessionTimeoutOf(group: ConsumerGroup, member: ConsumerMember): number {
    if (member.classic !== null) return member.classic.sessionTimeoutMs
    return this.options.settings.consumer(group.groupId).sessionTimeoutMs
  }

  /** The member is fenced when its next heartbeat does not come in time. */
  expectHeartbeat(
    group: ConsumerGroup,
    member: ConsumerMember,
    timeoutMs: number,
    now: number,
  ): void {
    this.fenceAt('session', group, member, now + timeoutMs)
  }

  private expectRevocation(group: ConsumerGroup, member: ConsumerMember, now: number): void {
    const { memberEpoch } = member
    this.fenceAt('rebalance', group, member, now + member.rebalanceTimeoutMs, () => {
      return member.memberEpoch === memberEpoch
    })
  }

  /** Fences the member at `at`, unless the timer is cancelled or set again before. */
  fenceAt(
    timer: TimerKind,
    group: ConsumerGroup,
    { memberId }: ConsumerMember,
    at: number,
    isDue: () => boolean = () => true,
  ): void {
    const { store, deadlines } = this.options
    deadlines.set(timerName(timer, group, { memberId }), at, (now) => {
      const member = group.members.get(memberId)
      if (member === undefined || store.get(group.groupId) !== group || !isDue()) return
      this.fence(group, [member], now)
    })
  }

  cancelTimers(group: ConsumerGroup, member: ConsumerMember): void {
    for (const kind of timerKinds) this.options.deadlines.delete(timerName(kind, group, member))
  }
}

const timerKinds = ['session', 'rebalance', 'join', 'sync'] as const
export type TimerKind = (typeof timerKinds)[number]

export function timerName(
  kind: TimerKind,
  { groupId }: ConsumerGroup,
  { memberId }: Pick<ConsumerMember, 'memberId'>,
): string {
  return `consumer ${kind} ${groupId} ${memberId}`
}

const emptyResponse: ConsumerGroupHeartbeatResponse = {
  throttleTimeMs: 0,
  errorCode: 0,
  errorMessage: null,
  memberId: null,
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
  assignment: null,
}

export function unknownInstance(instanceId: string): GroupError {
  return new GroupError(errorCodes.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
}

/** @throws {GroupError} FENCED_INSTANCE_ID when another member has that instance id. */
export function checkInstance(member: ConsumerMember, memberId: string): void {
  if (member.memberId === memberId) return
  const message = `Static member ${memberId} with instance id ${member.instanceId} was fenced by member ${member.memberId}.`
  throw new GroupError(errorCodes.FENCED_INSTANCE_ID, message)
}

function isFullRequest(request: ConsumerGroupHeartbeatRequest): boolean {
  const { rebalanceTimeoutMs, subscribedTopicNames, subscribedTopicRegex } = request
  return (
    rebalanceTimeoutMs !== -1 &&
    (subscribedTopicNames !== null || subscribedTopicRegex !== null) &&
    request.topicPartitions !== null
  )
}

/** Takes over what the request says of the member. */
function updateMember(
  group: ConsumerGroup,
  member: ConsumerMember,
  request: ConsumerGroupHeartbeatRequest,
  { clientId, clientHost }: ClientIdentity,
): { raisesEpoch: boolean; hasSubscriptionChanged: boolean } {
  const { rackId, rebalanceTimeoutMs, serverAssignor } = request
  const names = request.subscribedTopicNames
  const regex = request.subscribedTopicRegex
  const hasOtherNames = names !== null && !hasSame(new Set(names), member.subscribedTopicNames)
  const hasOtherRegex = regex !== null && regex !== member.subscribedTopicRegex
  const assignorBefore = group.assignorName
  // A new regular expression raises the epoch once it is resolved.
  const losesRegex = hasOtherRegex && member.subscribedTopicRegex !== ''
  member.clientId = clientId
  member.clientHost = clientHost
  member.classic = null
  if (rackId !== null) member.rackId = rackId
  if (rebalanceTimeoutMs !== -1) member.rebalanceTimeoutMs = rebalanceTimeoutMs
  if (names !== null) member.subscribedTopicNames = new Set(names)
  if (regex !== null) member.subscribedTopicRegex = regex
  if (serverAssignor !== null) member.serverAssignor = serverAssignor
  return {
    raisesEpoch: hasOtherNames || losesRegex || group.assignorName !== assignorBefore,
    hasSubscriptionChanged: hasOtherNames || hasOtherRegex,
  }
}

function hasSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name))
}
