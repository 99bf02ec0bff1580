// The part of the door kafkawire/protocol that lists the APIs: each with its four functions and the types of
// its two messages. The types of nested structs follow from those, as in `ProduceRequest['topicData']`.

export {
  type AddOffsetsToTxnRequest,
  type AddOffsetsToTxnResponse,
  addOffsetsToTxn,
} from './protocol/messages/add-offsets-to-txn.ts'
export {
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
  addPartitionsToTxn,
} from './protocol/messages/add-partitions-to-txn.ts'
export {
  type AddRaftVoterRequest,
  type AddRaftVoterResponse,
  addRaftVoter,
} from './protocol/messages/add-raft-voter.ts'
export {
  type AlterClientQuotasRequest,
  type AlterClientQuotasResponse,
  alterClientQuotas,
} from './protocol/messages/alter-client-quotas.ts'
export {
  type AlterConfigsRequest,
  type AlterConfigsResponse,
  alterConfigs,
} from './protocol/messages/alter-configs.ts'
export {
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsResponse,
  alterPartitionReassignments,
} from './protocol/messages/alter-partition-reassignments.ts'
export {
  type AlterReplicaLogDirsRequest,
  type AlterReplicaLogDirsResponse,
  alterReplicaLogDirs,
} from './protocol/messages/alter-replica-log-dirs.ts'
export {
  type AlterShareGroupOffsetsRequest,
  type AlterShareGroupOffsetsResponse,
  alterShareGroupOffsets,
} from './protocol/messages/alter-share-group-offsets.ts'
export {
  type AlterUserScramCredentialsRequest,
  type AlterUserScramCredentialsResponse,
  alterUserScramCredentials,
} from './protocol/messages/alter-user-scram-credentials.ts'
export {
  type ApiVersionsRequest,
  type ApiVersionsResponse,
  apiVersions,
} from './protocol/messages/api-versions.ts'
export {
  type ConsumerGroupDescribeRequest,
  type ConsumerGroupDescribeResponse,
  consumerGroupDescribe,
} from './protocol/messages/consumer-group-describe.ts'
export {
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeat,
} from './protocol/messages/consumer-group-heartbeat.ts'
export {
  type CreateAclsRequest,
  type CreateAclsResponse,
  createAcls,
} from './protocol/messages/create-acls.ts'
export {
  type CreateDelegationTokenRequest,
  type CreateDelegationTokenResponse,
  createDelegationToken,
} from './protocol/messages/create-delegation-token.ts'
export {
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  createPartitions,
} from './protocol/messages/create-partitions.ts'
export {
  type CreateTopicsRequest,
  type CreateTopicsResponse,
  createTopics,
} from './protocol/messages/create-topics.ts'
export {
  type DeleteAclsRequest,
  type DeleteAclsResponse,
  deleteAcls,
} from './protocol/messages/delete-acls.ts'
export {
  type DeleteGroupsRequest,
  type DeleteGroupsResponse,
  deleteGroups,
} from './protocol/messages/delete-groups.ts'
export {
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
  deleteRecords,
} from './protocol/messages/delete-records.ts'
export {
  type DeleteShareGroupOffsetsRequest,
  type DeleteShareGroupOffsetsResponse,
  deleteShareGroupOffsets,
} from './protocol/messages/delete-share-group-offsets.ts'
export {
  type DeleteShareGroupStateRequest,
  type DeleteShareGroupStateResponse,
  deleteShareGroupState,
} from './protocol/messages/delete-share-group-state.ts'
export {
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
  deleteTopics,
} from './protocol/messages/delete-topics.ts'
export {
  type DescribeAclsRequest,
  type DescribeAclsResponse,
  describeAcls,
} from './protocol/messages/describe-acls.ts'
export {
  type DescribeClientQuotasRequest,
  type DescribeClientQuotasResponse,
  describeClientQuotas,
} from './protocol/messages/describe-client-quotas.ts'
export {
  type DescribeClusterRequest,
  type DescribeClusterResponse,
  describeCluster,
} from './protocol/messages/describe-cluster.ts'
export {
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
  describeConfigs,
} from './protocol/messages/describe-configs.ts'
export {
  type DescribeDelegationTokenRequest,
  type DescribeDelegationTokenResponse,
  describeDelegationToken,
} from './protocol/messages/describe-delegation-token.ts'
export {
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
  describeGroups,
} from './protocol/messages/describe-groups.ts'
export {
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
  describeLogDirs,
} from './protocol/messages/describe-log-dirs.ts'
export {
  type DescribeProducersRequest,
  type DescribeProducersResponse,
  describeProducers,
} from './protocol/messages/describe-producers.ts'
export {
  type DescribeQuorumRequest,
  type DescribeQuorumResponse,
  describeQuorum,
} from './protocol/messages/describe-quorum.ts'
export {
  type DescribeShareGroupOffsetsRequest,
  type DescribeShareGroupOffsetsResponse,
  describeShareGroupOffsets,
} from './protocol/messages/describe-share-group-offsets.ts'
export {
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
  describeTopicPartitions,
} from './protocol/messages/describe-topic-partitions.ts'
export {
  type DescribeTransactionsRequest,
  type DescribeTransactionsResponse,
  describeTransactions,
} from './protocol/messages/describe-transactions.ts'
export {
  type DescribeUserScramCredentialsRequest,
  type DescribeUserScramCredentialsResponse,
  describeUserScramCredentials,
} from './protocol/messages/describe-user-scram-credentials.ts'
export {
  type ElectLeadersRequest,
  type ElectLeadersResponse,
  electLeaders,
} from './protocol/messages/elect-leaders.ts'
export { type EndTxnRequest, type EndTxnResponse, endTxn } from './protocol/messages/end-txn.ts'
export {
  type ExpireDelegationTokenRequest,
  type ExpireDelegationTokenResponse,
  expireDelegationToken,
} from './protocol/messages/expire-delegation-token.ts'
export { type FetchRequest, type FetchResponse, fetch } from './protocol/messages/fetch.ts'
export {
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
  findCoordinator,
} from './protocol/messages/find-coordinator.ts'
export {
  type GetTelemetrySubscriptionsRequest,
  type GetTelemetrySubscriptionsResponse,
  getTelemetrySubscriptions,
} from './protocol/messages/get-telemetry-subscriptions.ts'
export {
  type HeartbeatRequest,
  type HeartbeatResponse,
  heartbeat,
} from './protocol/messages/heartbeat.ts'
export {
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
  incrementalAlterConfigs,
} from './protocol/messages/incremental-alter-configs.ts'
export {
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  initProducerId,
} from './protocol/messages/init-producer-id.ts'
export {
  type InitializeShareGroupStateRequest,
  type InitializeShareGroupStateResponse,
  initializeShareGroupState,
} from './protocol/messages/initialize-share-group-state.ts'
export {
  type JoinGroupRequest,
  type JoinGroupResponse,
  joinGroup,
} from './protocol/messages/join-group.ts'
export {
  type LeaveGroupRequest,
  type LeaveGroupResponse,
  leaveGroup,
} from './protocol/messages/leave-group.ts'
export {
  type ListConfigResourcesRequest,
  type ListConfigResourcesResponse,
  listConfigResources,
} from './protocol/messages/list-config-resources.ts'
export {
  type ListGroupsRequest,
  type ListGroupsResponse,
  listGroups,
} from './protocol/messages/list-groups.ts'
export {
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  listOffsets,
} from './protocol/messages/list-offsets.ts'
export {
  type ListPartitionReassignmentsRequest,
  type ListPartitionReassignmentsResponse,
  listPartitionReassignments,
} from './protocol/messages/list-partition-reassignments.ts'
export {
  type ListTransactionsRequest,
  type ListTransactionsResponse,
  listTransactions,
} from './protocol/messages/list-transactions.ts'
export {
  type MetadataRequest,
  type MetadataResponse,
  metadata,
} from './protocol/messages/metadata.ts'
export {
  type OffsetCommitRequest,
  type OffsetCommitResponse,
  offsetCommit,
} from './protocol/messages/offset-commit.ts'
export {
  type OffsetDeleteRequest,
  type OffsetDeleteResponse,
  offsetDelete,
} from './protocol/messages/offset-delete.ts'
export {
  type OffsetFetchRequest,
  type OffsetFetchResponse,
  offsetFetch,
} from './protocol/messages/offset-fetch.ts'
export {
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
  offsetForLeaderEpoch,
} from './protocol/messages/offset-for-leader-epoch.ts'
export { type ProduceRequest, type ProduceResponse, produce } from './protocol/messages/produce.ts'
export {
  type PushTelemetryRequest,
  type PushTelemetryResponse,
  pushTelemetry,
} from './protocol/messages/push-telemetry.ts'
export {
  type ReadShareGroupStateRequest,
  type ReadShareGroupStateResponse,
  readShareGroupState,
} from './protocol/messages/read-share-group-state.ts'
export {
  type ReadShareGroupStateSummaryRequest,
  type ReadShareGroupStateSummaryResponse,
  readShareGroupStateSummary,
} from './protocol/messages/read-share-group-state-summary.ts'
export {
  type RemoveRaftVoterRequest,
  type RemoveRaftVoterResponse,
  removeRaftVoter,
} from './protocol/messages/remove-raft-voter.ts'
export {
  type RenewDelegationTokenRequest,
  type RenewDelegationTokenResponse,
  renewDelegationToken,
} from './protocol/messages/renew-delegation-token.ts'
export {
  type SaslAuthenticateRequest,
  type SaslAuthenticateResponse,
  saslAuthenticate,
} from './protocol/messages/sasl-authenticate.ts'
export {
  type SaslHandshakeRequest,
  type SaslHandshakeResponse,
  saslHandshake,
} from './protocol/messages/sasl-handshake.ts'
export {
  type ShareAcknowledgeRequest,
  type ShareAcknowledgeResponse,
  shareAcknowledge,
} from './protocol/messages/share-acknowledge.ts'
export {
  type ShareFetchRequest,
  type ShareFetchResponse,
  shareFetch,
} from './protocol/messages/share-fetch.ts'
export {
  type ShareGroupDescribeRequest,
  type ShareGroupDescribeResponse,
  shareGroupDescribe,
} from './protocol/messages/share-group-describe.ts'
export {
  type ShareGroupHeartbeatRequest,
  type ShareGroupHeartbeatResponse,
  shareGroupHeartbeat,
} from './protocol/messages/share-group-heartbeat.ts'
export {
  type StreamsGroupDescribeRequest,
  type StreamsGroupDescribeResponse,
  streamsGroupDescribe,
} from './protocol/messages/streams-group-describe.ts'
export {
  type StreamsGroupHeartbeatRequest,
  type StreamsGroupHeartbeatResponse,
  streamsGroupHeartbeat,
} from './protocol/messages/streams-group-heartbeat.ts'
export {
  type SyncGroupRequest,
  type SyncGroupResponse,
  syncGroup,
} from './protocol/messages/sync-group.ts'
export {
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponse,
  txnOffsetCommit,
} from './protocol/messages/txn-offset-commit.ts'
export {
  type UnregisterBrokerRequest,
  type UnregisterBrokerResponse,
  unregisterBroker,
} from './protocol/messages/unregister-broker.ts'
export {
  type UpdateFeaturesRequest,
  type UpdateFeaturesResponse,
  updateFeatures,
} from './protocol/messages/update-features.ts'
export {
  type WriteShareGroupStateRequest,
  type WriteShareGroupStateResponse,
  writeShareGroupState,
} from './protocol/messages/write-share-group-state.ts'
export {
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponse,
  writeTxnMarkers,
} from './protocol/messages/write-txn-markers.ts'
