// What a rebalance costs the partitions that it does not touch, and whether one happened at all: from who
// owned what, and when records were delivered. Pure, as consumer-oracle.ts is.

import type { Ownership } from './consumer-oracle.ts'
import { quantile } from './oracle.ts'

/** A stretch of time (Date.now()) that says nothing of rebalances; of all members, or of one. */
export interface Window {
  from: number
  to: number
  member?: string
}

/** A static member ended and came back. */
export interface Bounce {
  from: number
  to: number
  /** The names of its two lives. */
  members: readonly string[]
  /** Whether it was back within its session. */
  isJudged?: boolean
}

export interface Pauses {
  /** How many times a partition was read on while another one moved. */
  count: number
  p95Ms: number
  mostMs: number
  /** The longest gap while nothing moved: what the machine and the load do by themselves. */
  calmMostMs: number
}

/** The gaps between two deliveries within one ownership, but for those that touch a window. */
export function judgePauses(ownerships: readonly Ownership[], windows: readonly Window[]): Pauses {
  const moves = ownerships.map((each) => ({ of: each, times: [each.from, each.to] }))
  const pauses: number[] = []
  let calmMostMs = 0
  for (const ownership of ownerships) {
    const excluded = windows.filter(
      ({ member }) => (member ?? ownership.member) === ownership.member,
    )
    const others = moves
      .filter(({ of }) => of !== ownership)
      .flatMap(({ times }) => times)
      .sort((a, b) => a - b)
    const { deliveredAt } = ownership
    let next = 0
    for (let i = 1; i < deliveredAt.length; i++) {
      const start = deliveredAt[i - 1]
      const end = deliveredAt[i]
      if (end === start) continue
      if (excluded.some((window) => window.from <= end && window.to >= start)) continue
      while (next < others.length && others[next] < start) next++
      const isAcross = next < others.length && others[next] <= end
      if (isAcross) pauses.push(end - start)
      else calmMostMs = Math.max(calmMostMs, end - start)
    }
  }
  pauses.sort((a, b) => a - b)
  const count = pauses.length
  return {
    count,
    p95Ms: count === 0 ? 0 : quantile(pauses, 0.95),
    mostMs: pauses.at(-1) ?? 0,
    calmMostMs,
  }
}

/** How many partitions came to or left members other than the one that was bounced. */
export function movesDuring(
  ownerships: readonly Ownership[],
  { from, to, members }: Bounce,
): number {
  let count = 0
  for (const ownership of ownerships) {
    if (members.includes(ownership.member)) continue
    for (const time of [ownership.from, ownership.to]) if (time >= from && time <= to) count++
  }
  return count
}
