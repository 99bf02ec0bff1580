// The throttle of a reassignment: rates on brokers, and on topics which of their replicas it is for.

import type { ConfigAlteration } from '../admin/configs.ts'
import type { TopicDescription } from '../admin/topic-description.ts'
import { groupByTopic } from '../topic-partition.ts'
import type { PartitionEntry } from './json-files.ts'
import type { Session } from './session.ts'

const brokerRates = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate']
const LOG_DIR_RATE = 'replica.alter.log.dirs.io.max.bytes.per.second'
const topicReplicas = [
  'leader.replication.throttled.replicas',
  'follower.replication.throttled.replicas',
]

export async function setThrottle(
  session: Session,
  topics: readonly TopicDescription[],
  partitions: readonly PartitionEntry[],
  rates: { throttle: number | undefined; replicaAlterLogDirsThrottle: number | undefined },
): Promise<void> {
  const { throttle, replicaAlterLogDirsThrottle } = rates
  const brokers = new Set(partitions.flatMap(({ replicas }) => replicas))
  const alterations: ConfigAlteration[] = []
  const byTopic = groupByTopic(partitions)
  for (const { topic, partitions: current } of topics) {
    const leaders: string[] = []
    const followers: string[] = []
    for (const { partition, replicas } of byTopic.get(topic) ?? []) {
      const old = current[partition]?.replicas ?? []
      for (const id of old) brokers.add(id)
      for (const id of old) leaders.push(`${partition}:${id}`)
      for (const id of replicas) if (!old.includes(id)) followers.push(`${partition}:${id}`)
    }
    if (throttle === undefined) continue
    const [leaderKey, followerKey] = topicReplicas
    const configs = [
      { name: leaderKey, value: leaders.join(',') },
      { name: followerKey, value: followers.join(',') },
    ].filter(({ value }) => value !== '')
    if (configs.length > 0) alterations.push({ type: 'TOPIC', name: topic, configs })
  }
  for (const id of brokers) {
    const configs = [
      ...(throttle === undefined ? [] : brokerRates.map((name) => ({ name, value: throttle }))),
      ...(replicaAlterLogDirsThrottle === undefined
        ? []
        : [{ name: LOG_DIR_RATE, value: replicaAlterLogDirsThrottle }]),
    ]
    alterations.push({ type: 'BROKER', name: String(id), configs })
  }
  await session.admin.incrementalAlterConfigs(alterations, session.limits)
  session.out.line('The throttle is set: run --verify until all is done, which lifts it.')
}

/** Lifts the throttle from all brokers and from the topics of these partitions. */
export async function removeThrottle(
  session: Session,
  partitions: readonly PartitionEntry[],
): Promise<void> {
  const { admin, limits, out } = session
  const topics = new Set(partitions.map(({ topic }) => topic))
  // Controllers do not say which brokers there are.
  const brokers = session.usesControllers
    ? partitions.flatMap(({ replicas }) => replicas)
    : (await admin.describeCluster(limits)).brokers.map(({ nodeId }) => nodeId)
  const remove = (names: readonly string[]): ConfigAlteration['configs'] =>
    names.map((name) => ({ name, operation: 'DELETE' }))
  await admin.incrementalAlterConfigs(
    [
      ...[...new Set(brokers)].map((nodeId) => ({
        type: 'BROKER' as const,
        name: String(nodeId),
        configs: remove([...brokerRates, LOG_DIR_RATE]),
      })),
      ...[...topics].map((name) => ({
        type: 'TOPIC' as const,
        name,
        configs: remove(topicReplicas),
      })),
    ],
    limits,
  )
  out.line('Throttles are lifted.')
}
