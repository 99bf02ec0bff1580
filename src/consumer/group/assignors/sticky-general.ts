// The sticky assignment of a group whose members read different topics: what is owned stays, what is open
// goes to the member that has least, and then partitions move from members with more to members with at
// least two less. Result for result what Java's assignor decides, by the same sequence of moves.

import { compareText } from './assignor.ts'
import { hashOrder, partitionHash } from './java-order.ts'
import type { StickyResult } from './sticky-equal.ts'
import { NO_GENERATION, type StickyGroup } from './sticky-group.ts'

export function assignGeneral(group: StickyGroup): StickyResult {
  return new GeneralAssignment(group).build()
}

class GeneralAssignment {
  private readonly group: StickyGroup
  private assigned: Set<number>[]
  private ownerOf: (number | undefined)[]
  /** Members that may give or take, those with least first. */
  private readonly byLoad: MembersByLoad
  private readonly moves: Moves
  private mustRevoke = false
  /** How many partitions a member could have. */
  private readonly reach: readonly number[]
  /** For each topic, how many of its partitions each owner has. */
  private readonly ownersOf: readonly Map<number, number>[]
  private wasBalanced: boolean | null = null

  constructor(group: StickyGroup) {
    this.group = group
    this.assigned = group.members.map(() => new Set())
    this.ownerOf = new Array(group.total)
    this.byLoad = new MembersByLoad(group, (member) => this.assigned[member].size)
    this.moves = new Moves(group)
    this.ownersOf = group.topics.map(() => new Map())
    this.reach = group.topicsOf.map((topics) => {
      let reach = 0
      for (const topic of topics) reach += group.countOf[topic]
      return reach
    })
  }

  build(): StickyResult {
    const { group } = this
    for (const member of group.members.keys()) this.keep(member)
    const open = this.sortedPartitions().filter(
      (partition) => this.ownerOf[partition] === undefined,
    )
    for (const member of group.members.keys()) this.byLoad.add(member)
    this.balance(open)
    return { assigned: this.assigned.map((partitions) => [...partitions]), transfers: null }
  }

  private keep(member: number): void {
    const { group } = this
    for (const partition of group.owned[member]) {
      const isWanted = group.topicsOf[member].has(group.topicOf(partition))
      if (isWanted && !group.racks.isMismatch(member, partition)) this.give(partition, member)
      else this.mustRevoke = true
    }
  }

  /** Topics with few readers come first. */
  private sortedPartitions(): number[] {
    const { topics, readersOf } = this.group
    return [...topics.keys()]
      .sort(
        (a, b) => readersOf[a].length - readersOf[b].length || compareText(topics[a], topics[b]),
      )
      .flatMap((topic) => [...this.group.partitionsOf(topic)])
  }

  private balance(open: readonly number[]): void {
    const { group, byLoad } = this
    const isNew = this.assigned.every((partitions) => partitions.size === 0)
    const left = group.racks.isOn
      ? open.filter(
          (partition) => !this.place(partition, (m) => !group.racks.isMismatch(m, partition)),
        )
      : open
    for (const partition of left) this.place(partition, () => true)
    const isMovable = (partition: number): boolean =>
      group.readersOf[group.topicOf(partition)].length >= 2
    // A member that has all it can get, none of which another could take, is out of the question.
    for (const member of group.members.keys()) {
      const partitions = this.assigned[member]
      if (partitions.size < this.reach[member] || [...partitions].some(isMovable)) continue
      byLoad.remove(member)
    }
    const before = this.assigned.map((partitions) => new Set(partitions))
    const ownersBefore = [...this.ownerOf]
    if (!this.mustRevoke) this.moveAll(open.filter(isMovable))
    const hasMoved = this.moveAll(this.sortedPartitions().filter(isMovable))
    if (isNew || !hasMoved) return
    if (byLoad.imbalance(this.assigned) < byLoad.imbalance(before)) return
    this.assigned = before
    this.ownerOf = ownersBefore
  }

