// The contents of group-state-records.ts: groups of KIP-848, share groups (KIP-932) and Kafka Streams groups
// (KIP-1071), by the names of Kafka's definitions.

/** A record about a group; `value` is null where it removes what it stands for. */
export interface StateOfGroup<Type extends string, Value> {
  type: Type
  groupId: string
  value: Value | null
}

/** A record about a member of a group. */
export interface StateOfMember<Type extends string, Value> extends StateOfGroup<Type, Value> {
  memberId: string
}

/** A record about a regular expression that members of a group subscribe to. */
export interface StateOfRegularExpression<Type extends string, Value>
  extends StateOfGroup<Type, Value> {
  regularExpression: string
}

/** Partitions of a topic. */
export interface TopicPartitionsState {
  topicId: string
  partitions: number[]
}

/** Partitions of a topic that a member has, with the epochs at which it got them. */
export interface AssignedPartitionsState extends TopicPartitionsState {
  assignmentEpochs: number[] | null
}

/** A group's epoch. */
export interface GroupEpochState {
  epoch: number
  metadataHash: bigint
}

/** The epoch of a group's target assignment. */
export interface TargetAssignmentState {
  assignmentEpoch: number
  assignmentTimestamp: bigint
}

/** What a member is to have. */
export interface TargetMemberState {
  topicPartitions: TopicPartitionsState[]
}

/** The topics of a group, as Kafka 4.0 and earlier wrote them. */
export interface ConsumerGroupPartitionState {
  topics: {
    topicId: string
    topicName: string
    numPartitions: number
    partitionMetadata: { partition: number; racks: string[] }[]
  }[]
}

/** A member of a consumer group. */
export interface ConsumerGroupMemberState {
  instanceId: string | null
  rackId: string | null
  clientId: string
  clientHost: string
  subscribedTopicNames: string[]
  subscribedTopicRegex: string | null
  rebalanceTimeoutMs: number
  serverAssignor: string | null
  /** Of a member that uses the classic protocol, else null. */
  classicMemberMetadata: {
    sessionTimeoutMs: number
    supportedProtocols: { name: string; metadata: Buffer }[]
  } | null
}

/** What a member of a consumer group has. */
export interface ConsumerGroupCurrentState {
  memberEpoch: number
  previousMemberEpoch: number
  state: number
  assignedPartitions: AssignedPartitionsState[]
  partitionsPendingRevocation: AssignedPartitionsState[]
}

/** The topics that a regular expression stands for. */
export interface RegularExpressionState {
  topics: string[]
  version: bigint
  timestamp: bigint
}

/** A member of a share group. */
export interface ShareGroupMemberState {
  rackId: string | null
  clientId: string
  clientHost: string
  subscribedTopicNames: string[]
}

/** What a member of a share group has. */
export interface ShareGroupCurrentState {
  memberEpoch: number
  previousMemberEpoch: number
  state: number
  assignedPartitions: TopicPartitionsState[]
}

/** Whether the state of a share group's partitions is initialized. */
export interface ShareGroupPartitionState {
  initializingTopics: NamedPartitionsState[]
  initializedTopics: NamedPartitionsState[]
  deletingTopics: { topicId: string; topicName: string }[]
}

/** Partitions of a topic, with the topic's name. */
export interface NamedPartitionsState extends TopicPartitionsState {
  topicName: string
}

/** A Kafka Streams group's epoch and what it was last assigned by. */
export interface StreamsGroupEpochState extends GroupEpochState {
  validatedTopologyEpoch: number
  lastAssignmentConfigs: KeyValueState[] | null
  storedDescriptionTopologyEpoch: number
  failedDescriptionTopologyEpoch: number
}

/** A setting. */
export interface KeyValueState {
  key: string
  value: string
}

