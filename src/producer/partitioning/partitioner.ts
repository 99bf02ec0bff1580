// Which partition a record goes to: explicit, then a function of the user, then the hash of the key over
// all partitions, available or not, then none of them (sticky-partitioner.ts). Once chosen, never again.

import { watchRejection } from '../../async/rejections.ts'
import type { PartitionMetadata } from '../../cluster/metadata-snapshot.ts'
import { describeValue, InvalidArgumentError } from '../../errors.ts'
import type { HeaderInput } from '../../records/headers.ts'
import type { RecordData } from '../../types.ts'
import type { ProducerTopic } from '../batching/topic.ts'
import { crc32Partition, fnv1aPartition } from './key-hashes.ts'
import { partitionForKey } from './murmur2.ts'

/** How records without an explicit partition are spread: see `partitioner` of the options. */
export type PartitionerName = 'murmur2' | 'roundRobin' | 'random' | 'consistentCrc32' | 'fnv1a'

/** What a partitioner of the user is given of a record, serialized. */
export interface PartitionerRecord {
  readonly topic: string
  readonly key: RecordData
  readonly value: RecordData
  readonly headers: readonly HeaderInput[]
}

/** Chooses among `partitions` (the index is the partition; leader -1: none now) and returns the index. */
export type Partitioner = (
  record: PartitionerRecord,
  partitions: readonly PartitionMetadata[],
) => number

/** What `choose` returns for a record that goes wherever the sticky partitioner says. */
export const ANY_PARTITION = -1

type KeyHash = (key: string | Uint8Array, partitions: number) => number

export class PartitionChooser {
  private readonly hash: KeyHash | null
  private readonly spread: ((topic: ProducerTopic) => number) | null
  private readonly custom: Partitioner | null

  constructor(options: {
    partitioner: PartitionerName | Partitioner
    ignoresKeys: boolean
    random: () => number
  }) {
    const { partitioner, ignoresKeys, random } = options
    this.custom = typeof partitioner === 'function' ? partitioner : null
    this.hash = ignoresKeys || typeof partitioner === 'function' ? null : hashes[partitioner]
    this.spread =
      partitioner === 'roundRobin'
        ? nextInTurn
        : partitioner === 'random'
          ? (topic) => pick(topic, Math.floor(random() * topic.metadata.length))
          : null
  }

  /** The partition of a record that names none, or `anyPartition`. */
  choose(
    topic: ProducerTopic,
    key: RecordData,
    value: RecordData,
    headers: readonly HeaderInput[],
  ): number {
    if (this.hash !== null) {
      return key === null ? ANY_PARTITION : this.hash(key, topic.metadata.length)
    }
    if (this.custom !== null) return this.ask(this.custom, topic, key, value, headers)
    return this.spread === null ? ANY_PARTITION : this.spread(topic)
  }

  private ask(
    partitioner: Partitioner,
    topic: ProducerTopic,
    key: RecordData,
    value: RecordData,
    headers: readonly HeaderInput[],
  ): number {
    const chosen = callPartitioner(partitioner, { topic: topic.name, key, value, headers }, topic)
    if (Number.isInteger(chosen) && chosen >= 0 && chosen < topic.metadata.length) return chosen
    watchRejection(chosen, () => {})
    throw new InvalidArgumentError(
      `option 'partitioner' must return a partition of topic "${topic.name}", a whole number from 0 to ${topic.metadata.length - 1}, got ${describeValue(chosen)}`,
    )
  }
}

/** @throws {InvalidArgumentError} with what the partitioner threw as its cause */
function callPartitioner(
  partitioner: Partitioner,
  record: Parameters<Partitioner>[0],
  { metadata }: ProducerTopic,
): number {
  try {
    return partitioner(record, metadata)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : describeValue(cause)
    throw new InvalidArgumentError(
      `option 'partitioner' threw for a record of topic "${record.topic}": ${reason}`,
      { cause },
    )
  }
}

const hashes: Readonly<Record<PartitionerName, KeyHash | null>> = {
  murmur2: partitionForKey,
  consistentCrc32: crc32Partition,
  fnv1a: fnv1aPartition,
  roundRobin: null,
  random: null,
}

function nextInTurn(topic: ProducerTopic): number {
  return pick(topic, topic.turn++)
}

/** Among those with a leader, if there are any. */
function pick(topic: ProducerTopic, turn: number): number {
  const { available, metadata } = topic
  return available.length > 0 ? available[turn % available.length] : turn % metadata.length
}
