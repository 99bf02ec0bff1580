// What the sticky assignors know of a group: its partitions as numbers, who reads which topic, who owned
// what, and which racks fit. Only looked at, never changed, by the two algorithms.

import type { TopicPartition } from '../../../types.ts'
import { compareText, type GroupToAssign, type SubscribedMember } from './assignor.ts'
import { hashOrder, javaHash } from './java-order.ts'

export const NO_GENERATION = -1

/** What a member says it owned, and in which generation; undefined: it does not say. */
export interface Claim {
  readonly partitions: readonly TopicPartition[]
  readonly generation: number | undefined
}

export class StickyGroup {
  readonly members: readonly SubscribedMember[]
  /** Topics that exist and that some member reads, sorted. */
  readonly topics: readonly string[]
  readonly countOf: readonly number[]
  readonly total: number
  /** For each member, the topics it reads (numbers). */
  readonly topicsOf: readonly ReadonlySet<number>[]
  /** For each topic, the members that read it. */
  readonly readersOf: readonly (readonly number[])[]
  /** Partitions that the member keeps if it can, for each member. */
  readonly owned: readonly (readonly number[])[]
  /** Claimed by two members in the same generation: none of them keeps it. */
  readonly contested: ReadonlySet<number>
  readonly claims: readonly Claim[]
  readonly maxGeneration: number
  readonly racks: RackFit
  readonly hasEqualSubscriptions: boolean
  private readonly firstOf: number[]
  private readonly topicNumbers: ReadonlyMap<string, number>

  constructor(group: GroupToAssign, claimOf: (member: SubscribedMember) => Claim) {
    const { members, partitionsPerTopic } = group
    this.members = members
    this.hasEqualSubscriptions = hasEqualSubscriptions(members)
    const readers = this.hasEqualSubscriptions ? members.slice(0, 1) : members
    const wanted = new Set(readers.flatMap(({ topics }) => topics))
    this.topics = [...wanted]
      .filter((topic) => (partitionsPerTopic.get(topic) ?? 0) > 0)
      .sort(compareText)
    this.topicNumbers = new Map(this.topics.map((topic, number) => [topic, number]))
    this.countOf = this.topics.map((topic) => partitionsPerTopic.get(topic) ?? 0)
    this.firstOf = []
    let total = 0
    for (const count of this.countOf) {
      this.firstOf.push(total)
      total += count
    }
    this.total = total
    const topicsOf = readers.map(({ topics }) => this.numbersOf(topics))
    this.topicsOf = this.hasEqualSubscriptions ? members.map(() => topicsOf[0]) : topicsOf
    const all = [...members.keys()]
    this.readersOf = this.topics.map((_, topic) =>
      this.hasEqualSubscriptions ? all : all.filter((member) => this.topicsOf[member].has(topic)),
    )
    this.claims = members.map(claimOf)
    this.maxGeneration = this.claims.reduce(
      (newest, { generation }) => Math.max(newest, generation ?? NO_GENERATION),
      NO_GENERATION,
    )
    const { owned, contested } = this.settleClaims()
    this.owned = owned
    this.contested = contested
    this.racks = new RackFit(group, this)
  }

  topicOf(partition: number): number {
    let low = 0
    let high = this.firstOf.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.firstOf[middle] <= partition) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Its partitions, in order. */
  *partitionsOf(topic: number): Iterable<number> {
    const first = this.firstOf[topic]
    for (let i = 0; i < this.countOf[topic]; i++) yield first + i
  }

  /** undefined: there is no such partition. */
  numberOf({ topic, partition }: TopicPartition): number | undefined {
    const number = this.topicNumbers.get(topic)
    if (number === undefined || partition < 0 || partition >= this.countOf[number]) return undefined
    return this.firstOf[number] + partition
  }

  toTopicPartition(number: number): TopicPartition {
    const topic = this.topicOf(number)
    return { topic: this.topics[topic], partition: number - this.firstOf[topic] }
  }

  /** Members in the order in which Java's leader visits them. */
  get visitingOrder(): readonly number[] {
    const { members } = this
    return hashOrder([...members.keys()], (member) => javaHash(members[member].memberId))
  }

