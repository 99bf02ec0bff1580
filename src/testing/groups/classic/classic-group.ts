// One classic consumer group: who is in it, what they speak, which of them leads, and its state. It
// decides nothing by itself: coordinator-client.ts does.

import { randomUUID } from 'node:crypto'
import { errorCodes } from '../../../protocol/error-codes.ts'
import type {
  JoinGroupRequestProtocol,
  JoinGroupResponse,
  JoinGroupResponseMember,
} from '../../../protocol/messages/join-group.ts'
import type { SyncGroupResponse } from '../../../protocol/messages/sync-group.ts'

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

const previousStates: Record<GroupState, readonly GroupState[]> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead'],
}

export interface GroupMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  protocols: JoinGroupRequestProtocol[]
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  assignment: Buffer
  /** It has not yet seen the end of a rebalance: its session may end while its join is parked. */
  isNew: boolean
  /** Completes the JoinGroup (SyncGroup) that is parked; null when none is. */
  respondToJoin: ((response: JoinGroupResponse) => void) | null
  respondToSync: ((response: SyncGroupResponse) => void) | null
}

export class ClassicGroup {
  readonly type: 'classic' = 'classic'
  readonly groupId: string
  /** In the order in which they joined. */
  readonly members: Map<string, GroupMember> = new Map()
  /** Instance id to member id. */
  readonly staticMembers: Map<string, string> = new Map()
  /** Given a member id, not yet joined with it. */
  readonly pendingMembers: Set<string> = new Set()
  /** Have not yet sent their SyncGroup of this generation. */
  readonly pendingSyncs: Set<string> = new Set()
  generationId = 0
  protocolType: string | null = null
  protocolName: string | null = null
  leaderId: string | null = null
  /** A member came during the first rebalance: it waits once more for others. */
  newMemberAdded = false
  private currentState: GroupState = 'Empty'
  private stateBefore: GroupState = 'Empty'

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get isEmpty(): boolean {
    return this.currentState === 'Empty'
  }

  get state(): GroupState {
    return this.currentState
  }

  get previousState(): GroupState {
    return this.stateBefore
  }

  canMoveTo(state: GroupState): boolean {
    return previousStates[state].includes(this.currentState)
  }

  moveTo(state: GroupState): void {
    if (!this.canMoveTo(state)) {
      throw new Error(`group ${this.groupId} cannot go from ${this.currentState} to ${state}`)
    }
    this.stateBefore = this.currentState
    this.currentState = state
  }

  get awaitingJoin(): number {
    let count = 0
    for (const member of this.members.values()) if (member.respondToJoin !== null) count++
    return count
  }

  get hasAllMembersJoined(): boolean {
    return this.pendingMembers.size === 0 && this.awaitingJoin === this.members.size
  }

  /** The greatest of its members. */
  get rebalanceTimeoutMs(): number {
    let most = 0
    for (const member of this.members.values()) most = Math.max(most, member.rebalanceTimeoutMs)
    return most
  }

  newMemberId(clientId: string | null, groupInstanceId: string | null): string {
    return `${groupInstanceId ?? clientId ?? ''}-${randomUUID()}`
  }

  add(member: GroupMember): void {
    if (this.members.size === 0) this.protocolType = member.protocolType
    this.members.set(member.memberId, member)
    if (member.groupInstanceId !== null) {
      this.staticMembers.set(member.groupInstanceId, member.memberId)
    }
    this.leaderId ??= member.memberId
    this.pendingMembers.delete(member.memberId)
  }

  remove(memberId: string): void {
    const member = this.members.get(memberId)
    this.members.delete(memberId)
    if (member !== undefined && member.groupInstanceId !== null) {
      this.staticMembers.delete(member.groupInstanceId)
    }
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value ?? null
    this.pendingMembers.delete(memberId)
    this.pendingSyncs.delete(memberId)
  }

  /** A static member came back without its member id: the new id takes over all but what is parked. */
  replaceStatic(old: GroupMember, newMemberId: string): GroupMember {
    const member = { ...old, memberId: newMemberId, respondToJoin: null, respondToSync: null }
    this.members.delete(old.memberId)
    this.members.set(newMemberId, member)
    if (this.leaderId === old.memberId) this.leaderId = newMemberId
    if (member.groupInstanceId !== null) {
      this.staticMembers.set(member.groupInstanceId, newMemberId)
    }
    return member
  }

  /** Makes a member that has joined the leader; false: none has. */
  electJoinedLeader(): boolean {
    if (this.leaderId === null) return false
    if (this.members.get(this.leaderId)?.respondToJoin != null) return true
    for (const member of this.members.values()) {
      if (member.respondToJoin === null) continue
      this.leaderId = member.memberId
      return true
    }
    return false
  }

  /** Whether a member with these protocols can be in it. */
  supports(protocolType: string, protocols: JoinGroupRequestProtocol[]): boolean {
    if (this.currentState === 'Empty') return protocolType !== '' && protocols.length > 0
    if (protocolType !== this.protocolType) return false
    return protocols.some(({ name }) => this.isSpokenByAll(name))
  }

  /** The protocol that all speak and most prefer. */
  selectProtocol(): string {
    const votes = new Map<string, number>()
    for (const { protocols } of this.members.values()) {
      const choice = protocols.find(({ name }) => this.isSpokenByAll(name))
      if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    let selected = ''
    for (const [name, count] of votes) if (count > (votes.get(selected) ?? 0)) selected = name
    return selected
  }

  /** Begins as a stable group of the members it has been given: it was converted. */
  startStable(generationId: number): void {
    this.generationId = generationId
    this.protocolName = this.selectProtocol()
    this.stateBefore = 'CompletingRebalance'
    this.currentState = 'Stable'
  }

  nextGeneration(): void {
    this.generationId++
    this.pendingSyncs.clear()
    if (this.members.size === 0) {
      this.protocolName = null
      this.moveTo('Empty')
    } else {
      this.protocolName = this.selectProtocol()
      this.moveTo('CompletingRebalance')
    }
  }

  /** The members as the leader sees them. */
  describeMembers(): JoinGroupResponseMember[] {
    return [...this.members.values()].map(({ memberId, groupInstanceId, protocols }) => ({
      memberId,
      groupInstanceId,
      metadata:
        protocols.find(({ name }) => name === this.protocolName)?.metadata ?? Buffer.alloc(0),
    }))
  }

  /** The error of a request of that member; 0: it is one of us. */
  validateMember(memberId: string, groupInstanceId: string | null): number {
    if (groupInstanceId !== null) {
      const known = this.staticMembers.get(groupInstanceId)
      if (known === undefined) return errorCodes.UNKNOWN_MEMBER_ID
      if (known !== memberId) return errorCodes.FENCED_INSTANCE_ID
    }
    return this.members.has(memberId) ? 0 : errorCodes.UNKNOWN_MEMBER_ID
  }

  private isSpokenByAll(name: string): boolean {
    for (const { protocols } of this.members.values()) {
      if (!protocols.some((protocol) => protocol.name === name)) return false
    }
    return true
  }
}

/** Whether a member that joins again speaks exactly what it did. */
export function speaksSame(member: GroupMember, protocols: JoinGroupRequestProtocol[]): boolean {
  return (
    member.protocols.length === protocols.length &&
    member.protocols.every(
      (protocol, i) =>
        protocol.name === protocols[i].name && protocol.metadata.equals(protocols[i].metadata),
    )
  )
}
