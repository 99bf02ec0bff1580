// The responses to JoinGroup and SyncGroup, made from the state of a group.

import type { JoinGroupResponse } from '../../../protocol/messages/join-group.ts'
import type { SyncGroupResponse } from '../../../protocol/messages/sync-group.ts'
import type { ClassicGroup, GroupMember } from './classic-group.ts'

export const noAssignment: Buffer = Buffer.alloc(0)

/** A member's response of this generation; `withMembers` for the one that assigns. */
export function joinResponse(
  group: ClassicGroup,
  member: GroupMember,
  withMembers: boolean,
): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId: member.memberId,
    members: withMembers ? group.describeMembers() : [],
  }
}

export function syncResponse(group: ClassicGroup, member: GroupMember): SyncGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  }
}

/** Completes the JoinGroup that is parked for this member, if one is. */
export function finishJoin(member: GroupMember, response: JoinGroupResponse): void {
  const { respondToJoin } = member
  member.respondToJoin = null
  respondToJoin?.(response)
}

/** Completes the SyncGroup that is parked for this member, if one is. */
export function finishSync(member: GroupMember, response: SyncGroupResponse): void {
  const { respondToSync } = member
  member.respondToSync = null
  respondToSync?.(response)
}

export function joinError(memberId: string, errorCode: number): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

export function syncError(errorCode: number): SyncGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    protocolType: null,
    protocolName: null,
    assignment: noAssignment,
  }
}
