// The classic group protocol as a broker runs it: who may join, sync, heartbeat and leave, and what each
// is told. Without sockets or a clock: `now` comes with each call, deadlines are the owner's to run,
// parked requests are completed by the function that came with them.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type { HeartbeatRequest } from '../../../protocol/messages/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../../protocol/messages/join-group.ts'
import type { MemberIdentity, MemberResponse } from '../../../protocol/messages/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../../protocol/messages/sync-group.ts'
import type { BrokerProperties } from '../../broker-properties.ts'
import type { Deadlines } from '../../deadlines.ts'
import type { GroupStore } from '../group-store.ts'
import { type ClassicGroup, type GroupMember, speaksSame } from './classic-group.ts'
import { ClassicRebalance } from './classic-rebalance.ts'
import {
  finishJoin,
  finishSync,
  joinError,
  joinResponse,
  noAssignment,
  syncError,
  syncResponse,
} from './classic-responses.ts'

/** A JoinGroup with what its connection tells of the client. */
export interface Join {
  readonly request: JoinGroupRequest
  readonly clientId: string | null
  readonly clientHost: string
  readonly version: number
  /** Called once: at once, or when the rebalance ends. */
  readonly respond: (response: JoinGroupResponse) => void
}

const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
/** JoinGroup from this version on: a new member gets its id first, and joins with it. */
export const MEMBER_ID_REQUIRED_SINCE = 4
const SKIP_ASSIGNMENT_SINCE = 9

export class ClassicCoordinator {
  private readonly store: GroupStore
  private readonly properties: BrokerProperties
  private readonly rebalance: ClassicRebalance

  constructor(store: GroupStore, properties: BrokerProperties, deadlines: Deadlines) {
    this.store = store
    this.properties = properties
    this.rebalance = new ClassicRebalance(properties.groupInitialRebalanceDelayMs, deadlines)
  }

  join(join: Join, now: number): void {
    const { request, respond } = join
    const { groupId, memberId } = request
    const error = this.checkJoin(request)
    if (error !== 0) {
      respond(joinError(memberId, error))
      return
    }
    const group =
      memberId === '' ? this.store.getOrCreateClassic(groupId) : this.store.classic(groupId)
    if (group === undefined) {
      const isOther = this.store.get(groupId) !== undefined
      const code = isOther ? errorCodes.INCONSISTENT_GROUP_PROTOCOL : errorCodes.UNKNOWN_MEMBER_ID
      respond(joinError(memberId, code))
    } else if (!this.hasRoomFor(group, memberId)) {
      group.remove(memberId)
      respond(joinError('', errorCodes.GROUP_MAX_SIZE_REACHED))
    } else if (!group.supports(request.protocolType, request.protocols)) {
      respond(joinError(memberId, errorCodes.INCONSISTENT_GROUP_PROTOCOL))
    } else if (memberId === '') this.joinAsNew(group, join, now)
    else if (group.pendingMembers.has(memberId)) this.addMember(group, memberId, join, now)
    else this.joinAgain(group, join, now)
  }

  sync(
    request: SyncGroupRequest,
    now: number,
    respond: (response: SyncGroupResponse) => void,
  ): void {
    const group = this.store.classic(request.groupId)
    const error = validateSync(group, request)
    const member = group?.members.get(request.memberId)
    if (group === undefined || member === undefined || error !== 0) {
      respond(syncError(error))
      return
    }
    group.pendingSyncs.delete(member.memberId)
    if (group.pendingSyncs.size === 0) this.rebalance.allSynced(group)
    if (group.state === 'Stable') {
      respond(syncResponse(group, member))
      return
    }
    member.respondToSync = respond
    if (group.leaderId !== member.memberId) return
    for (const other of group.members.values()) {
      const given = request.assignments.find(({ memberId }) => memberId === other.memberId)
      other.assignment = given?.assignment ?? noAssignment
    }
    group.moveTo('Stable')
    this.rebalance.finishSyncs(group, 0, now)
  }

  /** The error code of the response. */
  heartbeat(request: HeartbeatRequest, now: number): number {
    const group = this.store.classic(request.groupId)
    if (request.groupId === '') return errorCodes.INVALID_GROUP_ID
    if (group === undefined) return errorCodes.UNKNOWN_MEMBER_ID
    const error = group.validateMember(request.memberId, request.groupInstanceId)
    if (error !== 0) return error
    if (request.generationId !== group.generationId) return errorCodes.ILLEGAL_GENERATION
    this.rebalance.keepAlive(group, request.memberId, now)
    return group.state === 'PreparingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : 0
  }

