// The sticky assignment of a group whose members all read the same topics: each member gets the quota or
// one more, and keeps as much of what it had as that allows. Result for result what Java's assignor decides.

import { compareText } from './assignor.ts'
import type { StickyGroup } from './sticky-group.ts'

export interface StickyResult {
  /** For each member, its partitions. */
  readonly assigned: number[][]
  /** Partitions that their owner must release first, with the next owner; null: not determined. */
  readonly transfers: Map<number, number> | null
}

export function assignEqual(group: StickyGroup): StickyResult {
  return new EqualAssignment(group).build()
}

class EqualAssignment {
  private readonly group: StickyGroup
  private readonly assigned: number[][]
  private readonly transfers = new Map<number, number>()
  private readonly isTaken: boolean[] = []
  /** The partitions that a member may have to release, each with that member. */
  private readonly previousOwner = new Map<number, number>()
  private readonly least: number
  private readonly most: number
  /** How many members may have one more than the least, and how many have. */
  private readonly extras: number
  private extrasGiven = 0
  /** Members below the least, and members at the least that may get one more. */
  private below: number[] = []
  private atLeast: number[] = []

  constructor(group: StickyGroup) {
    this.group = group
    const { length } = group.members
    this.assigned = group.members.map(() => [])
    this.least = Math.floor(group.total / length)
    this.most = Math.ceil(group.total / length)
    this.extras = group.total % length
  }

  build(): StickyResult {
    const { group } = this
    for (const member of group.visitingOrder) this.keep(member)
    const byName = (a: number, b: number): number =>
      compareText(group.members[a].memberId, group.members[b].memberId)
    this.below.sort(byName)
    this.atLeast.sort(byName)
    const open: number[] = []
    for (let partition = 0; partition < group.total; partition++) {
      if (!this.isTaken[partition]) open.push(partition)
    }
    this.fill(this.fillByRack(group.racks.sort(open)))
    return { assigned: this.assigned, transfers: this.transfers }
  }

  /** Gives a member what it owned, up to its quota. */
  private keep(member: number): void {
    const { group, least, most } = this
    const owned: number[] = []
    for (const partition of group.owned[member]) {
      if (group.racks.isMismatch(member, partition)) this.previousOwner.set(partition, member)
      else if (!group.contested.has(partition)) owned.push(partition)
    }
    owned.sort((a, b) => this.compareByPartition(a, b))
    let kept = Math.min(owned.length, least)
    if (owned.length < least) this.below.push(member)
    else if (owned.length >= most && this.extrasGiven < this.extras) {
      kept = most
      this.extrasGiven++
      if (this.extrasGiven === this.extras) this.atLeast = []
    } else if (this.extrasGiven < this.extras) this.atLeast.push(member)
    for (const [index, partition] of owned.entries()) {
      if (index < kept) {
        this.assigned[member].push(partition)
        this.isTaken[partition] = true
      } else this.previousOwner.set(partition, member)
    }
  }

  private compareByPartition(a: number, b: number): number {
    const [one, other] = [this.group.toTopicPartition(a), this.group.toTopicPartition(b)]
    return one.partition - other.partition || compareText(one.topic, other.topic)
  }

  /** To members in the rack of a replica, in turn. @returns what fits no member's rack and quota */
  private fillByRack(open: readonly number[]): readonly number[] {
    if (!this.group.racks.isOn) return open
    const rest: number[] = []
    let turn = 0
    for (const partition of open) {
      const index = this.nearest(this.below, partition, turn)
      if (index >= 0) {
        const member = this.below[index]
        turn = index
        const count = this.assigned[member].length + 1
        if (count < this.least) turn++
        else {
          this.below.splice(index, 1)
          if (count < this.most && this.extrasGiven < this.extras) this.atLeast.push(member)
        }
        turn = this.below.length === 0 ? 0 : turn % this.below.length
        this.give(partition, member)
        continue
      }
      const other = this.nearest(this.atLeast, partition, 0)
      if (other < 0) {
        rest.push(partition)
        continue
      }
      const member = this.atLeast[other]
      if (this.assigned[member].length + 1 === this.most) {
        this.atLeast.splice(other, 1)
        this.extrasGiven++
        if (this.extrasGiven === this.extras) this.atLeast = []
      }
      this.give(partition, member)
    }
    return rest
  }

  private nearest(members: readonly number[], partition: number, first: number): number {
    const { racks } = this.group
    for (let i = 0; i < members.length; i++) {
      const index = (first + i) % members.length
      if (racks.isNear(members[index], partition)) return index
    }
    return -1
  }

  /** To members below the least in turn, then one more to those at the least. */
  private fill(open: readonly number[]): void {
    const { below } = this
    let turn = 0
    let next = 0
    for (const partition of open) {
      if (turn >= below.length) turn = 0
      const member = below.length > 0 ? below[turn] : this.atLeast[next++]
      if (below.length > 0) turn++
      if (this.give(partition, member) !== this.least || below.length === 0) continue
      below.splice(--turn, 1)
      this.atLeast.push(member)
    }
  }

  /** @returns how many partitions the member has then */
  private give(partition: number, member: number): number {
    const previous = this.previousOwner.get(partition)
    const changes = previous !== undefined && previous !== member
    if (changes || this.group.contested.has(partition)) this.transfers.set(partition, member)
    return this.assigned[member].push(partition)
  }
}
