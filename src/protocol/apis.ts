// Every API that Kafka brokers and controllers serve, in the order of their keys. A test holds this list against the
// files in messages/.

import type { AnyApi } from './api.ts'
import { addOffsetsToTxn } from './messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from './messages/add-partitions-to-txn.ts'
import { addRaftVoter } from './messages/add-raft-voter.ts'
import { allocateProducerIds } from './messages/allocate-producer-ids.ts'
import { alterClientQuotas } from './messages/alter-client-quotas.ts'
import { alterConfigs } from './messages/alter-configs.ts'
import { alterPartition } from './messages/alter-partition.ts'
import { alterPartitionReassignments } from './messages/alter-partition-reassignments.ts'
import { alterReplicaLogDirs } from './messages/alter-replica-log-dirs.ts'
import { alterShareGroupOffsets } from './messages/alter-share-group-offsets.ts'
import { alterUserScramCredentials } from './messages/alter-user-scram-credentials.ts'
import { apiVersions } from './messages/api-versions.ts'
import { assignReplicasToDirs } from './messages/assign-replicas-to-dirs.ts'
import { beginQuorumEpoch } from './messages/begin-quorum-epoch.ts'
import { brokerHeartbeat } from './messages/broker-heartbeat.ts'
import { brokerRegistration } from './messages/broker-registration.ts'
import { consumerGroupDescribe } from './messages/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from './messages/consumer-group-heartbeat.ts'
import { controllerRegistration } from './messages/controller-registration.ts'
import { createAcls } from './messages/create-acls.ts'
import { createDelegationToken } from './messages/create-delegation-token.ts'
import { createPartitions } from './messages/create-partitions.ts'
import { createTopics } from './messages/create-topics.ts'
import { deleteAcls } from './messages/delete-acls.ts'
import { deleteGroups } from './messages/delete-groups.ts'
import { deleteRecords } from './messages/delete-records.ts'
import { deleteShareGroupOffsets } from './messages/delete-share-group-offsets.ts'
import { deleteShareGroupState } from './messages/delete-share-group-state.ts'
import { deleteTopics } from './messages/delete-topics.ts'
import { describeAcls } from './messages/describe-acls.ts'
import { describeClientQuotas } from './messages/describe-client-quotas.ts'
import { describeCluster } from './messages/describe-cluster.ts'
import { describeConfigs } from './messages/describe-configs.ts'
import { describeDelegationToken } from './messages/describe-delegation-token.ts'
import { describeGroups } from './messages/describe-groups.ts'
import { describeLogDirs } from './messages/describe-log-dirs.ts'
import { describeProducers } from './messages/describe-producers.ts'
import { describeQuorum } from './messages/describe-quorum.ts'
import { describeShareGroupOffsets } from './messages/describe-share-group-offsets.ts'
import { describeTopicPartitions } from './messages/describe-topic-partitions.ts'
import { describeTransactions } from './messages/describe-transactions.ts'
import { describeUserScramCredentials } from './messages/describe-user-scram-credentials.ts'
import { electLeaders } from './messages/elect-leaders.ts'
import { endQuorumEpoch } from './messages/end-quorum-epoch.ts'
import { endTxn } from './messages/end-txn.ts'
import { envelope } from './messages/envelope.ts'
import { expireDelegationToken } from './messages/expire-delegation-token.ts'
import { fetch } from './messages/fetch.ts'
import { fetchSnapshot } from './messages/fetch-snapshot.ts'
import { findCoordinator } from './messages/find-coordinator.ts'
import { getTelemetrySubscriptions } from './messages/get-telemetry-subscriptions.ts'
import { heartbeat } from './messages/heartbeat.ts'
import { incrementalAlterConfigs } from './messages/incremental-alter-configs.ts'
import { initProducerId } from './messages/init-producer-id.ts'
import { initializeShareGroupState } from './messages/initialize-share-group-state.ts'
import { joinGroup } from './messages/join-group.ts'
import { leaveGroup } from './messages/leave-group.ts'
import { listConfigResources } from './messages/list-config-resources.ts'
import { listGroups } from './messages/list-groups.ts'
import { listOffsets } from './messages/list-offsets.ts'
import { listPartitionReassignments } from './messages/list-partition-reassignments.ts'
import { listTransactions } from './messages/list-transactions.ts'
import { metadata } from './messages/metadata.ts'
import { offsetCommit } from './messages/offset-commit.ts'
import { offsetDelete } from './messages/offset-delete.ts'
import { offsetFetch } from './messages/offset-fetch.ts'
import { offsetForLeaderEpoch } from './messages/offset-for-leader-epoch.ts'
import { produce } from './messages/produce.ts'
import { pushTelemetry } from './messages/push-telemetry.ts'
import { readShareGroupState } from './messages/read-share-group-state.ts'
import { readShareGroupStateSummary } from './messages/read-share-group-state-summary.ts'
import { removeRaftVoter } from './messages/remove-raft-voter.ts'
import { renewDelegationToken } from './messages/renew-delegation-token.ts'
import { saslAuthenticate } from './messages/sasl-authenticate.ts'
import { saslHandshake } from './messages/sasl-handshake.ts'
import { shareAcknowledge } from './messages/share-acknowledge.ts'
import { shareFetch } from './messages/share-fetch.ts'
import { shareGroupDescribe } from './messages/share-group-describe.ts'
import { shareGroupHeartbeat } from './messages/share-group-heartbeat.ts'
import { streamsGroupDescribe } from './messages/streams-group-describe.ts'
import { streamsGroupHeartbeat } from './messages/streams-group-heartbeat.ts'
import { streamsGroupTopologyDescriptionUpdate } from './messages/streams-group-topology-description-update.ts'
import { syncGroup } from './messages/sync-group.ts'
import { txnOffsetCommit } from './messages/txn-offset-commit.ts'
import { unregisterBroker } from './messages/unregister-broker.ts'
import { unregisterController } from './messages/unregister-controller.ts'
import { updateFeatures } from './messages/update-features.ts'
import { updateRaftVoter } from './messages/update-raft-voter.ts'
import { vote } from './messages/vote.ts'
import { writeShareGroupState } from './messages/write-share-group-state.ts'
import { writeTxnMarkers } from './messages/write-txn-markers.ts'

