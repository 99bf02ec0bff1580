// Members of a consumer group that still speak the classic protocol. They join, sync and heartbeat as
// ever; the coordinator assigns, and a member epoch stands in for the generation.

import { DecodeError } from '../../../errors.ts'
import { errorCodes } from '../../../protocol/error-codes.ts'
import type { TopicPartitions } from '../../../protocol/messages/consumer-group-heartbeat.ts'
import type { HeartbeatRequest } from '../../../protocol/messages/heartbeat.ts'
import type { JoinGroupResponse } from '../../../protocol/messages/join-group.ts'
import type { MemberIdentity, MemberResponse } from '../../../protocol/messages/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../../protocol/messages/sync-group.ts'
import { randomUuid } from '../../random-uuid.ts'
import {
  type Join,
  MEMBER_ID_REQUIRED_SINCE,
  rebalanceTimeoutOf,
} from '../classic/classic-coordinator.ts'
import { joinError } from '../classic/classic-responses.ts'
import { type ConsumerSubscription, decodeSubscription } from '../consumer-protocol.ts'
import { GroupError } from '../group-error.ts'
import {
  type ConsumerCoordinator,
  checkInstance,
  timerName,
  unknownInstance,
} from './consumer-coordinator.ts'
import type { ConsumerGroup, ConsumerMember } from './consumer-group.ts'
import { canDowngrade, encodeAssignmentOf, toClassicGroup } from './migration.ts'
import { refreshEpoch } from './target-assignment.ts'

export class ClassicMembers {
  private readonly coordinator: ConsumerCoordinator

  constructor(coordinator: ConsumerCoordinator) {
    this.coordinator = coordinator
  }

  /** @throws {GroupError} */
  join(group: ConsumerGroup, join: Join, now: number): JoinGroupResponse {
    const { coordinator } = this
    const { topics } = coordinator.options
    const { request, version } = join
    const isUnknown = request.memberId === ''
    const memberId = isUnknown ? randomUuid() : request.memberId
    coordinator.refuseWhenFull(group, memberId)
    if (!supports(group, request.protocolType, request.protocols)) {
      throw new GroupError(
        errorCodes.INCONSISTENT_GROUP_PROTOCOL,
        `Member ${memberId}'s protocols are not supported.`,
      )
    }
    if (isUnknown && request.groupInstanceId === null && version >= MEMBER_ID_REQUIRED_SINCE) {
      return joinError(memberId, errorCodes.MEMBER_ID_REQUIRED)
    }
    const [{ name: protocolName, metadata }] = request.protocols
    const subscription = subscriptionOf(metadata)
    const replaced = group.staticMember(request.groupInstanceId)
    // The last member of the new protocol is replaced: the group is a classic one from here on.
    const isDowngrade =
      replaced !== undefined && canDowngrade(group, [replaced], coordinator.options.properties)
    const member = this.memberOf(group, join, memberId)
    const names = new Set(subscription.topics)
    const hasOtherNames =
      names.size !== member.subscribedTopicNames.size ||
      [...names].some((name) => !member.subscribedTopicNames.has(name))
    if (subscription.rackId !== null) member.rackId = subscription.rackId
    member.rebalanceTimeoutMs = rebalanceTimeoutOf(request)
    member.subscribedTopicNames = names
    member.subscribedTopicRegex = ''
    member.serverAssignor = null
    member.clientId = join.clientId ?? ''
    member.clientHost = join.clientHost
    member.classic = { sessionTimeoutMs: request.sessionTimeoutMs, protocols: request.protocols }
    refreshEpoch(group, topics, hasOtherNames)
    const owned: TopicPartitions[] = []
    for (const { topic, partitions } of subscription.ownedPartitions) {
      const topicId = topics.get(topic)?.id
      if (topicId !== undefined) owned.push({ topicId, partitions })
    }
    coordinator.advance(group, member, owned, hasOtherNames, now)
    if (isDowngrade) coordinator.toClassic(group, toClassicGroup(group, topics), now)
    else this.expectSync(group, member, now)
    return {
      ...joinError(member.memberId, 0),
      generationId: member.memberEpoch,
      protocolType: 'consumer',
      protocolName,
    }
  }

