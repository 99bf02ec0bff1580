// Records of groups of KIP-848, of share groups (KIP-932) and of Kafka Streams groups (KIP-1071) in
// __consumer_offsets, as tables. All values are of version 0.

import type {
  AssignedPartitionsState,
  AssignedTasksState,
  ConsumerGroupMemberState,
  GroupEpochState,
  GroupStateRecord,
  InternalTopicState,
  KeyValueState,
  NamedPartitionsState,
  TargetAssignmentState,
  TargetMemberState,
  TasksState,
  TopicPartitionsState,
} from './group-states.ts'
import { type StateTable, stateTable } from './state-record.ts'
import {
  array,
  bytes,
  emptyUnlessTagged,
  type Field,
  int8,
  int16,
  int32,
  int64,
  nullable,
  nullableArray,
  nullableString,
  string,
  struct,
  tagged,
  taggedBy,
  taggedNullable,
  uint16,
  uuid,
} from './state-schema.ts'

type ContentOf<Type> = NonNullable<Extract<GroupStateRecord, { type: Type }>['value']>

const topicPartitions = struct<TopicPartitionsState>({ topicId: uuid, partitions: array(int32) })
const assigned = struct<AssignedPartitionsState>({
  topicId: uuid,
  partitions: array(int32),
  assignmentEpochs: emptyUnlessTagged(0, nullableArray(int32)),
})
const taggedEpoch = struct<GroupEpochState>({ epoch: int32, metadataHash: tagged(0, int64, 0n) })
const plainEpoch = struct<GroupEpochState>({ epoch: int32, metadataHash: int64 })
const target = struct<TargetAssignmentState>({
  assignmentEpoch: int32,
  assignmentTimestamp: tagged(0, int64, 0n),
})
const targetMember = struct<TargetMemberState>({ topicPartitions: array(topicPartitions) })
const keyValue = struct<KeyValueState>({ key: string, value: string })
const named = struct<NamedPartitionsState>({
  topicId: uuid,
  topicName: string,
  partitions: array(int32),
})
const tasks = struct<TasksState>({ subtopologyId: string, partitions: array(int32) })
const assignedTasks = struct<AssignedTasksState>({
  subtopologyId: string,
  partitions: array(int32),
  assignmentEpochs: emptyUnlessTagged(0, nullableArray(int32)),
})
const internalTopic = struct<InternalTopicState>({
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(keyValue),
})
const classicMember = struct<NonNullable<ConsumerGroupMemberState['classicMemberMetadata']>>({
  sessionTimeoutMs: int32,
  supportedProtocols: array(struct({ name: string, metadata: bytes })),
})

const ofGroup: Field<object> = struct({ groupId: string })
const ofMember: Field<object> = struct({ groupId: string, memberId: string })
const ofRegularExpression: Field<object> = struct({ groupId: string, regularExpression: string })

function table<Type extends GroupStateRecord['type']>(
  keyType: number,
  name: Type,
  key: Field<object>,
  value: Field<ContentOf<Type>>,
): StateTable {
  return stateTable(keyType, name, key, value)
}

