// The server-side uniform assignor: equal numbers of partitions, and as few moves as that allows.

import { PartitionSetsBuilder } from '../partition-sets.ts'
import {
  type Assignor,
  type AssignorInput,
  type AssignorMember,
  type AssignorResult,
  isHomogeneous,
} from './assignor.ts'

export const uniformAssignor: Assignor = { name: 'uniform', assign }

interface TopicPartition {
  readonly topicId: string
  readonly partition: number
}

function assign(input: AssignorInput): AssignorResult {
  if (input.members.length === 0) return new Map()
  return isHomogeneous(input) ? assignEqual(input) : assignMixed(input)
}

/** All members subscribe to the same topics: quotas differ by one at most. */
function assignEqual({ members, partitionCounts }: AssignorInput): AssignorResult {
  let total = 0
  for (const count of partitionCounts.values()) total += count
  const least = Math.floor(total / members.length)
  let extra = total % members.length
  const isTaken = new PartitionSetsBuilder()
  const builders = new Map<string, PartitionSetsBuilder>()
  const unfilled: { builder: PartitionSetsBuilder; room: number }[] = []
  for (const member of members) {
    const builder = new PartitionSetsBuilder()
    builders.set(member.memberId, builder)
    let room = least + (extra-- > 0 ? 1 : 0)
    for (const { topicId, partition } of keepable(member, partitionCounts)) {
      if (room === 0) break
      if (isTaken.sets.get(topicId)?.has(partition)) continue
      builder.add(topicId, partition)
      isTaken.add(topicId, partition)
      room--
    }
    if (room > 0) unfilled.push({ builder, room })
  }
  const free = freePartitions(partitionCounts, isTaken)
  let next = 0
  for (const { builder, room } of unfilled) {
    for (let i = 0; i < room && next < free.length; i++) {
      builder.add(free[next].topicId, free[next].partition)
      next++
    }
  }
  return new Map([...builders].map(([memberId, { sets }]) => [memberId, sets]))
}

/** What a member may keep of its previous assignment, with gaps in a topic's numbers filled last. */
function keepable(
  { previous, topicIds }: AssignorMember,
  partitionCounts: ReadonlyMap<string, number>,
): TopicPartition[] {
  const kept: TopicPartition[] = []
  for (const [topicId, partitions] of previous) {
    const count = topicIds.has(topicId) ? (partitionCounts.get(topicId) ?? 0) : 0
    for (const partition of [...partitions].sort((a, b) => a - b)) {
      if (partition < count) kept.push({ topicId, partition })
    }
  }
  return kept
}

function freePartitions(
  partitionCounts: ReadonlyMap<string, number>,
  taken: PartitionSetsBuilder,
): TopicPartition[] {
  const free: TopicPartition[] = []
  for (const [topicId, count] of partitionCounts) {
    for (let partition = 0; partition < count; partition++) {
      if (!taken.sets.get(topicId)?.has(partition)) free.push({ topicId, partition })
    }
  }
  return free
}

/** A member on its way to an assignment. */
interface Load {
  readonly member: AssignorMember
  readonly partitions: Map<string, Set<number>>
  count: number
}

/** Subscriptions differ: partitions go to the subscriber with the fewest, then loads are levelled. */
function assignMixed({ members, partitionCounts }: AssignorInput): AssignorResult {
  const loads = members.map((member): Load => ({ member, partitions: new Map(), count: 0 }))
  const subscribers = new Map<string, Load[]>()
  for (const topicId of partitionCounts.keys()) {
    subscribers.set(
      topicId,
      loads.filter(({ member }) => member.topicIds.has(topicId)),
    )
  }
  const taken = new PartitionSetsBuilder()
  for (const load of loads) {
    for (const { topicId, partition } of keepable(load.member, partitionCounts)) {
      if (taken.sets.get(topicId)?.has(partition)) continue
      taken.add(topicId, partition)
      give(load, topicId, partition)
    }
  }
  const choices = ({ topicId }: TopicPartition): number => subscribers.get(topicId)?.length ?? 0
  const free = freePartitions(partitionCounts, taken).sort((a, b) => choices(a) - choices(b))
  for (const { topicId, partition } of free) {
    const [first, ...others] = subscribers.get(topicId) ?? []
    if (first === undefined) continue
    give(
      others.reduce((least, load) => (load.count < least.count ? load : least), first),
      topicId,
      partition,
    )
  }
  while (moveOne(loads, subscribers)) {
    // Each move takes a partition to a member that had at least two fewer, so this ends.
  }
  return new Map(loads.map(({ member, partitions }) => [member.memberId, partitions]))
}

function give(load: Load, topicId: string, partition: number): void {
  const partitions = load.partitions.get(topicId)
  if (partitions === undefined) load.partitions.set(topicId, new Set([partition]))
  else partitions.add(partition)
  load.count++
}

/** Moves one partition from the fullest member that can give one; false when loads are level. */
function moveOne(loads: Load[], subscribers: ReadonlyMap<string, Load[]>): boolean {
  for (const from of [...loads].sort((a, b) => b.count - a.count)) {
    for (const [topicId, partitions] of from.partitions) {
      const others = subscribers.get(topicId) ?? []
      const to = others.reduce((least, load) => (load.count < least.count ? load : least), from)
      if (from.count - to.count < 2) continue
      const last = [...partitions].reduce((last, each) => Math.max(last, each))
      partitions.delete(last)
      if (partitions.size === 0) from.partitions.delete(topicId)
      from.count--
      give(to, topicId, last)
      return true
    }
  }
  return false
}
