// OffsetForLeaderEpoch, one attempt at one leader: where the log of an epoch ends (KIP-320).

import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaError, toKafkaError } from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import { offsetForLeaderEpoch as api } from '../../protocol/messages/offset-for-leader-epoch.ts'
import { groupByTopic } from '../../topic-partition.ts'
import type { TopicPartition } from '../../types.ts'

export interface EpochQuestion extends TopicPartition {
  /** The leader's epoch as this client knows it: a leader that disagrees says so. */
  readonly leaderEpoch: number
  /** The epoch whose end is asked for. */
  readonly epoch: number
}

export type EpochEnd<Q extends EpochQuestion> =
  /** `endOffset` -1: the leader does not know the epoch. */
  | { question: Q; endOffset: bigint; epoch: number; error: null }
  | { question: Q; error: KafkaError }

/** Older versions cannot be asked by a consumer. */
const LEAST_VERSION = 3

/** Failures of the broker stand in the results. null: this broker cannot tell, so there is nothing to validate against. */
export async function epochEndOffsets<Q extends EpochQuestion>(
  cluster: Cluster,
  nodeId: number,
  questions: readonly Q[],
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<EpochEnd<Q>[] | null> {
  const open = new Map(questions.map((question) => [nameOf(question), question]))
  const results: EpochEnd<Q>[] = []
  const what = `OffsetForLeaderEpoch at node ${nodeId}`
  try {
    const connection = await cluster.connection(nodeId, 'general', options)
    const range = connection.versionRange(api)
    if (range === undefined || range.maxVersion < LEAST_VERSION) return null
    const body = {
      replicaId: -1,
      topics: [...groupByTopic(questions)].map(([topic, ofTopic]) => ({
        topic,
        partitions: ofTopic.map(({ partition, leaderEpoch, epoch }) => ({
          partition,
          currentLeaderEpoch: leaderEpoch,
          leaderEpoch: epoch,
        })),
      })),
    }
    const response = await connection.send(api, connection.version(api), body, options)
    for (const { topic, partitions } of response.topics) {
      for (const { partition, errorCode, leaderEpoch, endOffset } of partitions) {
        const name = nameOf({ topic, partition })
        const question = open.get(name)
        if (question === undefined || !open.delete(name)) continue
        results.push(
          errorCode === errorCodes.NONE
            ? { question, endOffset, epoch: leaderEpoch, error: null }
            : {
                question,
                error: brokerError(errorCode, `${what} for ${name}`, cluster.principal),
              },
        )
      }
    }
    for (const [name, question] of open) {
      const error = new KafkaError(`${what}: ${name} is missing in the response`, {
        retriable: true,
      })
      results.push({ question, error })
    }
  } catch (cause) {
    // An error that is not of the family is a mistake in this client, not something to try again.
    if (!(cause instanceof KafkaError) && !options.signal?.aborted) throw cause
    const error = toKafkaError(cause, `${what} failed`)
    for (const question of open.values()) results.push({ question, error })
  }
  return results
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
