// The group coordinator: sends each request to the protocol that its group speaks. Without sockets or a
// clock: `now` comes with each call, deadlines are the owner's to run.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/messages/consumer-group-heartbeat.ts'
import type { HeartbeatRequest } from '../../protocol/messages/heartbeat.ts'
import type { MemberIdentity, MemberResponse } from '../../protocol/messages/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/messages/sync-group.ts'
import type { BrokerProperties } from '../broker-properties.ts'
import type { Deadlines } from '../deadlines.ts'
import type { TopicStore } from '../topic-store.ts'
import { ClassicCoordinator, type Join } from './classic/classic-coordinator.ts'
import { joinError, syncError } from './classic/classic-responses.ts'
import type { ClientIdentity } from './client-identity.ts'
import { ClassicMembers } from './consumer/classic-members.ts'
import { ConsumerCoordinator } from './consumer/consumer-coordinator.ts'
import { GroupError } from './group-error.ts'
import type { GroupSettings } from './group-settings.ts'
import { GroupStore } from './group-store.ts'
import { ShareCoordinator } from './share/share-coordinator.ts'

export interface GroupCoordinatorOptions {
  readonly properties: BrokerProperties
  readonly settings: GroupSettings
  readonly deadlines: Deadlines
  readonly topics: TopicStore
}

export class GroupCoordinator {
  readonly store: GroupStore = new GroupStore()
  readonly classic: ClassicCoordinator
  readonly consumer: ConsumerCoordinator
  readonly share: ShareCoordinator
  private readonly classicMembers: ClassicMembers

  constructor({ properties, settings, deadlines, topics }: GroupCoordinatorOptions) {
    const { store } = this
    this.classic = new ClassicCoordinator(store, properties, deadlines)
    const { classic } = this
    this.consumer = new ConsumerCoordinator({
      store,
      topics,
      properties,
      settings,
      deadlines,
      classic,
    })
    this.share = new ShareCoordinator({ store, topics, properties, settings, deadlines })
    this.classicMembers = new ClassicMembers(this.consumer)
  }

  join(join: Join, now: number): void {
    const { groupId, memberId } = join.request
    const group = this.store.get(groupId)
    if (group?.type !== 'consumer' || group.isEmpty) {
      this.classic.join(join, now)
      return
    }
    const refusal = this.classic.checkJoin(join.request)
    if (refusal !== 0) {
      join.respond(joinError(memberId, refusal))
      return
    }
    const response = orError(
      () => this.classicMembers.join(group, join, now),
      (code) => joinError(memberId, code),
    )
    join.respond(response)
  }

  sync(request: SyncGroupRequest, now: number, respond: (r: SyncGroupResponse) => void): void {
    const group = this.store.get(request.groupId)
    if (group?.type !== 'consumer') this.classic.sync(request, now, respond)
    else respond(orError(() => this.classicMembers.sync(group, request, now), syncError))
  }

  /** The error code of the response. */
  heartbeat(request: HeartbeatRequest, now: number): number {
    const group = this.store.get(request.groupId)
    if (group?.type !== 'consumer') return this.classic.heartbeat(request, now)
    return orError(
      () => {
        this.classicMembers.heartbeat(group, request, now)
        return 0
      },
      (code) => code,
    )
  }

  leave(groupId: string, members: MemberIdentity[], now: number): MemberResponse[] {
    const group = this.store.get(groupId)
    if (group?.type === 'consumer') return this.classicMembers.leave(group, members, now)
    return this.classic.leave(groupId, members, now)
  }

  /** @throws {GroupError} */
  consumerHeartbeat(
    request: ConsumerGroupHeartbeatRequest,
    version: number,
    client: ClientIdentity,
    now: number,
  ): ConsumerGroupHeartbeatResponse {
    return this.consumer.heartbeat(request, version, client, now)
  }

  /** The error of a DeleteGroups; 0 when the group is gone. */
  delete(groupId: string): number {
    const group = this.store.get(groupId)
    if (group === undefined) return errorCodes.GROUP_ID_NOT_FOUND
    if (!group.isEmpty) return errorCodes.NON_EMPTY_GROUP
    this.store.delete(groupId)
    return 0
  }

  /** A new coordinator has loaded the group: the session of every member begins again. */
  restartSessions(groupId: string, now: number): void {
    const group = this.store.get(groupId)
    if (group?.type === 'consumer') this.consumer.restartSessions(group, now)
    else if (group?.type === 'share') this.share.restartSessions(group, now)
    else this.classic.restartSessions(groupId, now)
  }

  /** Fails every request that a group has parked, as the loss of its coordinator does. */
  failParked(groupId: string, errorCode: number): void {
    this.classic.failParked(groupId, errorCode)
  }
}

function orError<T>(run: () => T, onError: (errorCode: number) => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof GroupError) return onError(error.errorCode)
    throw error
  }
}
