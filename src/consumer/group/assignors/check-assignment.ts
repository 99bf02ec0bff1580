// The result of an assignor may come from a user's code: two members with one partition would both read it.

import { InvalidArgumentError } from '../../../errors.ts'
import type { TopicPartition } from '../../../types.ts'
import type { GroupAssignment, GroupToAssign, MemberAssignment } from './assignor.ts'

/**
 * What each member of the group gets; members that were left out get nothing.
 * @throws {InvalidArgumentError} for a member or partition that does not exist, a topic that the member
 *   does not read, or a partition with two members
 */
export function checkAssignment(
  group: GroupToAssign,
  assignment: GroupAssignment,
): Map<string, MemberAssignment> {
  if (!(assignment instanceof Map)) {
    throw new InvalidArgumentError('assign() must return a Map of member ids to partitions')
  }
  const checked = new Map<string, MemberAssignment>(
    group.members.map(({ memberId }) => [memberId, { partitions: [] }]),
  )
  const topicsOf = new Map(group.members.map(({ memberId, topics }) => [memberId, new Set(topics)]))
  const takers = new Map<string, string>()
  for (const [memberId, given] of assignment as GroupAssignment) {
    const topics = topicsOf.get(memberId)
    if (topics === undefined) {
      throw new InvalidArgumentError(`there is no member "${memberId}" in the group`)
    }
    const { partitions, userData = null } = isList(given) ? { partitions: given } : given
    for (const { topic, partition } of partitions) {
      const count = group.partitionsPerTopic.get(topic) ?? 0
      if (!Number.isInteger(partition) || partition < 0 || partition >= count) {
        throw new InvalidArgumentError(
          `"${topic}" partition ${partition} does not exist: the topic has ${count} partitions`,
        )
      }
      const name = `${topic}-${partition}`
      const taker = takers.get(name)
      if (taker !== undefined) {
        throw new InvalidArgumentError(`"${taker}" and "${memberId}" both get ${name}`)
      }
      if (!topics.has(topic)) {
        throw new InvalidArgumentError(`"${memberId}" gets ${name} and does not read that topic`)
      }
      takers.set(name, memberId)
    }
    checked.set(memberId, { partitions, userData })
  }
  return checked
}

function isList(
  given: readonly TopicPartition[] | MemberAssignment,
): given is readonly TopicPartition[] {
  return Array.isArray(given)
}
