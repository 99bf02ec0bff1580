// Every API that the test broker serves, with its handler.

import { addOffsetsToTxn } from '../protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../protocol/messages/add-partitions-to-txn.ts'
import { apiVersions } from '../protocol/messages/api-versions.ts'
import { consumerGroupDescribe } from '../protocol/messages/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../protocol/messages/consumer-group-heartbeat.ts'
import { createPartitions } from '../protocol/messages/create-partitions.ts'
import { createTopics } from '../protocol/messages/create-topics.ts'
import { deleteGroups } from '../protocol/messages/delete-groups.ts'
import { deleteRecords } from '../protocol/messages/delete-records.ts'
import { deleteTopics } from '../protocol/messages/delete-topics.ts'
import { describeCluster } from '../protocol/messages/describe-cluster.ts'
import { describeGroups } from '../protocol/messages/describe-groups.ts'
import { describeTransactions } from '../protocol/messages/describe-transactions.ts'
import { endTxn } from '../protocol/messages/end-txn.ts'
import { fetch } from '../protocol/messages/fetch.ts'
import { findCoordinator } from '../protocol/messages/find-coordinator.ts'
import { heartbeat } from '../protocol/messages/heartbeat.ts'
import { initProducerId } from '../protocol/messages/init-producer-id.ts'
import { joinGroup } from '../protocol/messages/join-group.ts'
import { leaveGroup } from '../protocol/messages/leave-group.ts'
import { listGroups } from '../protocol/messages/list-groups.ts'
import { listOffsets } from '../protocol/messages/list-offsets.ts'
import { listTransactions } from '../protocol/messages/list-transactions.ts'
import { metadata } from '../protocol/messages/metadata.ts'
import { offsetCommit } from '../protocol/messages/offset-commit.ts'
import { offsetFetch } from '../protocol/messages/offset-fetch.ts'
import { offsetForLeaderEpoch } from '../protocol/messages/offset-for-leader-epoch.ts'
import { produce } from '../protocol/messages/produce.ts'
import { shareAcknowledge } from '../protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../protocol/messages/share-fetch.ts'
import { shareGroupDescribe } from '../protocol/messages/share-group-describe.ts'
import { shareGroupHeartbeat } from '../protocol/messages/share-group-heartbeat.ts'
import { syncGroup } from '../protocol/messages/sync-group.ts'
import { txnOffsetCommit } from '../protocol/messages/txn-offset-commit.ts'
import { type AnyRoute, route } from './handler.ts'
import { handleAddOffsetsToTxn } from './handlers/add-offsets-to-txn.ts'
import { handleAddPartitionsToTxn } from './handlers/add-partitions-to-txn.ts'
import { handleApiVersions } from './handlers/api-versions.ts'
import { handleConsumerGroupDescribe } from './handlers/consumer-group-describe.ts'
import { handleConsumerGroupHeartbeat } from './handlers/consumer-group-heartbeat.ts'
import { handleCreatePartitions } from './handlers/create-partitions.ts'
import { handleCreateTopics } from './handlers/create-topics.ts'
import { handleDeleteGroups } from './handlers/delete-groups.ts'
import { handleDeleteRecords } from './handlers/delete-records.ts'
import { handleDeleteTopics } from './handlers/delete-topics.ts'
import { handleDescribeCluster } from './handlers/describe-cluster.ts'
import { handleDescribeGroups } from './handlers/describe-groups.ts'
import { handleDescribeTransactions } from './handlers/describe-transactions.ts'
import { handleEndTxn } from './handlers/end-txn.ts'
import { handleFetch } from './handlers/fetch.ts'
import { handleFindCoordinator } from './handlers/find-coordinator.ts'
import { handleHeartbeat } from './handlers/heartbeat.ts'
import { handleInitProducerId } from './handlers/init-producer-id.ts'
import { handleJoinGroup } from './handlers/join-group.ts'
import { handleLeaveGroup } from './handlers/leave-group.ts'
import { handleListGroups } from './handlers/list-groups.ts'
import { handleListOffsets } from './handlers/list-offsets.ts'
import { handleListTransactions } from './handlers/list-transactions.ts'
import { handleMetadata } from './handlers/metadata.ts'
import { handleOffsetCommit } from './handlers/offset-commit.ts'
import { handleOffsetFetch } from './handlers/offset-fetch.ts'
import { handleOffsetForLeaderEpoch } from './handlers/offset-for-leader-epoch.ts'
import { handleProduce, produceOutcome } from './handlers/produce.ts'
import { handleShareAcknowledge } from './handlers/share-acknowledge.ts'
import { handleShareFetch } from './handlers/share-fetch.ts'
import { handleShareGroupDescribe } from './handlers/share-group-describe.ts'
import { handleShareGroupHeartbeat } from './handlers/share-group-heartbeat.ts'
import { handleSyncGroup } from './handlers/sync-group.ts'
import { handleTxnOffsetCommit } from './handlers/txn-offset-commit.ts'

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
]

/** By API key. */
export const routesByKey: ReadonlyMap<number, AnyRoute> = new Map(
  routes.map((entry) => [entry.api.key, entry]),
)
