/// <reference types="node" preserve="true" />

// The door kafkawire/protocol: every API of a Kafka broker with its four functions, readers and writers,
// frames, record batches and error codes, for proxies, decoders of captures and tools of your own.

export {
  type Codec,
  type CompressionType,
  compressionTypes,
  defaultMaxDecompressedBytes,
} from './compression/codec.ts'
export { codecById, codecByName } from './compression/codecs.ts'
export {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type MemberAssignment,
  type MemberSubscription,
} from './consumer/group/consumer-protocol.ts'
export {
  BrokerError,
  ConfigError,
  DecodeError,
  InvalidArgumentError,
  KafkaError,
  UnsupportedVersionError,
} from './errors.ts'
export { oauthbearer as saslOauthbearer } from './network/sasl/oauthbearer.ts'
export { type PlainCredentials, plain as saslPlain } from './network/sasl/plain.ts'
export { type ScramCredentials, type ScramName, scram as saslScram } from './network/sasl/scram.ts'
export type {
  CredentialsProvider,
  OAuthBearerToken,
  SaslContext,
  SaslExchange,
  SaslMechanism,
} from './options/sasl-options.ts'
export {
  crc32Partition,
  fnv1aPartition,
  murmur2,
  partitionForKey,
} from './producer/partitioning/checked-hashes.ts'
export {
  type AnyApi,
  type Api,
  chooseVersion,
  type Decoded,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type VersionRange,
} from './protocol/api.ts'
export { apiByKey, apiByName, apis } from './protocol/apis.ts'
export {
  Conversation,
  type ConversationOptions,
  type Exchange,
  type SaslFrame,
  type UnreadableFrame,
} from './protocol/conversation.ts'
export {
  brokerError,
  codeName,
  type ErrorCodeName,
  errorCodes,
  isRetriable,
} from './protocol/error-codes.ts'
export {
  decodeFrame,
  encodeFrame,
  type Frame,
  type FrameInput,
  type RequestFrame,
  type RequestIdentity,
  type ResponseFrame,
} from './protocol/frame.ts'
export { FrameSplitter } from './protocol/frame-splitter.ts'
export {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestFrame,
  encodeRequestHeader,
  encodeResponseFrame,
  encodeResponseHeader,
  type RequestHeader,
  type ResponseHeader,
  requestHeaderReader,
  requestHeaderVersion,
  responseHeaderReader,
  responseHeaderVersion,
} from './protocol/header.ts'
export { fromJson, type Json, toJson } from './protocol/json.ts'
export type { Fields } from './protocol/message-defaults.ts'
export * from './protocol/public-cluster-messages.ts'
export * from './protocol/public-messages.ts'
export { Reader } from './protocol/reader.ts'
export { setUnknownTags, type UnknownTag, unknownTags } from './protocol/unknown-tags.ts'
export { type MessageContext, type TaggedField, Writer } from './protocol/writer.ts'
export { BatchBuilder, noProducer, type ProducerStamp } from './records/batch-builder.ts'
export type { BatchReader } from './records/batch-reader.ts'
export type { ConsumerRecord, ConsumerRecordJson } from './records/consumer-record.ts'
export {
  type ControlRecord,
  decodeControlRecord,
  type EndTransactionMarker,
  encodeEndTransactionMarker,
  type OtherControlRecord,
} from './records/control-record.ts'
export {
  decodeGroupRecord,
  decodeTransactionRecord,
  encodeGroupRecord,
  encodeTransactionRecord,
  type GroupMemberRecord,
  type GroupMetadataRecord,
  type GroupRecord,
  type OffsetCommitRecord,
  type OtherGroupRecord,
  type TransactionRecord,
  transactionStates,
} from './records/coordinator-records.ts'
export { crc32c } from './records/crc32c.ts'
export {
  type DecodeBatchOptions,
  type DecodedRecord,
  decodeBatch,
  decodeBatches,
  type RecordBatch,
} from './records/decode-batch.ts'
export type { DecodeLimits } from './records/decode-budget.ts'
export { encodeBatch, type RecordBatchInput, type RecordInput } from './records/encode-batch.ts'
export type {
  AssignedPartitionsState,
  AssignedTasksState,
  ConsumerGroupCurrentState,
  ConsumerGroupMemberState,
  ConsumerGroupPartitionState,
  GroupEpochState,
  GroupStateRecord,
  InternalTopicState,
  KeyValueState,
  NamedPartitionsState,
  RegularExpressionState,
  ShareGroupCurrentState,
  ShareGroupMemberState,
  ShareGroupPartitionState,
  StateOfGroup,
  StateOfMember,
  StateOfRegularExpression,
  StreamsGroupCurrentState,
  StreamsGroupEpochState,
  StreamsGroupMemberState,
  StreamsGroupTargetState,
  StreamsGroupTopologyState,
  TargetAssignmentState,
  TargetMemberState,
  TasksState,
  TopicPartitionsState,
} from './records/group-states.ts'
export type { HeaderInput, RecordHeaders } from './records/headers.ts'
export {
  decodeMessageSet,
  type LegacyMessage,
  type LegacyRecord,
} from './records/legacy-messages.ts'
export {
  type AbortedTransactionEntry,
  baseOffsetOf,
  decodeOffsetIndex,
  decodeTimeIndex,
  decodeTransactionIndex,
  type OffsetIndexEntry,
  type ReadSegmentOptions,
  readLogSegment,
  type SegmentBatch,
  type TimeIndexEntry,
} from './records/log-segment.ts'
export type {
  MetadataEndpoint,
  MetadataFeature,
  MetadataQuotaEntity,
  MetadataRecordValues,
} from './records/metadata-record-values.ts'
export {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type KnownMetadataRecord,
  type MetadataRecord,
  type OtherMetadataRecord,
} from './records/metadata-records.ts'
export type { PreservedBatch } from './records/preserved-batch.ts'
export {
  decodeRaftControlRecord,
  type KraftVoter,
  type LeaderChangeVoter,
  type RaftControlRecord,
  type RaftControlValues,
} from './records/raft-control-records.ts'
export {
  attributeBits,
  compressionOf,
  decodeBatchHeader,
  encodeBatchHeader,
  hasDeleteHorizon,
  hasValidCrc,
  isControl,
  isTransactional,
  type RecordBatchHeader,
  recordBatchOverhead,
  setOffsetAndEpoch,
  type TimestampType,
  timestampTypeOf,
  writeCrc,
} from './records/record-batch.ts'
export {
  type CopyCounter,
  type RawRecord,
  type RecordContext,
  type RecordSource,
  rawSource,
} from './records/record-context.ts'
export { recordSizeUpperBound } from './records/record-encoder.ts'
export type { RecordTimes } from './records/record-times.ts'
export { RecordsReader, type RecordsReaderOptions } from './records/records-reader.ts'
export {
  decodeShareStateRecord,
  encodeShareStateRecord,
  type ShareSnapshotRecord,
  type ShareSnapshotState,
  type ShareStateBatch,
  type ShareStateRecord,
  type ShareUpdateRecord,
  type ShareUpdateState,
} from './records/share-state-records.ts'
export type { Header, ReadableHeaders, RecordData } from './types.ts'
