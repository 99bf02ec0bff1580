// The classic group protocol as a broker runs it: join, sync, heartbeat, leave, and what happens when a
// member stays silent. Without sockets or a clock: `now` comes with each call, deadlines are the
// owner's to run, parked requests are answered by the function that came with them.

import { errorCodes } from '../protocol/error-codes.ts'
import type { HeartbeatRequest } from '../protocol/messages/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../protocol/messages/join-group.ts'
import type { MemberIdentity, MemberResponse } from '../protocol/messages/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../protocol/messages/sync-group.ts'
import type { BrokerProperties } from './broker-properties.ts'
import { ClassicGroup, type GroupMember, speaksSame } from './classic-group.ts'
import type { Deadlines } from './deadlines.ts'
import {
  answerJoin,
  answerSync,
  joinAnswer,
  joinError,
  noAssignment,
  syncAnswer,
  syncError,
} from './group-answers.ts'

/** A JoinGroup with what its connection tells of the client. */
export interface Join {
  readonly request: JoinGroupRequest
  readonly clientId: string | null
  readonly clientHost: string
  readonly version: number
  /** Called once: at once, or when the rebalance ends. */
  readonly answer: (response: JoinGroupResponse) => void
}

const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
/** JoinGroup from this version on: a new member gets its id first, and joins with it. */
const MEMBER_ID_REQUIRED_SINCE = 4
const SKIP_ASSIGNMENT_SINCE = 9

export class GroupCoordinator {
  readonly groups: Map<string, ClassicGroup> = new Map()
  private readonly properties: BrokerProperties
  private readonly deadlines: Deadlines

  constructor(properties: BrokerProperties, deadlines: Deadlines) {
    this.properties = properties
    this.deadlines = deadlines
  }

  join(join: Join, now: number): void {
    const { request, answer } = join
    const { groupId, memberId } = request
    const error = this.checkJoin(request)
    if (error !== 0) {
      answer(joinError(memberId, error))
      return
    }
    const group = memberId === '' ? this.getOrCreate(groupId) : this.groups.get(groupId)
    if (group === undefined) answer(joinError(memberId, errorCodes.UNKNOWN_MEMBER_ID))
    else if (!this.hasRoomFor(group, memberId)) {
      group.remove(memberId)
      answer(joinError('', errorCodes.GROUP_MAX_SIZE_REACHED))
    } else if (!group.supports(request.protocolType, request.protocols)) {
      answer(joinError(memberId, errorCodes.INCONSISTENT_GROUP_PROTOCOL))
    } else if (memberId === '') this.joinAsNew(group, join, now)
    else if (group.pendingMembers.has(memberId)) this.addMember(group, memberId, join, now)
    else this.joinAgain(group, join, now)
  }

  sync(request: SyncGroupRequest, now: number, answer: (a: SyncGroupResponse) => void): void {
    const group = this.groups.get(request.groupId)
    const error = validateSync(group, request)
    const member = group?.members.get(request.memberId)
    if (group === undefined || member === undefined || error !== 0) {
      answer(syncError(error))
      return
    }
    group.pendingSyncs.delete(member.memberId)
    if (group.pendingSyncs.size === 0) this.deadlines.delete(syncName(group))
    if (group.state === 'Stable') {
      answer(syncAnswer(group, member))
      return
    }
    member.answerSync = answer
    if (group.leaderId !== member.memberId) return
    for (const other of group.members.values()) {
      const given = request.assignments.find(({ memberId }) => memberId === other.memberId)
      other.assignment = given?.assignment ?? noAssignment
    }
    group.moveTo('Stable')
    this.answerSyncs(group, 0, now)
  }

  /** The error code of the answer. */
  heartbeat(request: HeartbeatRequest, now: number): number {
    const group = this.groups.get(request.groupId)
    if (request.groupId === '') return errorCodes.INVALID_GROUP_ID
    if (group === undefined) return errorCodes.UNKNOWN_MEMBER_ID
    const error = group.validateMember(request.memberId, request.groupInstanceId)
    if (error !== 0) return error
    if (request.generationId !== group.generationId) return errorCodes.ILLEGAL_GENERATION
    this.keepAlive(group, request.memberId, now)
    return group.state === 'PreparingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : 0
  }

