/// <reference types="node" preserve="true" />

// The main door: everything that a program using kafkawire imports from 'kafkawire'.

export type { MetadataSnapshot, PartitionMetadata, TopicMetadata } from './cluster/metadata.ts'
export type { CompressionType } from './compression/codec.ts'
export type { PartitionProblem } from './consumer/assignment/assigned-partition.ts'
export { Consumer } from './consumer/consumer.ts'
export type { ConsumerBatch } from './consumer/delivery/consumer-batch.ts'
export type { ConsumerLoop } from './consumer/delivery/iterators.ts'
export type { PartitionStream } from './consumer/delivery/partition-iterators.ts'
export type { BrokerHealth, ConsumerHealth, PartitionHealth } from './consumer/liveness/health.ts'
export type { CommittedOffset } from './consumer/offsets/committed-offsets.ts'
export type {
  AutoOffsetReset,
  ConsumerOptions,
  IsolationLevel,
  LogTruncation,
  PoisonRecords,
} from './consumer/options.ts'
export type { HandlerContext, RetryOptions } from './consumer/run/retry-policy.ts'
export type { RunOptions } from './consumer/run/run-options.ts'
export type {
  CloseOptions,
  CommitTarget,
  PartitionAssignment,
  PartitionOffset,
  SeekTarget,
  TimestampedOffset,
} from './consumer/types.ts'
export {
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
  KafkaError,
  OffsetOutOfRangeError,
  OutcomeUnknownError,
  type Persisted,
  TimeoutError,
  TransactionAbortableError,
  UnsupportedVersionError,
} from './errors.ts'
export { Kafka, type KafkaRequestOptions } from './kafka.ts'
export { type Logger, silentLogger } from './logger.ts'
export type {
  CredentialsProvider,
  KafkaOptions,
  Lookup,
  OAuthBearerToken,
  SaslContext,
  SaslExchange,
  SaslMechanism,
  SaslOptions,
  SslOption,
  TlsOptions,
} from './options/kafka-options.ts'
export type { PipeCommit, PipeHandler, PipeOptions, PipeOutput } from './pipe.ts'
export type { DataLoss, OnDelivery, ProducerInterceptor } from './producer/hooks.ts'
export type { Acks, ProducerOptions } from './producer/options.ts'
export type {
  Partitioner,
  PartitionerName,
  PartitionerRecord,
} from './producer/partitioning/partitioner.ts'
export { Producer } from './producer/producer.ts'
export type { ProducerRecord } from './producer/record.ts'
export type { RecordMetadata } from './producer/record-metadata.ts'
export type { Transaction, TransactionRunOptions } from './producer/transactions/run-transaction.ts'
export { type CodecImplementations, codecImplementations } from './records/codec-implementations.ts'
export type { ConsumerRecord } from './records/consumer-record.ts'
export type { HeaderInput, HeadersInput, RecordHeaders } from './records/headers.ts'
export type { TimestampType } from './records/record-batch.ts'
export { serdes } from './serialization/serdes.ts'
export type { TopicSerdes } from './serialization/topic.ts'
export type {
  Bytes,
  ConsumerGroupMetadata,
  Deserializer,
  Header,
  OffsetToCommit,
  Serde,
  Serializer,
  Topic,
  TopicPartition,
  TransactionalConsumer,
  TransactionOffsets,
  WaitOptions,
} from './types.ts'
