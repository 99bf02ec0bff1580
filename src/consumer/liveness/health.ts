// What health() tells: enough for a readiness probe and for the first look at a consumer that reads nothing.

import { monotonicMs, wallMsOf } from '../../async/clock.ts'
import { compareTopicPartitions } from '../../topic-partition.ts'
import type { TopicPartition } from '../../types.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { PartitionProblem, StandingProblem } from '../assignment/standing-problem.ts'
import type { BrokerHealth } from '../fetching/broker-health.ts'
import type { GroupMembership } from '../group/group-membership.ts'
import { brokenBrokers, type ConsumerProblem, lacksPartitions } from './consumer-problems.ts'

/** How a consumer is. Times are milliseconds since 1970. */
export interface ConsumerHealth {
  /**
   * Whether records could flow now: the result for a readiness probe. The consumer is `stable` or
   * `assigned` and not stalled, brokers are reached, and some assigned partition was fetched and has nothing
   * in its way. A member without partitions is ready, unless what it subscribes to is missing, or its group
   * has been a problem for more than 5 s.
   */
  readonly isReady: boolean
  /**
   * `idle`: no membership is wanted now: nothing was asked for yet, or a record took longer than
   * `maxPollIntervalMs`. `joining`: the group comes together. `stable`: a member. `assigned`: reads by
   * hand. `failed`: `error` says why.
   */
  readonly state: 'idle' | 'joining' | 'stable' | 'assigned' | 'failed' | 'closed'
  /** What every loop gets from now on. */
  readonly error: Error | null
  /** The last time the coordinator took this member for alive; null: it never has. */
  readonly lastHeartbeatAt: number | null
  /** Since when no broker at all can be reached. */
  readonly unreachableSince: number | null
  /** The membership; null: none is wanted, or the consumer reads by hand. */
  readonly group: GroupHealth | null
  /** The brokers that were asked for records. */
  readonly brokers: readonly BrokerHealth[]
  /**
   * The event loop was blocked, or no heartbeat had a response, and the session may be over. Nothing is
   * delivered until a heartbeat succeeds.
   */
  readonly isStalled: boolean
  /** For how long the slowest record or batch has been worked on (ms). */
  readonly heldMs: number
  /** Memory held by records that were fetched and not delivered yet (bytes). */
  readonly bufferedBytes: number
  /** The sum over all partitions; null while none is known. */
  readonly lag: bigint | null
  /** What is assigned, sorted. */
  readonly partitions: readonly PartitionHealth[]
  /** What keeps records from flowing, or offsets from being committed, and since when. Empty: nothing that is known. */
  readonly problems: readonly ConsumerProblem[]
  /** Plain data for a probe's response: bigints as text, errors with their code and message. */
  toJSON(): unknown
}

export interface GroupHealth {
  readonly protocol: 'classic' | 'consumer'
  /** null: not a member now. */
  readonly memberId: string | null
  /** The generation of a classic group, the member epoch of a consumer group; -1: not a member now. */
  readonly generationId: number
  /** How often this member has taken up an assignment. */
  readonly rebalances: number
  /** How long the last of them took (ms); null: none yet. */
  readonly lastRebalanceMs: number | null
}

export interface PartitionHealth extends TopicPartition {
  /** null while it is looked for. */
  readonly position: bigint | null
  /** Up to the end of the log as the last fetch saw it. */
  readonly lag: bigint | null
  readonly isPaused: boolean
  /** What the next pull gets, and after which it is read on. */
  readonly error: Error | null
  /** Why no records of the partition can flow, and since when; null: nothing is in the way. */
  readonly problem: PartitionProblem | null
}

/** How many offsets lie between the position and the end of the log as the last fetch saw it. */
export function lagOf(state: AssignedPartition, isReadCommitted: boolean): bigint | null {
  const end = isReadCommitted
    ? state.fetchAt.bounds.lastStableOffset
    : state.fetchAt.bounds.highWatermark
  if (!state.hasPosition || end < 0n) return null
  const { deliveredPosition: position } = state
  return end > position ? end - position : 0n
}

