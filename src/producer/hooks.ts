// What a program may hang into a producer: functions given as options. An exception thrown in one is
// logged and changes nothing.

import type { KafkaError } from '../errors.ts'
import type { TopicPartition } from '../types.ts'
import type { ProducerRecord } from './record.ts'
import type { RecordMetadata } from './record-metadata.ts'

/**
 * The outcome of one record: `error` is null when it was acknowledged. `context` is what was given to
 * `enqueue` beside the record. Of a record that failed, the metadata has offset -1.
 */
export type OnDelivery = (
  error: KafkaError | null,
  metadata: RecordMetadata,
  context: unknown,
) => void

/** Called around each record, like Java's ProducerInterceptor. */
export interface ProducerInterceptor {
  /**
   * Before anything is done with a record: what it returns is sent in its place. Returning nothing sends the
   * record as it is.
   */
  onSend?(record: ProducerRecord<unknown, unknown>): ProducerRecord<unknown, unknown> | undefined
  /** When the outcome of a record is known. `error` is null when it was acknowledged. */
  onAcknowledgement?(metadata: RecordMetadata, error: KafkaError | null): void
}

/** A broker no longer has records that it had acknowledged, or lost their order. */
export interface DataLoss extends TopicPartition {
  /** The last offset that was acknowledged to this producer; -1n where none is known. */
  lastAckedOffset: bigint
}
