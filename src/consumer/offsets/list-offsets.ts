// ListOffsets, one attempt: each partition's leader is asked once, and each partition has its own result.

import type { Cluster } from '../../cluster/cluster.ts'
import { addAll } from '../../collections/long-lists.ts'
import { KafkaError, toKafkaError } from '../../errors.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import { listOffsets as api } from '../../protocol/messages/list-offsets.ts'
import { groupByTopic } from '../../topic-partition.ts'
import type { TopicPartition } from '../../types.ts'

export interface ListOffsetsWish extends TopicPartition {
  /** -2 earliest, -1 latest, else ms since 1970. */
  readonly timestamp: bigint
}

export type ListOffsetsResult<W extends ListOffsetsWish> =
  /** `offset` -1: no record is as young as that. */
  | { wish: W; offset: bigint; timestamp: bigint; leaderEpoch: number; error: null }
  | { wish: W; error: KafkaError }

export interface ListOffsetsOptions {
  readonly isReadCommitted: boolean
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Failures of a broker stand in the results. Rejects only for a mistake in this client. */
export async function listOffsets<W extends ListOffsetsWish>(
  cluster: Cluster,
  wishes: readonly W[],
  options: ListOffsetsOptions,
): Promise<ListOffsetsResult<W>[]> {
  const results: ListOffsetsResult<W>[] = []
  const byNode = new Map<number, W[]>()
  for (const wish of wishes) {
    const leader = cluster.leaderOf(wish.topic, wish.partition)
    if (leader === null) {
      cluster.requestRefresh(`no leader of ${wish.topic}-${wish.partition} is known`)
      results.push({ wish, error: noLeader(wish) })
      continue
    }
    const ofNode = byNode.get(leader.nodeId)
    if (ofNode === undefined) byNode.set(leader.nodeId, [wish])
    else ofNode.push(wish)
  }
  await Promise.all(
    [...byNode].map(async ([nodeId, ofNode]) => {
      addAll(results, await askNode(cluster, nodeId, ofNode, options))
    }),
  )
  return results
}

async function askNode<W extends ListOffsetsWish>(
  cluster: Cluster,
  nodeId: number,
  wishes: readonly W[],
  { isReadCommitted, timeoutMs, signal }: ListOffsetsOptions,
): Promise<ListOffsetsResult<W>[]> {
  const byTopic = groupByTopic(wishes)
  const wishOf = new Map(wishes.map((wish) => [`${wish.topic}-${wish.partition}`, wish]))
  const results: ListOffsetsResult<W>[] = []
  try {
    const connection = await cluster.connection(nodeId, 'general', { timeoutMs, signal })
    const body = {
      replicaId: -1,
      isolationLevel: isReadCommitted ? 1 : 0,
      topics: [...byTopic].map(([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition, timestamp }) => ({
          partitionIndex: partition,
          currentLeaderEpoch: cluster.leaderOf(name, partition)?.leaderEpoch ?? -1,
          timestamp,
        })),
      })),
      timeoutMs,
    }
    const sent = { timeoutMs, signal }
    const response = await connection.send(api, connection.version(api), body, sent)
    for (const { name, partitions } of response.topics) {
      for (const { partitionIndex, errorCode, offset, timestamp, leaderEpoch } of partitions) {
        const wish = wishOf.get(`${name}-${partitionIndex}`)
        if (wish === undefined || !wishOf.delete(`${name}-${partitionIndex}`)) continue
        if (errorCode === errorCodes.NONE) {
          results.push({ wish, offset, timestamp, leaderEpoch, error: null })
          continue
        }
        const what = `ListOffsets of ${name}-${partitionIndex} at node ${nodeId}`
        if (errorCode !== errorCodes.TOPIC_AUTHORIZATION_FAILED) cluster.requestRefresh(what)
        results.push({ wish, error: brokerError(errorCode, what, cluster.principal) })
      }
    }
    for (const wish of wishOf.values()) {
      const text = `Node ${nodeId} left ${wish.topic}-${wish.partition} out of its ListOffsets response`
      results.push({ wish, error: new KafkaError(text, { retriable: true }) })
    }
  } catch (error) {
    // An error that is not of the family is a mistake in this client, not something to try again.
    if (!(error instanceof KafkaError) && !signal?.aborted) throw error
    cluster.requestRefresh(`ListOffsets at node ${nodeId} failed`)
    const failed = toKafkaError(error, `ListOffsets at node ${nodeId} failed`)
    for (const wish of wishOf.values()) results.push({ wish, error: failed })
  }
  return results
}

function noLeader({ topic, partition }: TopicPartition): KafkaError {
  return new KafkaError(`No leader of ${topic}-${partition} is known`, { retriable: true })
}
