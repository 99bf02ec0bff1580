// The errors of a batch that cannot be read: which record and field, and where that lies in the bytes
// that the batch was read from. Nothing of this runs while records can be read.

import { DecodeError } from '../errors.ts'
import { recordBatchOverhead } from './record-batch.ts'
import { batchName, type RecordSource } from './record-context.ts'
import { readVarint, varintEnd } from './varint.ts'

/** What the errors of a batch say of it. */
export interface BatchPlace {
  readonly source: RecordSource<unknown, unknown>
  readonly magic: number
  readonly baseOffset: bigint
  readonly recordCount: number
  /** Where it starts in the bytes that it was read from: errors say positions in those. */
  readonly start: number
  /** Bytes of the batch as it came. */
  readonly size: number
  /** Whether its records lie in those bytes: not when they were decompressed or converted. */
  readonly isAsItCame: boolean
}

/** The error of record number `index`, found at byte `at` of the batch, or of its decompressed records. */
export function recordError(
  place: BatchPlace,
  index: number,
  reason: string,
  at: number,
  field: string = `records[${index}]`,
): DecodeError {
  const { magic, isAsItCame, start } = place
  const isConverted = magic !== 2
  const behindHeader = start + (isConverted ? 0 : recordBatchOverhead)
  const position = isAsItCame ? start + at : behindHeader
  const where = isAsItCame
    ? `byte ${position}`
    : `byte ${at} of its ${isConverted ? 'converted' : 'decompressed'} records`
  return new DecodeError(
    `${nameOf(place)}, record ${index} of ${place.recordCount}: ${reason} (${where}) in ${field}`,
    { api: 'RecordBatch', version: magic, field, position },
  )
}

/** The error of a codec, with the name and the place of the batch. Other errors stay as they are. */
export function inBatch(place: BatchPlace, error: unknown): unknown {
  if (!(error instanceof DecodeError)) return error
  // A codec may have looked for more than there is.
  const within = Math.min(Math.max(0, error.position), place.size - recordBatchOverhead)
  return new DecodeError(`${nameOf(place)}: ${error.message}`, {
    api: 'RecordBatch',
    version: place.magic,
    field: error.field || 'records',
    position: place.start + recordBatchOverhead + within,
    cause: error,
  })
}

/**
 * The name of the field of record number `index` whose varint cannot be read, found by walking there
 * from the first record, which starts at byte `start`. Reading stopped at byte `failedAt`.
 */
export function failingField(
  bytes: Buffer,
  start: number,
  index: number,
  failedAt: number,
): string {
  let at = start
  for (let record = 0; record < index; record++) {
    at = varintEnd(bytes, at) + readVarint(bytes, at)
  }
  // Fields before the one that failed are well-formed.
  const lengthEnd = varintEnd(bytes, at)
  if (lengthEnd >= failedAt) return 'length'
  const recordEnd = lengthEnd + readVarint(bytes, at)
  at = lengthEnd + 1
  for (const name of ['timestampDelta', 'offsetDelta', 'key', 'value']) {
    const end = varintEnd(bytes, at)
    if (end >= failedAt) return name
    const isDelta = name === 'timestampDelta' || name === 'offsetDelta'
    at = isDelta ? end : end + Math.max(0, readVarint(bytes, at))
    // A length that lies is at fault, not what is read where it leads.
    if (at > recordEnd) return name
  }
  return 'headers'
}

function nameOf({ source, baseOffset }: BatchPlace): string {
  return batchName(source, baseOffset)
}
