// `cooperative-sticky`: as even as can be, with as few partitions as possible changing hands (KIP-54), and
// no partition goes to a new owner in the round in which the old one still has it (KIP-429): it is left
// out, the old owner gives it up, and the round that follows hands it on.

import type { TopicPartition } from '../../../types.ts'
import {
  type Assignor,
  compareText,
  type GroupAssignment,
  type GroupMember,
  type GroupToAssign,
} from './assignor.ts'

export const cooperativeSticky: Assignor = {
  name: 'cooperative-sticky',
  isCooperative: true,
  // Members that write subscriptions below v2 have no other place for their generation.
  userData: (generationId) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(generationId)
    return bytes
  },
  assign: (group) => withoutTransfers(group.members, assignSticky(group)),
}

interface Load {
  readonly memberId: string
  readonly topics: ReadonlySet<string>
  readonly partitions: Set<Place>
}

/** One partition of the group. */
interface Place extends TopicPartition {
  /** Who owned it by the latest claim, if that is a claim that counts. */
  readonly previous: Load | null
  owner: Load | null
}

/** The balanced assignment, without regard to who has to give up what first. */
export function assignSticky(group: GroupToAssign): GroupAssignment {
  const loads = group.members
    .map(({ memberId, topics }) => ({
      memberId,
      topics: new Set(topics),
      partitions: new Set<Place>(),
    }))
    .sort((a, b) => compareText(a.memberId, b.memberId))
  const readers = new Map<string, Load[]>()
  for (const topic of group.partitionsPerTopic.keys()) {
    const ofTopic = loads.filter(({ topics }) => topics.has(topic))
    if (ofTopic.length > 0) readers.set(topic, ofTopic)
  }
  const places = placesOf(group, loads, readers)
  for (const place of places) if (place.previous !== null) give(place, place.previous)
  // Whoever has few takers goes first: the others can make up for it.
  const open = places
    .filter(({ owner }) => owner === null)
    .sort((a, b) => (readers.get(a.topic)?.length ?? 0) - (readers.get(b.topic)?.length ?? 0))
  for (const place of open) give(place, lightest(readers.get(place.topic) ?? []))
  balance(loads, readers)
  returnHome(places)
  return new Map(
    group.members.map(({ memberId }) => {
      const load = loads.find((candidate) => candidate.memberId === memberId)
      const partitions = [...(load?.partitions ?? [])]
      return [memberId, partitions.map(({ topic, partition }) => ({ topic, partition }))]
    }),
  )
}

function placesOf(
  group: GroupToAssign,
  loads: readonly Load[],
  readers: ReadonlyMap<string, Load[]>,
): Place[] {
  const claims = validClaims(group.members)
  const byId = new Map(loads.map((load) => [load.memberId, load]))
  const places: Place[] = []
  for (const topic of [...readers.keys()].sort(compareText)) {
    const count = group.partitionsPerTopic.get(topic) ?? 0
    for (let partition = 0; partition < count; partition++) {
      const claimant = byId.get(claims.get(`${topic}-${partition}`) ?? '')
      const previous = claimant?.topics.has(topic) === true ? claimant : null
      places.push({ topic, partition, previous, owner: null })
    }
  }
  return places
}

/**
 * Who owned each partition: of several claims the one of the latest generation counts; two of the same
 * generation contradict each other, and none counts.
 */
function validClaims(members: readonly GroupMember[]): Map<string, string> {
  const claims = new Map<string, { memberId: string | null; generation: number }>()
  for (const member of members) {
    const { memberId } = member
    const generation = generationOf(member)
    for (const { topic, partition } of member.ownedPartitions) {
      const name = `${topic}-${partition}`
      const other = claims.get(name)
      if (other === undefined || generation > other.generation) {
        claims.set(name, { memberId, generation })
      } else if (generation === other.generation) {
        claims.set(name, { memberId: null, generation })
      }
    }
  }
  const valid = new Map<string, string>()
  for (const [name, { memberId }] of claims) if (memberId !== null) valid.set(name, memberId)
  return valid
}

function generationOf({ generationId, userData }: GroupMember): number {
  if (generationId >= 0 || userData === null || userData.length < 4) return generationId
  return userData.readInt32BE(0)
}

/**
 * Moves partitions from members with more to members with at least two less, until there is no such pair.
 * Each move makes the sum of the squares smaller, so this ends.
 */
function balance(loads: readonly Load[], readers: ReadonlyMap<string, Load[]>): void {
  for (let moved = true; moved; ) {
    moved = false
    for (const from of loads.toSorted((a, b) => b.partitions.size - a.partitions.size)) {
      while (moveOne(from, readers)) moved = true
    }
  }
}

/** Moves one partition away to a member with at least two less, if there is one. */
function moveOne(from: Load, readers: ReadonlyMap<string, Load[]>): boolean {
  let best: { place: Place; to: Load; cost: number } | null = null
  for (const place of from.partitions) {
    for (const to of readers.get(place.topic) ?? []) {
      if (to.partitions.size > from.partitions.size - 2) continue
      // Least wanted here, most wanted there; then to whoever has least.
      const stays = place.previous === from ? 1 : place.previous === to ? -1 : 0
      const cost = stays * 1_000_000 + to.partitions.size
      if (best === null || cost < best.cost) best = { place, to, cost }
    }
  }
  if (best === null) return false
  give(best.place, best.to)
  return true
}

/** Partitions that could as well stay with their previous owner go back: it makes no load worse. */
function returnHome(places: readonly Place[]): void {
  for (let moved = true; moved; ) {
    moved = false
    for (const place of places) {
      const { owner, previous } = place
      if (owner === null || previous === null || owner === previous) continue
      if (previous.partitions.size < owner.partitions.size) {
        give(place, previous)
        moved = true
        continue
      }
      // Or in exchange for one that does not belong there either.
      const other = [...previous.partitions].find(
        (candidate) => candidate.previous !== previous && owner.topics.has(candidate.topic),
      )
      if (other === undefined) continue
      give(place, previous)
      give(other, owner)
      moved = true
    }
  }
}

function give(place: Place, to: Load | null): void {
  place.owner?.partitions.delete(place)
  place.owner = to
  to?.partitions.add(place)
}

function lightest(loads: readonly Load[]): Load | null {
  let least: Load | null = null
  for (const load of loads) {
    if (least === null || load.partitions.size < least.partitions.size) least = load
  }
  return least
}

/** Leaves out what another member says it owns. */
function withoutTransfers(
  members: readonly GroupMember[],
  assignment: GroupAssignment,
): GroupAssignment {
  const claimants = new Map<string, string[]>()
  for (const { memberId, ownedPartitions } of members) {
    for (const { topic, partition } of ownedPartitions) {
      const name = `${topic}-${partition}`
      claimants.set(name, [...(claimants.get(name) ?? []), memberId])
    }
  }
  return new Map(
    [...assignment].map(([memberId, partitions]) => [
      memberId,
      partitions.filter(({ topic, partition }) =>
        (claimants.get(`${topic}-${partition}`) ?? []).every((claimant) => claimant === memberId),
      ),
    ]),
  )
}
