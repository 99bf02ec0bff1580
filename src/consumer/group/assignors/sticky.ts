// `sticky`: as even as can be, with as few partitions as possible changing hands (KIP-54). An eager assignor:
// members give everything up before they join, so each sends along what it had.

import { groupByTopic } from '../../../topic-partition.ts'
import type { TopicPartition } from '../../../types.ts'
import type { Assignor, GroupToAssign, SubscribedMember } from './assignor.ts'
import { hashOrder, javaHash } from './java-order.ts'
import { assignEqual, type StickyResult } from './sticky-equal.ts'
import { assignGeneral } from './sticky-general.ts'
import { type Claim, StickyGroup } from './sticky-group.ts'

/** One for each consumer: it keeps what the consumer had. */
export function stickyAssignor(): Assignor {
  let had: { partitions: readonly TopicPartition[]; generationId: number } | null = null
  return {
    name: 'sticky',
    subscriptionUserData: () =>
      had === null ? null : encodePrevious(had.partitions, had.generationId),
    assign: (group) => assignSticky(group, decodePrevious).assignment,
    onAssignment: ({ partitions }, generationId) => {
      had = { partitions, generationId }
    },
  }
}

/** The balanced assignment, without regard to what has to be revoked first. */
export function assignSticky(
  group: GroupToAssign,
  claimOf: (member: SubscribedMember) => Claim,
): {
  assignment: Map<string, TopicPartition[]>
  /** Partitions that their owner must release first; null: all whose owner changes. */
  transfers: ReadonlySet<string> | null
} {
  if (group.members.length === 0) return { assignment: new Map(), transfers: null }
  const sticky = new StickyGroup(group, claimOf)
  const { assigned, transfers }: StickyResult = sticky.hasEqualSubscriptions
    ? assignEqual(sticky)
    : assignGeneral(sticky)
  const nameOf = (number: number): string => {
    const { topic, partition } = sticky.toTopicPartition(number)
    return `${topic}-${partition}`
  }
  return {
    assignment: new Map(
      sticky.members.map(({ memberId }, member) => [
        memberId,
        assigned[member].map((number) => sticky.toTopicPartition(number)),
      ]),
    ),
    transfers: transfers === null ? null : new Set([...transfers.keys()].map(nameOf)),
  }
}

/** `[topic, [partition]]` and the generation, byte for byte as Java's assignor writes them. */
export function encodePrevious(
  partitions: readonly TopicPartition[],
  generationId: number,
): Buffer {
  const topics = hashOrder([...groupByTopic(partitions)], ([topic]) => javaHash(topic))
  let size = 8
  for (const [topic, ofTopic] of topics)
    size += 2 + Buffer.byteLength(topic) + 4 + 4 * ofTopic.length
  const bytes = Buffer.alloc(size)
  let at = bytes.writeInt32BE(topics.length, 0)
  for (const [topic, ofTopic] of topics) {
    at = bytes.writeInt16BE(Buffer.byteLength(topic), at)
    at += bytes.write(topic, at)
    at = bytes.writeInt32BE(ofTopic.length, at)
    for (const { partition } of ofTopic) at = bytes.writeInt32BE(partition, at)
  }
  bytes.writeInt32BE(generationId, at)
  return bytes
}

/** What cannot be read is nothing; the generation came with version 1. */
export function decodePrevious({ userData }: SubscribedMember): Claim {
  if (userData === null || userData.length === 0) return { partitions: [], generation: undefined }
  try {
    const partitions: TopicPartition[] = []
    let at = 4
    for (let topics = count(userData, 0); topics > 0; topics--) {
      const length = userData.readInt16BE(at)
      if (length < 0) throw new RangeError('negative length')
      const topic = userData.toString('utf8', at + 2, at + 2 + length)
      at += 2 + length
      let left = count(userData, at)
      for (at += 4; left > 0; left--, at += 4) {
        partitions.push({ topic, partition: userData.readInt32BE(at) })
      }
    }
    const generation = userData.length >= at + 4 ? userData.readInt32BE(at) : undefined
    return { partitions, generation }
  } catch {
    return { partitions: [], generation: -1 }
  }
}

function count(bytes: Buffer, at: number): number {
  const value = bytes.readInt32BE(at)
  if (value < 0 || value > bytes.length) throw new RangeError('not a count')
  return value
}
