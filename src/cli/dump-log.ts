// The text of a segment in the form of Kafka's kafka-dump-log, and the entries of its indexes.

import { DecodeError } from '../errors.ts'
import { decodeControlRecord } from '../records/control-record.ts'
import { type DecodedRecord, decodeBatchWithin, type RecordBatch } from '../records/decode-batch.ts'
import { DecodeBudget } from '../records/decode-budget.ts'
import { decodeLegacyMessage } from '../records/legacy-messages.ts'
import type {
  AbortedTransactionEntry,
  OffsetIndexEntry,
  SegmentBatch,
  TimeIndexEntry,
} from '../records/log-segment.ts'
import { decodeRaftControlRecord } from '../records/raft-control-records.ts'
import {
  compressionOf,
  hasDeleteHorizon,
  isControl,
  isTransactional,
  timestampTypeOf,
} from '../records/record-batch.ts'

/** One batch of a segment with its records; null where those cannot be read. */
export interface DumpedBatch {
  readonly batch: SegmentBatch
  readonly content: RecordBatch | null
  readonly error: DecodeError | null
}

/** Decodes a batch of a segment for printing: each has its own budget, as it is printed and forgotten. */
export async function decodeForDump(
  batch: SegmentBatch,
  limits: { maxDecodedBytes?: number; maxDecompressedBytes?: number },
): Promise<DumpedBatch> {
  try {
    const budget = new DecodeBudget(limits)
    const content =
      batch.magic === 2
        ? await decodeBatchWithin(budget, batch.bytes, 0)
        : asBatch(batch.bytes, budget)
    return { batch, content, error: null }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { batch, content: null, error }
  }
}

function asBatch(bytes: Buffer, budget: DecodeBudget): RecordBatch {
  const { magic, crc, attributes, records } = decodeLegacyMessage(bytes, true, budget)
  const first = records[0]
  const last = records[records.length - 1]
  return {
    baseOffset: first.offset,
    batchLength: bytes.length - 12,
    partitionLeaderEpoch: -1,
    magic,
    crc,
    attributes,
    lastOffsetDelta: Number(last.offset - first.offset),
    baseTimestamp: first.timestamp,
    maxTimestamp: latest(records.map(({ timestamp }) => timestamp)),
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: records.length,
    records: records.map(({ offset, timestamp, key, value }) => ({
      attributes: 0,
      timestampDelta: timestamp - first.timestamp,
      offsetDelta: Number(offset - first.offset),
      offset,
      timestamp,
      key,
      value,
      headers: [],
    })),
  }
}

function latest(times: readonly bigint[]): bigint {
  let max = -1n
  for (const time of times) if (time > max) max = time
  return max
}

/** The lines that `kafka-dump-log --print-data-log` prints for a batch, but the first two of the file. */
export function dumpLines({ batch, content, error }: DumpedBatch, withRecords: boolean): string[] {
  if (content === null) {
    return [
      `baseOffset: ${batch.baseOffset} position: ${batch.position} size: ${batch.bytes.length} magic: ${batch.magic} isvalid: false (${error?.message})`,
    ]
  }
  const lines = [batchLine(batch, content)]
  if (!withRecords) return lines
  for (const record of content.records) lines.push(recordLine(content, record))
  return lines
}

function batchLine(batch: SegmentBatch, content: RecordBatch): string {
  const { attributes, baseOffset, baseSequence, lastOffsetDelta } = content
  const lastSequence = baseSequence < 0 ? -1 : (baseSequence + lastOffsetDelta) % 2 ** 31
  const horizon = hasDeleteHorizon(attributes)
    ? `OptionalLong[${content.baseTimestamp}]`
    : 'OptionalLong.empty'
  return [
    `baseOffset: ${baseOffset} lastOffset: ${baseOffset + BigInt(lastOffsetDelta)}`,
    `count: ${content.recordCount} baseSequence: ${baseSequence} lastSequence: ${lastSequence}`,
    `producerId: ${content.producerId} producerEpoch: ${content.producerEpoch}`,
    `partitionLeaderEpoch: ${content.partitionLeaderEpoch}`,
    `isTransactional: ${isTransactional(attributes)} isControl: ${isControl(attributes)}`,
    `deleteHorizonMs: ${horizon} position: ${batch.position}`,
    `${timestampTypeOf(attributes)}: ${content.maxTimestamp} size: ${batch.bytes.length}`,
    `magic: ${content.magic} compresscodec: ${compressionOf(attributes)} crc: ${content.crc}`,
    `isvalid: ${batch.hasValidCrc ?? true}`,
  ].join(' ')
}

function recordLine(content: RecordBatch, record: DecodedRecord): string {
  const { attributes, baseSequence } = content
  const sequence = baseSequence < 0 ? -1 : (baseSequence + record.offsetDelta) % 2 ** 31
  const sizes = `keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1}`
  const headers = record.headers.map(({ key }) => key).join(',')
  const start = `| offset: ${record.offset} ${timestampTypeOf(attributes)}: ${record.timestamp} ${sizes} sequence: ${sequence} headerKeys: [${headers}]`
  if (isControl(attributes)) return `${start} ${controlText(record)}`
  const key = record.key === null ? '' : ` key: ${record.key.toString()}`
  const payload = record.value === null ? '' : ` payload: ${record.value.toString()}`
  return `${start}${key}${payload}`
}

function controlText(record: DecodedRecord): string {
  try {
    const control = decodeControlRecord(record.key, record.value)
    if ('coordinatorEpoch' in control) {
      return `endTxnMarker: ${control.type} coordinatorEpoch: ${control.coordinatorEpoch}`
    }
    if (control.type === 'UNKNOWN' || record.key === null || record.value === null) {
      return `controlType: ${control.type}(${control.typeId})`
    }
    const { type, ...content } = decodeRaftControlRecord(record.key, record.value)
    // Version 0 of LeaderChange has no directory ids; the other messages have them in each version.
    const hasNoIds = type === 'LEADER_CHANGE' && content.version === 0
    const shown = (name: string, value: unknown): unknown =>
      hasNoIds && name === 'voterDirectoryId' ? undefined : asNumber(name, value)
    return `${raftNames[type]} ${JSON.stringify(content, shown)}`
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return `(${error.message})`
  }
}

/** How kafka-dump-log begins control records of Raft logs. */
const raftNames = {
  LEADER_CHANGE: 'LeaderChange:',
  SNAPSHOT_HEADER: 'SnapshotHeader',
  SNAPSHOT_FOOTER: 'SnapshotFooter',
  KRAFT_VERSION: 'KRaftVersion',
  KRAFT_VOTERS: 'KRaftVoters',
}

/** Java writes an int64 as a number. */
function asNumber(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

/** An entry of any index. */
export type IndexEntry = OffsetIndexEntry | TimeIndexEntry | AbortedTransactionEntry

/** The line that `kafka-dump-log` prints for an entry of an index. */
export function indexLine(entry: IndexEntry): string {
  return Object.entries(entry)
    .map(([name, value]) => `${name}: ${value}`)
    .join(' ')
}
