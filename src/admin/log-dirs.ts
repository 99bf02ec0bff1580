// The directories in which brokers keep their logs: describe them, move replicas between them.

import { codeName } from '../protocol/error-codes.ts'
import { alterReplicaLogDirs as alterApi } from '../protocol/messages/alter-replica-log-dirs.ts'
import { describeLogDirs as describeApi } from '../protocol/messages/describe-log-dirs.ts'
import { groupByTopic } from '../topic-partition.ts'
import type { TopicPartition, WaitOptions } from '../types.ts'
import {
  checkInt,
  checkList,
  checkName,
  checkNames,
  checkOptions,
  checkPartitions,
} from './checks.ts'
import type { AdminEngine } from './engine.ts'
import { partitionName } from './names.ts'
import { brokerIds, inOrderOf, toNodes } from './routing.ts'

/** The log directories of one broker. */
export interface BrokerLogDirs {
  brokerId: number
  logDirs: LogDir[]
}

export interface LogDir {
  path: string
  /** Kafka's name of the error, such as `KAFKA_STORAGE_ERROR` for one that is offline; null if it is fine. */
  error: string | null
  replicas: LogDirReplica[]
  /** Of the volume; null: brokers before 3.3 do not say. */
  totalBytes: bigint | null
  usableBytes: bigint | null
}

/** A replica in a log directory. */
export interface LogDirReplica extends TopicPartition {
  sizeBytes: bigint
  /** How far it is behind the high watermark, or a future replica behind the current one. */
  offsetLag: bigint
  /** Whether it is being moved here from another directory. */
  isFuture: boolean
}

export interface DescribeLogDirsOptions extends WaitOptions {
  /** @defaultValue all brokers */
  brokerIds?: Iterable<number>
  /** Only replicas of these topics are listed. @defaultValue all topics */
  topics?: Iterable<string>
}

/** Where a replica is to be. */
export interface ReplicaLogDir extends TopicPartition {
  brokerId: number
  /** The absolute path of a directory of the broker's `log.dirs`. */
  logDir: string
}

export async function describeLogDirs(
  engine: AdminEngine,
  options: DescribeLogDirsOptions = {},
): Promise<BrokerLogDirs[]> {
  const name = 'describeLogDirs()'
  checkOptions(name, options)
  const given =
    options.brokerIds === undefined ? undefined : checkList(name, 'brokerIds', options.brokerIds)
  for (const id of given ?? []) checkInt(name, 'each of brokerIds', id)
  const topics =
    options.topics === undefined ? undefined : new Set(checkNames(name, 'topics', options.topics))
  const call = engine.begin(name, options, ['brokerIds', 'topics'])
  const brokers = given ?? (await brokerIds(call))
  return call.each(brokers, {
    nameOf: (id) => `broker ${id}`,
    route: toNodes((id) => id),
    send: async ({ target, items }) => {
      const { errorCode, results } = await call.send(describeApi, () => ({ topics: null }), target)
      const logDirs = results.map((dir) => ({
        path: dir.logDir,
        error: dir.errorCode === 0 ? null : codeName(dir.errorCode),
        replicas: dir.topics
          .filter(({ name }) => topics === undefined || topics.has(name))
          .flatMap(({ name, partitions }) =>
            partitions.map((replica) => ({
              topic: name,
              partition: replica.partitionIndex,
              sizeBytes: replica.partitionSize,
              offsetLag: replica.offsetLag,
              isFuture: replica.isFutureKey,
            })),
          ),
        totalBytes: dir.totalBytes < 0n ? null : dir.totalBytes,
        usableBytes: dir.usableBytes < 0n ? null : dir.usableBytes,
      }))
      return items.map((brokerId) => ({ errorCode, value: { brokerId, logDirs } }))
    },
  })
}

export async function alterReplicaLogDirs(
  engine: AdminEngine,
  replicas: Iterable<ReplicaLogDir>,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'alterReplicaLogDirs()'
  const wanted = checkPartitions(name, 'replicas', replicas)
  for (const { brokerId, logDir } of wanted) {
    checkInt(name, 'brokerId of each of replicas', brokerId)
    checkName(name, 'logDir of each of replicas', logDir)
  }
  const call = engine.begin(name, options)
  await call.each(wanted, {
    nameOf: (item) => `${partitionName(item)} on broker ${item.brokerId}`,
    route: toNodes(({ brokerId }) => brokerId),
    send: async ({ target, items }) => {
      const byPath = new Map<string, ReplicaLogDir[]>()
      for (const item of items) byPath.set(item.logDir, [...(byPath.get(item.logDir) ?? []), item])
      const dirs = [...byPath].map(([path, ofPath]) => ({
        path,
        topics: [...groupByTopic(ofPath)].map(([name, ofTopic]) => ({
          name,
          partitions: ofTopic.map(({ partition }) => partition),
        })),
      }))
      const { results } = await call.send(alterApi, () => ({ dirs }), target)
      const entries = results.flatMap(({ topicName, partitions }) =>
        partitions.map(({ partitionIndex, errorCode }) => ({
          topic: topicName,
          partition: partitionIndex,
          errorCode,
        })),
      )
      return inOrderOf(items, partitionName, entries, partitionName, ({ errorCode }) => ({
        errorCode,
        value: undefined,
      }))
    },
  })
}
