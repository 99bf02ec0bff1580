// Where `roundtrip` takes its records from: generated events, or the lines of a file or of standard
// input. Either can give record `i` once more, to compare with what came back.

import { createReadStream } from 'node:fs'
import { eventSource } from './events.ts'

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
      let chunk: Buffer[] = []
      for await (const line of lines(path === '-' ? process.stdin : createReadStream(path))) {
        if (records.length === count) break
        records.push(line)
        chunk.push(line)
        if (chunk.length < CHUNK_LENGTH) continue
        yield chunk
        chunk = []
      }
      if (chunk.length > 0) yield chunk
    },
    value: (i) => records[i],
  }
}

/** Lines as they are, without their ends: no decoding, so that any bytes come through. */
async function* lines(stream: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let open: Buffer = Buffer.alloc(0)
  for await (const piece of stream) {
    const bytes = open.length === 0 ? piece : Buffer.concat([open, piece])
    let start = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      yield withoutCarriageReturn(bytes.subarray(start, end))
      start = end + 1
    }
    open = bytes.subarray(start)
  }
  if (open.length > 0) yield withoutCarriageReturn(open)
}

function withoutCarriageReturn(line: Buffer): Buffer {
  return line.at(-1) === 13 ? line.subarray(0, -1) : line
}