/** A member of a Kafka Streams group. */
export interface StreamsGroupMemberState {
  instanceId: string | null
  rackId: string | null
  clientId: string
  clientHost: string
  rebalanceTimeoutMs: number
  topologyEpoch: number
  processId: string
  userEndpoint: { host: string; port: number } | null
  clientTags: KeyValueState[]
}

/** Tasks of a subtopology. */
export interface TasksState {
  subtopologyId: string
  partitions: number[]
}

/** Tasks that a member has, with the epochs at which it got them. */
export interface AssignedTasksState extends TasksState {
  assignmentEpochs: number[] | null
}

/** What a member of a Kafka Streams group is to have. */
export interface StreamsGroupTargetState {
  activeTasks: TasksState[]
  standbyTasks: TasksState[]
  warmupTasks: TasksState[]
}

/** What a member of a Kafka Streams group has. */
export interface StreamsGroupCurrentState {
  memberEpoch: number
  previousMemberEpoch: number
  state: number
  activeTasks: AssignedTasksState[]
  standbyTasks: AssignedTasksState[]
  warmupTasks: AssignedTasksState[]
  activeTasksPendingRevocation: AssignedTasksState[]
  standbyTasksPendingRevocation: AssignedTasksState[]
  warmupTasksPendingRevocation: AssignedTasksState[]
}

/** The topology of a Kafka Streams group. */
export interface StreamsGroupTopologyState {
  epoch: number
  subtopologies: {
    subtopologyId: string
    sourceTopics: string[]
    sourceTopicRegex: string[]
    stateChangelogTopics: InternalTopicState[]
    repartitionSinkTopics: string[]
    repartitionSourceTopics: InternalTopicState[]
    copartitionGroups: {
      sourceTopics: number[]
      sourceTopicRegex: number[]
      repartitionSourceTopics: number[]
    }[]
  }[]
}

/** A topic that a Kafka Streams application makes for itself. */
export interface InternalTopicState {
  name: string
  partitions: number
  replicationFactor: number
  topicConfigs: KeyValueState[]
}

/** A record of a group that is not a classic one. */
export type GroupStateRecord =
  | StateOfGroup<'ConsumerGroupMetadata', GroupEpochState>
  | StateOfGroup<'ConsumerGroupPartitionMetadata', ConsumerGroupPartitionState>
  | StateOfMember<'ConsumerGroupMemberMetadata', ConsumerGroupMemberState>
  | StateOfGroup<'ConsumerGroupTargetAssignmentMetadata', TargetAssignmentState>
  | StateOfMember<'ConsumerGroupTargetAssignmentMember', TargetMemberState>
  | StateOfMember<'ConsumerGroupCurrentMemberAssignment', ConsumerGroupCurrentState>
  | StateOfRegularExpression<'ConsumerGroupRegularExpression', RegularExpressionState>
  | StateOfMember<'ShareGroupMemberMetadata', ShareGroupMemberState>
  | StateOfGroup<'ShareGroupMetadata', GroupEpochState>
  | StateOfGroup<'ShareGroupTargetAssignmentMetadata', TargetAssignmentState>
  | StateOfMember<'ShareGroupTargetAssignmentMember', TargetMemberState>
  | StateOfMember<'ShareGroupCurrentMemberAssignment', ShareGroupCurrentState>
  | StateOfGroup<'ShareGroupStatePartitionMetadata', ShareGroupPartitionState>
  | StateOfGroup<'StreamsGroupMetadata', StreamsGroupEpochState>
  | StateOfMember<'StreamsGroupMemberMetadata', StreamsGroupMemberState>
  | StateOfGroup<'StreamsGroupTargetAssignmentMetadata', TargetAssignmentState>
  | StateOfMember<'StreamsGroupTargetAssignmentMember', StreamsGroupTargetState>
  | StateOfMember<'StreamsGroupCurrentMemberAssignment', StreamsGroupCurrentState>
  | StateOfGroup<'StreamsGroupTopology', StreamsGroupTopologyState>
