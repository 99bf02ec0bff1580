// Defaults of Kafka's message definitions that the codecs do not state, as every version has the field
// and the default is not what its type starts with. A test holds this table against the definitions.

const noBytes = Buffer.alloc(0)

/** By API and direction: the path of a field, and its default. */
export const statedDefaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'Produce response': {
    'responses[].partitionResponses[].logAppendTimeMs': -1n,
    'responses[].partitionResponses[].currentLeader.leaderId': -1,
    'responses[].partitionResponses[].currentLeader.leaderEpoch': -1,
  },
  'Fetch request': {
    'replicaState.replicaId': -1,
    'replicaState.replicaEpoch': -1n,
    maxBytes: 2147483647,
  },
  'Fetch response': {
    'responses[].partitions[].lastStableOffset': -1n,
    'responses[].partitions[].divergingEpoch.epoch': -1,
    'responses[].partitions[].divergingEpoch.endOffset': -1n,
    'responses[].partitions[].currentLeader.leaderId': -1,
    'responses[].partitions[].currentLeader.leaderEpoch': -1,
    'responses[].partitions[].snapshotId.endOffset': -1n,
    'responses[].partitions[].snapshotId.epoch': -1,
    'responses[].partitions[].abortedTransactions': [],
  },
  'ListOffsets response': {
    'topics[].partitions[].timestamp': -1n,
    'topics[].partitions[].offset': -1n,
  },
  'Metadata request': {
    topics: [],
    'topics[].name': '',
  },
  'Metadata response': {
    'topics[].name': '',
  },
  'OffsetCommit request': {
    generationIdOrMemberEpoch: -1,
    'topics[].partitions[].committedMetadata': '',
  },
  'OffsetFetch request': {
    'groups[].topics': [],
  },
  'OffsetFetch response': {
    'topics[].partitions[].metadata': '',
    'groups[].topics[].partitions[].committedLeaderEpoch': -1,
    'groups[].topics[].partitions[].metadata': '',
  },
  'FindCoordinator response': {
    'coordinators[].errorMessage': '',
  },
  'JoinGroup response': {
    generationId: -1,
    protocolName: '',
  },
  'LeaveGroup response': {
    'members[].groupInstanceId': '',
  },
  'CreateTopics request': {
    'topics[].configs[].value': '',
    timeoutMs: 60000,
  },
  'CreateTopics response': {
    'topics[].errorMessage': '',
    'topics[].configs[].value': '',
    'topics[].configs[].configSource': -1,
  },
  'DeleteTopics response': {
    'responses[].name': '',
  },
  'InitProducerId request': {
    transactionalId: '',
  },
  'InitProducerId response': {
    producerId: -1n,
  },
  'OffsetForLeaderEpoch request': {
    'topics[].partitions[].currentLeaderEpoch': -1,
  },
  'OffsetForLeaderEpoch response': {
    'topics[].partitions[].leaderEpoch': -1,
    'topics[].partitions[].endOffset': -1n,
  },
  'TxnOffsetCommit request': {
    'topics[].partitions[].committedMetadata': '',
  },
  'DescribeAcls request': {
    resourceNameFilter: '',
    patternTypeFilter: 3,
    principalFilter: '',
    hostFilter: '',
  },
  'DescribeAcls response': {
    errorMessage: '',
    'resources[].patternType': 3,
  },
  'CreateAcls request': {
    'creations[].resourcePatternType': 3,
  },
  'CreateAcls response': {
    'results[].errorMessage': '',
  },
  'DeleteAcls request': {
    'filters[].resourceNameFilter': '',
    'filters[].patternTypeFilter': 3,
    'filters[].principalFilter': '',
    'filters[].hostFilter': '',
  },
  'DeleteAcls response': {
    'filterResults[].errorMessage': '',
    'filterResults[].matchingAcls[].errorMessage': '',
    'filterResults[].matchingAcls[].patternType': 3,
  },
  'DescribeConfigs request': {
    'resources[].configurationKeys': [],
  },
  'DescribeConfigs response': {
    'results[].errorMessage': '',
    'results[].configs[].value': '',
    'results[].configs[].configSource': -1,
    'results[].configs[].synonyms[].value': '',
  },
  'AlterConfigs request': {
    'resources[].configs[].value': '',
  },
  'AlterConfigs response': {
    'responses[].errorMessage': '',
  },
  'DescribeLogDirs request': {
    topics: [],
  },
  'SaslAuthenticate response': {
    errorMessage: '',
  },
  'CreatePartitions request': {
    'topics[].assignments': [],
  },
  'DescribeDelegationToken request': {
    owners: [],
  },
  'ElectLeaders request': {
    topicPartitions: [],
    timeoutMs: 60000,
  },
  'ElectLeaders response': {
    'replicaElectionResults[].partitionResult[].errorMessage': '',
  },
  'IncrementalAlterConfigs request': {
    'resources[].configs[].value': '',
  },
  'IncrementalAlterConfigs response': {
    'responses[].errorMessage': '',
  },
  'AlterPartitionReassignments request': {
    timeoutMs: 60000,
  },
  'AlterPartitionReassignments response': {
    errorMessage: '',
    'responses[].partitions[].errorMessage': '',
  },
  'ListPartitionReassignments request': {
    timeoutMs: 60000,
  },
  'ListPartitionReassignments response': {
    errorMessage: '',
  },
  'DescribeClientQuotas request': {
    'components[].match': '',
  },
  'DescribeClientQuotas response': {
    errorMessage: '',
    entries: [],
    'entries[].entity[].entityName': '',
  },
  'AlterClientQuotas request': {
    'entries[].entity[].entityName': '',
  },
  'AlterClientQuotas response': {
    'entries[].errorMessage': '',
    'entries[].entity[].entityName': '',
  },
  'DescribeUserScramCredentials request': {
    users: [],
  },
  'DescribeUserScramCredentials response': {
    errorMessage: '',
    'results[].errorMessage': '',
  },
  'AlterUserScramCredentials response': {
    'results[].errorMessage': '',
  },
  'AlterPartition request': {
    brokerEpoch: -1n,
    'topics[].partitions[].newIsrWithEpochs[].brokerEpoch': -1n,
  },
  'UpdateFeatures request': {
    timeoutMs: 60000,
  },
  'UpdateFeatures response': {
    errorMessage: '',
    'results[].errorMessage': '',
  },
  'Envelope request': {
    requestPrincipal: noBytes,
  },
  'FetchSnapshot request': {
    replicaId: -1,
    maxBytes: 2147483647,
  },
  'DescribeCluster response': {
    controllerId: -1,
    clusterAuthorizedOperations: -2147483648,
  },
  'DescribeProducers response': {
    'topics[].partitions[].activeProducers[].lastSequence': -1,
    'topics[].partitions[].activeProducers[].lastTimestamp': -1n,
    'topics[].partitions[].activeProducers[].currentTxnStartOffset': -1n,
  },
  'BrokerRegistration request': {
    rack: '',
  },
  'BrokerRegistration response': {
    brokerEpoch: -1n,
  },
  'BrokerHeartbeat request': {
    brokerEpoch: -1n,
  },
  'BrokerHeartbeat response': {
    isFenced: true,
  },
  'UnregisterBroker response': {
    errorMessage: '',
  },
  'AllocateProducerIds request': {
    brokerEpoch: -1n,
  },
  'ConsumerGroupHeartbeat request': {
    rebalanceTimeoutMs: -1,
  },
  'ConsumerGroupDescribe response': {
    'groups[].authorizedOperations': -2147483648,
  },
  'ControllerRegistration response': {
    errorMessage: '',
  },
  'AssignReplicasToDirs request': {
    brokerEpoch: -1n,
  },
  'DescribeTopicPartitions request': {
    responsePartitionLimit: 2000,
  },
  'DescribeTopicPartitions response': {
    'topics[].name': '',
    'topics[].partitions[].leaderEpoch': -1,
    'topics[].topicAuthorizedOperations': -2147483648,
  },
  'ShareGroupDescribe response': {
    'groups[].authorizedOperations': -2147483648,
  },
  'ShareFetch request': {
    memberId: '',
    maxBytes: 2147483647,
  },
  'ShareAcknowledge request': {
    memberId: '',
  },
  'AddRaftVoter request': {
    clusterId: '',
  },
  'AddRaftVoter response': {
    errorMessage: '',
  },
  'RemoveRaftVoter request': {
    clusterId: '',
  },
  'RemoveRaftVoter response': {
    errorMessage: '',
  },
  'UpdateRaftVoter request': {
    clusterId: '',
  },
  'UpdateRaftVoter response': {
    'currentLeader.leaderId': -1,
    'currentLeader.leaderEpoch': -1,
  },
  'StreamsGroupHeartbeat request': {
    rebalanceTimeoutMs: -1,
  },
  'StreamsGroupHeartbeat response': {
    status: [],
  },
  'StreamsGroupDescribe response': {
    'groups[].authorizedOperations': -2147483648,
  },
  'DescribeShareGroupOffsets request': {
    'groups[].topics': [],
  },
  'UnregisterController response': {
    errorMessage: '',
  },
}
