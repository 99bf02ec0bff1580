// Membership in a share group (KIP-932): the member only heartbeats, and the coordinator assigns. There is
// nothing to reconcile: several members may have the same partition. A life of the member is one object: a
// response counts only if the life it was asked under is still the present one.

import { stopSwitch } from '../async/watchers.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CoordinatorClient, CoordinatorResponse } from '../cluster/coordinator-client.ts'
import type { StandingProblem } from '../consumer/assignment/standing-problem.ts'
import { heartbeatAction } from '../consumer/group/heartbeat-error-table.ts'
import {
  FIRST_INTERVAL_MS,
  MemberHeartbeats,
  type MemberLife,
} from '../consumer/group/member-heartbeats.ts'
import { newMemberId } from '../consumer/group/member-id.ts'
import { resolveTarget, UnknownTopics } from '../consumer/group/target-assignment.ts'
import { type KafkaError, toKafkaError, UnsupportedVersionError } from '../errors.ts'
import {
  type ShareGroupHeartbeatRequest,
  type ShareGroupHeartbeatResponse,
  type ShareGroupHeartbeatTopicPartitions,
  shareGroupHeartbeat,
} from '../protocol/messages/share-group-heartbeat.ts'
import type { SharePartitionName } from './acquisition.ts'
import { SHARE_ADVICE, shareError } from './share-error-table.ts'

/** The part of a share consumer that its group acts on. */
export interface ShareGroupOwner {
  /** Names of topics, sorted. */
  subscription(): readonly string[]
  /** Before the first join: topics may have to be created, or be forbidden. */
  prepareTopics(signal: AbortSignal): Promise<void>
  onAssigned(partitions: readonly SharePartitionName[]): void
  /** The coordinator took this member for alive at some time after `since` (monotonic ms). */
  onAlive(since: number): void
  /** The brokers refuse this user: the caller gets the error once. */
  onRefused(error: Error): void
  /** The consumer ends with this error. */
  onFatal(error: Error): void
}

export interface ShareGroupOptions {
  readonly defaultApiTimeoutMs: number
  readonly clientRack: string | null
}

const LEAVE_TIMEOUT_MS = 5000
const JOIN_EPOCH = 0
const LEAVE_EPOCH = -1

/** What the member says of itself is its topics. */
interface Life extends MemberLife<readonly string[]> {
  isMember: boolean
  target: readonly ShareGroupHeartbeatTopicPartitions[]
}

function newLife(): Life {
  return { epoch: JOIN_EPOCH, isMember: false, known: null, target: [] }
}

export class ShareGroup {
  readonly memberId: string = newMemberId()
  private readonly cluster: Cluster
  private readonly coordinator: CoordinatorClient
  private readonly options: ShareGroupOptions
  private readonly owner: ShareGroupOwner
  private readonly heartbeats: MemberHeartbeats<
    readonly string[],
    Life,
    ShareGroupHeartbeatResponse
  >
  private readonly stopped = stopSwitch()
  private life = newLife()
  private readonly unknown = new UnknownTopics()
  private isJoining = false
  private isWanted = false

  constructor(
    cluster: Cluster,
    coordinator: CoordinatorClient,
    options: ShareGroupOptions,
    owner: ShareGroupOwner,
  ) {
    this.cluster = cluster
    this.coordinator = coordinator
    this.options = options
    this.owner = owner
    this.heartbeats = new MemberHeartbeats(cluster, coordinator, options.defaultApiTimeoutMs, {
      present: () => this.life,
      fields: () => this.owner.subscription(),
      send: ({ epoch, known }, names) =>
        this.send(epoch, known === null ? names : changed(names, known)),
      accept: (life, response, sentAt) => this.accept(life, response, sentAt),
      refused: (response) => this.refused(response),
      unsupported: (error) => this.unsupported(error),
      giveUp: (error) => this.giveUp(error),
      fail: (error) => this.fail(error),
    })
  }

  /** -1: not a member now. */
  get memberEpoch(): number {
    return this.life.isMember ? this.life.epoch : -1
  }

  get membership(): { memberId: string; generationId: number; groupInstanceId: null } | null {
    if (!this.life.isMember) return null
    return { memberId: this.memberId, generationId: this.life.epoch, groupInstanceId: null }
  }

  /** What ends unnoticed is each record's lock, and not the session. */
  readonly sessionEndsAt = null

  get status(): 'idle' | 'joining' | 'stable' {
    if (!this.isWanted) return 'idle'
    return this.life.isMember ? 'stable' : 'joining'
  }

  get problem(): StandingProblem | null {
    return this.heartbeats.trouble.current ?? this.unknown.problem
  }

  /** The caller asks for records: membership is wanted. */
  onPull(): void {
    if (this.isWanted || this.stopped.signal.aborted) return
    this.isWanted = true
    void this.join()
  }

  onSubscriptionChanged(): void {
    this.heartbeats.timer.schedule(0)
  }

  /** Metadata changed: perhaps it knows more topics of the assignment. */
  onMetadata(): void {
    if (!this.unknown.isEmpty) this.assign()
  }

