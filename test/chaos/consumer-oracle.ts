// Judges consumers: what each was handed and worked on (its ledger) against what is in the log, and what
// the group committed (the log of commits) against what was worked on. Pure, as oracle.ts is.

import type { Commit } from './commit-log.ts'
import type { LogRecord } from './log-file.ts'
import { assigned, delivered, done, factSize, lost, revoked, sought } from './workers/facts.mjs'

/** One consumer, as it tells. */
export interface ConsumerLedger {
  name: string
  facts: Buffer
  /** When it was killed; it owns nothing from then on. */
  killedAt: number
}

/** What breaks law O6, and how often it was found. */
export interface ConsumerViolations {
  /** In the log, and nobody ever finished work on it. */
  missed: number
  /** Handed over, but not what the log has at that offset. */
  foreign: number
  /** Handed over a second time within an assignment, or after a later one. */
  twice: number
  /** Not handed over, but the next one was, within an assignment. */
  skipped: number
  /** Handed over by a consumer that did not own the partition, as it knew itself. */
  unowned: number
  /** Handed over by a member when another one owned the partition already. */
  overlapping: number
  /** A commit below the one before. */
  commitFell: number
  /** A commit of what nobody had finished work on. */
  commitTooFar: number
}

export interface ConsumerVerdict {
  inLog: number
  delivered: number
  /** Delivered once more, to the next owner: what was not committed when a member died. */
  redelivered: number
  /**
   * Of these, what the former owner had done before it was asked to give the partition up. Its last commit
   * covers that, so there is none while coordinators are well.
   */
  repeated: number
  commits: number
  /** How many partitions were given out, beside the first time. */
  reassigned: number
  violations: ConsumerViolations
  evidence: string[]
  /** Who owned what, and when; in the order of the ledgers. */
  ownerships: readonly Ownership[]
}

/** The records of a partition, by offset. */
export type SequencesByOffset = Map<number, Int32Array>

const nothing = -1
const mostEvidence = 8

/** Collects the log, record by record. */
export class LogIndex {
  readonly #sequences = new Map<number, number[]>()

  see({ partition, offset, name }: LogRecord): void {
    let ofPartition = this.#sequences.get(partition)
    if (ofPartition === undefined) {
      ofPartition = []
      this.#sequences.set(partition, ofPartition)
    }
    while (ofPartition.length < offset) ofPartition.push(nothing)
    ofPartition.push(name?.sequence ?? nothing)
  }