  private numbersOf(topics: readonly string[]): ReadonlySet<number> {
    const numbers = new Set<number>()
    for (const topic of topics) {
      const number = this.topicNumbers.get(topic)
      if (number !== undefined) numbers.add(number)
    }
    return numbers
  }

  /**
   * Of several claims to a partition the one of the latest generation counts. Two of the same generation
   * contradict each other, and none counts.
   */
  private settleClaims(): { owned: number[][]; contested: Set<number> } {
    const owned: Set<number>[] = this.members.map(() => new Set())
    const contested = new Set<number>()
    const ownerOf = new Map<number, number>()
    for (const [member, { partitions, generation = NO_GENERATION }] of this.claims.entries()) {
      for (const place of partitions) {
        const partition = this.numberOf(place)
        if (partition === undefined) continue
        const other = ownerOf.get(partition)
        const others = other === undefined ? NO_GENERATION - 1 : this.members[other].generationId
        if (other === undefined || generation > others) {
          if (other !== undefined) owned[other].delete(partition)
          owned[member].add(partition)
          ownerOf.set(partition, member)
        } else if (generation === others) {
          contested.add(partition)
          owned[other].delete(partition)
          ownerOf.set(partition, member)
        }
      }
    }
    return { owned: owned.map((set) => [...set]), contested }
  }
}

function hasEqualSubscriptions(members: readonly SubscribedMember[]): boolean {
  const first = members[0]?.topics ?? []
  const names = new Set(first)
  // Clients send their topics sorted, as a rule.
  return members.every(
    ({ topics }) =>
      topics.length === names.size &&
      topics.every((topic, index) => topic === first[index] || names.has(topic)),
  )
}

/** Which members are in a rack of a partition's replicas (KIP-881). */
class RackFit {
  /** Whether racks decide anything: some are shared, and not every partition is in all of them. */
  readonly isOn: boolean
  private readonly rackOf: readonly (string | null)[]
  private readonly racksOf: readonly ReadonlySet<string>[]
  private readonly membersIn: ReadonlyMap<string, number>

  constructor({ replicaRacks }: GroupToAssign, group: StickyGroup) {
    const { members, topics, countOf } = group
    this.rackOf = members.map(({ rackId }) => (rackId === '' ? null : rackId))
    const membersIn = new Map<string, number>()
    for (const rack of this.rackOf) {
      if (rack !== null) membersIn.set(rack, (membersIn.get(rack) ?? 0) + 1)
    }
    this.membersIn = membersIn
    this.racksOf =
      membersIn.size === 0
        ? []
        : topics.flatMap((topic, number) =>
            Array.from(
              { length: countOf[number] },
              (_, partition) => new Set(replicaRacks.get(topic)?.[partition] ?? []),
            ),
          )
    const all = new Set(this.racksOf.flatMap((racks) => [...racks]))
    const isShared = [...membersIn.keys()].some((rack) => all.has(rack))
    this.isOn = isShared && !this.racksOf.every((racks) => racks.size === all.size)
  }

  hasRack(member: number): boolean {
    return this.isOn && this.rackOf[member] !== null
  }

  /** The member has a rack, and none of the partition's replicas is in it. */
  isMismatch(member: number, partition: number): boolean {
    return this.hasRack(member) && !this.isNear(member, partition)
  }

  /** The member is in a rack of one of the partition's replicas. */
  isNear(member: number, partition: number): boolean {
    const rack = this.rackOf[member]
    return this.isOn && rack !== null && this.racksOf[partition].has(rack)
  }

  /** Partitions that few members are near to come first. */
  sort(partitions: readonly number[]): number[] {
    if (this.racksOf.length === 0) return [...partitions]
    const nearby = (partition: number): number => {
      let count = 0
      for (const rack of this.racksOf[partition]) count += this.membersIn.get(rack) ?? 0
      return count
    }
    const counts = new Map(partitions.map((partition) => [partition, nearby(partition)]))
    return partitions.toSorted((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0))
  }
}
