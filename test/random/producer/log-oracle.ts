// Compares the broker's logs, byte by byte, with what each caller was told.

import {
  BufferExhaustedError,
  DeliveryError,
  InvalidArgumentError,
  SerializationError,
  TransactionAbortableError,
} from '../../../src/errors.ts'
import { decodeControlRecord } from '../../../src/records/control-record.ts'
import { isControl, isTransactional } from '../../../src/records/record-batch.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { Given, Outcome } from './records.ts'

/** What became of a transaction, as its producer was told. */
export interface TransactionFate {
  readonly number: number
  readonly outcome: 'committed' | 'aborted' | 'unknown'
  /** The offset that it sent for the group; null: none. */
  readonly offset: bigint | null
}

interface Found {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly isVisible: boolean
}

export interface OracleInput {
  readonly cluster: TestCluster
  readonly topics: readonly string[]
  readonly given: readonly Given[]
  readonly isIdempotent: boolean
  readonly transactions: readonly TransactionFate[]
  /** How often each topic was made anew. */
  readonly incarnations: ReadonlyMap<string, number>
}

/** @throws what is wrong: the first of it */
export async function judge(input: OracleInput): Promise<void> {
  const found = await readLogs(input)
  for (const record of input.given) judgeRecord(record, found.get(record.id) ?? [], input)
  judgeOrder(input, found)
  judgeTransactions(input, found)
}

async function readLogs({ cluster, topics, given }: OracleInput): Promise<Map<number, Found[]>> {
  const byId = new Map(given.map((record) => [record.id, record]))
  const found = new Map<number, Found[]>()
  for (const topic of topics) {
    for (let partition = 0; partition < partitionsOf(cluster, topic); partition++) {
      const batches = await cluster.partition(topic, partition).decode()
      const ends = endsOf(batches)
      for (const batch of batches) {
        if (isControl(batch.attributes)) continue
        const isVisible =
          !isTransactional(batch.attributes) ||
          ends.find((end) => end.producerId === batch.producerId && end.offset > batch.baseOffset)
            ?.isCommit === true
        for (const record of batch.records) {
          const id = Number(record.timestamp)
          const expected = byId.get(id)
          const at = `${topic}-${partition} offset ${record.offset}`
          if (expected === undefined) throw new Error(`${at}: nobody gave record ${id}`)
          if (expected.topic !== topic) throw new Error(`${at}: record ${id} is in another topic`)
          same(`${at}: the key of ${id}`, record.key, expected.key)
          same(`${at}: the value of ${id}`, record.value, expected.value)
          const { headers } = record
          if (headers.length !== expected.headers.length) throw new Error(`${at}: headers of ${id}`)
          headers.forEach(({ key, value }, i) => {
            if (key !== expected.headers[i].key) throw new Error(`${at}: a header key of ${id}`)
            same(`${at}: header ${i} of ${id}`, value, expected.headers[i].value)
          })
          const places = found.get(id) ?? []
          places.push({ topic, partition, offset: record.offset, isVisible })
          found.set(id, places)
        }
      }
    }
  }
  return found
}

function endsOf(batches: readonly Awaited<ReturnType<typeof decodeAll>>[number][]) {
  return batches
    .filter(({ attributes }) => isControl(attributes))
    .map((batch) => {
      const [{ key }] = batch.records
      const marker = key === null ? null : decodeControlRecord(key, batch.records[0].value)
      const isCommit = marker?.type === 'COMMIT'
      return { producerId: batch.producerId, offset: batch.baseOffset, isCommit }
    })
}

const decodeAll = (cluster: TestCluster) => cluster.partition('', 0).decode()

function partitionsOf(cluster: TestCluster, topic: string): number {
  for (let count = 0; ; count++) {
    try {
      cluster.partition(topic, count)
    } catch {
      return count
    }
  }
}

function same(what: string, got: Buffer | null, expected: Buffer | null): void {
  if (got === null || expected === null ? got === expected : got.equals(expected)) return
  const size = (bytes: Buffer | null) => (bytes === null ? 'null' : `${bytes.length} bytes`)
  throw new Error(`${what} has ${size(got)} that are not the ${size(expected)} that were given`)
}

function judgeRecord(record: Given, places: readonly Found[], input: OracleInput): void {
  const { id, topic, incarnation, told } = record
  const wasRecreated = input.incarnations.get(topic) !== incarnation
  if (input.isIdempotent && places.length > 1 && !wasRecreated) {
    throw new Error(`record ${id} is ${places.length} times in the log`)
  }
  if (told.length > 1) throw new Error(`onDelivery was told ${told.length} times of record ${id}`)
  for (const outcome of [record.outcome, ...told]) {
    if (outcome !== null) judgeOutcome(record, outcome, places, wasRecreated)
  }
  if (record.isLimited || record.outcome === null || told.length === 0) return
  const isAgreed = (record.outcome.error === null) === (told[0].error === null)
  if (!isAgreed) throw new Error(`onDelivery and the promise of record ${id} disagree`)
}

