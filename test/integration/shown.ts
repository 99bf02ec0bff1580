// Records in a form that is quick to compare and to read in a failure: comparing megabytes of Buffer
// element by element takes minutes.

import { createHash } from 'node:crypto'
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
