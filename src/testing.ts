/// <reference types="node" preserve="true" />
// kafkawire/testing: an in-process Kafka broker for tests, over real sockets. What is exported here is
// the promise; all else may change.

export type { BrokerProperties } from './testing/broker-properties.ts'
export type { ClientTelemetryPush } from './testing/client-telemetry.ts'
export { type BrokerClock, ManualClock } from './testing/clock.ts'
export type { TopicSettings } from './testing/cluster-state.ts'
export {
  type Call,
  type ConnectionHandle,
  type Disconnect,
  disconnect,
  type Interceptor,
  type InterceptorResult,
  type InterceptorResult as Answer,
  type NoAnswer,
  noAnswer,
  type RecordedRequest,
} from './testing/interceptors.ts'
export type { EpochEnd } from './testing/leader-epochs.ts'
export type {
  AbortedRange,
  AppendResult,
  Isolation,
  PartitionLog,
  ReadResult,
  TimestampAndOffset,
} from './testing/partition-log.ts'
export type {
  ProducerEntry,
  ProducerStates,
  SequenceVerdict,
  WrittenBatch,
} from './testing/producer-state.ts'
export type { AuthorizerOptions } from './testing/security/acls.ts'
export type { SaslMechanism, SaslOptions } from './testing/security/sasl.ts'
export type { ScramMechanism } from './testing/security/scram-users.ts'
export {
  type OfferedVersions,
  TestCluster,
  type TestClusterOptions,
} from './testing/test-cluster.ts'
export type { TopicConfig } from './testing/topic-config.ts'
