// What a consumer asks of its group, whichever protocol the group speaks.

import type { StandingProblem } from '../assignment/standing-problem.ts'
import type { FetchingMember } from '../offsets/committed-offsets.ts'
import type { Membership } from '../offsets/committer.ts'
import type { RebalanceMeter } from './rebalance-meter.ts'

/** The part of a consumer that a group acts on. */
export interface GroupOwner {
  /** The names of all topics subscribed to, patterns resolved. */
  subscribedTopics(): readonly string[]
  /** Before the first join: topics may have to be created, or be forbidden. */
  prepareTopics(signal: AbortSignal): Promise<void>
  /** The coordinator took this member for alive at some time after `since` (monotonic ms). */
  onAlive(since: number): void
  /** Something failed that concerns other members. */
  onError(error: Error): void
  /** The brokers refuse this user: the caller gets the error once. */
  onRefused(error: Error): void
  /** The consumer ends with this error. */
  onFatal(error: Error): void
}

export interface GroupMembership {
  readonly protocol: 'classic' | 'consumer'
  readonly rebalances: RebalanceMeter
  /** Identifies this member in commits; null: not a member. */
  readonly membership: Membership | null
  /** How far this member is; `idle`: it waits until the caller asks for records. */
  readonly status: 'idle' | 'joining' | 'stable'
  readonly problem: StandingProblem | null
  /** When the coordinator may give this member up, if it hears nothing until then (monotonic ms); null: not a member. */
  readonly sessionEndsAt: number | null
  /** The caller asks for records: membership is wanted. */
  onPull(): void
  /** The subscription changed. */
  requestRejoin(reason: string): void
  /** Metadata changed: perhaps there are other topics to read, or more partitions of them. */
  onMetadata(): void
  /**
   * The coordinator refused a commit made under `membership`.
   * @returns whether this member continues all the same: a rebalance is what made that membership old
   */
  onCommitRefused(code: number, membership: Membership): boolean
  /** The caller works on one item for longer than `maxPollIntervalMs`: makes room for others. */
  onPollExpired(): void
  /** Asks the coordinator now whether this member is still one, since its session may have ended. */
  beatNow(): void
  /** No more joining. Heartbeats continue until `leave`, so that a last commit is still accepted. */
  stop(): Promise<void>
  /** The end: tells the coordinator, if `isLeaving`, and is silent from then on. */
  leave(isLeaving: boolean, reason: string): Promise<void>
}

/** The member that asks for committed offsets, where its coordinator checks it (KIP-848). */
export function fetchingMember(group: GroupMembership | null): FetchingMember | null {
  if (group === null || group.protocol !== 'consumer' || group.membership === null) return null
  const { memberId, generationId } = group.membership
  return { memberId, memberEpoch: generationId }
}
