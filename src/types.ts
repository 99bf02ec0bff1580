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
  /** Each with the id of the topic that was read, if it is known: one that was created again takes no offset of before. */
  offsets: (OffsetToCommit & { topicId?: string })[]
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

/** What a serializer is told about the record, and the headers that it may add to. */
export interface SerializeContext {
  readonly topic: string
  /** Whether the key is serialized, not the value. */
  readonly isKey: boolean
  /** Set when the record names its partition. */
  readonly partition?: number
  /** The headers of the record. What is added is sent with it. */
  readonly headers: WritableHeaders
}

/** Headers of a record that is about to be sent. Reading them costs a copy of the list. */
export interface WritableHeaders
  extends Iterable<{ readonly key: string; readonly value: RecordData }> {
  /** Adds a header behind the others. */
  add(key: string, value: RecordData): void
  /** Adds a header in place of every other one of this key. */
  set(key: string, value: RecordData): void
  /** Returns the value of the last header of this key; undefined without one. */
  get(key: string): RecordData | undefined
}

/** What a deserializer is told about the record. */
export interface DeserializeContext {
  readonly topic: string
  /** Whether the key is deserialized, not the value. */
  readonly isKey: boolean
  readonly partition: number
  readonly headers: ReadableHeaders
}

/** Headers of a record that was read. */
export interface ReadableHeaders extends Iterable<Header> {
  /** Returns the value of the last header of this key; undefined without one. */
  get(key: string): Buffer | null | undefined
  /** Returns the values of every header of this key, in order. */
  getAll(key: string): (Buffer | null)[]
  has(key: string): boolean
}

/**
 * Turns a value into the bytes of a record. What it throws, or rejects with, fails that record alone, as
 * the cause of a SerializationError.
 */
export interface Serializer<T> {
  serialize(value: T, context: SerializeContext): RecordData | Promise<RecordData>
}

/**
 * Turns the bytes of a record into a value. What it throws, or rejects with, is the cause of a
 * DeserializationError.
 */
export interface Deserializer<T> {
  deserialize(bytes: Buffer | null, context: DeserializeContext): T | Promise<T>
  /**
   * Promises that `deserialize` never returns a promise. It is then called when the key or value is first
   * read. Without this, it is called for each record before the record is delivered.
   */
  readonly isSync?: true
}

/** Both directions. `serdes` has the usual ones. */
export interface Serde<T> extends Serializer<T>, Deserializer<T> {}

/** A topic together with what its keys and values are: made by `kafka.topic()`. */
export interface Topic<K = RecordData, V = RecordData, Name extends string = string> {
  readonly name: Name
  readonly key: Serde<K>
  readonly value: Serde<V>
}
