// The result of an assignor may come from a user's code: two members with one partition would both read it.

import { describeValue, InvalidArgumentError } from '../../../errors.ts'
import type { TopicPartition } from '../../../types.ts'
import type { GroupAssignment, GroupToAssign, MemberAssignment } from './assignor.ts'

/**
 * What each member of the group gets; members that were left out get nothing.
 * @throws {InvalidArgumentError} for what is not a Map of partitions, a member or partition that does not exist,
 *   a topic that the member does not read, or a partition with two members
 */
export function checkAssignment(
  group: GroupToAssign,
  assignment: GroupAssignment,
): Map<string, MemberAssignment> {
  if (!(assignment instanceof Map)) {
    throw new InvalidArgumentError(
      `assign() must return a Map of member ids to partitions, got ${describeValue(assignment)}`,
    )
  }
  const checked = new Map<string, MemberAssignment>(
    group.members.map(({ memberId }) => [memberId, { partitions: [] }]),
  )
  const topicsOf = new Map(group.members.map(({ memberId, topics }) => [memberId, new Set(topics)]))
  /** By topic: the member that has each partition. */
  const takers = new Map<string, string[]>()
  for (const [memberId, given] of assignment as GroupAssignment) {
    const topics = topicsOf.get(memberId)
    if (topics === undefined) {
      throw new InvalidArgumentError(`there is no member "${memberId}" in the group`)
    }
    const { partitions, userData } = readGiven(memberId, given)
    for (const { topic, partition } of partitions) {
      const count = group.partitionsPerTopic.get(topic) ?? 0
      if (!Number.isInteger(partition) || partition < 0 || partition >= count) {
        throw new InvalidArgumentError(
          `"${topic}" partition ${partition} does not exist: the topic has ${count} partitions`,
        )
      }
      const ofTopic = takers.get(topic) ?? []
      const taker: string | undefined = ofTopic[partition]
      const name = (): string => `${topic}-${partition}`
      if (taker !== undefined) {
        throw new InvalidArgumentError(`"${taker}" and "${memberId}" both get ${name()}`)
      }
      if (!topics.has(topic)) {
        throw new InvalidArgumentError(`"${memberId}" gets ${name()} and does not read that topic`)
      }
      if (ofTopic.length === 0) takers.set(topic, ofTopic)
      ofTopic[partition] = memberId
    }
    checked.set(memberId, { partitions, userData })
  }
  return checked
}

/** Whether this is what goes with a subscription or an assignment. */
export function isUserData(value: unknown): value is Buffer | null {
  return value === null || value instanceof Uint8Array
}

function readGiven(
  memberId: string,
  given: unknown,
): { partitions: readonly TopicPartition[]; userData: Buffer | null } {
  const isObject = typeof given === 'object' && given !== null
  const partitions: unknown = isObject && !isArray(given) ? Reflect.get(given, 'partitions') : given
  const userData: unknown = (isObject && Reflect.get(given, 'userData')) || null
  if (isArray(partitions) && partitions.every(isObjectValue) && isUserData(userData)) {
    return { partitions: partitions as readonly TopicPartition[], userData }
  }
  const got = isUserData(userData)
    ? describeValue(partitions)
    : `userData ${describeValue(userData)}`
  throw new InvalidArgumentError(
    `"${memberId}" must get an array of { topic, partition }, or { partitions, userData } with a Buffer or null, got ${got}`,
  )
}

const isArray = (value: unknown): value is readonly unknown[] => Array.isArray(value)

const isObjectValue = (value: unknown): boolean => typeof value === 'object' && value !== null
