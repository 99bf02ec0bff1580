// Everything that keeps records from flowing, or offsets from being committed, from whichever part knows it:
// brokers, the group, topics that are missing, partitions. And the reports about it: each problem that lasts is
// reported, at a limited rate.

import { monotonicMs, wallMs } from '../../async/clock.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ClusterProblem } from '../../cluster/problems.ts'
import { addAll } from '../../collections/long-lists.ts'
import { KafkaError } from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { PartitionProblem, StandingProblem } from '../assignment/standing-problem.ts'

/**
 * Something that fails again and again at this moment, and keeps records from flowing, or offsets from being
 * committed.
 */
export interface ConsumerProblem {
  /** What fails, and what to do. */
  readonly reason: string
  /** When it failed first, in milliseconds since 1970. */
  readonly since: number
  /** For how long it has been failing, in milliseconds. */
  readonly durationMs: number
  /** The latest error; null where nothing failed, but something is missing. */
  readonly error: Error | null
  /** The broker that it is about; negative: a bootstrap address; null: none in particular. */
  readonly nodeId: number | null
  /** The topic that it is about; null: none in particular. */
  readonly topic: string | null
  /** The partition of the topic; null: none in particular. */
  readonly partition: number | null
}

export interface ProblemSources {
  readonly cluster: Pick<Cluster, 'problems' | 'topic' | 'topicError' | 'principal'>
  readonly fetcher?: { problems(): ClusterProblem[] }
  readonly group: { readonly problem: StandingProblem | null } | null
  readonly rebalance?: { readonly problem: StandingProblem | null }
  readonly pulse?: { readonly problem: StandingProblem | null }
  readonly commits?: { readonly problem: StandingProblem | null } | null
  /** Topics that are subscribed to by name. */
  readonly topicNames: Iterable<string>
  readonly partitions: Iterable<Pick<AssignedPartition, 'topic' | 'partition' | 'problem'>>
}

export class ConsumerProblems {
  private readonly sources: () => ProblemSources
  /** Since when each topic has been missing (monotonic ms). */
  private readonly missing = new Map<string, number>()

  constructor(sources: () => ProblemSources) {
    this.sources = sources
  }

  /** All there are now: brokers first, then the group, topics and partitions. */
  list(): ConsumerProblem[] {
    const { cluster, fetcher, group, rebalance, pulse, commits, topicNames, partitions } =
      this.sources()
    const nowhere = { nodeId: null, topic: null, partition: null }
    const problems = [...cluster.problems(), ...(fetcher?.problems() ?? [])].map(
      (problem): ConsumerProblem => ({ ...nowhere, ...problem }),
    )
    for (const problem of [group, rebalance, pulse, commits].map((part) => part?.problem)) {
      if (problem) problems.push({ ...nowhere, ...lasting(problem) })
    }
    addAll(problems, this.missingTopics(cluster, topicNames))
    for (const { topic, partition, problem } of partitions) {
      if (problem === null) continue
      problems.push({ ...nowhere, ...lasting(problem), topic, partition })
    }
    return problems
  }

  private missingTopics(
    cluster: ProblemSources['cluster'],
    names: Iterable<string>,
  ): ConsumerProblem[] {
    const now = monotonicMs()
    const problems: ConsumerProblem[] = []
    const seen = new Set<string>()
    for (const topic of names) {
      const code = cluster.topicError(topic)
      if (cluster.topic(topic) !== undefined || code === errorCodes.NONE) continue
      seen.add(topic)
      const since = this.missing.get(topic) ?? now
      this.missing.set(topic, since)
      const error = brokerError(code, `Metadata of topic "${topic}"`, cluster.principal)
      const reason =
        code === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
          ? `Topic "${topic}" does not exist. Check its name, or create it`
          : error.message
      const durationMs = now - since
      const place = { nodeId: null, topic, partition: null }
      problems.push({ reason, since: wallMs() - durationMs, durationMs, error, ...place })
    }
    for (const topic of this.missing.keys()) if (!seen.has(topic)) this.missing.delete(topic)
    return problems
  }
}

