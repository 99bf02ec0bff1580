// Moves of replicas from broker to broker: begin, cancel, list (KIP-455).

import { alterPartitionReassignments as alterApi } from '../protocol/messages/alter-partition-reassignments.ts'
import { listPartitionReassignments as listApi } from '../protocol/messages/list-partition-reassignments.ts'
import { groupByTopic } from '../topic-partition.ts'
import type { TopicPartition, WaitOptions } from '../types.ts'
import { checkAssignments, checkOptions, checkPartitions } from './checks.ts'
import type { AdminEngine } from './engine.ts'
import { partitionName } from './names.ts'
import { inOrderOf } from './routing.ts'

/** The replicas that a partition is to have, the preferred leader first; null cancels a move. */
export interface NewPartitionReassignment extends TopicPartition {
  replicas: readonly number[] | null
}

/** A move that is in progress. */
export interface PartitionReassignment extends TopicPartition {
  /** All replicas, old and new. */
  replicas: number[]
  addingReplicas: number[]
  removingReplicas: number[]
}

export interface ListPartitionReassignmentsOptions extends WaitOptions {
  /** @defaultValue all partitions */
  partitions?: Iterable<TopicPartition>
}

export async function alterPartitionReassignments(
  engine: AdminEngine,
  reassignments: Iterable<NewPartitionReassignment>,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'alterPartitionReassignments()'
  const wanted = checkPartitions(name, 'reassignments', reassignments)
  for (const { replicas } of wanted) {
    if (replicas !== null) checkAssignments(name, 'replicas', [replicas])
  }
  const call = engine.begin(name, options)
  await call.each(wanted, {
    nameOf: partitionName,
    send: async ({ target, items }) => {
      const topics = [...groupByTopic(items)].map(([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition, replicas }) => ({
          partitionIndex: partition,
          replicas: replicas === null ? null : [...replicas],
        })),
      }))
      const timeoutMs = call.brokerMs
      const response = await call.send(
        alterApi,
        () => ({ timeoutMs, allowReplicationFactorChange: true, topics }),
        target,
      )
      const { errorCode, errorMessage } = response
      if (errorCode !== 0) return items.map(() => ({ errorCode, errorMessage, value: undefined }))
      const entries = response.responses.flatMap(({ name, partitions }) =>
        partitions.map((entry) => ({ ...entry, topic: name, partition: entry.partitionIndex })),
      )
      return inOrderOf(items, partitionName, entries, partitionName, (entry) => ({
        errorCode: entry.errorCode,
        errorMessage: entry.errorMessage,
        value: undefined,
      }))
    },
  })
}

export async function listPartitionReassignments(
  engine: AdminEngine,
  options: ListPartitionReassignmentsOptions = {},
): Promise<PartitionReassignment[]> {
  const name = 'listPartitionReassignments()'
  checkOptions(name, options)
  const wanted =
    options.partitions === undefined
      ? undefined
      : checkPartitions(name, 'partitions', options.partitions)
  const topics =
    wanted === undefined
      ? null
      : [...groupByTopic(wanted)].map(([name, ofTopic]) => ({
          name,
          partitionIndexes: ofTopic.map(({ partition }) => partition),
        }))
  const call = engine.begin(name, options, ['partitions'])
  const response = await call.one(
    listApi,
    () => ({ timeoutMs: call.brokerMs, topics }),
    'controller',
  )
  return response.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, ...move }) => ({
      topic: name,
      partition: partitionIndex,
      ...move,
    })),
  )
}