  /** To the member with least that reads the topic. */
  private place(partition: number, mayGet: (member: number) => boolean): boolean {
    const topic = this.group.topicOf(partition)
    for (const member of this.byLoad.members) {
      if (!this.group.topicsOf[member].has(topic) || !mayGet(member)) continue
      this.byLoad.change([member], () => this.give(partition, member))
      return true
    }
    return false
  }

  /** Moves partitions until no move makes it more even. @returns whether any was moved */
  private moveAll(partitions: readonly number[]): boolean {
    let hasMoved = false
    for (let modified = true; modified; ) {
      modified = false
      for (const partition of partitions) {
        if (this.isBalanced) break
        if (this.tryMove(partition)) modified = true
      }
      hasMoved ||= modified
    }
    return hasMoved
  }

  private tryMove(partition: number): boolean {
    const { group } = this
    const owner = this.ownerOf[partition]
    if (owner === undefined) return false
    const size = this.assigned[owner].size
    const topic = group.topicOf(partition)
    const previous = this.previousOwnerOf(partition)
    const isReader = previous !== undefined && group.topicsOf[previous].has(topic)
    if (isReader && size > this.assigned[previous].size + 1) {
      this.move(partition, previous)
      return true
    }
    // Where racks decide, Java looks for a taker within them first; it moves to the same member either way.
    const taker = this.byLoad.members.find((member) => group.topicsOf[member].has(topic))
    if (taker === undefined || size <= this.assigned[taker].size + 1) return false
    this.move(partition, taker)
    return true
  }

  /** Moves this partition, or rather one of its topic that would otherwise have moved to and fro. */
  private move(partition: number, taker: number): void {
    const owner = this.ownerOf[partition]
    if (owner === undefined) return
    const moved = this.moves.actual(partition, owner, taker)
    const giver = this.ownerOf[moved]
    if (giver === undefined) return
    this.byLoad.change([giver, taker], () => {
      this.moves.add(moved, giver, taker)
      this.take(moved, giver)
      this.give(moved, taker)
    })
  }

  private give(partition: number, member: number): void {
    this.assigned[member].add(partition)
    this.ownerOf[partition] = member
    const owners = this.ownersOf[this.group.topicOf(partition)]
    owners.set(member, (owners.get(member) ?? 0) + 1)
    this.wasBalanced = null
  }

  private take(partition: number, member: number): void {
    this.assigned[member].delete(partition)
    const owners = this.ownersOf[this.group.topicOf(partition)]
    const count = (owners.get(member) ?? 0) - 1
    if (count > 0) owners.set(member, count)
    else owners.delete(member)
  }

  /** No member could take a partition from a member that has at least two more. */
  private get isBalanced(): boolean {
    this.wasBalanced ??= this.checkBalance()
    return this.wasBalanced
  }

  private checkBalance(): boolean {
    const { members } = this.byLoad
    if (members.length === 0) return true
    const size = (member: number): number => this.assigned[member].size
    if (size(members[0]) >= size(members[members.length - 1]) - 1) return true
    for (const member of members) {
      if (size(member) === this.reach[member]) continue
      for (const topic of this.group.topicsOf[member]) {
        for (const owner of this.ownersOf[topic].keys()) {
          if (size(owner) > size(member) + 1) return false
        }
      }
    }
    return true
  }

  /** Its owner in a generation before the latest one. */
  private previousOwnerOf(partition: number): number | undefined {
    this.previousOwners ??= this.findPreviousOwners()
    return this.previousOwners.get(partition)
  }

  private previousOwners: Map<number, number> | null = null

  private findPreviousOwners(): Map<number, number> {
    const { claims, maxGeneration } = this.group
    const owners = new Map<number, number>()
    const generations = new Map<number, number>()
    for (const [member, { partitions, generation }] of claims.entries()) {
      const at = generation ?? NO_GENERATION
      const isOld = generation === undefined ? maxGeneration > NO_GENERATION : at < maxGeneration
      if (!isOld) continue
      for (const place of partitions) {
        const partition = this.group.numberOf(place)
        if (partition === undefined) continue
        if (at <= (generations.get(partition) ?? NO_GENERATION - 1)) continue
        owners.set(partition, member)
        generations.set(partition, at)
      }
    }
    return owners
  }
}

