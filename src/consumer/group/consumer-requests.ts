// The one request of a KIP-848 group's member: to say that it is alive, what it wants, and that it leaves.

import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient, CoordinatorResponse } from '../../cluster/coordinator-client.ts'
import { UnsupportedVersionError } from '../../errors.ts'
import {
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeat,
} from '../../protocol/messages/consumer-group-heartbeat.ts'
import { heartbeatFields, type MemberFields } from './heartbeat-fields.ts'

/** The client chooses its member id since version 1. */
const LEAST_VERSION = 1
const LEAVE_TIMEOUT_MS = 5000
const LEAVE_EPOCH = -1
const STATIC_LEAVE_EPOCH = -2

export class ConsumerRequests {
  readonly memberId: string
  private readonly cluster: Cluster
  private readonly coordinator: CoordinatorClient
  private readonly instanceId: string | null

  constructor(
    cluster: Cluster,
    coordinator: CoordinatorClient,
    { memberId, groupInstanceId }: { memberId: string; groupInstanceId: string | null },
  ) {
    this.cluster = cluster
    this.coordinator = coordinator
    this.memberId = memberId
    this.instanceId = groupInstanceId
  }

  /**
   * @param known what the coordinator knows of the member; null: nothing for certain
   * @throws {UnsupportedVersionError} when the broker has no version of it that this client speaks
   */
  heartbeat(
    memberEpoch: number,
    fields: MemberFields,
    known: MemberFields | null,
    timeoutMs: number = this.cluster.options.requestTimeoutMs,
  ): Promise<CoordinatorResponse<ConsumerGroupHeartbeatResponse>> {
    const { groupId } = this.coordinator
    const { memberId, instanceId } = this
    const body = { groupId, memberId, memberEpoch, instanceId, ...heartbeatFields(fields, known) }
    const checked = (version: number): typeof body => {
      if (version >= LEAST_VERSION) return body
      throw new UnsupportedVersionError(
        `The coordinator of group "${groupId}" speaks version ${version} of ConsumerGroupHeartbeat, this client ${LEAST_VERSION} and later. Use groupProtocol 'classic', or upgrade the brokers`,
      )
    }
    return this.coordinator.request(consumerGroupHeartbeat, checked, { timeoutMs })
  }

  /** Never rejects: the session timeout does the same, later. */
  async leave(fields: MemberFields, isTemporary: boolean, reason: string): Promise<void> {
    const isStaticLeave = isTemporary && this.instanceId !== null
    const epoch = isStaticLeave ? STATIC_LEAVE_EPOCH : LEAVE_EPOCH
    const nothing = { ...fields, owned: [] }
    try {
      await this.heartbeat(epoch, nothing, nothing, LEAVE_TIMEOUT_MS)
    } catch (error) {
      const text = 'the group was not told that this member leaves'
      this.cluster.options.logger.warn(text, { reason, error })
    }
  }
}
