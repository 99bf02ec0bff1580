// Reads the ledger of a load process (workers/facts.mjs) into what the oracle asks of it. A run at full
// speed has millions of records: they lie in columns, 26 bytes each, and the file is read piece by piece.

import { createReadStream } from 'node:fs'
import { acked, factSize, failedMaybe, failedNo, sent } from './workers/facts.mjs'

export type Outcome = 'unsettled' | 'acked' | 'failedNo' | 'failedMaybe'

/** One record, as its sender knows it. */
export interface Sent {
  sequence: number
  sentAt: number
  outcome: Outcome
  /** As acknowledged; -1 where it was not told. */
  offset: number
  settledAt: number
  /** How many outcomes were reported. */
  outcomes: number
}

const outcomeOf: Record<number, Outcome> = {
  0: 'unsettled',
  [acked]: 'acked',
  [failedNo]: 'failedNo',
  [failedMaybe]: 'failedMaybe',
}

/** The records of one partition, by sequence: that is the order in which they were sent. */
export class SentRecords implements Iterable<Sent> {
  length = 0
  #kinds = new Uint8Array(1024)
  #outcomes = new Uint8Array(1024)
  #sentAt = new Float64Array(1024)
  #settledAt = new Float64Array(1024)
  #offsets = new Float64Array(1024)

  add(sentAt: number): void {
    if (this.length === this.#kinds.length) this.#grow()
    this.#sentAt[this.length] = sentAt
    this.#settledAt[this.length] = -1
    this.#offsets[this.length++] = -1
  }

  settle(sequence: number, kind: number, offset: number, at: number): void {
    // The first one is what the caller acts on; a second is counted and judged.
    if (this.#outcomes[sequence]++ > 0) return
    this.#kinds[sequence] = kind
    this.#offsets[sequence] = offset
    this.#settledAt[sequence] = at
  }

  has(sequence: number): boolean {
    return sequence < this.length
  }

  get(sequence: number): Sent {
    return {
      sequence,
      sentAt: this.#sentAt[sequence],
      outcome: outcomeOf[this.#kinds[sequence]],
      offset: this.#offsets[sequence],
      settledAt: this.#settledAt[sequence],
      outcomes: this.#outcomes[sequence],
    }
  }

  *[Symbol.iterator](): Generator<Sent> {
    for (let sequence = 0; sequence < this.length; sequence++) yield this.get(sequence)
  }

  /** When acknowledgements came, in order. */
  ackTimes(): Float64Array {
    return this.#ofAcked((sequence) => this.#settledAt[sequence])
  }

  /** How long each acknowledged record took, shortest first. */
  latencies(): Float64Array {
    return this.#ofAcked((sequence) => this.#settledAt[sequence] - this.#sentAt[sequence])
  }

  #ofAcked(figure: (sequence: number) => number): Float64Array {
    const figures = new Float64Array(this.length)
    let count = 0
    for (let sequence = 0; sequence < this.length; sequence++) {
      if (this.#kinds[sequence] === acked) figures[count++] = figure(sequence)
    }
    return figures.subarray(0, count).sort()
  }

  #grow(): void {
    const size = this.length * 2
    const grown = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(size)
      to.set(from)
      return to
    }
    const grownBytes = (from: Uint8Array): Uint8Array<ArrayBuffer> => {
      const to = new Uint8Array(size)
      to.set(from)
      return to
    }
    this.#kinds = grownBytes(this.#kinds)
    this.#outcomes = grownBytes(this.#outcomes)
    this.#sentAt = grown(this.#sentAt)
    this.#settledAt = grown(this.#settledAt)
    this.#offsets = grown(this.#offsets)
  }
}

/** By partition. */
export type Ledger = Map<number, SentRecords>

export async function readLedger(file: string): Promise<Ledger> {
  const ledger: Ledger = new Map()
  for await (const facts of readPieces(file, factSize)) addFacts(ledger, facts)
  return ledger
}

export function decodeLedger(facts: Buffer): Ledger {
  const ledger: Ledger = new Map()
  addFacts(ledger, facts)
  return ledger
}

function addFacts(ledger: Ledger, facts: Buffer): void {
  for (let at = 0; at + factSize <= facts.length; at += factSize) {
    const kind = facts[at]
    const partition = facts[at + 1]
    const sequence = facts.readUInt32BE(at + 4)
    const time = facts.readDoubleBE(at + 16)
    let records = ledger.get(partition)
    if (records === undefined) {
      records = new SentRecords()
      ledger.set(partition, records)
    }
    if (kind === sent) {
      if (sequence !== records.length) throw new Error(`record ${sequence} sent out of turn`)
      records.add(time)
      continue
    }
    if (!records.has(sequence)) throw new Error(`an outcome of record ${sequence}, never sent`)
    records.settle(sequence, kind, facts.readDoubleBE(at + 8), time)
  }
}

/** A file of entries of one size, in pieces of whole entries. */
export async function* readPieces(file: string, entrySize: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
    const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const whole = bytes.length - (bytes.length % entrySize)
    yield bytes.subarray(0, whole)
    rest = bytes.subarray(whole)
  }
}
