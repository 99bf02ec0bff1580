// Every API that the test broker serves, with its handler.

import { addOffsetsToTxn } from '../protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../protocol/messages/add-partitions-to-txn.ts'
import { alterClientQuotas } from '../protocol/messages/alter-client-quotas.ts'
import { alterConfigs } from '../protocol/messages/alter-configs.ts'
import { alterPartitionReassignments } from '../protocol/messages/alter-partition-reassignments.ts'
import { alterShareGroupOffsets } from '../protocol/messages/alter-share-group-offsets.ts'
import { alterUserScramCredentials } from '../protocol/messages/alter-user-scram-credentials.ts'
import { apiVersions } from '../protocol/messages/api-versions.ts'
import { consumerGroupDescribe } from '../protocol/messages/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../protocol/messages/consumer-group-heartbeat.ts'
import { createAcls } from '../protocol/messages/create-acls.ts'
import { createPartitions } from '../protocol/messages/create-partitions.ts'
import { createTopics } from '../protocol/messages/create-topics.ts'
import { deleteAcls } from '../protocol/messages/delete-acls.ts'
import { deleteGroups } from '../protocol/messages/delete-groups.ts'
import { deleteRecords } from '../protocol/messages/delete-records.ts'
import { deleteShareGroupOffsets } from '../protocol/messages/delete-share-group-offsets.ts'
import { deleteTopics } from '../protocol/messages/delete-topics.ts'
import { describeAcls } from '../protocol/messages/describe-acls.ts'
import { describeClientQuotas } from '../protocol/messages/describe-client-quotas.ts'
import { describeCluster } from '../protocol/messages/describe-cluster.ts'
import { describeConfigs } from '../protocol/messages/describe-configs.ts'
import { describeGroups } from '../protocol/messages/describe-groups.ts'
import { describeLogDirs } from '../protocol/messages/describe-log-dirs.ts'
import { describeProducers } from '../protocol/messages/describe-producers.ts'
import { describeQuorum } from '../protocol/messages/describe-quorum.ts'
import { describeShareGroupOffsets } from '../protocol/messages/describe-share-group-offsets.ts'
import { describeTopicPartitions } from '../protocol/messages/describe-topic-partitions.ts'
import { describeTransactions } from '../protocol/messages/describe-transactions.ts'
import { describeUserScramCredentials } from '../protocol/messages/describe-user-scram-credentials.ts'
import { electLeaders } from '../protocol/messages/elect-leaders.ts'
import { endTxn } from '../protocol/messages/end-txn.ts'
import { fetch } from '../protocol/messages/fetch.ts'
import { findCoordinator } from '../protocol/messages/find-coordinator.ts'
import { getTelemetrySubscriptions } from '../protocol/messages/get-telemetry-subscriptions.ts'
import { heartbeat } from '../protocol/messages/heartbeat.ts'
import { incrementalAlterConfigs } from '../protocol/messages/incremental-alter-configs.ts'
import { initProducerId } from '../protocol/messages/init-producer-id.ts'
import { joinGroup } from '../protocol/messages/join-group.ts'
import { leaveGroup } from '../protocol/messages/leave-group.ts'
import { listConfigResources } from '../protocol/messages/list-config-resources.ts'
import { listGroups } from '../protocol/messages/list-groups.ts'
import { listOffsets } from '../protocol/messages/list-offsets.ts'
import { listPartitionReassignments } from '../protocol/messages/list-partition-reassignments.ts'
import { listTransactions } from '../protocol/messages/list-transactions.ts'
import { metadata } from '../protocol/messages/metadata.ts'
import { offsetCommit } from '../protocol/messages/offset-commit.ts'
import { offsetDelete } from '../protocol/messages/offset-delete.ts'
import { offsetFetch } from '../protocol/messages/offset-fetch.ts'
import { offsetForLeaderEpoch } from '../protocol/messages/offset-for-leader-epoch.ts'
import { produce } from '../protocol/messages/produce.ts'
import { pushTelemetry } from '../protocol/messages/push-telemetry.ts'
import { saslAuthenticate } from '../protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../protocol/messages/sasl-handshake.ts'
import { shareAcknowledge } from '../protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../protocol/messages/share-fetch.ts'
import { shareGroupDescribe } from '../protocol/messages/share-group-describe.ts'
import { shareGroupHeartbeat } from '../protocol/messages/share-group-heartbeat.ts'
import { syncGroup } from '../protocol/messages/sync-group.ts'
import { txnOffsetCommit } from '../protocol/messages/txn-offset-commit.ts'
import { updateFeatures } from '../protocol/messages/update-features.ts'
import { type AnyRoute, route } from './handler.ts'
import { handleCreateAcls, handleDeleteAcls, handleDescribeAcls } from './handlers/acls.ts'
import { handleAddOffsetsToTxn } from './handlers/add-offsets-to-txn.ts'
import { handleAddPartitionsToTxn } from './handlers/add-partitions-to-txn.ts'
import { handleAlterConfigs, handleIncrementalAlterConfigs } from './handlers/alter-configs.ts'
import { handleApiVersions } from './handlers/api-versions.ts'
import { handleAlterClientQuotas, handleDescribeClientQuotas } from './handlers/client-quotas.ts'
import {
  handleGetTelemetrySubscriptions,
  handlePushTelemetry,
} from './handlers/client-telemetry.ts'
import { handleConsumerGroupDescribe } from './handlers/consumer-group-describe.ts'
import { handleConsumerGroupHeartbeat } from './handlers/consumer-group-heartbeat.ts'
import { handleCreatePartitions } from './handlers/create-partitions.ts'
import { handleCreateTopics } from './handlers/create-topics.ts'
import { handleDeleteGroups } from './handlers/delete-groups.ts'
import { handleDeleteRecords } from './handlers/delete-records.ts'
import { handleDeleteTopics } from './handlers/delete-topics.ts'
import { handleDescribeCluster } from './handlers/describe-cluster.ts'
import { handleDescribeConfigs } from './handlers/describe-configs.ts'
import { handleDescribeGroups } from './handlers/describe-groups.ts'
import { handleDescribeLogDirs } from './handlers/describe-log-dirs.ts'
import { handleDescribeProducers } from './handlers/describe-producers.ts'
import { handleDescribeQuorum } from './handlers/describe-quorum.ts'
import { handleDescribeTopicPartitions } from './handlers/describe-topic-partitions.ts'
import { handleDescribeTransactions } from './handlers/describe-transactions.ts'
import { handleElectLeaders } from './handlers/elect-leaders.ts'
import { handleEndTxn } from './handlers/end-txn.ts'
import { handleFetch } from './handlers/fetch.ts'
import { handleFindCoordinator } from './handlers/find-coordinator.ts'
import { handleHeartbeat } from './handlers/heartbeat.ts'
import { handleInitProducerId } from './handlers/init-producer-id.ts'
import { handleJoinGroup } from './handlers/join-group.ts'
import { handleLeaveGroup } from './handlers/leave-group.ts'
import { handleListConfigResources } from './handlers/list-config-resources.ts'
import { handleListGroups } from './handlers/list-groups.ts'
import { handleListOffsets } from './handlers/list-offsets.ts'
import { handleListTransactions } from './handlers/list-transactions.ts'
import { handleMetadata } from './handlers/metadata.ts'
import { handleOffsetCommit } from './handlers/offset-commit.ts'
import { handleOffsetDelete } from './handlers/offset-delete.ts'
import { handleOffsetFetch } from './handlers/offset-fetch.ts'
import { handleOffsetForLeaderEpoch } from './handlers/offset-for-leader-epoch.ts'
import {
  handleAlterPartitionReassignments,
  handleListPartitionReassignments,
} from './handlers/partition-reassignments.ts'
import { handleProduce, produceOutcome } from './handlers/produce.ts'
import { handleSaslAuthenticate, handleSaslHandshake } from './handlers/sasl.ts'
import {
  handleAlterUserScramCredentials,
  handleDescribeUserScramCredentials,
} from './handlers/scram-credentials.ts'
import { handleShareAcknowledge } from './handlers/share-acknowledge.ts'
import { handleShareFetch } from './handlers/share-fetch.ts'
import { handleShareGroupDescribe } from './handlers/share-group-describe.ts'
import { handleShareGroupHeartbeat } from './handlers/share-group-heartbeat.ts'
import {
  handleAlterShareGroupOffsets,
  handleDeleteShareGroupOffsets,
  handleDescribeShareGroupOffsets,
} from './handlers/share-group-offsets.ts'
import { handleSyncGroup } from './handlers/sync-group.ts'
import { handleTxnOffsetCommit } from './handlers/txn-offset-commit.ts'
import { handleUpdateFeatures } from './handlers/update-features.ts'

