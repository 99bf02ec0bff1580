// Small public types that several folders share.

/** One partition of one topic. */
export interface TopicPartition {
  topic: string
  partition: number
}

/** The limits that every call that waits takes. */
export interface WaitOptions {
  /**
   * How long the call may take, in milliseconds. When the time is up it rejects with a TimeoutError. 0:
   * do not wait. Infinity, or more than 2^31-1: no limit.
   * @defaultValue the client's option for such calls
   */
  timeoutMs?: number
  /** Aborting it ends the call, which rejects with the signal's own reason. */
  signal?: AbortSignal
}

/** An offset to be committed: the next record to be read. */
export interface OffsetToCommit extends TopicPartition {
  offset: bigint
  leaderEpoch?: number
  /** Any text to be kept beside it. */
  metadata?: string
}

/** Identifies the consumer that commits offsets (KIP-447): for `sendOffsets` of a transaction. */
export interface ConsumerGroupMetadata {
  groupId: string
  /** The generation, or the member epoch; -1 for a consumer that is not a member. */
  generationId: number
  memberId: string
  groupInstanceId: string | null
}

/** What a consumer has delivered, and as which member. */
export interface TransactionOffsets {
  group: ConsumerGroupMetadata
  offsets: OffsetToCommit[]
}

/** A consumer whose offsets become part of a transaction: what a producer asks of it. */
export interface TransactionalConsumer {
  /** Offsets after everything that was delivered. Throws where that would cover the work of other handlers. */
  transactionOffsets(): TransactionOffsets
  /** Goes back to what the group has committed. Nothing is delivered before that is known. */
  seekToCommitted(limits?: WaitOptions): Promise<void>
}

/** What the key or value of a record may be: text (as UTF-8), bytes, or Kafka's null (a tombstone). */
export type RecordData = string | Uint8Array | null

/** One header as it stands in a record: repeatable and ordered. */
export interface Header {
  key: string
  value: Buffer | null
}

/** Turns a value into what stands in a record. Throw what you like: that record alone fails. */
export interface Serializer<T> {
  serialize(value: T, topic: string): RecordData
}

/** Turns what stands in a record into a value. What it throws reaches the reader with the record's place. */
export interface Deserializer<T> {
  deserialize(bytes: Buffer | null, topic: string): T
}

/** Both directions. `serdes` of the main door has the usual ones. */
export interface Serde<T> extends Serializer<T>, Deserializer<T> {}

/** A topic together with what its keys and values are: made by `kafka.topic()`. */
export interface Topic<K = RecordData, V = RecordData, Name extends string = string> {
  readonly name: Name
  readonly key: Serde<K>
  readonly value: Serde<V>
}
