// The course of a rebalance of a classic group: joins are gathered, a generation begins, assignments are
// waited for, and who stays silent is left behind.

import { errorCodes } from '../../../protocol/error-codes.ts'
import type { Deadlines } from '../../deadlines.ts'
import type { ClassicGroup } from './classic-group.ts'
import {
  finishJoin,
  finishSync,
  joinError,
  joinResponse,
  noAssignment,
  syncError,
  syncResponse,
} from './classic-responses.ts'

export class ClassicRebalance {
  private readonly initialDelayMs: number
  private readonly deadlines: Deadlines

  constructor(initialDelayMs: number, deadlines: Deadlines) {
    this.initialDelayMs = initialDelayMs
    this.deadlines = deadlines
  }

  /** A committing (or heartbeating) member is alive: its session starts again. */
  keepAlive(group: ClassicGroup, memberId: string, now: number): void {
    const member = group.members.get(memberId)
    if (member !== undefined) this.expectSign(group, memberId, now + member.sessionTimeoutMs)
  }

  /** Members are to join again; who is waiting for an assignment is told so. */
  prepare(group: ClassicGroup, now: number): void {
    if (group.state === 'CompletingRebalance') {
      for (const member of group.members.values()) member.assignment = noAssignment
      this.finishSyncs(group, errorCodes.REBALANCE_IN_PROGRESS, now)
    }
    group.pendingSyncs.clear()
    this.deadlines.delete(syncName(group))
    const isFirst = group.state === 'Empty'
    group.moveTo('PreparingRebalance')
    if (isFirst) {
      const delay = this.initialDelayMs
      this.delayFirst(group, delay, Math.max(group.rebalanceTimeoutMs - delay, 0), now)
    } else if (group.hasAllMembersJoined) this.completeJoin(group, now)
    else this.expectJoins(group, now)
  }

  /** The first rebalance waits for more members, as long as more keep coming. */
  private delayFirst(group: ClassicGroup, delay: number, left: number, now: number): void {
    this.deadlines.set(joinName(group), now + delay, (later) => {
      if (group.newMemberAdded && left > 0) {
        group.newMemberAdded = false
        const next = Math.min(this.initialDelayMs, left)
        this.delayFirst(group, next, Math.max(left - delay, 0), later)
      } else this.completeJoin(group, later)
    })
  }

  private expectJoins(group: ClassicGroup, now: number): void {
    this.deadlines.set(joinName(group), now + group.rebalanceTimeoutMs, (later) => {
      this.completeJoin(group, later)
    })
  }

  /** Ends the joining, if no member is missing and it is not the group's first. */
  completeIfAllJoined(group: ClassicGroup, now: number): void {
    if (group.state !== 'PreparingRebalance' || group.previousState === 'Empty') return
    if (group.hasAllMembersJoined) this.completeJoin(group, now)
  }

  private completeJoin(group: ClassicGroup, now: number): void {
    if (group.state !== 'PreparingRebalance') return
    this.deadlines.delete(joinName(group))
    for (const member of [...group.members.values()]) {
      if (member.respondToJoin === null && member.groupInstanceId === null) {
        this.forget(group, member.memberId)
      }
    }
    // Static members that are away keep their place, but one member has to lead.
    if (!group.electJoinedLeader() && group.members.size > 0) {
      this.expectJoins(group, now)
      return
    }
    group.nextGeneration()
    if (group.members.size === 0) return
    for (const member of group.members.values()) {
      finishJoin(member, joinResponse(group, member, group.leaderId === member.memberId))
      this.keepAlive(group, member.memberId, now)
      member.isNew = false
      group.pendingSyncs.add(member.memberId)
    }
    const { generationId } = group
    this.deadlines.set(syncName(group), now + group.rebalanceTimeoutMs, (later) => {
      if (group.generationId !== generationId || group.pendingSyncs.size === 0) return
      for (const memberId of [...group.pendingSyncs]) this.forget(group, memberId)
      this.prepare(group, later)
    })
  }

  /** Responds to every member that waits for its assignment. */
  finishSyncs(group: ClassicGroup, errorCode: number, now: number): void {
    for (const member of group.members.values()) {
      if (member.respondToSync === null) continue
      const isGood = errorCode === 0
      finishSync(member, isGood ? syncResponse(group, member) : syncError(errorCode))
      this.keepAlive(group, member.memberId, now)
    }
  }

  /** By `at` a heartbeat, a join or a commit of that member must have come. */
  expectSign(group: ClassicGroup, memberId: string, at: number): void {
    this.deadlines.set(sessionName(group, memberId), at, (now) => {
      if (group.pendingMembers.has(memberId)) {
        group.remove(memberId)
        this.completeIfAllJoined(group, now)
        return
      }
      const member = group.members.get(memberId)
      if (member === undefined) return
      const isParked = member.respondToJoin !== null || member.respondToSync !== null
      if (isParked && !member.isNew) return
      this.forget(group, memberId)
      if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
        this.prepare(group, now)
      } else if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) {
        this.completeJoin(group, now)
      }
    })
  }

  /** Takes a member out of its group; what it had parked is completed. */
  forget(group: ClassicGroup, memberId: string): void {
    const member = group.members.get(memberId)
    if (member !== undefined) {
      finishJoin(member, joinError('', errorCodes.UNKNOWN_MEMBER_ID))
      finishSync(member, syncError(errorCodes.UNKNOWN_MEMBER_ID))
    }
    group.remove(memberId)
    this.deadlines.delete(sessionName(group, memberId))
  }

  /** Stops every timer of the group. */
  stop(group: ClassicGroup): void {
    this.deadlines.delete(joinName(group))
    this.deadlines.delete(syncName(group))
    for (const id of [...group.members.keys(), ...group.pendingMembers]) {
      this.deadlines.delete(sessionName(group, id))
    }
  }

  /** No SyncGroup is awaited any more. */
  allSynced(group: ClassicGroup): void {
    this.deadlines.delete(syncName(group))
  }
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
