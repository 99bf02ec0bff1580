// Share groups as a broker coordinates them (KIP-932): joining, heartbeats, leaving, assignments.
// Without sockets or a clock: `now` comes with each call, deadlines are the owner's to run.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '../../../protocol/messages/share-group-heartbeat.ts'
import type { BrokerProperties } from '../../broker-properties.ts'
import type { Deadlines } from '../../deadlines.ts'
import type { TopicStore } from '../../topic-store.ts'
import { simpleAssignor } from '../assignors/simple.ts'
import type { ClientIdentity } from '../client-identity.ts'
import { GroupError } from '../group-error.ts'
import type { GroupSettings } from '../group-settings.ts'
import type { GroupStore } from '../group-store.ts'
import { hasSamePartitions, noPartitions, toTopicPartitions } from '../partition-sets.ts'
import { MAX_MEMBER_ID_LENGTH, ShareGroup, type ShareMember } from './share-group.ts'

const LEAVE_EPOCH = -1

export interface ShareCoordinatorOptions {
  readonly store: GroupStore
  readonly topics: TopicStore
  readonly properties: BrokerProperties
  readonly settings: GroupSettings
  readonly deadlines: Deadlines
}

export class ShareCoordinator {
  private readonly options: ShareCoordinatorOptions

  constructor(options: ShareCoordinatorOptions) {
    this.options = options
  }

  /** @throws {GroupError} when the request is refused. */
  heartbeat(
    request: ShareGroupHeartbeatRequest,
    client: ClientIdentity,
    now: number,
  ): ShareGroupHeartbeatResponse {
    validate(request)
    const { groupId, memberId, memberEpoch, subscribedTopicNames } = request
    const { store, topics, settings } = this.options
    if (memberEpoch === LEAVE_EPOCH) {
      const group = store.share(groupId)
      this.remove(group, group.expect(memberId))
      return { ...emptyResponse, memberId, memberEpoch }
    }
    const isJoin = memberEpoch === 0
    const group = isJoin ? this.getOrCreate(groupId) : store.share(groupId, 'Share group')
    this.refuseWhenFull(group, memberId)
    const member = isJoin ? this.join(group, memberId, client) : group.expect(memberId)
    if (!isJoin) checkEpoch(member, memberEpoch)
    const hasChanged =
      subscribedTopicNames !== null && !hasSame(member.subscribedTopicNames, subscribedTopicNames)
    member.clientId = client.clientId
    member.clientHost = client.clientHost
    if (request.rackId !== null) member.rackId = request.rackId
    if (subscribedTopicNames !== null) member.subscribedTopicNames = new Set(subscribedTopicNames)
    refreshEpoch(group, topics, hasChanged)
    this.refreshTarget(group, now)
    const before = member.assigned
    if (member.memberEpoch !== group.assignmentEpoch) {
      member.previousMemberEpoch = member.memberEpoch
      member.memberEpoch = group.assignmentEpoch
      member.assigned = group.targetOf(memberId)
    }
    this.expectHeartbeat(group, member, now)
    const isFull = isJoin || subscribedTopicNames !== null
    const isTold = isFull || !hasSamePartitions(before, member.assigned)
    return {
      ...emptyResponse,
      memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: settings.share(groupId).heartbeatIntervalMs,
      assignment: isTold ? { topicPartitions: toTopicPartitions(member.assigned) } : null,
    }
  }

  /** A new coordinator has loaded the group: every session begins again. */
  restartSessions(group: ShareGroup, now: number): void {
    for (const member of group.members.values()) this.expectHeartbeat(group, member, now)
  }

  /** @throws {GroupError} when a group of another type has the id. */
  getOrCreate(groupId: string): ShareGroup {
    const { store } = this.options
    const group = store.get(groupId)
    const isReplaceable = group === undefined || (group.type === 'classic' && group.isEmpty)
    if (!isReplaceable) return store.share(groupId, 'Share group')
    const created = new ShareGroup(groupId)
    store.set(created)
    return created
  }

  private refuseWhenFull(group: ShareGroup, memberId: string): void {
    const { groupShareMaxSize } = this.options.properties
    if (group.members.size < groupShareMaxSize || group.members.has(memberId)) return
    throw new GroupError(
      errorCodes.GROUP_MAX_SIZE_REACHED,
      `The share group has reached its maximum capacity of ${groupShareMaxSize} members.`,
    )
  }

  private join(group: ShareGroup, memberId: string, client: ClientIdentity): ShareMember {
    const known = group.members.get(memberId)
    if (known !== undefined) return known
    const member: ShareMember = {
      memberId,
      rackId: null,
      ...client,
      subscribedTopicNames: new Set(),
      memberEpoch: 0,
      previousMemberEpoch: 0,
      assigned: noPartitions,
    }
    group.members.set(memberId, member)
    return member
  }

