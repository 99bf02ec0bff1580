// The partitions that the coordinator has assigned to this member, and what stands in the way of fetching
// each of them. No I/O.

import { monotonicMs } from '../async/clock.ts'
import { StandingProblem } from '../consumer/assignment/standing-problem.ts'
import { compareTopicPartitions } from '../topic-partition.ts'
import type { TopicPartition } from '../types.ts'
import { partitionKey } from './acknowledgements.ts'
import type { SharePartitionName } from './acquisition.ts'

export class SharePartition implements SharePartitionName {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Not fetched before this time (monotonic ms). */
  notBefore = 0
  /** Why no records of it can flow now; null: nothing that is known. */
  problem: StandingProblem | null = null
  private failures = 0

  constructor({ topic, topicId, partition }: SharePartitionName) {
    this.topic = topic
    this.topicId = topicId
    this.partition = partition
  }

  get name(): string {
    return `${this.topic}-${this.partition}`
  }

  /** @param waitMs gives the pause from the number of failures before */
  failed(error: Error, waitMs: (failures: number) => number): void {
    this.notBefore = monotonicMs() + waitMs(this.failures++)
    this.setProblem(error.message, error)
  }

  /** No records can flow at the moment. The first such call says since when. */
  setProblem(reason: string, error: Error | null): void {
    this.problem = new StandingProblem(reason, error, this.problem?.firstAt)
  }

  succeeded(): void {
    this.failures = 0
    this.notBefore = 0
    this.problem = null
  }
}

export class ShareAssignment {
  private byKey = new Map<string, SharePartition>()

  get partitions(): Iterable<SharePartition> {
    return this.byKey.values()
  }

  get size(): number {
    return this.byKey.size
  }

  find(topicId: string, partition: number): SharePartition | undefined {
    return this.byKey.get(partitionKey({ topicId, partition }))
  }

  /** Sorted by name. */
  list(): TopicPartition[] {
    return [...this.byKey.values()]
      .map(({ topic, partition }) => ({ topic, partition }))
      .sort(compareTopicPartitions)
  }

  /** @returns whether anything has changed */
  replace(names: readonly SharePartitionName[]): boolean {
    const next = new Map<string, SharePartition>()
    for (const name of names) {
      const key = partitionKey(name)
      next.set(key, this.byKey.get(key) ?? new SharePartition(name))
    }
    const isSame =
      next.size === this.byKey.size && [...next.keys()].every((key) => this.byKey.has(key))
    this.byKey = next
    return !isSame
  }
}
