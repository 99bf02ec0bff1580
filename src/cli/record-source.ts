// Where `roundtrip` takes its records from: generated events, or the lines of a file or of standard
// input. Either can give record `i` once more, to compare with what came back.

import { createReadStream } from 'node:fs'
import { addAll } from '../collections/long-lists.ts'
import { eventSource } from './events.ts'
import { lineGroups } from './lines.ts'

/** The values to be sent, in chunks. Afterwards `value(i)` gives each again. */
export interface RecordSource {
  chunks(): AsyncIterable<readonly Buffer[]>
  value(i: number): Buffer
}

const CHUNK_LENGTH = 1000

/** Generated JSON events: each a function of its number, so none is kept. */
export function generatedRecords(count: number, size: number): RecordSource {
  const event = eventSource(size)
  return {
    async *chunks() {
      for (let first = 0; first < count; first += CHUNK_LENGTH) {
        const length = Math.min(CHUNK_LENGTH, count - first)
        yield Array.from({ length }, (_, i) => event(first + i))
      }
    },
    value: event,
  }
}

/** The lines of `path` (`-`: standard input), at most `count`. They are kept until the comparison. */
export function inputRecords(path: string, count: number): RecordSource {
  const records: Buffer[] = []
  return {
    async *chunks() {
      for await (const lines of lineGroups(path === '-' ? process.stdin : createReadStream(path))) {
        for (let first = 0; first < lines.length; first += CHUNK_LENGTH) {
          const room = Math.min(CHUNK_LENGTH, count - records.length)
          const chunk = lines.slice(first, first + room)
          addAll(records, chunk)
          if (chunk.length > 0) yield chunk
          if (records.length === count) return
        }
      }
    },
    value: (i) => records[i],
  }
}
