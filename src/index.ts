/// <reference types="node" preserve="true" />

// The main door: everything that a program using kafkawire imports from 'kafkawire'.

export type { Acl, AclBinding, AclFilter } from './admin/acls.ts'
export { Admin } from './admin/admin.ts'
export type {
  ClusterBroker,
  ClusterDescription,
  DescribeClusterOptions,
  FeatureDescription,
  FeatureUpdate,
  QuorumDescription,
  QuorumReplica,
  RaftVoter,
  RaftVoterOptions,
} from './admin/cluster-info.ts'
export type {
  AlterConfigOp,
  ConfigAlteration,
  ConfigDescription,
  ConfigEntry,
  ConfigQuery,
  ConfigResource,
  DescribeConfigsOptions,
  ListConfigResourcesOptions,
} from './admin/configs.ts'
export type {
  ConfigOperation,
  ConfigResourceType,
  ConfigSource,
  ConfigType,
  ElectionType,
  FeatureUpgradeType,
  ScramMechanism,
} from './admin/constants.ts'
export type {
  CreateDelegationTokenOptions,
  DelegationToken,
  DescribeDelegationTokensOptions,
  ExpireDelegationTokenOptions,
  RenewDelegationTokenOptions,
} from './admin/delegation-tokens.ts'
export type {
  DescribeGroupsOptions,
  GroupDescription,
  GroupMember,
} from './admin/describe-groups.ts'
export type { GroupOffsetsQuery } from './admin/group-items.ts'
export type { GroupLag, PartitionLag } from './admin/group-lag.ts'
export type {
  GroupOffsets,
  ListGroupOffsetsOptions,
} from './admin/group-offsets.ts'
export type { GroupState, GroupType } from './admin/group-types.ts'
export type {
  GroupListing,
  ListGroupsOptions,
  MemberToRemove,
  RemoveMembersOptions,
} from './admin/groups.ts'
export type { GroupsAdmin } from './admin/groups-admin.ts'
export type {
  FindHangingTransactionsOptions,
  HangingTransaction,
} from './admin/hanging-transactions.ts'
export type {
  BrokerLogDirs,
  DescribeLogDirsOptions,
  LogDir,
  LogDirReplica,
  ReplicaLogDir,
} from './admin/log-dirs.ts'
export type { AdminOptions, ValidateOptions } from './admin/options.ts'
export type {
  DeletedRecords,
  ElectionResult,
  ElectLeadersOptions,
  ListedOffset,
  ListOffsetsOptions,
  NewPartitions,
  OffsetQuery,
  OffsetSpec,
  RecordsToDelete,
} from './admin/partitions.ts'
export type {
  ClientQuota,
  ClientQuotaAlteration,
  ClientQuotaFilter,
  QuotaEntity,
  QuotaEntityType,
} from './admin/quotas.ts'
export type {
  ListPartitionReassignmentsOptions,
  NewPartitionReassignment,
  PartitionReassignment,
} from './admin/reassignments.ts'
export type {
  OffsetReset,
  ResetOffset,
  ResetOffsetsOptions,
  ResetTarget,
} from './admin/reset-offsets.ts'
export type {
  ScramCredentialDeletion,
  ScramCredentialUpsertion,
  UserScramCredentials,
} from './admin/scram-users.ts'
export type { ShareGroupOffset, ShareGroupOffsets, ShareGroupStart } from './admin/share-groups.ts'
export type { PartitionDescription, TopicDescription } from './admin/topic-description.ts'
export type {
  CreatedTopic,
  CreateTopicsOptions,
  DescribeTopicsOptions,
  ListTopicsOptions,
  NewTopic,
  TopicCollection,
  TopicListing,
} from './admin/topics.ts'
export type { TopicsAdmin } from './admin/topics-admin.ts'
export type {
  AbortTransactionSpec,
  DescribeProducersOptions,
  FencedProducer,
  ListTransactionsOptions,
  PartitionProducers,
  ProducerState,
  TransactionDescription,
  TransactionListing,
  TransactionState,
} from './admin/transactions.ts'
export type {
  BrokerMetadata,
  MetadataSnapshot,
  PartitionMetadata,
  TopicMetadata,
} from './cluster/metadata-snapshot.ts'
export type { ClusterProblem } from './cluster/problems.ts'
export type { CompressionType } from './compression/codec.ts'
export type { PartitionProblem } from './consumer/assignment/standing-problem.ts'
export { Consumer } from './consumer/consumer.ts'
export type { ConsumerBatch } from './consumer/delivery/consumer-batch.ts'
export type { ConsumerLoop } from './consumer/delivery/iterators.ts'
export type { PartitionStream } from './consumer/delivery/partition-iterators.ts'
export type { BrokerHealth } from './consumer/fetching/broker-health.ts'
export type {
  Assignor,
  GroupAssignment,
  GroupToAssign,
  MemberAssignment,
  SubscribedMember,
} from './consumer/group/assignors/assignor.ts'
export type { ConsumerInterceptor } from './consumer/interceptors.ts'
export type { ConsumerProblem } from './consumer/liveness/consumer-problems.ts'
export type { ConsumerHealth, GroupHealth, PartitionHealth } from './consumer/liveness/health.ts'
export type { CommittedOffset } from './consumer/offsets/committed-offsets.ts'
export type {
  AutoOffsetReset,
  ConsumerOptions,
  IsolationLevel,
  LogTruncation,
  PartitionAssignor,
  PoisonRecords,
  TopicSelector,
} from './consumer/options.ts'
export type { HandlerContext } from './consumer/run/handler-context.ts'
export type { DeadLetterTopic, RetryOptions, RetryTopicName } from './consumer/run/retry-options.ts'
export type { RunOptions } from './consumer/run/run-options.ts'
export type {
  BatchOf,
  RecordOf,
  SelectedKey,
  SelectedRecord,
  SelectedValue,
} from './consumer/selected-types.ts'
export type {
  CloseOptions,
  CommitTarget,
  PartitionAssignment,
  PartitionOffset,
  SeekTarget,
  TimestampedOffset,
} from './consumer/types.ts'
export {
  AcknowledgementError,
  type AcknowledgementResult,
  AdminError,
  AuthenticationError,
  BatchDeliveryError,
  BrokerError,
  BufferExhaustedError,
  ClosedError,
  CommitFailedError,
  ConfigError,
  ConnectionError,
  DecodeError,
  DeliveryError,
  DeliveryTimeoutError,
  DeserializationError,
  FencedError,
  InvalidArgumentError,
  InvalidTransactionStateError,
  type ItemResult,
  KafkaError,
  type KafkaErrorCode,
  type KafkaErrorOptions,
  OffsetOutOfRangeError,
  OutcomeUnknownError,
  type Persisted,
  SchemaRegistryError,
  type SendResult,
  SerializationError,
  TimeoutError,
  TransactionAbortableError,
  UnsupportedVersionError,
} from './errors.ts'
export { Kafka, type KafkaHealth } from './kafka.ts'
export { type Logger, silentLogger } from './logger.ts'
export type { Metric } from './metrics/metric.ts'
export { type AwsMskIamOptions, awsMskIamToken } from './network/sasl/aws-msk-iam.ts'
export type { AwsCredentials } from './network/sasl/aws-signature.ts'
export type { BootstrapServers, BootstrapServersProvider } from './options/bootstrap-servers.ts'
export type { KafkaOptions } from './options/kafka-options.ts'
export type {
  BrokerAddress,
  ClientDnsLookup,
  ConnectFunction,
  ConnectTarget,
  DnsLookup,
  MapAddress,
} from './options/network-options.ts'
export type { SaslOidcOptions, SecretSource } from './options/oidc-options.ts'
export type {
  CredentialsProvider,
  OAuthBearerToken,
  SaslContext,
  SaslExchange,
  SaslKerberosOptions,
  SaslMechanism,
  SaslOptions,
  SaslPasswordOptions,
  SaslTokenOptions,
} from './options/sasl-options.ts'
export type { SslOption, TlsOptions } from './options/ssl-options.ts'
export type { PipeCommit, PipeContext, PipeHandler, PipeOptions, PipeOutput } from './pipe.ts'
export type { ProducerHealth } from './producer/health.ts'
export type { DataLoss, OnDelivery, ProducerInterceptor } from './producer/hooks.ts'
export type { Acks, FlushOptions, ProducerOptions } from './producer/options.ts'
export type {
  Partitioner,
  PartitionerName,
  PartitionerRecord,
} from './producer/partitioning/partitioner.ts'
export { Producer } from './producer/producer.ts'
export type { ProducerRecord } from './producer/record.ts'
export type { RecordMetadata } from './producer/record-metadata.ts'
export type { ProducerProblem } from './producer/sending/produce-problems.ts'
export type { WritableOptions } from './producer/streams.ts'
export type { Transaction, TransactionRunOptions } from './producer/transactions/run-transaction.ts'
export type { SendOffsetsArguments } from './producer/transactions/send-offsets.ts'
export type {
  AclOperation,
  AclPermissionType,
  AclResourceType,
  PatternType,
} from './protocol/acl-constants.ts'
export { type CodecImplementations, codecImplementations } from './records/codec-implementations.ts'
export type {
  ConsumerRecord,
  ConsumerRecordJson,
  ConsumerRecordObject,
} from './records/consumer-record.ts'
export type { Crc32cImplementation } from './records/crc32c.ts'
export type { HeaderInput, HeadersInput, JsonBytes, RecordHeaders } from './records/headers.ts'
export type { TimestampType } from './records/record-batch.ts'
export type { KafkaRequestOptions } from './request-options.ts'
export type {
  JsonSerdes,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from './serialization/json.ts'
export { type SyncSerde, serdes } from './serialization/serdes.ts'
export type { TopicSerdes } from './serialization/topic.ts'
export type { ShareConsumerOptions, ShareTopicSelector } from './share-consumer/options.ts'
export type { ShareBatch } from './share-consumer/share-batch.ts'
export { ShareConsumer } from './share-consumer/share-consumer.ts'
export type { ShareConsumerHealth, SharePartitionHealth } from './share-consumer/share-health.ts'
export type { Acknowledgement, ShareRecord } from './share-consumer/share-record.ts'
export type { ShareHandlerContext, ShareRunOptions } from './share-consumer/share-run.ts'
export type {
  SelectedShareRecord,
  ShareBatchOf,
  ShareRecordOf,
} from './share-consumer/share-types.ts'
export type {
  ConsumerGroupMetadata,
  DeserializeContext,
  Deserializer,
  Header,
  OffsetToCommit,
  ReadableHeaders,
  RecordData,
  Serde,
  SerializeContext,
  Serializer,
  Topic,
  TopicPartition,
  TransactionalConsumer,
  TransactionOffsets,
  WaitOptions,
  WritableHeaders,
} from './types.ts'