function judgeOutcome(
  { id }: Given,
  { error, partition, offset }: Outcome,
  places: readonly Found[],
  wasRecreated: boolean,
): void {
  if (wasRecreated) return
  if (error === null) {
    if (places.length === 0) throw new Error(`record ${id} was acknowledged and is not in the log`)
    const isThere = places.some((at) => at.partition === partition && at.offset === offset)
    if (offset >= 0n && !isThere) throw new Error(`record ${id} is not at ${partition}/${offset}`)
    return
  }
  requireExpected(id, error)
  // A call that was refused, or aborted by its signal, before the record was taken.
  const persisted = error instanceof DeliveryError ? error.persisted : 'no'
  const isAbort = !(error instanceof Error)
  if (persisted === 'no' && !isAbort && places.length > 0) {
    throw new Error(`record ${id} is in the log, and failed as not persisted: ${error}`)
  }
}

/** Every record is a good one: what it may fail with is what a program must expect. */
function requireExpected(id: number, error: unknown): void {
  if (!(error instanceof Error) || error.message.includes('the source failed')) return
  const isExpected = [DeliveryError, BufferExhaustedError, TransactionAbortableError].some(
    (kind) => error instanceof kind,
  )
  if (error instanceof SerializationError && /planned/.test(error.message)) return
  const isTooLarge = error instanceof InvalidArgumentError && /maxRequestSize/.test(error.message)
  if (!isExpected && !isTooLarge) throw new Error(`record ${id} failed with ${error.stack}`)
}

/** Acknowledged records of one named partition are in the order in which they were given. */
function judgeOrder(
  { given, isIdempotent, incarnations }: OracleInput,
  found: Map<number, Found[]>,
) {
  if (!isIdempotent) return
  const last = new Map<string, bigint>()
  const lastTold = new Map<string, number>()
  for (const record of given) {
    const { topic, partition, incarnation, outcome, told } = record
    const name = `${topic}-${partition}`
    if (partition < 0 || incarnations.get(topic) !== incarnation) continue
    if (told.length === 1 && told[0].partition >= 0 && !record.isLimited) {
      const before = lastTold.get(name) ?? -1
      const wasTaken = told[0].error === null
      if (wasTaken && record.toldAt < before) {
        throw new Error(`onDelivery was told of record ${record.id} after later ones of ${name}`)
      }
      if (wasTaken) lastTold.set(name, record.toldAt)
    }
    if ((outcome ?? told[0])?.error !== null) continue
    const offset = found.get(record.id)?.[0].offset
    if (offset === undefined) continue
    const before = last.get(name) ?? -1n
    if (offset < before) throw new Error(`record ${record.id} is before its forerunner in ${name}`)
    last.set(name, offset)
  }
}

function judgeTransactions(
  { given, transactions, incarnations, cluster }: OracleInput,
  found: Map<number, Found[]>,
): void {
  for (const { number, outcome } of transactions) {
    const own = given.filter(
      (record) =>
        record.transaction === number &&
        incarnations.get(record.topic) === record.incarnation &&
        // enqueue() threw it: the record was not taken, and may be given again.
        !(record.outcome?.error instanceof BufferExhaustedError),
    )
    const isVisible = (record: Given) => found.get(record.id)?.some((at) => at.isVisible) ?? false
    const visible = own.filter(isVisible).length
    if (outcome === 'committed' && visible < own.length) {
      throw new Error(
        `transaction ${number} was committed, and ${own.length - visible} of its ${own.length} records are not visible`,
      )
    }
    if (outcome === 'aborted' && visible > 0) {
      throw new Error(`transaction ${number} was aborted, and ${visible} records are visible`)
    }
    if (outcome === 'unknown' && visible > 0 && visible < own.length) {
      throw new Error(`transaction ${number} is visible in part: ${visible} of ${own.length}`)
    }
  }
  judgeOffset(transactions, cluster)
}

/** The group is at the offset of the last transaction that was committed, or of one that may have been. */
function judgeOffset(transactions: readonly TransactionFate[], cluster: TestCluster): void {
  const allowed: (bigint | null)[] = []
  let isDecided = false
  for (const { outcome, offset } of transactions.toReversed()) {
    if (offset === null || outcome === 'aborted') continue
    allowed.push(offset)
    isDecided = outcome === 'committed'
    if (isDecided) break
  }
  if (!isDecided) allowed.push(null)
  const stored = cluster.committedOffset('g', 'input', 0)
  if (allowed.includes(stored)) return
  throw new Error(`the group is at ${stored}, and was told to be at ${allowed.join(' or ')}`)
}
