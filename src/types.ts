// Small public types that several folders share.

/** One partition of one topic. */
export interface TopicPartition {
  topic: string
  partition: number
}

/** What a key or a value may be before serialization. `null` is Kafka's null (a tombstone). */
export type Bytes = string | Uint8Array | null

/** One header as it stands in a record: repeatable and ordered. */
export interface Header {
  key: string
  value: Buffer | null
}