  /** @throws {GroupError} */
  sync(group: ConsumerGroup, request: SyncGroupRequest, now: number): SyncGroupResponse {
    const member = this.find(group, request.memberId, request.groupInstanceId)
    checkGeneration(member, request.generationId)
    checkProtocol(member, request)
    if (group.groupEpoch > member.memberEpoch && member.state !== 'unrevoked') {
      const { settings } = this.coordinator.options
      const interval = settings.consumer(group.groupId).assignmentIntervalMs
      const isDue = group.groupEpoch === group.assignmentEpoch || now >= group.assignedAt + interval
      if (isDue) {
        this.expectJoin(group, member, now)
        throw rebalancing(group, member)
      }
    }
    const { deadlines, topics } = this.coordinator.options
    deadlines.delete(timerName('sync', group, member))
    this.keepAlive(group, member, now)
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      protocolType: request.protocolType,
      protocolName: request.protocolName,
      assignment: encodeAssignmentOf(member, topics),
    }
  }

  /** @throws {GroupError} */
  heartbeat(group: ConsumerGroup, request: HeartbeatRequest, now: number): void {
    const member = this.find(group, request.memberId, request.groupInstanceId)
    checkGeneration(member, request.generationId)
    this.keepAlive(group, member, now)
    const isBehind =
      member.memberEpoch < group.assignmentEpoch ||
      member.state === 'unrevoked' ||
      (member.state === 'unreleased' && !group.isWaitingForRelease(member)) ||
      this.isTargetDue(group, member, now)
    if (!isBehind) return
    this.expectJoin(group, member, now)
    throw rebalancing(group, member)
  }

  /** LeaveGroup also removes members of the consumer protocol, as an administrator asks for. */
  leave(group: ConsumerGroup, members: readonly MemberIdentity[], now: number): MemberResponse[] {
    const leaving: ConsumerMember[] = []
    const responses = members.map((identity) => {
      const { memberId, groupInstanceId } = identity
      try {
        leaving.push(findLeaving(group, identity))
        return { memberId, groupInstanceId, errorCode: 0 }
      } catch (error) {
        if (!(error instanceof GroupError)) throw error
        return { memberId, groupInstanceId, errorCode: error.errorCode }
      }
    })
    if (leaving.length > 0) this.coordinator.fence(group, leaving, now)
    return responses
  }

  private memberOf(group: ConsumerGroup, join: Join, memberId: string): ConsumerMember {
    const { groupInstanceId } = join.request
    const client = { clientId: join.clientId ?? '', clientHost: join.clientHost }
    const { coordinator } = this
    if (groupInstanceId === null) {
      const known = group.members.get(memberId)
      return known ?? coordinator.addMember(group, memberId, null, client)
    }
    const known = group.staticMember(groupInstanceId)
    if (join.request.memberId !== '') {
      if (known === undefined) throw unknownInstance(groupInstanceId)
      checkInstance(known, memberId)
      return known
    }
    if (known === undefined) return coordinator.addMember(group, memberId, groupInstanceId, client)
    coordinator.cancelTimers(group, known)
    return group.replace(known, memberId)
  }

  private isTargetDue(group: ConsumerGroup, member: ConsumerMember, now: number): boolean {
    if (member.memberEpoch >= group.groupEpoch) return false
    const { settings } = this.coordinator.options
    return now >= group.assignedAt + settings.consumer(group.groupId).assignmentIntervalMs
  }

  private find(group: ConsumerGroup, memberId: string, instanceId: string | null): ConsumerMember {
    if (instanceId === null) return expectClassic(group.expect(memberId))
    const member = group.staticMember(instanceId)
    if (member === undefined) throw unknownInstance(instanceId)
    checkInstance(member, memberId)
    return expectClassic(member)
  }

  private keepAlive(group: ConsumerGroup, member: ConsumerMember, now: number): void {
    const timeoutMs = this.coordinator.sessionTimeoutOf(group, member)
    this.coordinator.expectHeartbeat(group, member, timeoutMs, now)
  }

  private expectSync(group: ConsumerGroup, member: ConsumerMember, now: number): void {
    this.coordinator.options.deadlines.delete(timerName('join', group, member))
    this.keepAlive(group, member, now)
    this.coordinator.fenceAt('sync', group, member, now + member.rebalanceTimeoutMs)
  }

  private expectJoin(group: ConsumerGroup, member: ConsumerMember, now: number): void {
    if (this.coordinator.options.deadlines.has(timerName('join', group, member))) return
    this.coordinator.fenceAt('join', group, member, now + member.rebalanceTimeoutMs)
  }
}

/** @throws {GroupError} when the bytes are not a subscription */
function subscriptionOf(metadata: Buffer): ConsumerSubscription {
  try {
    return decodeSubscription(metadata)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new GroupError(
      errorCodes.INCONSISTENT_GROUP_PROTOCOL,
      'Malformed embedded consumer protocol in subscription deserialization.',
    )
  }
}

function findLeaving(
  group: ConsumerGroup,
  { memberId, groupInstanceId }: MemberIdentity,
): ConsumerMember {
  if (groupInstanceId === null) return group.expect(memberId)
  const member = group.staticMember(groupInstanceId)
  if (member === undefined) throw unknownInstance(groupInstanceId)
  if (memberId !== '') checkInstance(member, memberId)
  return member
}

function expectClassic(member: ConsumerMember): ConsumerMember {
  if (member.classic !== null) return member
  const message = `Member ${member.memberId} does not use the classic protocol.`
  throw new GroupError(errorCodes.UNKNOWN_MEMBER_ID, message)
}

function checkGeneration({ memberId, memberEpoch }: ConsumerMember, generationId: number): void {
  if (memberEpoch === generationId) return
  const message = `The request generation id ${generationId} is not equal to the member epoch ${memberEpoch} of member ${memberId}.`
  throw new GroupError(errorCodes.ILLEGAL_GENERATION, message)
}

function checkProtocol(member: ConsumerMember, request: SyncGroupRequest): void {
  const { protocolType, protocolName } = request
  const chosen = member.classic?.protocols[0].name
  const isOther =
    (protocolType !== null && protocolType !== 'consumer') ||
    (protocolName !== null && protocolName !== chosen)
  if (!isOther) return
  const message = `The protocol ${protocolType} ${protocolName} of member ${member.memberId} is not consumer ${chosen}.`
  throw new GroupError(errorCodes.INCONSISTENT_GROUP_PROTOCOL, message)
}

function rebalancing({ groupId }: ConsumerGroup, { memberId }: ConsumerMember): GroupError {
  return new GroupError(
    errorCodes.REBALANCE_IN_PROGRESS,
    `A new rebalance is triggered in group ${groupId} and member ${memberId} should rejoin to catch up.`,
  )
}

/** Whether a classic member with these protocols can be in the group. */
function supports(
  group: ConsumerGroup,
  protocolType: string,
  protocols: readonly { name: string }[],
): boolean {
  if (protocolType !== 'consumer' || protocols.length === 0) return false
  const classic = [...group.members.values()].flatMap((member) =>
    member.classic === null ? [] : [member.classic.protocols],
  )
  return protocols.some(({ name }) => classic.every((known) => known.some((p) => p.name === name)))
}
