// Records in a form that is quick to compare and to read in a failure: comparing megabytes of Buffer
// element by element takes minutes.

import { createHash } from 'node:crypto'
import type { Consumer, ConsumerRecord } from '../../src/index.ts'
import type { JavaRecord } from '../harness/java-tools.ts'

/** Text stands for its UTF-8 bytes; great values are told by length and digest; null stays null. */
export function shown(value: string | Uint8Array | null | undefined): string | null {
  if (value === null || value === undefined) return null
  const bytes = Buffer.from(value as Uint8Array)
  if (bytes.length <= 100) return `hex ${bytes.toString('hex')}`
  return `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex')}`
}

/** What is compared of a record. */
export interface ShownRecord {
  partition: number
  offset: bigint
  timestamp: number
  timestampType: JavaRecord['timestampType']
  key: string | null
  value: string | null
  headers: [string, string | null][]
}

/** A record as the Java consumer read it. */
export function shownJavaRecord({ leaderEpoch: _, ...record }: JavaRecord): ShownRecord {
  return {
    ...record,
    key: shown(record.key),
    value: shown(record.value),
    headers: record.headers.map(([key, value]) => [key, shown(value)]),
  }
}

/** A record as we read it. */
export function shownRecord(record: ConsumerRecord): ShownRecord {
  const { partition, offset, timestamp, timestampType, key, value, headers } = record
  return {
    partition,
    offset,
    timestamp,
    timestampType,
    key: shown(key),
    value: shown(value),
    headers: [...headers].map((header) => [header.key, shown(header.value)]),
  }
}

/** By partition, then offset, as Java's are sorted. */
export function byPlace(
  a: { partition: number; offset: bigint },
  b: { partition: number; offset: bigint },
): number {
  return a.partition - b.partition || Number(a.offset - b.offset)
}

/** `partition@offset=value` of each record, by partition, then offset. */
export function shownPlaces(
  records: Iterable<{ partition: number; offset: bigint; value: unknown }>,
): string[] {
  return [...records]
    .sort(byPlace)
    .map(({ partition, offset, value }) => `${partition}@${offset}=${value}`)
}

/** The next `count` records, which are done then. */
export async function take(consumer: Consumer, count: number): Promise<ConsumerRecord[]> {
  const records: ConsumerRecord[] = []
  const loop = consumer.records()
  for await (const record of loop) {
    records.push(record)
    if (records.length < count) continue
    loop.markDone()
    break
  }
  return records
}
