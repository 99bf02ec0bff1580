/// <reference types="node" preserve="true" />

// The main door: everything that a program using kafkawire imports from 'kafkawire'.

export type { MetadataSnapshot, PartitionMetadata, TopicMetadata } from './cluster/metadata.ts'
export type { CompressionType } from './compression/codec.ts'
export type { CommittedOffset } from './consumer/committed-offsets.ts'
export { Consumer } from './consumer/consumer.ts'
export type { ConsumerBatch } from './consumer/consumer-batch.ts'
export type {
  CloseOptions,
  CommitTarget,
  PartitionAssignment,
  PartitionOffset,
  SeekTarget,
  TimestampedOffset,
} from './consumer/consumer-types.ts'
export type { HandlerContext, RetryOptions } from './consumer/handler-policy.ts'
export type { BrokerHealth, ConsumerHealth, PartitionHealth } from './consumer/health.ts'
export type { ConsumerLoop } from './consumer/loops.ts'
export type { PartitionStream } from './consumer/partition-streams.ts'
export type { RunOptions } from './consumer/run-options.ts'
export type {
  AutoOffsetReset,
  ConsumerOptions,
  IsolationLevel,
  LogTruncation,
  PoisonRecords,
} from './consumer-options.ts'
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
  RequestTimeoutError,
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
} from './options.ts'
export type { PipeCommit, PipeHandler, PipeOptions, PipeOutput } from './pipe.ts'
export type { DataLoss, OnDelivery, ProducerInterceptor } from './producer/hooks.ts'
export type { Partitioner, PartitionerName, PartitionerRecord } from './producer/partitioner.ts'
export { Producer } from './producer/producer.ts'
export type { Acks, ProducerOptions } from './producer/producer-options.ts'
export type { ProducerRecord } from './producer/producer-record.ts'
export type { RecordMetadata } from './producer/record-metadata.ts'
export type { Transaction, TransactionRunOptions } from './producer/transaction.ts'
export type { ConsumerRecord } from './records/consumer-record.ts'
export type { HeaderInput, HeadersInput, RecordHeaders } from './records/headers.ts'
export type { TimestampType } from './records/record-batch.ts'
export { serdes } from './serdes.ts'
export type { TopicSerdes } from './topic.ts'
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
  WaitLimits,
} from './types.ts'