/** Whether a member without partitions lacks what would bring it some: its topics, or its group. */
export function lacksPartitions(problems: readonly ConsumerProblem[], patienceMs: number): boolean {
  return problems.some(
    ({ nodeId, topic, durationMs }) =>
      topic !== null || (nodeId === null && durationMs > patienceMs),
  )
}

/** The brokers that have been failing for longer than `patienceMs`. */
export function brokenBrokers(
  problems: readonly ConsumerProblem[],
  patienceMs: number,
): ReadonlySet<number> {
  return new Set(
    problems.flatMap(({ nodeId, durationMs }) =>
      nodeId !== null && durationMs > patienceMs ? nodeId : [],
    ),
  )
}

function lasting(problem: StandingProblem): PartitionProblem & { readonly durationMs: number } {
  return { ...problem.shown(), durationMs: problem.durationMs }
}

/** What has not failed, but is not known yet, is not reported as a problem before this (ms). */
const LEAST_WITHOUT_ERROR_MS = 2000

/** The same problem is reported again after this long. */
const REPEAT_MS = 60_000
/** More than this many in a minute are reported together. */
const REPORTS_PER_MINUTE = 10

/** Decides what is to be reported now. Pure: the clock is passed in. */
export class ProblemReports {
  private readonly patienceMs: number
  private readonly reportedAt = new Map<string, number>()

  /** @param patienceMs how long a problem may last in silence */
  constructor(patienceMs: number) {
    this.patienceMs = patienceMs
  }

  due(problems: readonly ConsumerProblem[], now: number): Error[] {
    const nameOf = (problem: ConsumerProblem): string => nameAt(problem, now)
    const present = new Set(problems.map(nameOf))
    for (const [name, at] of this.reportedAt) {
      if (!present.has(name) || now - at >= REPEAT_MS) this.reportedAt.delete(name)
    }
    // What is not known of a topic while brokers fail is for want of them.
    const hasCause = problems.some(({ nodeId }) => nodeId !== null)
    const due = problems.filter(
      (problem) =>
        (problem.durationMs >= this.patienceMs || isFinal(problem)) &&
        !this.reportedAt.has(nameOf(problem)) &&
        !(problem.error === null && (hasCause || problem.durationMs < LEAST_WITHOUT_ERROR_MS)),
    )
    if (due.length === 0) return []
    const room = Math.max(0, REPORTS_PER_MINUTE - this.reportedAt.size)
    for (const problem of due) this.reportedAt.set(nameOf(problem), now)
    const errors = due.slice(0, room).map(errorOf)
    const rest = due.length - errors.length
    if (rest > 0) {
      const example = due[errors.length].reason
      errors.push(
        new KafkaError(
          `${rest} more problems keep records from flowing, such as: ${example}. health() lists them`,
          { retriable: true },
        ),
      )
    }
    return errors
  }
}

/** A broker refuses the connection for what stays as it is: a certificate, or the credentials. */
function isFinal({ nodeId, error }: ConsumerProblem): boolean {
  return nodeId !== null && error instanceof KafkaError && !error.retriable
}

function errorOf({ reason, durationMs, error }: ConsumerProblem): Error {
  if (error !== null) return error
  const text = `${reason} (for ${Math.round(durationMs / 1000)} s)`
  return new KafkaError(text, { retriable: true })
}

/** A problem whose error changes while it lasts is the same problem. */
function nameAt({ nodeId, topic, partition, durationMs }: ConsumerProblem, now: number): string {
  const place = `${nodeId} ${topic} ${partition}`
  // By when it began, which the wall clock does not tell: it may be set.
  return nodeId === null && topic === null
    ? `${place} ${Math.round((now - durationMs) / 1000)}`
    : place
}
