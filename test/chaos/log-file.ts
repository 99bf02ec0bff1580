// The log as the witness wrote it down (JavaTools.dump), read piece by piece: who is to be found at
// which offset.

import { readPieces } from './ledger.ts'
import type { RecordName } from './workers/record.mjs'

/** A record as an independent reader found it. */
export interface LogRecord {
  partition: number
  offset: number
  /** What its bytes say of themselves; null when they are not as they were made. */
  name: RecordName | null
}

const entrySize = 24

/** In the order of each partition. */
export async function* readLog(file: string): AsyncGenerator<LogRecord[]> {
  for await (const piece of readPieces(file, entrySize)) {
    const records: LogRecord[] = []
    for (let at = 0; at < piece.length; at += entrySize) records.push(decode(piece, at))
    yield records
  }
}

/** As test/harness/java/Dump.java writes it. */
function decode(bytes: Buffer, at: number): LogRecord {
  const isIntact = bytes[at + 1] === 1
  const name = {
    producer: bytes.readUInt32BE(at + 4),
    partition: bytes.readUInt32BE(at + 8),
    sequence: bytes.readUInt32BE(at + 12),
  }
  return {
    partition: bytes[at],
    offset: Number(bytes.readBigInt64BE(at + 16)),
    name: isIntact ? name : null,
  }
}