  beatNow(): void {
    this.heartbeats.timer.schedule(0)
  }

  /** Nothing was asked for within `maxPollIntervalMs`: makes room for others. */
  onPollExpired(): void {
    if (!this.life.isMember || this.stopped.signal.aborted) return
    void this.sendLeave('the poll interval has expired')
    this.heartbeats.timer.pause()
    this.isWanted = false
    this.lose('the poll interval has expired')
  }

  /** No more joining. */
  stop(): void {
    this.stopped.abort()
  }

  /** The end: tells the coordinator, and is silent from then on. Never rejects. */
  async leave(reason: string): Promise<void> {
    this.stop()
    this.heartbeats.timer.pause()
    this.life = newLife()
    if (this.heartbeats.hasBeaten) await this.sendLeave(reason)
  }

  private async join(): Promise<void> {
    const { signal } = this.stopped
    if (this.isJoining) return
    this.isJoining = true
    try {
      await this.owner.prepareTopics(signal)
      if (signal.aborted || !this.isWanted) return
      this.heartbeats.timer.start()
      this.heartbeats.timer.schedule(0)
    } catch (error) {
      if (!signal.aborted) this.fail(toKafkaError(error))
    } finally {
      this.isJoining = false
    }
  }

  private send(
    memberEpoch: number,
    names: readonly string[] | null,
    timeoutMs: number = this.cluster.options.requestTimeoutMs,
  ): Promise<CoordinatorResponse<ShareGroupHeartbeatResponse>> {
    const body: ShareGroupHeartbeatRequest = {
      groupId: this.coordinator.groupId,
      memberId: this.memberId,
      memberEpoch,
      rackId: memberEpoch === JOIN_EPOCH ? this.options.clientRack : null,
      subscribedTopicNames: names === null ? null : [...names],
    }
    return this.coordinator.request(shareGroupHeartbeat, () => body, { timeoutMs })
  }

  private accept(life: Life, response: ShareGroupHeartbeatResponse, sentAt: number): void {
    life.epoch = response.memberEpoch
    life.isMember = true
    this.heartbeats.hasJoined = true
    this.owner.onAlive(sentAt)
    if (response.assignment !== null) {
      life.target = response.assignment.topicPartitions
      this.assign()
    }
  }

  private assign(): void {
    const { partitions, unknownIds, topicIds } = resolveTarget(this.cluster, this.life.target)
    this.unknown.replace(unknownIds)
    if (unknownIds.length > 0) this.cluster.requestRefresh('the assignment names an unknown topic')
    this.owner.onAssigned(
      partitions.map(({ topic, partition }) => ({
        topic,
        topicId: topicIds.get(topic) ?? '',
        partition,
      })),
    )
  }

  private refused(response: ShareGroupHeartbeatResponse): number | null {
    const { groupId } = this.coordinator
    const { errorCode, errorMessage } = response
    const what = `ShareGroupHeartbeat of group "${groupId}"`
    const error = shareError(errorCode, what, errorMessage, this.cluster.principal)
    this.heartbeats.trouble.note(error)
    switch (heartbeatAction(errorCode, this.life.epoch > 0)) {
      case 'fenced':
        this.lose(error.message)
        return this.heartbeats.backOff()
      case 'report':
        this.owner.onRefused(error)
        return FIRST_INTERVAL_MS
      case 'unsupported':
      case 'fatal':
        this.fail(error)
        return null
      default:
        return this.heartbeats.backOff()
    }
  }

  private unsupported(cause: UnsupportedVersionError): void {
    const { groupId } = this.coordinator
    const text = `The coordinator of group "${groupId}" has no share groups: ${SHARE_ADVICE}. ${cause.message}`
    this.fail(new UnsupportedVersionError(text, { cause }))
  }

  private giveUp(error: KafkaError): void {
    this.isWanted = false
    this.owner.onRefused(error)
  }

  /** The member joins again with the next heartbeat. What it has acquired stays so for the lock's time. */
  private lose(reason: string): void {
    const { groupId } = this.coordinator
    this.cluster.options.logger.warn(`lost the membership in group ${groupId}`, { reason })
    this.life = newLife()
    this.unknown.replace([])
    this.owner.onAssigned([])
  }

  private fail(error: KafkaError): void {
    this.heartbeats.timer.pause()
    this.life = newLife()
    this.stopped.abort()
    this.owner.onAssigned([])
    this.owner.onFatal(error)
  }

  /** Never rejects: the session timeout does the same, later. */
  private async sendLeave(reason: string): Promise<void> {
    try {
      await this.send(LEAVE_EPOCH, null, LEAVE_TIMEOUT_MS)
    } catch (error) {
      const text = 'the group was not told that this member leaves'
      this.cluster.options.logger.warn(text, { reason, error })
    }
  }
}

/** null: as before. */
function changed(names: readonly string[], known: readonly string[]): readonly string[] | null {
  const isSame =
    names.length === known.length && names.every((name, index) => name === known[index])
  return isSame ? null : names
}