const routes: readonly AnyRoute[] = [
  route(produce, handleProduce, produceOutcome),
  route(fetch, handleFetch),
  route(listOffsets, handleListOffsets),
  route(metadata, handleMetadata),
  route(offsetCommit, handleOffsetCommit),
  route(offsetFetch, handleOffsetFetch),
  route(findCoordinator, handleFindCoordinator),
  route(joinGroup, handleJoinGroup),
  route(heartbeat, handleHeartbeat),
  route(leaveGroup, handleLeaveGroup),
  route(syncGroup, handleSyncGroup),
  route(describeGroups, handleDescribeGroups),
  route(listGroups, handleListGroups),
  route(apiVersions, handleApiVersions),
  route(createTopics, handleCreateTopics),
  route(deleteTopics, handleDeleteTopics),
  route(deleteRecords, handleDeleteRecords),
  route(initProducerId, handleInitProducerId),
  route(offsetForLeaderEpoch, handleOffsetForLeaderEpoch),
  route(addPartitionsToTxn, handleAddPartitionsToTxn),
  route(addOffsetsToTxn, handleAddOffsetsToTxn),
  route(endTxn, handleEndTxn),
  route(getTelemetrySubscriptions, handleGetTelemetrySubscriptions),
  route(pushTelemetry, handlePushTelemetry),
  route(txnOffsetCommit, handleTxnOffsetCommit),
  route(createPartitions, handleCreatePartitions),
  route(deleteGroups, handleDeleteGroups),
  route(describeCluster, handleDescribeCluster),
  route(describeTransactions, handleDescribeTransactions),
  route(listTransactions, handleListTransactions),
  route(consumerGroupHeartbeat, handleConsumerGroupHeartbeat),
  route(consumerGroupDescribe, handleConsumerGroupDescribe),
  route(shareAcknowledge, handleShareAcknowledge),
  route(shareFetch, handleShareFetch),
  route(shareGroupDescribe, handleShareGroupDescribe),
  route(shareGroupHeartbeat, handleShareGroupHeartbeat),
  route(saslHandshake, handleSaslHandshake),
  route(saslAuthenticate, handleSaslAuthenticate),
  route(describeUserScramCredentials, handleDescribeUserScramCredentials),
  route(alterUserScramCredentials, handleAlterUserScramCredentials),
  route(createAcls, handleCreateAcls),
  route(describeAcls, handleDescribeAcls),
  route(deleteAcls, handleDeleteAcls),
  route(alterClientQuotas, handleAlterClientQuotas),
  route(alterConfigs, handleAlterConfigs),
  route(alterPartitionReassignments, handleAlterPartitionReassignments),
  route(alterShareGroupOffsets, handleAlterShareGroupOffsets),
  route(deleteShareGroupOffsets, handleDeleteShareGroupOffsets),
  route(describeClientQuotas, handleDescribeClientQuotas),
  route(describeConfigs, handleDescribeConfigs),
  route(describeLogDirs, handleDescribeLogDirs),
  route(describeProducers, handleDescribeProducers),
  route(describeQuorum, handleDescribeQuorum),
  route(describeShareGroupOffsets, handleDescribeShareGroupOffsets),
  route(describeTopicPartitions, handleDescribeTopicPartitions),
  route(electLeaders, handleElectLeaders),
  route(incrementalAlterConfigs, handleIncrementalAlterConfigs),
  route(listConfigResources, handleListConfigResources),
  route(listPartitionReassignments, handleListPartitionReassignments),
  route(offsetDelete, handleOffsetDelete),
  route(updateFeatures, handleUpdateFeatures),
]

/** By API key. */
export const routesByKey: ReadonlyMap<number, AnyRoute> = new Map(
  routes.map((entry) => [entry.api.key, entry]),
)