  leave(groupId: string, members: MemberIdentity[], now: number): MemberResponse[] {
    const group = this.groups.get(groupId)
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
      this.prepareRebalance(group, now)
    } else this.completeJoinIfAllJoined(group, now)
    return responses
  }

  /** A committing (or heartbeating) member is alive: its session starts anew. */
  keepAlive(group: ClassicGroup, memberId: string, now: number): void {
    const member = group.members.get(memberId)
    if (member !== undefined) this.expectSign(group, memberId, now + member.sessionTimeoutMs)
  }

  /** The error of a DeleteGroups; 0: the group is gone. */
  delete(groupId: string): number {
    const group = this.groups.get(groupId)
    if (group === undefined) return errorCodes.GROUP_ID_NOT_FOUND
    if (group.state !== 'Empty') return errorCodes.NON_EMPTY_GROUP
    group.moveTo('Dead')
    this.groups.delete(groupId)
    return 0
  }

  /** A group that only holds offsets, made by a commit from outside any group. */
  getOrCreate(groupId: string): ClassicGroup {
    let group = this.groups.get(groupId)
    if (group === undefined) {
      group = new ClassicGroup(groupId)
      this.groups.set(groupId, group)
    }
    return group
  }

  /** What the loss of a coordinator does to requests that it had parked. */
  answerParked(groupId: string, errorCode: number): void {
    const group = this.groups.get(groupId)
    if (group === undefined) return
    for (const member of group.members.values()) {
      answerJoin(member, joinError(member.memberId, errorCode))
      answerSync(member, syncError(errorCode))
    }
  }

  private checkJoin({ groupId, sessionTimeoutMs }: JoinGroupRequest): number {
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
    return member?.answerJoin != null || group.awaitingJoin < groupMaxSize
  }

  private joinAsNew(group: ClassicGroup, join: Join, now: number): void {
    const { request, clientId, version, answer } = join
    const { groupInstanceId } = request
    const memberId = group.newMemberId(clientId, groupInstanceId)
    if (groupInstanceId !== null) {
      const old = group.members.get(group.staticMembers.get(groupInstanceId) ?? '')
      if (old === undefined) this.addMember(group, memberId, join, now)
      else this.replaceStatic(group, old, memberId, join, now)
    } else if (version >= MEMBER_ID_REQUIRED_SINCE) {
      group.pendingMembers.add(memberId)
      this.expectSign(group, memberId, now + request.sessionTimeoutMs)
      answer(joinError(memberId, errorCodes.MEMBER_ID_REQUIRED))
    } else this.addMember(group, memberId, join, now)
  }

  private joinAgain(group: ClassicGroup, join: Join, now: number): void {
    const { request, answer } = join
    const { memberId, protocols } = request
    const error = group.validateMember(memberId, request.groupInstanceId)
    const member = group.members.get(memberId)
    if (error !== 0 || member === undefined) {
      answer(joinError(memberId, error))
      return
    }
    const isLeader = group.leaderId === memberId
    if (group.state === 'PreparingRebalance') {
      updateMember(member, join)
      this.completeJoinIfAllJoined(group, now)
    } else if (
      speaksSame(member, protocols) &&
      (group.state === 'CompletingRebalance' || (group.state === 'Stable' && !isLeader))
    ) {
      // The answer to its join was lost, or a follower asks again: nothing has changed for it.
      answer(joinAnswer(group, member, isLeader))
    } else {
      updateMember(member, join)
      this.prepareRebalance(group, now)
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
      answerJoin: join.answer,
      answerSync: null,
    })
    // It sends no heartbeats while its join is parked, but it may be gone all the same.
    this.expectSign(group, memberId, now + NEW_MEMBER_JOIN_TIMEOUT_MS)
    if (group.canMoveTo('PreparingRebalance')) this.prepareRebalance(group, now)
    else this.completeJoinIfAllJoined(group, now)
  }

  private replaceStatic(
    group: ClassicGroup,
    old: GroupMember,
    memberId: string,
    join: Join,
    now: number,
  ): void {
    answerJoin(old, joinError(old.memberId, errorCodes.FENCED_INSTANCE_ID))
    answerSync(old, syncError(errorCodes.FENCED_INSTANCE_ID))
    const leaderBefore = group.leaderId
    const member = group.replaceStatic(old, memberId)
    updateMember(member, join)
    this.deadlines.delete(sessionName(group, old.memberId))
    this.keepAlive(group, memberId, now)
    if (group.state === 'PreparingRebalance') this.completeJoinIfAllJoined(group, now)
    else if (group.state !== 'Stable' || group.selectProtocol() !== group.protocolName) {
      this.prepareRebalance(group, now)
    } else {
      // Its old assignment comes by SyncGroup. Before v9 it must not learn that it leads: it would
      // assign anew, and nobody else would hear of that.
      const canSkip = join.version >= SKIP_ASSIGNMENT_SINCE
      const isLeader = group.leaderId === memberId
      const response = joinAnswer(group, member, canSkip && isLeader)
      if (canSkip) response.skipAssignment = isLeader
      else response.leader = leaderBefore ?? ''
      answerJoin(member, response)
    }
  }

  private prepareRebalance(group: ClassicGroup, now: number): void {
    if (group.state === 'CompletingRebalance') {
      for (const member of group.members.values()) member.assignment = noAssignment
      this.answerSyncs(group, errorCodes.REBALANCE_IN_PROGRESS, now)
    }
    group.pendingSyncs.clear()
    this.deadlines.delete(syncName(group))
    const isFirst = group.state === 'Empty'
    group.moveTo('PreparingRebalance')
    if (isFirst) {
      const delay = this.properties.groupInitialRebalanceDelayMs
      this.delayFirst(group, delay, Math.max(group.rebalanceTimeoutMs - delay, 0), now)
    } else if (group.hasAllMembersJoined) this.completeJoin(group, now)
    else this.expectJoins(group, now)
  }

  /** The first rebalance waits for more members, as long as more keep coming. */
  private delayFirst(group: ClassicGroup, delay: number, left: number, now: number): void {
    this.deadlines.set(joinName(group), now + delay, (later) => {
      if (group.newMemberAdded && left > 0) {
        group.newMemberAdded = false
        const next = Math.min(this.properties.groupInitialRebalanceDelayMs, left)
        this.delayFirst(group, next, Math.max(left - delay, 0), later)
      } else this.completeJoin(group, later)
    })
  }

  private expectJoins(group: ClassicGroup, now: number): void {
    this.deadlines.set(joinName(group), now + group.rebalanceTimeoutMs, (later) => {
      this.completeJoin(group, later)
    })
  }

  private completeJoinIfAllJoined(group: ClassicGroup, now: number): void {
    if (group.state !== 'PreparingRebalance' || group.previousState === 'Empty') return
    if (group.hasAllMembersJoined) this.completeJoin(group, now)
  }

  private completeJoin(group: ClassicGroup, now: number): void {
    if (group.state !== 'PreparingRebalance') return
    this.deadlines.delete(joinName(group))
    for (const member of [...group.members.values()]) {
      if (member.answerJoin === null && member.groupInstanceId === null) {
        this.forget(group, member.memberId)
      }
    }
    // Static members that are away keep their place, but somebody has to lead.
    if (!group.electJoinedLeader() && group.members.size > 0) {
      this.expectJoins(group, now)
      return
    }
    group.nextGeneration()
    if (group.members.size === 0) return
    for (const member of group.members.values()) {
      answerJoin(member, joinAnswer(group, member, group.leaderId === member.memberId))
      this.keepAlive(group, member.memberId, now)
      member.isNew = false
      group.pendingSyncs.add(member.memberId)
    }
    const { generationId } = group
    this.deadlines.set(syncName(group), now + group.rebalanceTimeoutMs, (later) => {
      if (group.generationId !== generationId || group.pendingSyncs.size === 0) return
      for (const memberId of [...group.pendingSyncs]) this.forget(group, memberId)
      this.prepareRebalance(group, later)
    })
  }

  private answerSyncs(group: ClassicGroup, errorCode: number, now: number): void {
    for (const member of group.members.values()) {
      if (member.answerSync === null) continue
      const isGood = errorCode === 0
      answerSync(member, isGood ? syncAnswer(group, member) : syncError(errorCode))
      this.keepAlive(group, member.memberId, now)
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
    this.forget(group, leaving)
    return 0
  }

  /** By `at` a heartbeat, a join or a commit of that member must have come. */
  private expectSign(group: ClassicGroup, memberId: string, at: number): void {
    this.deadlines.set(sessionName(group, memberId), at, (now) => {
      if (group.pendingMembers.has(memberId)) {
        group.remove(memberId)
        this.completeJoinIfAllJoined(group, now)
        return
      }
      const member = group.members.get(memberId)
      if (member === undefined) return
      const isParked = member.answerJoin !== null || member.answerSync !== null
      if (isParked && !member.isNew) return
      this.forget(group, memberId)
      if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
        this.prepareRebalance(group, now)
      } else if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) {
        this.completeJoin(group, now)
      }
    })
  }

  private forget(group: ClassicGroup, memberId: string): void {
    const member = group.members.get(memberId)
    if (member !== undefined) {
      answerJoin(member, joinError('', errorCodes.UNKNOWN_MEMBER_ID))
      answerSync(member, syncError(errorCodes.UNKNOWN_MEMBER_ID))
    }
    group.remove(memberId)
    this.deadlines.delete(sessionName(group, memberId))
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

function updateMember(member: GroupMember, { request, answer }: Join): void {
  member.protocols = request.protocols
  member.sessionTimeoutMs = request.sessionTimeoutMs
  member.rebalanceTimeoutMs = rebalanceTimeoutOf(request)
  member.answerJoin = answer
}

/** Before v1 the session timeout served for both; the codec says -1 then. */
function rebalanceTimeoutOf(request: JoinGroupRequest): number {
  return request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
}

function sessionName(group: ClassicGroup, memberId: string): string {
  return `session ${group.groupId} ${memberId}`
}

function joinName(group: ClassicGroup): string {
  return `join ${group.groupId}`
}

function syncName(group: ClassicGroup): string {
  return `sync ${group.groupId}`
}
