// Reads the ledger of a load process (workers/facts.mjs) into what the oracle asks of it.

import { readFile } from 'node:fs/promises'
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

/** The records of one partition, by sequence: that is the order in which they were sent. */
export type Ledger = Map<number, Sent[]>

const outcomeOf: Record<number, Outcome> = {
  [acked]: 'acked',
  [failedNo]: 'failedNo',
  [failedMaybe]: 'failedMaybe',
}

export async function readLedger(file: string): Promise<Ledger> {
  return decodeLedger(await readFile(file))
}

export function decodeLedger(facts: Buffer): Ledger {
  const ledger: Ledger = new Map()
  for (let at = 0; at + factSize <= facts.length; at += factSize) {
    const kind = facts[at]
    const partition = facts[at + 1]
    const sequence = facts.readUInt32BE(at + 4)
    const offset = facts.readDoubleBE(at + 8)
    const time = facts.readDoubleBE(at + 16)
    const records = ledger.get(partition) ?? []
    ledger.set(partition, records)
    if (kind === sent) {
      if (sequence !== records.length) throw new Error(`record ${sequence} sent out of turn`)
      const outcome = 'unsettled'
      records.push({ sequence, sentAt: time, outcome, offset: -1, settledAt: -1, outcomes: 0 })
      continue
    }
    const record = records[sequence]
    if (record === undefined) throw new Error(`an outcome of record ${sequence}, never sent`)
    // The first one is what the caller acts on; a second is counted and judged.
    if (record.outcomes++ > 0) continue
    record.outcome = outcomeOf[kind]
    record.offset = offset
    record.settledAt = time
  }
  return ledger
}
