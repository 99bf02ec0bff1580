// Everything that keeps records from reaching the cluster, from whichever part knows it: brokers, the identity
// that the producer needs, topics and partitions that are missing, serializers, partitions that are refused.

import { monotonicMs, wallMsOf } from '../../async/clock.ts'
import { leaderlessText } from '../../cluster/leaderless-partition.ts'
import type { ClusterProblem } from '../../cluster/problems.ts'
import { addAll } from '../../collections/long-lists.ts'
import { type KafkaError, TimeoutError } from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import type { PartitionQueue } from '../batching/partition-queue.ts'
import type { ProducerTopic } from '../batching/topic.ts'
import type { ProducerProblem } from './produce-problems.ts'

/** The parts that know. */
export interface ProblemSources {
  readonly cluster: {
    problems(): readonly ClusterProblem[]
    topicError(name: string): number
    readonly principal: string | null
    readonly isOutage: boolean
    readonly outageError: KafkaError
  }
  /** What keeps the producer from a producer id, or a coordinator from doing what it is asked. */
  readonly identity: () => ClusterProblem | null
  readonly topics: () => Iterable<ProducerTopic>
  /** Partitions with batches and without a leader, and since when. */
  readonly leaderless: ReadonlyMap<PartitionQueue, number>
  /** Topics whose first record waits for its serializer, and since when. */
  readonly serializing: () => Iterable<[topic: string, since: number]>
  readonly produce: { list(): ProducerProblem[] }
}

const nowhere = { topic: null, partition: null }

/** What is only not known yet is not a problem before this (ms). */
const PATIENCE_MS = 1000

export class ProducerProblems {
  private readonly sources: ProblemSources

  constructor(sources: ProblemSources) {
    this.sources = sources
  }

  get isOutage(): boolean {
    return this.sources.cluster.isOutage
  }

  get outageError(): KafkaError {
    return this.sources.cluster.outageError
  }

  /** The brokers that records wait for. */
  leadersInUse(): Set<number> {
    const leaders = new Set<number>()
    for (const { partitions } of this.sources.topics()) {
      for (const { queue, inFlight, busyNode, leader } of partitions) {
        if (inFlight > 0) leaders.add(busyNode)
        else if (queue.length > 0 && leader >= 0) leaders.add(leader)
      }
    }
    return leaders
  }

  /** All there are now: the cluster first, then the producer's identity, topics and partitions. */
  list(): ProducerProblem[] {
    const identity = this.identity()
    const problems = this.ofCluster()
    if (identity !== null) problems.push(identity)
    addAll(problems, this.ofTopics())
    return problems
  }

  /** What is wrong with brokers, and with the metadata. */
  ofCluster(): ProducerProblem[] {
    return this.sources.cluster.problems().map((problem) => ({ ...nowhere, ...problem }))
  }

  /** What keeps the producer from a producer id, or a coordinator from doing what it is asked. */
  identity(): ProducerProblem | null {
    const problem = this.sources.identity()
    return problem === null ? null : { ...nowhere, ...problem }
  }

  /** What keeps records of a topic, or of a partition, waiting. */
  ofTopics(): ProducerProblem[] {
    const { topics, leaderless, serializing, produce } = this.sources
    const now = monotonicMs()
    const problems: ProducerProblem[] = []
    for (const topic of topics()) {
      addAll(problems, [...this.unknown(topic, now), ...missing(topic, now)])
    }
    for (const [topic, since] of serializing()) {
      const text = `Records to "${topic}" wait for a serializer`
      addAll(problems, lasting({ topic, partition: null }, since, now, text))
    }
    for (const [partition, since] of leaderless) {
      if (partition.queue.length === 0) continue
      const { topic, partition: number } = partition
      const text = leaderlessText(String(partition), topic.metadata.at(number)?.errorCode ?? 0)
      addAll(problems, lasting({ topic: topic.name, partition: number }, since, now, text))
    }
    addAll(problems, produce.list())
    return problems
  }

  /** Records wait for the metadata of a topic. */
  private unknown({ name, held, awaitedSince }: ProducerTopic, now: number): ProducerProblem[] {
    if (awaitedSince === 0 || held.length === 0) return []
    const { cluster } = this.sources
    const code = cluster.topicError(name)
    const place = { topic: name, partition: null }
    // Without a response about the topic, what is wrong is with the cluster.
    if (code === errorCodes.NONE) return []
    const error = brokerError(code, `Metadata of topic "${name}"`, cluster.principal)
    const text =
      code === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
        ? `Topic "${name}" does not exist. Check its name, or create it`
        : error.message
    return lasting(place, awaitedSince, now, text, error)
  }
}

/** Records wait for a partition that a topic does not have: that of the first of them stands for all. */
function missing(
  { name, beyond, metadata, beyondSince }: ProducerTopic,
  now: number,
): ProducerProblem[] {
  const partition = beyond.peek()?.partition
  if (partition === undefined) return []
  const text = `Topic "${name}" has no partition ${partition}: it has ${metadata.length} partition(s), 0 to ${metadata.length - 1}. Name one of these, or add partitions`
  return lasting({ topic: name, partition }, beyondSince, now, text)
}

function lasting(
  place: { topic: string; partition: number | null },
  since: number,
  now: number,
  reason: string,
  error: KafkaError = new TimeoutError(reason),
): ProducerProblem[] {
  const durationMs = now - since
  if (durationMs < PATIENCE_MS) return []
  return [{ ...place, reason, since: wallMsOf(since), durationMs, error, nodeId: null }]
}
