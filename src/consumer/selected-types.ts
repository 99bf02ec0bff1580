// What the topics of a consumer say of its records, for the compiler alone.

import type { ConsumerRecord } from '../records/consumer-record.ts'
import type { Topic } from '../types.ts'
import type { ConsumerBatch } from './delivery/consumer-batch.ts'

/** A record of a topic with a known name. */
export type RecordOf<K, V, Name extends string> = ConsumerRecord<K, V> & { readonly topic: Name }

/**
 * The record that a selector gives: a `kafka.topic()` its own types under its name; a name or a regular
 * expression those of the consumer's deserializers.
 */
export type SelectedRecord<Selector, K, V> =
  Selector extends Topic<infer TK, infer TV, infer Name>
    ? RecordOf<TK, TV, Name>
    : ConsumerRecord<K, V>

export type SelectedKey<Selector, K> = Selector extends Topic<infer TK, infer _> ? TK : K

export type SelectedValue<Selector, V> = Selector extends Topic<infer _, infer TV> ? TV : V

/** The batch of a record's topic. */
export type BatchOf<R> =
  R extends RecordOf<infer K, infer V, infer Name>
    ? ConsumerBatch<K, V> & { readonly topic: Name; readonly records: readonly R[] }
    : never