  get sequences(): SequencesByOffset {
    return new Map([...this.#sequences].map(([id, list]) => [id, Int32Array.from(list)]))
  }
}

/** While a member owned a partition. */
export interface Ownership {
  member: string
  partition: number
  from: number
  to: number
  /** Whether it was given up, neither lost nor left behind by a kill. */
  isHandedOver: boolean
  /** What was handed over, and when. */
  offsets: number[]
  deliveredAt: number[]
  /** All up to this offset was done. */
  doneTo: number
}

/** `consumers` share the partitions: the members of a group, or one that was assigned all by hand. */
export function judgeConsumers(
  consumers: readonly ConsumerLedger[],
  log: SequencesByOffset,
  commits: readonly Commit[],
): ConsumerVerdict {
  const violations: ConsumerViolations = {
    missed: 0,
    foreign: 0,
    twice: 0,
    skipped: 0,
    unowned: 0,
    overlapping: 0,
    commitFell: 0,
    commitTooFar: 0,
  }
  const evidence: string[] = []
  const found = (law: keyof ConsumerViolations, text: string): void => {
    if (++violations[law] <= mostEvidence) evidence.push(`${law}: ${text}`)
  }
  const times: Times = {
    handed: new Map([...log].map(([id, { length }]) => [id, new Uint16Array(length)])),
    doneAt: new Map([...log].map(([id, { length }]) => [id, new Float64Array(length).fill(never)])),
  }
  const ownerships = consumers.flatMap((consumer) => follow(consumer, log, times, found))
  findOverlaps(ownerships, found)

  let inLog = 0
  let redelivered = 0
  for (const [partition, sequences] of log) {
    for (const [offset, sequence] of sequences.entries()) {
      if (sequence === nothing) continue
      inLog++
      redelivered += Math.max(0, (times.handed.get(partition)?.[offset] ?? 0) - 1)
      if (times.doneAt.get(partition)?.[offset] === never) {
        const count = times.handed.get(partition)?.[offset]
        found('missed', `${partition}: offset ${offset}, handed over ${count} times, never done`)
      }
    }
  }
  judgeCommits(commits, log, times.doneAt, found)
  return {
    inLog,
    delivered: ownerships.reduce((count, { deliveredAt }) => count + deliveredAt.length, 0),
    redelivered,
    repeated: countRepeated(ownerships),
    commits: commits.length,
    reassigned: Math.max(0, ownerships.length - log.size),
    violations,
    evidence,
    ownerships,
  }
}

const never = Number.POSITIVE_INFINITY

interface Times {
  /** How often each offset was handed over. */
  handed: Map<number, Uint16Array>
  /** When somebody had first finished work on it. */
  doneAt: Map<number, Float64Array>
}

type Found = (law: keyof ConsumerViolations, text: string) => void

/** One consumer's own account. */
function follow(
  { name, facts, killedAt }: ConsumerLedger,
  log: SequencesByOffset,
  { handed, doneAt }: Times,
  found: Found,
): Ownership[] {
  const ownerships: Ownership[] = []
  const owned = new Map<number, Ownership>()
  /** The last offset handed over in this assignment, and those that are not done yet. */
  const last = new Map<number, number>()
  const inHand = new Map<number, number[]>()
  for (let at = 0; at + factSize <= facts.length; at += factSize) {
    const kind = facts[at]
    const partition = facts[at + 1]
    const offset = facts.readDoubleBE(at + 8)
    const time = facts.readDoubleBE(at + 16)
    const where = `${name}, ${partition}: offset ${offset}`
    switch (kind) {
      case assigned: {
        const ownership: Ownership = {
          member: name,
          partition,
          from: time,
          to: killedAt,
          isHandedOver: false,
          offsets: [],
          deliveredAt: [],
          doneTo: -1,
        }
        ownerships.push(ownership)
        owned.set(partition, ownership)
        last.delete(partition)
        inHand.delete(partition)
        break
      }
      case revoked:
      case lost: {
        const ownership = owned.get(partition)
        if (ownership !== undefined) {
          ownership.to = time
          ownership.isHandedOver = kind === revoked
        }
        owned.delete(partition)
        break
      }
      case sought:
        last.set(partition, offset - 1)
        inHand.delete(partition)
        break
      case delivered: {
        const sequence = facts.readUInt32BE(at + 4)
        const ownership = owned.get(partition)
        if (ownership === undefined) found('unowned', where)
        else {
          ownership.offsets.push(offset)
          ownership.deliveredAt.push(time)
        }
        const inPartition = log.get(partition)
        if (inPartition?.[offset] !== sequence) {
          found('foreign', `${where} handed over as record ${sequence}`)
          break
        }
        const before = last.get(partition)
        if (before !== undefined) {
          if (offset <= before) found('twice', `${where} after ${before}`)
          else if (offset !== next(inPartition, before))
            found('skipped', `${where} after ${before}`)
        }
        last.set(partition, offset)
        push(inHand, partition, offset)
        const counts = handed.get(partition)
        if (counts !== undefined) counts[offset]++
        break
      }
      case done: {
        const times = doneAt.get(partition)
        const ownership = owned.get(partition)
        if (ownership !== undefined) ownership.doneTo = Math.max(ownership.doneTo, offset)
        if (times === undefined) break
        for (const of of inHand.get(partition) ?? []) times[of] = Math.min(times[of], time)
        inHand.delete(partition)
        break
      }
      default:
        throw new Error(`a fact of kind ${kind} in the ledger of ${name}`)
    }
  }
  return ownerships
}

/** The next offset that holds a record. */
function next(sequences: Int32Array, offset: number): number {
  let at = offset + 1
  while (at < sequences.length && sequences[at] === nothing) at++
  return at
}

function findOverlaps(ownerships: readonly Ownership[], found: Found): void {
  for (const later of ownerships) {
    for (const earlier of ownerships) {
      if (earlier.partition !== later.partition || earlier.member === later.member) continue
      if (earlier.from >= later.from || earlier.to <= later.from) continue
      const end = Math.min(earlier.to, later.to)
      const count = earlier.deliveredAt.filter((time) => time > later.from && time < end).length
      if (count === 0) continue
      const text = `${count} records of ${later.partition} by ${earlier.member} while ${later.member} owned it`
      for (let i = 0; i < count; i++) found('overlapping', text)
    }
  }
}

function countRepeated(ownerships: readonly Ownership[]): number {
  let count = 0
  for (const earlier of ownerships) {
    if (!earlier.isHandedOver) continue
    for (const later of ownerships) {
      if (later.partition !== earlier.partition || later.from < earlier.to) continue
      count += later.offsets.filter((offset) => offset <= earlier.doneTo).length
    }
  }
  return count
}

function judgeCommits(
  commits: readonly Commit[],
  log: SequencesByOffset,
  doneAt: Times['doneAt'],
  found: Found,
): void {
  // When everything below an offset was done: the latest of the times before it.
  const allDoneAt = new Map<number, Float64Array>()
  for (const [partition, times] of doneAt) {
    const latest = new Float64Array(times.length + 1)
    for (const [offset, time] of times.entries()) {
      const isRecord = log.get(partition)?.[offset] !== nothing
      latest[offset + 1] = isRecord ? Math.max(latest[offset], time) : latest[offset]
    }
    allDoneAt.set(partition, latest)
  }
  const before = new Map<number, number>()
  for (const { partition, offset, at } of commits) {
    const text = `${partition}: offset ${offset} committed at ${new Date(at).toISOString().slice(11, 23)}`
    const former = before.get(partition) ?? 0
    if (offset < former) found('commitFell', `${text}, after ${former}`)
    before.set(partition, offset)
    const due = offset === 0 ? 0 : (allDoneAt.get(partition)?.[offset] ?? never)
    if (due > at) {
      const when = due === never ? 'never' : `at ${new Date(due).toISOString().slice(11, 23)}`
      found('commitTooFar', `${text}, all below was done ${when}`)
    }
  }
}

function push(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
