// Judges one run: what a producer claims (its ledger) against what is in the log (read by Kafka's own
// Java consumer). The laws are those of docs/results/chaos.md. Pure, so that it can be put to the test itself.

import type { Ledger, Sent, SentRecords } from './ledger.ts'
import type { LogRecord } from './log-file.ts'

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

/** Takes the log record by record, in the order of each partition, and then tells what it found. */
export class Judge {
  inLog = 0
  readonly #producer: number
  readonly #ledger: Ledger
  readonly #places: Map<number, Places>
  readonly #evidence: string[] = []
  readonly #violations: Violations = {
    lost: 0,
    misplaced: 0,
    torn: 0,
    doubled: 0,
    inversions: 0,
    wrongNo: 0,
    unsettled: 0,
    settledTwice: 0,
  }

  constructor(producer: number, ledger: Ledger) {
    this.#producer = producer
    this.#ledger = ledger
    this.#places = new Map([...ledger].map(([partition, records]) => [partition, places(records)]))
  }

  /** What is wrong with the log itself is found here. */
  see({ partition, offset, name }: LogRecord): void {
    this.inLog++
    const found = this.#places.get(partition)
    const isSent =
      name !== null &&
      found !== undefined &&
      name.producer === this.#producer &&
      name.partition === partition &&
      name.sequence < found.first.length
    if (!isSent) {
      this.#found('torn', partition, `offset ${offset} holds ${JSON.stringify(name)}`)
      return
    }
    const { sequence } = name
    if (found.first[sequence] >= 0) {
      const more = [...(found.more.get(sequence) ?? []), offset]
      found.more.set(sequence, more)
      const offsets = offsetsOf(found, sequence).join(', ')
      this.#found('doubled', partition, `record ${sequence} at offsets ${offsets}`)
      return
    }
    found.first[sequence] = offset
    if (sequence < found.latest) {
      const text = `record ${sequence} at offset ${offset}, after ${found.latest}`
      this.#found('inversions', partition, text)
    }
    found.latest = Math.max(found.latest, sequence)
  }

  /** `isExcused`: acknowledged records that need not be there, since the topic itself was deleted. */
  verdict(isExcused: (record: Sent) => boolean = () => false): Verdict {
    const counts = { sent: 0, acked: 0, ackedWithoutOffset: 0, failedNo: 0, failedMaybe: 0 }
    let maybePresent = 0
    for (const [partition, records] of this.#ledger) {
      const place = this.#places.get(partition) ?? places(records)
      for (const record of records) {
        const { sequence, outcome, offset } = record
        const isThere = place.first[sequence] >= 0
        const found = (law: keyof Violations): void =>
          this.#found(law, partition, describe(record, offsetsOf(place, sequence)))
        counts.sent++
        if (record.outcomes > 1) found('settledTwice')
        switch (outcome) {
          case 'acked':
            counts.acked++
            if (offset < 0) counts.ackedWithoutOffset++
            if (isExcused(record)) break
            if (!isThere) found('lost')
            else if (offset >= 0 && !offsetsOf(place, sequence).includes(offset)) found('misplaced')
            break
          case 'failedNo':
            counts.failedNo++
            if (isThere) found('wrongNo')
            break
          case 'failedMaybe':
            counts.failedMaybe++
            if (isThere) maybePresent++
            break
          case 'unsettled':
            found('unsettled')
        }
      }
    }
    return {
      ...counts,
      maybePresent,
      inLog: this.inLog,
      violations: this.#violations,
      evidence: this.#evidence,
      latencyMs: latencies(this.#ledger),
      worstGapMs: Math.max(0, ...[...this.#ledger.values()].map(worstGap)),
    }
  }

  #found(law: keyof Violations, partition: number, text: string): void {
    this.#violations[law]++
    if (this.#violations[law] <= mostEvidence) this.#evidence.push(`${law}: ${partition}: ${text}`)
  }
}

/** Where the records of a partition are in the log, by sequence. */
interface Places {
  /** -1: nowhere. */
  first: Float64Array
  /** Of those that are there more than once. */
  more: Map<number, number[]>
  /** The latest sequence seen. */
  latest: number
}

function places({ length }: SentRecords): Places {
  return { first: new Float64Array(length).fill(-1), more: new Map(), latest: -1 }
}

function offsetsOf({ first, more }: Places, sequence: number): number[] {
  return first[sequence] < 0 ? [] : [first[sequence], ...(more.get(sequence) ?? [])]
}

/** Whether every law held. */
export function isClean({ violations }: Verdict): boolean {
  return Object.values(violations).every((count) => count === 0)
}

function describe({ sequence, outcome, offset, sentAt, settledAt }: Sent, at: number[]): string {
  const time = (ms: number): string => (ms < 0 ? 'never' : new Date(ms).toISOString().slice(11, 23))
  const told = outcome === 'acked' ? `acked at offset ${offset}` : outcome
  const there = at.length === 0 ? 'not in the log' : `in the log at ${at.join(', ')}`
  return `record ${sequence} ${told}, ${there}; sent ${time(sentAt)}, settled ${time(settledAt)}`
}

function latencies(ledger: Ledger): Verdict['latencyMs'] {
  const parts = [...ledger.values()].map((records) => records.latencies())
  const all = new Float64Array(parts.reduce((count, { length }) => count + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  all.sort()
  return { p50: quantile(all, 0.5), p99: quantile(all, 0.99), most: all.at(-1) ?? 0 }
}

/** Of sorted values; 0 where there are none. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0
}

function worstGap(records: SentRecords): number {
  const times = records.ackTimes()
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
    const times = ackTimes(ledger, partition).filter((time) => time > from && time < to)
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
    for (const time of records.ackTimes()) if (time > from && time < to) count++
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
    const times = ackTimes(ledger, partition)
    const first = times.find((time) => time >= at - watcherIntervalMs)
    return first === undefined ? Number.POSITIVE_INFINITY : Math.max(0, first - at)
  })
  return delays.sort((a, b) => a - b)
}

function ackTimes(ledger: Ledger, partition: number): Float64Array {
  return ledger.get(partition)?.ackTimes() ?? new Float64Array(0)
}
