// `range`: of each topic, each member gets a run of neighbouring partitions, so that members which read
// the same topics get the same partition numbers of all of them. With racks (KIP-881), partitions go first
// to members in a rack of one of their replicas; no member gets more for that.

import { compareTopicPartitions } from '../../../topic-partition.ts'
import type { TopicPartition } from '../../../types.ts'
import {
  type Assignor,
  type GroupToAssign,
  type SubscribedMember,
  sortMembers,
  topicSets,
} from './assignor.ts'

type Placement = Map<string, TopicPartition[]>

export const range: Assignor = { name: 'range', assign }

function assign(group: GroupToAssign): Placement {
  const assignment: Placement = new Map()
  for (const { memberId } of group.members) assignment.set(memberId, [])
  const members = sortMembers(group.members)
  const topicsOf = topicSets(members)
  const areAlike = topicsOf.every((topics) => topics === topicsOf[0])
  const subscribersOf = (topic: string): readonly SubscribedMember[] => {
    if (areAlike) return topicsOf[0]?.has(topic) ? members : []
    return members.filter((_, index) => topicsOf[index].has(topic))
  }
  const shares: TopicShare[] = []
  for (const [topic, count] of group.partitionsPerTopic) {
    const subscribers = subscribersOf(topic)
    if (count > 0 && subscribers.length > 0) {
      shares.push(new TopicShare(topic, count, subscribers, group.replicaRacks.get(topic) ?? []))
    }
  }
  const isRackAware = shares.some(({ needsRacks }) => needsRacks)
  if (isRackAware) matchRacks(shares, assignment)
  for (const share of shares) share.assignRanges(() => true, assignment)
  if (isRackAware) for (const list of assignment.values()) list.sort(compareTopicPartitions)
  return assignment
}

/** Topics of the same members and the same number of partitions are kept side by side. */
function matchRacks(shares: readonly TopicShare[], assignment: Placement): void {
  const alike = new Map<string, TopicShare[]>()
  for (const share of shares) {
    const key = JSON.stringify([share.count, share.members.map(({ memberId }) => memberId)])
    const together = alike.get(key)
    if (together === undefined) alike.set(key, [share])
    else together.push(share)
  }
  for (const together of alike.values()) {
    if (together.length > 1) matchRacksTogether(together, assignment)
    else if (together[0].needsRacks) {
      together[0].assignRanges((member, p) => together[0].isNear(member, p), assignment)
    }
  }
}

/** A partition number goes, of all these topics, to the first member that is near to all of them. */
function matchRacksTogether(shares: readonly TopicShare[], assignment: Placement): void {
  for (let p = 0; p < shares[0].count; p++) {
    const member = shares[0].members.find((candidate) =>
      shares.every((share) => share.isNear(candidate, p) && share.room(candidate) > 0),
    )
    if (member === undefined) continue
    for (const share of shares) share.give(member, [p], assignment)
  }
}

/** One topic: what is left of it, and how much more each member may get. */
class TopicShare {
  readonly topic: string
  readonly count: number
  readonly members: readonly SubscribedMember[]
  readonly needsRacks: boolean
  private readonly racks: readonly (readonly string[])[]
  private readonly left: Set<number>
  private readonly given = new Map<string, number>()
  private readonly fairShare: number
  /** How many members may still get one more than the fair share. */
  private extras: number

  constructor(
    topic: string,
    count: number,
    members: readonly SubscribedMember[],
    racks: readonly (readonly string[])[],
  ) {
    this.topic = topic
    this.count = count
    this.members = members
    this.racks = racks
    this.left = new Set(Array.from({ length: count }, (_, p) => p))
    this.fairShare = Math.floor(count / members.length)
    this.extras = count % members.length
    this.needsRacks = needsRacks(members, racks, count)
  }

  room({ memberId }: SubscribedMember): number {
    const most = this.fairShare + (this.extras > 0 ? 1 : 0)
    return Math.max(0, most - (this.given.get(memberId) ?? 0))
  }

  isNear({ rackId }: SubscribedMember, partition: number): boolean {
    return rackId === null || this.racks[partition]?.includes(rackId) === true
  }

  assignRanges(
    mayGet: (member: SubscribedMember, partition: number) => boolean,
    assignment: Placement,
  ): void {
    for (const member of this.members) {
      if (this.left.size === 0) return
      const room = this.room(member)
      const run: number[] = []
      for (const partition of room === 0 ? [] : this.left) {
        if (!mayGet(member, partition)) continue
        if (run.push(partition) === room) break
      }
      if (run.length > 0) this.give(member, run, assignment)
    }
  }

  give({ memberId }: SubscribedMember, partitions: readonly number[], assignment: Placement): void {
    const given = (this.given.get(memberId) ?? 0) + partitions.length
    this.given.set(memberId, given)
    if (given > this.fairShare) this.extras--
    const list: TopicPartition[] | undefined = assignment.get(memberId)
    for (const partition of partitions) {
      this.left.delete(partition)
      list?.push({ topic: this.topic, partition })
    }
  }
}

/** Racks decide something only if members and replicas share some, and not every partition is in all. */
function needsRacks(
  members: readonly SubscribedMember[],
  racks: readonly (readonly string[])[],
  count: number,
): boolean {
  if (racks.length === 0) return false
  const all = new Set(racks.flat())
  if (!members.some(({ rackId }) => rackId !== null && all.has(rackId))) return false
  return !Array.from({ length: count }, (_, p) => new Set(racks[p])).every(
    (ofPartition) => ofPartition.size === all.size,
  )
}
