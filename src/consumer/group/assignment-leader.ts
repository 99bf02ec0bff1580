// What the leader of a classic group does: reads what the members want, looks up the topics, divides the
// partitions, and remembers on what numbers that was based.

import type { Cluster } from '../../cluster/cluster.ts'
import { causeText, KafkaError } from '../../errors.ts'
import type { JoinGroupResponse } from '../../protocol/messages/join-group.ts'
import type { SyncGroupRequestAssignment } from '../../protocol/messages/sync-group.ts'
import type { WaitOptions } from '../../types.ts'
import type { Assignor, SubscribedMember } from './assignors/assignor.ts'
import { assignGroup } from './assignors/call-assignor.ts'
import { decodeSubscription, encodeAssignment } from './consumer-protocol.ts'

export interface LeaderDecision {
  readonly assignments: SyncGroupRequestAssignment[]
  /** Number of partitions of each topic of the group; 0 for one that does not exist. */
  readonly basis: ReadonlyMap<string, number>
}

/** How long to wait for news of the topics before deciding on what is known. */
const METADATA_TIMEOUT_MS = 5000
/** Younger metadata is news: a member that joins at once as the leader has just asked for it. */
const FRESH_MS = 1000

/** @param limits `timeoutMs`: how long the assignor may take */
export async function leadGroup(
  cluster: Cluster,
  assignors: readonly Assignor[],
  joined: JoinGroupResponse,
  limits: WaitOptions,
  onError: (error: Error) => void,
): Promise<LeaderDecision> {
  const assignor = assignors.find(({ name }) => name === joined.protocolName)
  if (assignor === undefined) {
    throw new KafkaError(
      `The coordinator chose the assignor '${joined.protocolName}', which this member does not have`,
    )
  }
  const members = joined.members.map((member) => toMember(member, onError))
  const topics = new Set(members.flatMap((member) => member.topics))
  cluster.topicsInUse.replace('leader', topics)
  const areKnown = [...topics].every((topic) => cluster.topic(topic) !== undefined)
  const isFresh = areKnown && cluster.metadataAgeMs < FRESH_MS
  try {
    if (!isFresh) await cluster.refresh({ ...limits, timeoutMs: METADATA_TIMEOUT_MS })
  } catch (error) {
    if (limits.signal?.aborted) throw error
    // What is known will do: a change is noticed when it comes, and brings the group together again.
    cluster.options.logger.warn('no fresh metadata for the assignment', { error })
  }
  const basis = partitionCounts(cluster, topics)
  // The coordinator may ask a returning static leader to leave the group as it is (KIP-814).
  if (joined.skipAssignment) return { assignments: [], basis }
  const group = {
    members,
    partitionsPerTopic: new Map([...basis].filter(([, count]) => count > 0)),
    replicaRacks: replicaRacks(cluster, topics),
  }
  const assignment = await assignGroup(assignor, group, limits)
  const assignments = [...assignment].map(([memberId, { partitions, userData = null }]) => ({
    memberId,
    assignment: encodeAssignment({ assignedPartitions: partitions, userData }),
  }))
  return { assignments, basis }
}

/** How many partitions these topics have now. */
export function partitionCounts(cluster: Cluster, topics: Iterable<string>): Map<string, number> {
  return new Map([...topics].map((topic) => [topic, cluster.topic(topic)?.partitions.length ?? 0]))
}

/**
 * A member whose subscription cannot be decoded gets nothing. If it made the leader fail, it would make
 * every leader of the group fail in turn.
 */
function toMember(
  member: JoinGroupResponse['members'][number],
  onError: (error: Error) => void,
): SubscribedMember {
  const { memberId, groupInstanceId, metadata } = member
  try {
    return { memberId, groupInstanceId, ...decodeSubscription(metadata) }
  } catch (cause) {
    const reason = causeText(cause)
    const text = `The subscription of member "${memberId}" cannot be decoded, so it gets no partitions: ${reason}. Upgrade or stop that member`
    onError(new KafkaError(text, { cause }))
    const nothing = { topics: [], ownedPartitions: [], generationId: -1, rackId: null }
    return { memberId, groupInstanceId, userData: null, ...nothing }
  }
}

function replicaRacks(
  cluster: Cluster,
  topics: Iterable<string>,
): Map<string, readonly (readonly string[])[]> {
  const { brokers } = cluster.metadata
  const racks = new Map<string, readonly (readonly string[])[]>()
  for (const topic of topics) {
    const partitions = cluster.topic(topic)?.partitions ?? []
    const ofTopic = partitions.map(({ replicas }) =>
      replicas.map((id) => brokers.get(id)?.rack ?? null).filter((rack) => rack !== null),
    )
    if (ofTopic.some((ofPartition) => ofPartition.length > 0)) racks.set(topic, ofTopic)
  }
  return racks
}