/** All APIs, by rising key. */
export const apis: readonly AnyApi[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  saslHandshake,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  writeTxnMarkers,
  txnOffsetCommit,
  describeAcls,
  createAcls,
  deleteAcls,
  describeConfigs,
  alterConfigs,
  alterReplicaLogDirs,
  describeLogDirs,
  saslAuthenticate,
  createPartitions,
  createDelegationToken,
  renewDelegationToken,
  expireDelegationToken,
  describeDelegationToken,
  deleteGroups,
  electLeaders,
  incrementalAlterConfigs,
  alterPartitionReassignments,
  listPartitionReassignments,
  offsetDelete,
  describeClientQuotas,
  alterClientQuotas,
  describeUserScramCredentials,
  alterUserScramCredentials,
  vote,
  beginQuorumEpoch,
  endQuorumEpoch,
  describeQuorum,
  alterPartition,
  updateFeatures,
  envelope,
  fetchSnapshot,
  describeCluster,
  describeProducers,
  brokerRegistration,
  brokerHeartbeat,
  unregisterBroker,
  describeTransactions,
  listTransactions,
  allocateProducerIds,
  consumerGroupHeartbeat,
  consumerGroupDescribe,
  controllerRegistration,
  getTelemetrySubscriptions,
  pushTelemetry,
  assignReplicasToDirs,
  listConfigResources,
  describeTopicPartitions,
  shareGroupHeartbeat,
  shareGroupDescribe,
  shareFetch,
  shareAcknowledge,
  addRaftVoter,
  removeRaftVoter,
  updateRaftVoter,
  initializeShareGroupState,
  readShareGroupState,
  writeShareGroupState,
  deleteShareGroupState,
  readShareGroupStateSummary,
  streamsGroupHeartbeat,
  streamsGroupDescribe,
  describeShareGroupOffsets,
  alterShareGroupOffsets,
  deleteShareGroupOffsets,
  streamsGroupTopologyDescriptionUpdate,
  unregisterController,
]

const byKey = new Map(apis.map((api) => [api.key, api]))
const byName = new Map(apis.map((api) => [api.name, api]))

/** The API of that key; undefined where none is known. */
export function apiByKey(key: number): AnyApi | undefined {
  return byKey.get(key)
}

/** The API of that name, such as `ListOffsets`; undefined where none is known. */
export function apiByName(name: string): AnyApi | undefined {
  return byName.get(name)
}
