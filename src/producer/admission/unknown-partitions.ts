// Records for a partition that the topic does not have: it may have been added a moment ago, so metadata is
// asked again until `maxBlockMs` have passed. Records for other partitions do not wait for them.

import { backoff, sleep } from '../../async/retry.ts'
import type { TickClock } from '../../async/tick-clock.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { DeliveryTimeoutError, type KafkaError, toKafkaError } from '../../errors.ts'
import type { HeldRecord, ProducerTopic } from '../batching/topic.ts'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1000

export interface UnknownPartitionsContext {
  readonly cluster: Cluster
  readonly clock: TickClock
  /** Its time is up. */
  readonly refuse: (held: HeldRecord, error: KafkaError) => void
}

export class UnknownPartitions {
  private readonly maxBlockMs: number
  private readonly context: UnknownPartitionsContext
  private readonly asked = new Set<ProducerTopic>()
  private readonly closing = new AbortController()

  constructor({ maxBlockMs }: { maxBlockMs: number }, context: UnknownPartitionsContext) {
    this.maxBlockMs = maxBlockMs
    this.context = context
  }

  /** Holds a record until metadata has its partition: then it leaves the topic's `beyond`. */
  hold(held: HeldRecord): void {
    held.topic.beyond.push(held)
    if (!this.asked.has(held.topic)) void this.ask(held.topic)
  }

  close(): void {
    this.closing.abort()
  }

  private async ask(topic: ProducerTopic): Promise<void> {
    const { cluster, clock } = this.context
    const { signal } = this.closing
    let cause: KafkaError | null = null
    this.asked.add(topic)
    topic.beyondSince = clock.read()
    for (let attempt = 0; !signal.aborted; attempt++) {
      const now = clock.read()
      this.expire(topic, now, cause)
      const head = topic.beyond.peek()
      if (head === undefined) break
      const leftMs = Math.max(1, head.deadline - now)
      try {
        await cluster.refresh({ timeoutMs: leftMs, signal })
        cause = null
        const pauseMs = backoff(attempt, FIRST_PAUSE_MS, LONGEST_PAUSE_MS)
        await sleep(Math.min(pauseMs, leftMs), signal)
      } catch (error) {
        cause = toKafkaError(error)
      }
    }
    this.asked.delete(topic)
  }

  private expire(topic: ProducerTopic, now: number, cause: KafkaError | null): void {
    for (let head = topic.beyond.peek(); head !== undefined; head = topic.beyond.peek()) {
      if (!head.isDone && head.deadline > now) return
      topic.beyond.shift()
      if (!head.isDone) this.context.refuse(head, this.errorFor(head, cause))
    }
  }

  private errorFor(
    { topic, partition = -1 }: HeldRecord,
    cause: KafkaError | null,
  ): DeliveryTimeoutError {
    const count = topic.metadata.length
    const why = cause === null ? '' : `: ${cause.message}`
    return new DeliveryTimeoutError(
      `send() failed: topic "${topic.name}" has no partition ${partition}: it has ${count} partition(s), 0 to ${count - 1}, and none was added within maxBlockMs = ${this.maxBlockMs} ms${why}`,
      {
        topic: topic.name,
        partition,
        attempts: 0,
        persisted: 'no',
        retriable: true,
        ...(cause !== null && { cause }),
      },
    )
  }
}