  leave(groupId: string, members: MemberIdentity[], now: number): MemberResponse[] {
    const group = this.store.classic(groupId)
    const responses = members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode:
        group === undefined
          ? errorCodes.UNKNOWN_MEMBER_ID
          : this.leaveOne(group, memberId, groupInstanceId),
    }))
    if (group === undefined || responses.every(({ errorCode }) => errorCode !== 0)) return responses
    if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
      this.rebalance.prepare(group, now)
    } else this.rebalance.completeIfAllJoined(group, now)
    return responses
  }

  /** A commit is a sign of life too. */
  keepAlive(group: ClassicGroup, memberId: string, now: number): void {
    this.rebalance.keepAlive(group, memberId, now)
  }

  /** Completes what the group has parked and stops its timers: it is about to be replaced. */
  release(group: ClassicGroup): void {
    this.failParked(group.groupId, errorCodes.REBALANCE_IN_PROGRESS)
    this.rebalance.stop(group)
  }

  /** Expects heartbeats of the members of a group that was converted. */
  adopt(group: ClassicGroup, now: number): void {
    for (const { memberId } of group.members.values()) this.keepAlive(group, memberId, now)
  }

  /** Members are to join again. */
  rebalanceNow(group: ClassicGroup, now: number): void {
    this.rebalance.prepare(group, now)
  }

  /** A new coordinator has loaded the group: every session begins again. */
  restartSessions(groupId: string, now: number): void {
    const group = this.store.classic(groupId)
    if (group !== undefined) this.adopt(group, now)
  }

  /** Fails the requests that the group has parked, as the loss of a coordinator does. */
  failParked(groupId: string, errorCode: number): void {
    const group = this.store.classic(groupId)
    if (group === undefined) return
    for (const member of group.members.values()) {
      finishJoin(member, joinError(member.memberId, errorCode))
      finishSync(member, syncError(errorCode))
    }
  }

  /** The error of a JoinGroup before its group is looked at; 0 when there is none. */
  checkJoin({ groupId, sessionTimeoutMs }: JoinGroupRequest): number {
    if (groupId === '') return errorCodes.INVALID_GROUP_ID
    const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = this.properties
    const isPossible =
      sessionTimeoutMs >= groupMinSessionTimeoutMs && sessionTimeoutMs <= groupMaxSessionTimeoutMs
    return isPossible ? 0 : errorCodes.INVALID_SESSION_TIMEOUT
  }

  private hasRoomFor(group: ClassicGroup, memberId: string): boolean {
    const { groupMaxSize } = this.properties
    if (group.state === 'Empty') return true
    const member = group.members.get(memberId)
    if (group.state !== 'PreparingRebalance') {
      return member !== undefined || group.members.size < groupMaxSize
    }
    return member?.respondToJoin != null || group.awaitingJoin < groupMaxSize
  }

  private joinAsNew(group: ClassicGroup, join: Join, now: number): void {
    const { request, clientId, version, respond } = join
    const { groupInstanceId } = request
    const memberId = group.newMemberId(clientId, groupInstanceId)
    if (groupInstanceId !== null) {
      const old = group.members.get(group.staticMembers.get(groupInstanceId) ?? '')
      if (old === undefined) this.addMember(group, memberId, join, now)
      else this.replaceStatic(group, old, memberId, join, now)
    } else if (version >= MEMBER_ID_REQUIRED_SINCE) {
      group.pendingMembers.add(memberId)
      this.rebalance.expectSign(group, memberId, now + request.sessionTimeoutMs)
      respond(joinError(memberId, errorCodes.MEMBER_ID_REQUIRED))
    } else this.addMember(group, memberId, join, now)
  }

  private joinAgain(group: ClassicGroup, join: Join, now: number): void {
    const { request, respond } = join
    const { memberId, protocols } = request
    const error = group.validateMember(memberId, request.groupInstanceId)
    const member = group.members.get(memberId)
    if (error !== 0 || member === undefined) {
      respond(joinError(memberId, error))
      return
    }
    const isLeader = group.leaderId === memberId
    if (group.state === 'PreparingRebalance') {
      updateMember(member, join)
      this.rebalance.completeIfAllJoined(group, now)
    } else if (
      speaksSame(member, protocols) &&
      (group.state === 'CompletingRebalance' || (group.state === 'Stable' && !isLeader))
    ) {
      // The response to its join was lost, or a follower asks again: nothing has changed for it.
      respond(joinResponse(group, member, isLeader))
    } else {
      updateMember(member, join)
      this.rebalance.prepare(group, now)
    }
  }

  private addMember(group: ClassicGroup, memberId: string, join: Join, now: number): void {
    const { request } = join
    if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') {
      group.newMemberAdded = true
    }
    group.add({
      memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: join.clientId ?? '',
      clientHost: join.clientHost,
      protocolType: request.protocolType,
      protocols: request.protocols,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: rebalanceTimeoutOf(request),
      assignment: noAssignment,
      isNew: true,
      respondToJoin: join.respond,
      respondToSync: null,
    })
    // It sends no heartbeats while its join is parked, but it may be gone all the same.
    this.rebalance.expectSign(group, memberId, now + NEW_MEMBER_JOIN_TIMEOUT_MS)
    if (group.canMoveTo('PreparingRebalance')) this.rebalance.prepare(group, now)
    else this.rebalance.completeIfAllJoined(group, now)
  }

  private replaceStatic(
    group: ClassicGroup,
    old: GroupMember,
    memberId: string,
    join: Join,
    now: number,
  ): void {
    finishJoin(old, joinError(old.memberId, errorCodes.FENCED_INSTANCE_ID))
    finishSync(old, syncError(errorCodes.FENCED_INSTANCE_ID))
    const leaderBefore = group.leaderId
    const member = group.replaceStatic(old, memberId)
    updateMember(member, join)
    this.rebalance.keepAlive(group, memberId, now)
    if (group.state === 'PreparingRebalance') this.rebalance.completeIfAllJoined(group, now)
    else if (group.state !== 'Stable' || group.selectProtocol() !== group.protocolName) {
      this.rebalance.prepare(group, now)
    } else {
      // Its old assignment comes by SyncGroup. Before v9 it must not learn that it leads: it would
      // assign again, and no other member would learn of it.
      const canSkip = join.version >= SKIP_ASSIGNMENT_SINCE
      const isLeader = group.leaderId === memberId
      const response = joinResponse(group, member, canSkip && isLeader)
      if (canSkip) response.skipAssignment = isLeader
      else response.leader = leaderBefore ?? ''
      finishJoin(member, response)
    }
  }

  private leaveOne(group: ClassicGroup, memberId: string, instanceId: string | null): number {
    let leaving = memberId
    if (memberId === '') {
      const known = instanceId === null ? undefined : group.staticMembers.get(instanceId)
      if (known === undefined) return errorCodes.UNKNOWN_MEMBER_ID
      leaving = known
    } else if (!group.pendingMembers.has(memberId)) {
      const error = group.validateMember(memberId, instanceId)
      if (error !== 0) return error
    }
    this.rebalance.forget(group, leaving)
    return 0
  }
}

function validateSync(group: ClassicGroup | undefined, request: SyncGroupRequest): number {
  if (request.groupId === '') return errorCodes.INVALID_GROUP_ID
  if (group === undefined) return errorCodes.UNKNOWN_MEMBER_ID
  const error = group.validateMember(request.memberId, request.groupInstanceId)
  if (error !== 0) return error
  if (request.generationId !== group.generationId) return errorCodes.ILLEGAL_GENERATION
  const { protocolType, protocolName } = request
  const isOther =
    (protocolType !== null && protocolType !== group.protocolType) ||
    (protocolName !== null && protocolName !== group.protocolName)
  if (isOther) return errorCodes.INCONSISTENT_GROUP_PROTOCOL
  return group.state === 'PreparingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : 0
}

function updateMember(member: GroupMember, { request, respond }: Join): void {
  member.protocols = request.protocols
  member.sessionTimeoutMs = request.sessionTimeoutMs
  member.rebalanceTimeoutMs = rebalanceTimeoutOf(request)
  member.respondToJoin = respond
}

/** Before v1 the session timeout served for both; the codec says -1 then. */
export function rebalanceTimeoutOf(request: JoinGroupRequest): number {
  return request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
}
