// What health() tells of a share consumer: enough for a readiness probe and for the first look at one that
// gets nothing.

import { monotonicMs, wallMsOf } from '../async/clock.ts'
import type { PartitionProblem, StandingProblem } from '../consumer/assignment/standing-problem.ts'
import type { BrokerHealth } from '../consumer/fetching/broker-health.ts'
import {
  brokenBrokers,
  type ConsumerProblem,
  lacksPartitions,
} from '../consumer/liveness/consumer-problems.ts'
import { compareTopicPartitions } from '../topic-partition.ts'
import type { TopicPartition } from '../types.ts'

/** How a share consumer is. Times are milliseconds since 1970. */
export interface ShareConsumerHealth {
  /**
   * Whether records could flow now: the result for a readiness probe. The consumer is `stable`, brokers are
   * reached, and some assigned partition has nothing in its way. A member without partitions is ready,
   * unless what it subscribes to is missing, or its group has been a problem for more than 5 s.
   */
  readonly isReady: boolean
  /**
   * `idle`: no membership is wanted now: nothing was asked for yet, or not within `maxPollIntervalMs`.
   * `joining`: the coordinator has not accepted the member yet. `stable`: a member. `failed`: `error` says why.
   */
  readonly state: 'idle' | 'joining' | 'stable' | 'failed' | 'closed'
  /** What every loop gets from now on. */
  readonly error: Error | null
  /** The last time the coordinator took this member for alive; null: it never has. */
  readonly lastHeartbeatAt: number | null
  /** Since when no broker at all can be reached. */
  readonly unreachableSince: number | null
  readonly memberId: string
  /** -1: not a member now. */
  readonly memberEpoch: number
  /** For how long brokers lock a record for the member that acquires it (ms); null: not known yet. */
  readonly acquisitionLockTimeoutMs: number | null
  /** Records that were acquired and not delivered yet. */
  readonly bufferedRecords: number
  /** Records whose acknowledgement failed, so that they are delivered again. */
  readonly failedAcknowledgements: number
  /** For how long nothing has been asked for (ms). */
  readonly heldMs: number
  /** The brokers that were asked for records. */
  readonly brokers: readonly BrokerHealth[]
  /** What is assigned, sorted. */
  readonly partitions: readonly SharePartitionHealth[]
  /** What keeps records from flowing, and since when. Empty: nothing that is known. */
  readonly problems: readonly ConsumerProblem[]
}

export interface SharePartitionHealth extends TopicPartition {
  /** Why no records of the partition can flow, and since when; null: nothing that is known. */
  readonly problem: PartitionProblem | null
}

/** The parts that know. */
export interface ShareHealthSources {
  readonly delivery: {
    readonly fatalError: Error | null
    readonly bufferedRecords: number
    sampleHeldMs(now: number): number
  }
  readonly acquisitionLockTimeoutMs: number | null
  readonly brokers: readonly BrokerHealth[]
  readonly partitions: readonly (TopicPartition & { readonly problem: StandingProblem | null })[]
  /** The node; -1: none is known. */
  leaderOf(topic: string, partition: number): number
  readonly pulse: {
    readonly lastHeartbeatAt: number | null
    readonly unreachableSince: number | null
  }
  readonly group: { readonly memberId: string; readonly memberEpoch: number }
  readonly state: ShareConsumerHealth['state']
  readonly failedAcknowledgements: number
  readonly problems: readonly ConsumerProblem[]
}

/** What fails for less than this may be passing. */
const PATIENCE_MS = 5000

export function shareHealthOf(sources: ShareHealthSources): ShareConsumerHealth {
  const { delivery, pulse, group, state, problems, failedAcknowledgements } = sources
  const { lastHeartbeatAt, unreachableSince } = pulse
  const partitions = sources.partitions
    .map(({ topic, partition, problem }) => ({
      topic,
      partition,
      problem: problem?.shown() ?? null,
    }))
    .sort(compareTopicPartitions)
  return {
    isReady: state === 'stable' && unreachableSince === null && mayFlow(sources, problems),
    state,
    error: delivery.fatalError,
    lastHeartbeatAt: lastHeartbeatAt === null ? null : wallMsOf(lastHeartbeatAt),
    unreachableSince: unreachableSince === null ? null : wallMsOf(unreachableSince),
    memberId: group.memberId,
    memberEpoch: group.memberEpoch,
    acquisitionLockTimeoutMs: sources.acquisitionLockTimeoutMs,
    bufferedRecords: delivery.bufferedRecords,
    failedAcknowledgements,
    heldMs: delivery.sampleHeldMs(monotonicMs()),
    brokers: sources.brokers,
    partitions,
    problems,
  }
}

function mayFlow(
  { partitions, leaderOf }: ShareHealthSources,
  problems: readonly ConsumerProblem[],
): boolean {
  if (partitions.length === 0) return !lacksPartitions(problems, PATIENCE_MS)
  const broken = brokenBrokers(problems, PATIENCE_MS)
  return partitions.some(
    ({ topic, partition, problem }) =>
      (problem?.durationMs ?? 0) <= PATIENCE_MS && !broken.has(leaderOf(topic, partition)),
  )
}
