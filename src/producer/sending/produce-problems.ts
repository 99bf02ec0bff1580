// The partitions whose records are refused again and again, and since when: Produce requests are retried until
// the delivery timeout, and silence for minutes would look like health.

import { type ClusterProblem, FailureStreak } from '../../cluster/problems.ts'
import type { KafkaError } from '../../errors.ts'

/** What of a partition is needed. */
export interface FailingPartition {
  readonly topic: { readonly name: string }
  readonly partition: number
  /** Batches that are not in flight. */
  readonly queue: { readonly length: number }
  readonly inFlight: number
}

/** Something that keeps records from reaching the cluster, at this moment. */
export interface ProducerProblem extends ClusterProblem {
  /** The topic that it is about; null: none in particular. */
  readonly topic: string | null
  /** The partition of the topic; null: none in particular. */
  readonly partition: number | null
}

export class ProduceProblems {
  private readonly streaks = new Map<FailingPartition, FailureStreak>()

  /** A batch was not written, and is sent again. */
  failed(partition: FailingPartition, error: KafkaError): void {
    let streak = this.streaks.get(partition)
    if (streak === undefined) {
      streak = new FailureStreak()
      this.streaks.set(partition, streak)
    }
    streak.failed(error)
  }

  /** A batch was acknowledged, or nothing is left that would be sent again. */
  ended(partition: FailingPartition): void {
    if (this.streaks.size > 0) this.streaks.delete(partition)
  }

  /** What fails now. */
  list(): ProducerProblem[] {
    const problems: ProducerProblem[] = []
    for (const [place, streak] of this.streaks) {
      const problem = streak.problem(null, true)
      if (problem === null || place.inFlight + place.queue.length === 0) continue
      const { topic, partition } = place
      const reason = reasonOf(place, problem)
      problems.push({ ...problem, reason, topic: topic.name, partition })
    }
    return problems
  }
}

function reasonOf({ topic, partition }: FailingPartition, problem: ClusterProblem): string {
  const seconds = Math.round(problem.durationMs / 1000)
  return `Records to "${topic.name}" partition ${partition} have not been acknowledged for ${seconds} s, and are sent again: ${problem.error.message}`
}
