// What the topics of a share consumer say of its records, for the compiler alone.

import type { Topic } from '../types.ts'
import type { ShareBatch } from './share-batch.ts'
import type { ShareRecord } from './share-record.ts'

/** A record of a topic with a known name. */
export type ShareRecordOf<K, V, Name extends string> = ShareRecord<K, V> & { readonly topic: Name }

/** The record that a selector gives: a `kafka.topic()` its types, a name those of the deserializers. */
export type SelectedShareRecord<Selector, K, V> =
  Selector extends Topic<infer TK, infer TV, infer Name>
    ? ShareRecordOf<TK, TV, Name>
    : ShareRecord<K, V>

/** The batch of a record's topic. */
export type ShareBatchOf<R> =
  R extends ShareRecordOf<infer K, infer V, infer Name>
    ? ShareBatch<K, V> & { readonly topic: Name; readonly records: readonly R[] }
    : never
