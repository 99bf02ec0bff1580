// The requests of a classic group's member: their fields, and how long each may take.

import type { CoordinatorClient, CoordinatorResponse } from '../../cluster/coordinator-client.ts'
import type { HeartbeatResponse } from '../../protocol/messages/heartbeat.ts'
import { heartbeat } from '../../protocol/messages/heartbeat.ts'
import { type JoinGroupResponse, joinGroup } from '../../protocol/messages/join-group.ts'
import { type LeaveGroupResponse, leaveGroup } from '../../protocol/messages/leave-group.ts'
import {
  type SyncGroupRequestAssignment,
  type SyncGroupResponse,
  syncGroup,
} from '../../protocol/messages/sync-group.ts'
import type { TopicPartition } from '../../types.ts'
import type { Membership } from '../offsets/committer.ts'
import type { Assignor } from './assignors/assignor.ts'
import { userDataOf } from './assignors/call-assignor.ts'
import { encodeSubscription } from './consumer-protocol.ts'

export interface ClassicRequestOptions {
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly groupInstanceId: string | null
  readonly clientRack: string | null
  readonly assignors: readonly Assignor[]
}

/** One generation of the group, and this member's identity in it. Never changed, only replaced. */
export interface Generation extends Membership {
  /** The assignor that the coordinator chose. */
  readonly protocolName: string
}

/** What a member says of itself when it joins. */
export interface JoiningMember {
  readonly memberId: string
  readonly topics: readonly string[]
  readonly ownedPartitions: readonly TopicPartition[]
  /** The generation in which it owns them. */
  readonly generationId: number
  readonly reason: string
}

/** The coordinator responds to a join when all members have come, or the rebalance timeout has passed. */
const JOIN_MARGIN_MS = 5000
const LEAVE_TIMEOUT_MS = 5000
const PROTOCOL_TYPE = 'consumer'

export class ClassicRequests {
  private readonly coordinator: CoordinatorClient
  private readonly options: ClassicRequestOptions
  private readonly requestTimeoutMs: number

  constructor(
    coordinator: CoordinatorClient,
    options: ClassicRequestOptions,
    requestTimeoutMs: number,
  ) {
    this.coordinator = coordinator
    this.options = options
    this.requestTimeoutMs = requestTimeoutMs
  }

  join(
    { memberId, topics, ownedPartitions, generationId, reason }: JoiningMember,
    signal: AbortSignal,
  ): Promise<CoordinatorResponse<JoinGroupResponse>> {
    const { sessionTimeoutMs, rebalanceTimeoutMs, groupInstanceId, clientRack } = this.options
    const body = {
      groupId: this.coordinator.groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId,
      groupInstanceId,
      protocolType: PROTOCOL_TYPE,
      protocols: this.options.assignors.map((assignor) => ({
        name: assignor.name,
        metadata: encodeSubscription({
          topics,
          userData: userDataOf(assignor, topics),
          ownedPartitions,
          generationId,
          rackId: clientRack,
        }),
      })),
      reason,
    }
    return this.coordinator.request(joinGroup, () => body, {
      connection: 'join',
      timeoutMs: Math.max(this.requestTimeoutMs, rebalanceTimeoutMs + JOIN_MARGIN_MS),
      signal,
    })
  }

  sync(
    generation: Generation,
    assignments: SyncGroupRequestAssignment[],
    signal: AbortSignal,
  ): Promise<CoordinatorResponse<SyncGroupResponse>> {
    const { generationId, memberId, groupInstanceId, protocolName } = generation
    const { groupId } = this.coordinator
    const member = { groupId, generationId, memberId, groupInstanceId }
    const body = { ...member, protocolType: PROTOCOL_TYPE, protocolName, assignments }
    return this.coordinator.request(syncGroup, () => body, { connection: 'join', signal })
  }

  heartbeat(generation: Membership): Promise<CoordinatorResponse<HeartbeatResponse>> {
    const { generationId, memberId, groupInstanceId } = generation
    const { groupId } = this.coordinator
    const body = { groupId, generationId, memberId, groupInstanceId }
    return this.coordinator.request(heartbeat, () => body, {
      timeoutMs: Math.min(this.requestTimeoutMs, this.options.sessionTimeoutMs),
    })
  }

  /**
   * Asks for the assignment that this member has already. A coordinator that is still loading the group responds
   * without an error to every heartbeat of any sender, but not to this.
   */
  prove(generation: Generation): Promise<CoordinatorResponse<SyncGroupResponse>> {
    const { generationId, memberId, groupInstanceId, protocolName } = generation
    const { groupId } = this.coordinator
    const member = { groupId, generationId, memberId, groupInstanceId }
    const body = { ...member, protocolType: PROTOCOL_TYPE, protocolName, assignments: [] }
    return this.coordinator.request(syncGroup, () => body, {
      timeoutMs: Math.min(this.requestTimeoutMs, this.options.sessionTimeoutMs),
    })
  }

  leave(memberId: string, reason: string): Promise<CoordinatorResponse<LeaveGroupResponse>> {
    const { groupId } = this.coordinator
    const { groupInstanceId } = this.options
    return this.coordinator.request(
      leaveGroup,
      (version) =>
        version >= 3
          ? { groupId, memberId: '', members: [{ memberId, groupInstanceId, reason }] }
          : { groupId, memberId, members: [] },
      { timeoutMs: LEAVE_TIMEOUT_MS },
    )
  }
}
