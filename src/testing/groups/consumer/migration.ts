// Online migration of a group between the classic and the consumer protocol, with its members in place.

import { DecodeError } from '../../../errors.ts'
import { errorCodes } from '../../../protocol/error-codes.ts'
import type { BrokerProperties } from '../../broker-properties.ts'
import type { TopicStore } from '../../topic-store.ts'
import { ClassicGroup, type GroupMember } from '../classic/classic-group.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  type TopicNamePartitions,
} from '../consumer-protocol.ts'
import { GroupError } from '../group-error.ts'
import {
  noPartitions,
  type PartitionEpochs,
  type PartitionSets,
  toTopicPartitions,
} from '../partition-sets.ts'
import { ConsumerGroup, type ConsumerMember } from './consumer-group.ts'

export function canUpgrade(group: ClassicGroup, properties: BrokerProperties): boolean {
  const policy = properties.groupConsumerMigrationPolicy
  return (
    (policy === 'bidirectional' || policy === 'upgrade') &&
    group.protocolType === 'consumer' &&
    group.members.size <= properties.groupConsumerMaxSize
  )
}

/** Whether the group has classic members alone once these members, not all of them classic, are gone. */
export function canDowngrade(
  group: ConsumerGroup,
  leaving: readonly ConsumerMember[],
  properties: BrokerProperties,
): boolean {
  const policy = properties.groupConsumerMigrationPolicy
  if (policy !== 'bidirectional' && policy !== 'downgrade') return false
  if (group.members.size > properties.groupMaxSize) return false
  if (leaving.every(({ classic }) => classic !== null)) return false
  return [...group.members.values()].every(
    (member) => member.classic !== null || leaving.includes(member),
  )
}

/** @throws {GroupError} when a member's blobs cannot be read. */
export function toConsumerGroup(classic: ClassicGroup, topics: TopicStore): ConsumerGroup {
  const group = new ConsumerGroup(classic.groupId)
  group.groupEpoch = classic.generationId
  group.assignmentEpoch = classic.generationId
  try {
    for (const member of classic.members.values()) {
      const converted = toConsumerMember(classic, member, topics)
      group.add(converted)
      const target = [...converted.assigned].map(
        ([topicId, partitions]) => [topicId, new Set(partitions.keys())] as const,
      )
      group.target.set(member.memberId, new Map(target))
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new GroupError(
      errorCodes.GROUP_ID_NOT_FOUND,
      `Cannot upgrade the classic group ${classic.groupId} to consumer group because the embedded consumer protocol is malformed.`,
    )
  }
  return group
}

function toConsumerMember(
  group: ClassicGroup,
  member: GroupMember,
  topics: TopicStore,
): ConsumerMember {
  const chosen = member.protocols.find(({ name }) => name === group.protocolName)
  const { metadata } = chosen ?? member.protocols[0]
  const subscription = decodeSubscription(metadata)
  const assigned = new Map<string, Map<number, number>>()
  for (const { topic, partitions } of decodeAssignment(member.assignment)) {
    const id = topics.get(topic)?.id
    if (id === undefined) continue
    assigned.set(id, new Map(partitions.map((partition) => [partition, group.generationId])))
  }
  return {
    memberId: member.memberId,
    instanceId: member.groupInstanceId,
    rackId: subscription.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    serverAssignor: null,
    subscribedTopicNames: new Set(subscription.topics),
    subscribedTopicRegex: '',
    memberEpoch: group.generationId,
    previousMemberEpoch: group.generationId,
    state: 'stable',
    assigned,
    pendingRevocation: noPartitions,
    classic: { sessionTimeoutMs: member.sessionTimeoutMs, protocols: member.protocols },
  }
}

/** A stable classic group of the members that speak the classic protocol. */
export function toClassicGroup(group: ConsumerGroup, topics: TopicStore): ClassicGroup {
  const classic = new ClassicGroup(group.groupId)
  for (const member of group.members.values()) {
    if (member.classic === null) continue
    const { protocols, sessionTimeoutMs } = member.classic
    classic.add({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      protocolType: 'consumer',
      protocols,
      sessionTimeoutMs,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      // The target, since the members are about to agree on it again.
      assignment: encodeFor(member, group.targetOf(member.memberId), topics),
      isNew: false,
      respondToJoin: null,
      respondToSync: null,
    })
  }
  classic.startStable(group.groupEpoch)
  return classic
}

/** The assignment of a classic member, in the version of its subscription. */
export function encodeAssignmentOf(member: ConsumerMember, topics: TopicStore): Buffer {
  return encodeFor(member, member.assigned, topics)
}

function encodeFor(
  member: ConsumerMember,
  assigned: PartitionSets | PartitionEpochs,
  topics: TopicStore,
): Buffer {
  const version = decodeSubscription(
    member.classic?.protocols[0].metadata ?? Buffer.alloc(2),
  ).version
  return encodeAssignment(namesOf(assigned, topics), version)
}

function namesOf(
  assigned: PartitionSets | PartitionEpochs,
  topics: TopicStore,
): TopicNamePartitions[] {
  const named: TopicNamePartitions[] = []
  for (const { topicId, partitions } of toTopicPartitions(assigned)) {
    const topic = topics.getById(topicId)?.name
    if (topic !== undefined) named.push({ topic, partitions })
  }
  return named
}
