// Judges one run: what a producer claims (its ledger) against what is in the log (read by Kafka's own
// Java consumer). The laws are those of docs/chaos.md. Pure, so that it can be put to the test itself.

import type { Ledger, Sent } from './ledger.ts'
import { readValue } from './workers/record.mjs'

/** A record as an independent reader found it. */
export interface LogRecord {
  partition: number
  offset: number
  value: Buffer | null
}

/** What breaks each law, and how often it was found. */
export interface Violations {
  /** O1: acknowledged, and not in the log. */
  lost: number
  /** O1: acknowledged, and in the log, but not at the acknowledged offset. */
  misplaced: number
  /** O1: in the log with other bytes than were sent, in another partition, or never sent at all. */
  torn: number
  /** O2: in the log once more. */
  doubled: number
  /** O3: in the log before a record that was sent earlier. */
  inversions: number
  /** O4: reported as not in the log, and there. */
  wrongNo: number
  /** O8: no outcome was ever reported. */
  unsettled: number
  /** O8: more than one outcome was reported. */
  settledTwice: number
}

export interface Verdict {
  sent: number
  acked: number
  /** Acknowledged as a duplicate whose offset the broker no longer knew. */
  ackedWithoutOffset: number
  failedNo: number
  failedMaybe: number
  /** Of the ones that may be in the log: how many are. */
  maybePresent: number
  inLog: number
  violations: Violations
  /** The first violations, one a line, with what is needed to follow them up. */
  evidence: string[]
  latencyMs: { p50: number; p99: number; most: number }
  /** The longest time without an acknowledgement, over all partitions, from the first to the last one. */
  worstGapMs: number
}

const mostEvidence = 8

/** `isExcused`: acknowledged records that need not be there, since the topic itself was deleted. */
export function judge(
  producer: number,
  ledger: Ledger,
  log: readonly LogRecord[],
  isExcused: (record: Sent) => boolean = () => false,
): Verdict {
  const violations: Violations = {
    lost: 0,
    misplaced: 0,
    torn: 0,
    doubled: 0,
    inversions: 0,
    wrongNo: 0,
    unsettled: 0,
    settledTwice: 0,
  }
  const evidence: string[] = []
  const found = (law: keyof Violations, partition: number, text: string): void => {
    violations[law]++
    if (violations[law] <= mostEvidence) evidence.push(`${law}: ${partition}: ${text}`)
  }
  const places = findPlaces(producer, ledger, log, found)

  const counts = { sent: 0, acked: 0, ackedWithoutOffset: 0, failedNo: 0, failedMaybe: 0 }
  let maybePresent = 0
  for (const [partition, records] of ledger) {
    for (const record of records) {
      const { sequence, outcome, offset } = record
      const offsets = places.get(partition)?.get(sequence) ?? []
      const isThere = offsets.length > 0
      counts.sent++
      if (record.outcomes > 1) found('settledTwice', partition, describe(record, offsets))
      switch (outcome) {
        case 'acked':
          counts.acked++
          if (offset < 0) counts.ackedWithoutOffset++
          if (isExcused(record)) break
          if (!isThere) found('lost', partition, describe(record, offsets))
          else if (offset >= 0 && !offsets.includes(offset)) {
            found('misplaced', partition, describe(record, offsets))
          }
          break
        case 'failedNo':
          counts.failedNo++
          if (isThere) found('wrongNo', partition, describe(record, offsets))
          break
        case 'failedMaybe':
          counts.failedMaybe++
          if (isThere) maybePresent++
          break
        case 'unsettled':
          found('unsettled', partition, describe(record, offsets))
      }
    }
  }
  const latencyMs = latencies(ledger)
  const worstGapMs = Math.max(0, ...[...ledger.values()].map(worstGap))
  return {
    ...counts,
    maybePresent,
    inLog: log.length,
    violations,
    evidence,
    latencyMs,
    worstGapMs,
  }
}

/** Whether every law held. */
export function isClean({ violations }: Verdict): boolean {
  return Object.values(violations).every((count) => count === 0)
}