/** Members sorted by how many partitions they have, then by id. */
class MembersByLoad {
  readonly members: number[] = []
  private readonly group: StickyGroup
  private readonly sizeOf: (member: number) => number

  constructor(group: StickyGroup, sizeOf: (member: number) => number) {
    this.group = group
    this.sizeOf = sizeOf
  }

  add(member: number): void {
    this.members.splice(this.placeOf(member), 0, member)
  }

  remove(member: number): void {
    this.members.splice(this.placeOf(member), 1)
  }

  /** Takes members out while what they have changes. */
  change(members: readonly number[], action: () => void): void {
    for (const member of members) this.remove(member)
    action()
    for (const member of members) this.add(member)
  }

  /** The sum of the differences of all pairs. */
  imbalance(assigned: readonly ReadonlySet<number>[]): number {
    const sizes = this.members.map((member) => assigned[member].size).sort((a, b) => a - b)
    let sum = 0
    for (const [index, size] of sizes.entries()) sum += size * (2 * index - sizes.length + 1)
    return sum
  }

  private placeOf(member: number): number {
    let low = 0
    let high = this.members.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.compare(this.members[middle], member) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  private compare(a: number, b: number): number {
    const { members } = this.group
    return this.sizeOf(a) - this.sizeOf(b) || compareText(members[a].memberId, members[b].memberId)
  }
}

/** From and to which member each partition moved, to spare moves that cancel each other. */
class Moves {
  private readonly group: StickyGroup
  private readonly byTopic = new Map<number, Map<string, Set<number>>>()
  private readonly pairOf = new Map<number, { from: number; to: number }>()

  constructor(group: StickyGroup) {
    this.group = group
  }

  add(partition: number, from: number, to: number): void {
    const before = this.pairOf.get(partition)
    if (before === undefined) {
      this.record(partition, from, to)
      return
    }
    this.forget(partition, before)
    if (before.from !== to) this.record(partition, before.from, to)
  }

  /** The partition to be moved instead: one that came the other way. */
  actual(partition: number, owner: number, taker: number): number {
    const { group } = this
    const ofTopic = this.byTopic.get(group.topicOf(partition))
    if (ofTopic === undefined) return partition
    const origin = this.pairOf.get(partition)?.from ?? owner
    const reverse = ofTopic.get(nameOf(taker, origin))
    if (reverse === undefined) return partition
    const hashOf = (number: number): number => {
      const { topic, partition: index } = group.toTopicPartition(number)
      return partitionHash(topic, index)
    }
    return hashOrder([...reverse], hashOf)[0]
  }

  private record(partition: number, from: number, to: number): void {
    this.pairOf.set(partition, { from, to })
    const topic = this.group.topicOf(partition)
    let ofTopic = this.byTopic.get(topic)
    if (ofTopic === undefined) {
      ofTopic = new Map()
      this.byTopic.set(topic, ofTopic)
    }
    const name = nameOf(from, to)
    const partitions = ofTopic.get(name)
    if (partitions === undefined) ofTopic.set(name, new Set([partition]))
    else partitions.add(partition)
  }

  private forget(partition: number, { from, to }: { from: number; to: number }): void {
    this.pairOf.delete(partition)
    const topic = this.group.topicOf(partition)
    const ofTopic = this.byTopic.get(topic)
    const partitions = ofTopic?.get(nameOf(from, to))
    partitions?.delete(partition)
    if (partitions?.size === 0) ofTopic?.delete(nameOf(from, to))
    if (ofTopic?.size === 0) this.byTopic.delete(topic)
  }
}

function nameOf(from: number, to: number): string {
  return `${from} ${to}`
}
