// The partitions whose records are refused again and again, and since when: Produce requests are retried until
// the delivery timeout, and silence for minutes would look like health. What lasts is listed by health() and
// reported, at a limited rate.

import { monotonicMs } from '../../async/clock.ts'
import { type ClusterProblem, FailureStreak } from '../../cluster/problems.ts'
import { KafkaError } from '../../errors.ts'

/** What of a partition is needed. */
export interface FailingPartition {
  readonly topic: { readonly name: string }
  readonly partition: number
  /** Batches that are not in flight. */
  readonly queue: readonly unknown[]
  readonly inFlight: number
}

/** Something that keeps records from reaching the cluster, at this moment. */
export interface ProducerProblem extends ClusterProblem {
  /** The topic that it is about; null: none in particular. */
  readonly topic: string | null
  /** The partition of the topic; null: none in particular. */
  readonly partition: number | null
}

/** What lasts longer than this (ms) is reported, */
const PATIENCE_MS = 5000
/** and again after this long, */
const REPEAT_MS = 60_000
/** but only this many partitions in that time. */
const REPORTS = 10

interface Streak {
  readonly failures: FailureStreak
  reportedAt: number
}

export class ProduceProblems {
  private readonly onProblem: (error: KafkaError) => void
  private readonly streaks = new Map<FailingPartition, Streak>()
  private reports = 0
  private reportsSince = 0

  /** @param onProblem called with what has lasted */
  constructor(onProblem: (error: KafkaError) => void) {
    this.onProblem = onProblem
  }

  /** A batch was not written, and is sent again. */
  failed(partition: FailingPartition, error: KafkaError): void {
    let streak = this.streaks.get(partition)
    if (streak === undefined) {
      streak = { failures: new FailureStreak(), reportedAt: Number.NEGATIVE_INFINITY }
      this.streaks.set(partition, streak)
    }
    streak.failures.failed(error)
    const problem = streak.failures.problem(null, true)
    const now = monotonicMs()
    if (problem === null || problem.durationMs < PATIENCE_MS) return
    if (now - streak.reportedAt < REPEAT_MS || !this.mayReport(now)) return
    streak.reportedAt = now
    this.onProblem(new KafkaError(reasonOf(partition, problem), { cause: error, retriable: true }))
  }

  /** A batch was acknowledged, or nothing is left that would be sent again. */
  ended(partition: FailingPartition): void {
    if (this.streaks.size > 0) this.streaks.delete(partition)
  }

  /** What fails now. */
  list(): ProducerProblem[] {
    const problems: ProducerProblem[] = []
    for (const [place, { failures }] of this.streaks) {
      const problem = failures.problem(null, true)
      if (problem === null || place.inFlight + place.queue.length === 0) continue
      const { topic, partition } = place
      const reason = reasonOf(place, problem)
      problems.push({ ...problem, reason, topic: topic.name, partition })
    }
    return problems
  }

  private mayReport(now: number): boolean {
    if (this.reports === 0 || now - this.reportsSince >= REPEAT_MS) {
      this.reports = 0
      this.reportsSince = now
    }
    return this.reports++ < REPORTS
  }
}

function reasonOf({ topic, partition }: FailingPartition, problem: ClusterProblem): string {
  const seconds = Math.round(problem.durationMs / 1000)
  return `Records to "${topic.name}" partition ${partition} have not been acknowledged for ${seconds} s, and are sent again: ${problem.error.message}`
}
