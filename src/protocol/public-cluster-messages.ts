// The part of the door kafkawire/protocol that lists the APIs between brokers and controllers, as
// public-messages.ts lists those of clients.

export {
  type AllocateProducerIdsRequest,
  type AllocateProducerIdsResponse,
  allocateProducerIds,
} from './messages/allocate-producer-ids.ts'
export {
  type AlterPartitionRequest,
  type AlterPartitionResponse,
  alterPartition,
} from './messages/alter-partition.ts'
export {
  type AssignReplicasToDirsRequest,
  type AssignReplicasToDirsResponse,
  assignReplicasToDirs,
} from './messages/assign-replicas-to-dirs.ts'
export {
  type BeginQuorumEpochRequest,
  type BeginQuorumEpochResponse,
  beginQuorumEpoch,
} from './messages/begin-quorum-epoch.ts'
export {
  type BrokerHeartbeatRequest,
  type BrokerHeartbeatResponse,
  brokerHeartbeat,
} from './messages/broker-heartbeat.ts'
export {
  type BrokerRegistrationRequest,
  type BrokerRegistrationResponse,
  brokerRegistration,
} from './messages/broker-registration.ts'
export {
  type ControllerRegistrationRequest,
  type ControllerRegistrationResponse,
  controllerRegistration,
} from './messages/controller-registration.ts'
export {
  type DeleteShareGroupStateRequest,
  type DeleteShareGroupStateResponse,
  deleteShareGroupState,
} from './messages/delete-share-group-state.ts'
export {
  type EndQuorumEpochRequest,
  type EndQuorumEpochResponse,
  endQuorumEpoch,
} from './messages/end-quorum-epoch.ts'
export {
  type EnvelopeRequest,
  type EnvelopeResponse,
  envelope,
} from './messages/envelope.ts'
export {
  type FetchSnapshotRequest,
  type FetchSnapshotResponse,
  fetchSnapshot,
} from './messages/fetch-snapshot.ts'
export {
  type InitializeShareGroupStateRequest,
  type InitializeShareGroupStateResponse,
  initializeShareGroupState,
} from './messages/initialize-share-group-state.ts'
export {
  type ReadShareGroupStateRequest,
  type ReadShareGroupStateResponse,
  readShareGroupState,
} from './messages/read-share-group-state.ts'
export {
  type ReadShareGroupStateSummaryRequest,
  type ReadShareGroupStateSummaryResponse,
  readShareGroupStateSummary,
} from './messages/read-share-group-state-summary.ts'
export {
  type UpdateRaftVoterRequest,
  type UpdateRaftVoterResponse,
  updateRaftVoter,
} from './messages/update-raft-voter.ts'
export {
  type VoteRequest,
  type VoteResponse,
  vote,
} from './messages/vote.ts'
export {
  type WriteShareGroupStateRequest,
  type WriteShareGroupStateResponse,
  writeShareGroupState,
} from './messages/write-share-group-state.ts'
export {
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponse,
  writeTxnMarkers,
} from './messages/write-txn-markers.ts'