/** The tables of all types but those of classic groups. */
export const groupStateTables: readonly StateTable[] = [
  table(3, 'ConsumerGroupMetadata', ofGroup, taggedEpoch),
  table(
    4,
    'ConsumerGroupPartitionMetadata',
    ofGroup,
    struct({
      topics: array(
        struct({
          topicId: uuid,
          topicName: string,
          numPartitions: int32,
          partitionMetadata: array(struct({ partition: int32, racks: array(string) })),
        }),
      ),
    }),
  ),
  table(
    5,
    'ConsumerGroupMemberMetadata',
    ofMember,
    struct({
      instanceId: nullableString,
      rackId: nullableString,
      clientId: string,
      clientHost: string,
      subscribedTopicNames: array(string),
      subscribedTopicRegex: nullableString,
      rebalanceTimeoutMs: int32,
      serverAssignor: nullableString,
      classicMemberMetadata: taggedBy(
        0,
        taggedNullable(classicMember),
        () => ({ sessionTimeoutMs: 0, supportedProtocols: [] }),
        (value) => value?.sessionTimeoutMs === 0 && value.supportedProtocols.length === 0,
      ),
    }),
  ),
  table(6, 'ConsumerGroupTargetAssignmentMetadata', ofGroup, target),
  table(7, 'ConsumerGroupTargetAssignmentMember', ofMember, targetMember),
  table(
    8,
    'ConsumerGroupCurrentMemberAssignment',
    ofMember,
    struct({
      memberEpoch: int32,
      previousMemberEpoch: int32,
      state: int8,
      assignedPartitions: array(assigned),
      partitionsPendingRevocation: array(assigned),
    }),
  ),
  table(
    10,
    'ShareGroupMemberMetadata',
    ofMember,
    struct({
      rackId: nullableString,
      clientId: string,
      clientHost: string,
      subscribedTopicNames: array(string),
    }),
  ),
  table(11, 'ShareGroupMetadata', ofGroup, plainEpoch),
  table(12, 'ShareGroupTargetAssignmentMetadata', ofGroup, target),
  table(13, 'ShareGroupTargetAssignmentMember', ofMember, targetMember),
  table(
    14,
    'ShareGroupCurrentMemberAssignment',
    ofMember,
    struct({
      memberEpoch: int32,
      previousMemberEpoch: int32,
      state: int8,
      assignedPartitions: array(topicPartitions),
    }),
  ),
  table(
    15,
    'ShareGroupStatePartitionMetadata',
    ofGroup,
    struct({
      initializingTopics: array(named),
      initializedTopics: array(named),
      deletingTopics: array(struct({ topicId: uuid, topicName: string })),
    }),
  ),
  table(
    16,
    'ConsumerGroupRegularExpression',
    ofRegularExpression,
    struct({ topics: array(string), version: int64, timestamp: int64 }),
  ),
  table(
    17,
    'StreamsGroupMetadata',
    ofGroup,
    struct({
      epoch: int32,
      metadataHash: int64,
      validatedTopologyEpoch: tagged(0, int32, -1),
      lastAssignmentConfigs: emptyUnlessTagged(1, nullableArray(keyValue)),
      storedDescriptionTopologyEpoch: tagged(2, int32, -1),
      failedDescriptionTopologyEpoch: tagged(3, int32, -1),
    }),
  ),
  table(
    19,
    'StreamsGroupMemberMetadata',
    ofMember,
    struct({
      instanceId: nullableString,
      rackId: nullableString,
      clientId: string,
      clientHost: string,
      rebalanceTimeoutMs: int32,
      topologyEpoch: int32,
      processId: string,
      userEndpoint: nullable(struct({ host: string, port: uint16 })),
      clientTags: array(keyValue),
    }),
  ),
  table(20, 'StreamsGroupTargetAssignmentMetadata', ofGroup, target),
  table(
    21,
    'StreamsGroupTargetAssignmentMember',
    ofMember,
    struct({
      activeTasks: array(tasks),
      standbyTasks: array(tasks),
      warmupTasks: array(tasks),
    }),
  ),
  table(
    22,
    'StreamsGroupCurrentMemberAssignment',
    ofMember,
    struct({
      memberEpoch: int32,
      previousMemberEpoch: int32,
      state: int8,
      activeTasks: array(assignedTasks),
      standbyTasks: array(assignedTasks),
      warmupTasks: array(assignedTasks),
      activeTasksPendingRevocation: array(assignedTasks),
      standbyTasksPendingRevocation: array(assignedTasks),
      warmupTasksPendingRevocation: array(assignedTasks),
    }),
  ),
  table(
    23,
    'StreamsGroupTopology',
    ofGroup,
    struct({
      epoch: int32,
      subtopologies: array(
        struct({
          subtopologyId: string,
          sourceTopics: array(string),
          sourceTopicRegex: array(string),
          stateChangelogTopics: array(internalTopic),
          repartitionSinkTopics: array(string),
          repartitionSourceTopics: array(internalTopic),
          copartitionGroups: array(
            struct({
              sourceTopics: array(int16),
              sourceTopicRegex: array(int16),
              repartitionSourceTopics: array(int16),
            }),
          ),
        }),
      ),
    }),
  ),
]