/** For each partition and sequence its offsets; what is wrong with the log itself is found on the way. */
function findPlaces(
  producer: number,
  ledger: Ledger,
  log: readonly LogRecord[],
  found: (law: keyof Violations, partition: number, text: string) => void,
): Map<number, Map<number, number[]>> {
  const places = new Map<number, Map<number, number[]>>()
  const latest = new Map<number, number>()
  const inOrder = [...log].sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  for (const { partition, offset, value } of inOrder) {
    const name = readValue(value)
    const isSent =
      name !== null &&
      name.producer === producer &&
      name.partition === partition &&
      ledger.get(partition)?.[name.sequence] !== undefined
    if (!isSent) {
      found('torn', partition, `offset ${offset} holds ${JSON.stringify(name)}`)
      continue
    }
    const { sequence } = name
    const ofPartition = places.get(partition) ?? new Map<number, number[]>()
    places.set(partition, ofPartition)
    const offsets = ofPartition.get(sequence)
    if (offsets !== undefined) {
      offsets.push(offset)
      found('doubled', partition, `record ${sequence} at offsets ${offsets.join(', ')}`)
      continue
    }
    ofPartition.set(sequence, [offset])
    const before = latest.get(partition) ?? -1
    if (sequence < before) {
      found('inversions', partition, `record ${sequence} at offset ${offset}, after ${before}`)
    }
    latest.set(partition, Math.max(before, sequence))
  }
  return places
}

function describe({ sequence, outcome, offset, sentAt, settledAt }: Sent, at: number[]): string {
  const time = (ms: number): string => (ms < 0 ? 'never' : new Date(ms).toISOString().slice(11, 23))
  const told = outcome === 'acked' ? `acked at offset ${offset}` : outcome
  const there = at.length === 0 ? 'not in the log' : `in the log at ${at.join(', ')}`
  return `record ${sequence} ${told}, ${there}; sent ${time(sentAt)}, settled ${time(settledAt)}`
}

function latencies(ledger: Ledger): Verdict['latencyMs'] {
  const all: number[] = []
  for (const records of ledger.values()) {
    for (const { outcome, sentAt, settledAt } of records) {
      if (outcome === 'acked') all.push(settledAt - sentAt)
    }
  }
  all.sort((a, b) => a - b)
  return { p50: quantile(all, 0.5), p99: quantile(all, 0.99), most: all.at(-1) ?? 0 }
}

/** Of sorted values; 0 where there are none. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0
}

function worstGap(records: readonly Sent[]): number {
  const times = ackTimes(records)
  let worst = 0
  for (let i = 1; i < times.length; i++) worst = Math.max(worst, times[i] - times[i - 1])
  return worst
}

/** The longest time without an acknowledgement of these partitions between two moments. */
export function gapBetween(
  ledger: Ledger,
  partitions: readonly number[],
  from: number,
  to: number,
): number {
  const gaps = partitions.map((partition) => {
    const times = ackTimes(ledger.get(partition) ?? []).filter((time) => time > from && time < to)
    let worst = 0
    let before = from
    for (const time of [...times, to]) {
      worst = Math.max(worst, time - before)
      before = time
    }
    return worst
  })
  return Math.max(0, ...gaps)
}

/** How many acknowledgements came between two moments. */
export function acksBetween(ledger: Ledger, from: number, to: number): number {
  let count = 0
  for (const records of ledger.values()) {
    for (const time of ackTimes(records)) if (time > from && time < to) count++
  }
  return count
}

/** When the partition could be written again after a fault, as a neutral watcher saw it. */
export interface Recovery {
  partition: number
  at: number
}

/**
 * How long after each recovery its partition's first acknowledgement came; Infinity: never. The watcher
 * looks every few milliseconds, and a client may learn of a leader before it: that counts as 0.
 */
export function ackDelays(ledger: Ledger, recoveries: readonly Recovery[]): number[] {
  const watcherIntervalMs = 50
  const delays = recoveries.map(({ partition, at }) => {
    const times = ackTimes(ledger.get(partition) ?? [])
    const first = times.find((time) => time >= at - watcherIntervalMs)
    return first === undefined ? Number.POSITIVE_INFINITY : Math.max(0, first - at)
  })
  return delays.sort((a, b) => a - b)
}

function ackTimes(records: readonly Sent[]): number[] {
  return records
    .filter(({ outcome }) => outcome === 'acked')
    .map(({ settledAt }) => settledAt)
    .sort((a, b) => a - b)
}