/** The parts that know. */
export interface HealthSources {
  readonly delivery: {
    readonly fatalError: Error | null
    readonly isEnded: boolean
    readonly isBlocked: boolean
    sampleHeldMs(now: number): number
  }
  readonly fetcher: { readonly bufferedBytes: number; health(): BrokerHealth[] }
  readonly subscription: {
    readonly size: number
    readonly partitions: Iterable<AssignedPartition>
  }
  readonly pulse: {
    readonly lastHeartbeatAt: number | null
    readonly unreachableSince: number | null
  }
  readonly problems: { list(): ConsumerProblem[] }
  readonly group: GroupMembership | null
  /** Whether records were asked for. */
  readonly isStarted: boolean
}

/** A broker that fails for less than this may have been restarted. */
const PATIENCE_MS = 5000

export function healthOf(sources: HealthSources, isReadCommitted: boolean): ConsumerHealth {
  const { delivery, fetcher, subscription, pulse } = sources
  const state = stateOf(sources)
  const { lastHeartbeatAt, unreachableSince } = pulse
  let lag: bigint | null = null
  const partitions: PartitionHealth[] = []
  for (const entry of subscription.partitions) {
    const { topic, partition, isPaused, failure: error } = entry
    const problem = entry.problem?.shown() ?? null
    const behind = lagOf(entry, isReadCommitted)
    if (behind !== null) lag = (lag ?? 0n) + behind
    const position = entry.hasPosition ? entry.deliveredPosition : null
    partitions.push({ topic, partition, position, lag: behind, isPaused, error, problem })
  }
  const isStalled = delivery.isBlocked
  const isWorking = state === 'stable' || state === 'assigned'
  const problems = sources.problems.list()
  const canFlow = mayFlow([...subscription.partitions], problems)
  const health: Omit<ConsumerHealth, 'toJSON'> = {
    isReady: isWorking && !isStalled && unreachableSince === null && canFlow,
    state,
    error: delivery.fatalError,
    lastHeartbeatAt: lastHeartbeatAt === null ? null : wallMsOf(lastHeartbeatAt),
    group: groupHealthOf(sources.group),
    unreachableSince: unreachableSince === null ? null : wallMsOf(unreachableSince),
    brokers: fetcher.health(),
    isStalled,
    heldMs: delivery.sampleHeldMs(monotonicMs()),
    bufferedBytes: fetcher.bufferedBytes,
    lag,
    partitions: partitions.sort(compareTopicPartitions),
    problems,
  }
  return Object.defineProperty({ ...health, toJSON: () => plain(health) }, 'toJSON', {
    enumerable: false,
  })
}

function stateOf(sources: HealthSources): ConsumerHealth['state'] {
  const { delivery, subscription, group, isStarted } = sources
  if (delivery.isEnded) return 'closed'
  if (delivery.fatalError !== null) return 'failed'
  if (!isStarted) return 'idle'
  if (group !== null) return group.status
  return subscription.size > 0 ? 'assigned' : 'idle'
}

function groupHealthOf(group: GroupMembership | null): GroupHealth | null {
  if (group === null) return null
  const { protocol, membership, rebalances } = group
  return {
    protocol,
    memberId: membership?.memberId ?? null,
    generationId: membership?.generationId ?? -1,
    rebalances: rebalances.count,
    lastRebalanceMs: rebalances.lastMs,
  }
}

/** Whether records of some partition could be delivered now. */
function mayFlow(
  partitions: readonly AssignedPartition[],
  problems: readonly ConsumerProblem[],
): boolean {
  if (partitions.length === 0) return !lacksPartitions(problems, PATIENCE_MS)
  const broken = brokenBrokers(problems, PATIENCE_MS)
  return partitions.some(
    // A high watermark: a fetch of the partition has succeeded.
    ({ hasPosition, fetchAt, failure, problem, leader }) =>
      hasPosition &&
      fetchAt.bounds.highWatermark >= 0n &&
      failure === null &&
      !lasts(problem) &&
      !broken.has(leader),
  )
}

function lasts(problem: StandingProblem | null): boolean {
  return problem !== null && problem.durationMs > PATIENCE_MS
}

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)),
  )
}