  private remove(group: ShareGroup, { memberId }: ShareMember): void {
    group.members.delete(memberId)
    group.target.delete(memberId)
    this.options.deadlines.delete(timerName(group, memberId))
    refreshEpoch(group, this.options.topics, true)
    if (!group.isEmpty) return
    group.target = new Map()
    group.assignmentEpoch = group.groupEpoch
  }

  private refreshTarget(group: ShareGroup, now: number): void {
    const { topics, settings } = this.options
    const { assignmentIntervalMs } = settings.share(group.groupId)
    if (group.groupEpoch === group.assignmentEpoch) return
    if (group.target.size > 0 && now < group.assignedAt + assignmentIntervalMs) return
    const members = [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      instanceId: null,
      topicIds: group.subscribedTopicIds(member, topics),
      previous: group.targetOf(member.memberId),
    }))
    const partitionCounts = new Map<string, number>()
    for (const { topicIds } of members) {
      for (const id of topicIds) partitionCounts.set(id, topics.getById(id)?.partitions.length ?? 0)
    }
    group.target = new Map(simpleAssignor.assign({ members, partitionCounts }))
    group.assignmentEpoch = group.groupEpoch
    group.assignedAt = now
  }

  private expectHeartbeat(group: ShareGroup, { memberId }: ShareMember, now: number): void {
    const { deadlines, settings, store } = this.options
    const { sessionTimeoutMs } = settings.share(group.groupId)
    deadlines.set(timerName(group, memberId), now + sessionTimeoutMs, () => {
      const member = group.members.get(memberId)
      if (member !== undefined && store.get(group.groupId) === group) this.remove(group, member)
    })
  }
}

function timerName({ groupId }: ShareGroup, memberId: string): string {
  return `share session ${groupId} ${memberId}`
}

const emptyResponse: ShareGroupHeartbeatResponse = {
  throttleTimeMs: 0,
  errorCode: 0,
  errorMessage: null,
  memberId: null,
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
  assignment: null,
}

function validate(request: ShareGroupHeartbeatRequest): void {
  const { groupId, memberId, memberEpoch, rackId, subscribedTopicNames } = request
  if (groupId === '') throw invalid("GroupId can't be empty.")
  if (memberId === '') throw invalid("MemberId can't be empty.")
  if (memberId.length > MAX_MEMBER_ID_LENGTH) {
    throw invalid(`MemberId can't be longer than ${MAX_MEMBER_ID_LENGTH} characters.`)
  }
  if (rackId === '') throw invalid("RackId can't be empty.")
  if (memberEpoch < LEAVE_EPOCH) throw invalid('MemberEpoch is invalid.')
  if (memberEpoch === 0 && (subscribedTopicNames === null || subscribedTopicNames.length === 0)) {
    throw invalid('SubscribedTopicNames must be set in first request.')
  }
}

function invalid(message: string): GroupError {
  return new GroupError(errorCodes.INVALID_REQUEST, message)
}

function checkEpoch({ memberEpoch, previousMemberEpoch }: ShareMember, received: number): void {
  if (received === memberEpoch || received === previousMemberEpoch) return
  const isGreater = received > memberEpoch
  const detail = isGreater
    ? ''
    : `, and it does not match the previous member epoch (${previousMemberEpoch})`
  throw new GroupError(
    errorCodes.FENCED_MEMBER_EPOCH,
    `The share group member has a ${isGreater ? 'greater' : 'smaller'} member epoch (${received}) than the one known by the group coordinator (${memberEpoch})${detail}. The member must abandon all its partitions and rejoin.`,
  )
}

function hasSame(before: ReadonlySet<string>, names: readonly string[]): boolean {
  const after = new Set(names)
  return after.size === before.size && [...after].every((name) => before.has(name))
}

/** Raises the group epoch when a subscription or the subscribed topics have changed. */
function refreshEpoch(group: ShareGroup, topics: TopicStore, hasChanged: boolean): void {
  if (!hasChanged && group.topicsVersion === topics.version) return
  group.topicsVersion = topics.version
  const ids = new Set<string>()
  for (const member of group.members.values()) {
    for (const id of group.subscribedTopicIds(member, topics)) ids.add(id)
  }
  const digest = [...ids].sort().map((id) => `${id}:${topics.getById(id)?.partitions.length}`)
  const isSame = digest.join(' ') === group.metadataDigest
  if (!hasChanged && isSame) return
  group.metadataDigest = digest.join(' ')
  group.groupEpoch++
}
