// When the epoch of a group rises, and the target assignment that is computed then.

import type { TopicStore } from '../../topic-store.ts'
import type { Assignor } from '../assignors/assignor.ts'
import { rangeAssignor } from '../assignors/range.ts'
import { uniformAssignor } from '../assignors/uniform.ts'
import { compileRe2 } from '../re2.ts'
import type { ConsumerGroup } from './consumer-group.ts'

/** By name; the first is the default. */
export const serverAssignors: ReadonlyMap<string, Assignor> = new Map([
  [uniformAssignor.name, uniformAssignor],
  [rangeAssignor.name, rangeAssignor],
])

/**
 * Raises the group epoch when `hasChanged` or when the subscribed topics are not what they were when
 * the epoch last rose.
 */
export function refreshEpoch(group: ConsumerGroup, topics: TopicStore, hasChanged: boolean): void {
  if (!hasChanged && group.topicsVersion === topics.version) return
  if (group.topicsVersion !== topics.version) {
    resolveRegexes(group, topics, group.resolvedRegexes.keys())
  }
  group.topicsVersion = topics.version
  const digest = describeTopics(group, topics)
  if (!hasChanged && digest === group.metadataDigest) return
  group.metadataDigest = digest
  group.groupEpoch++
}

/** Computes a new target when the group epoch has risen and the interval between targets is over. */
export function refreshTarget(
  group: ConsumerGroup,
  topics: TopicStore,
  intervalMs: number,
  now: number,
): void {
  if (group.groupEpoch === group.assignmentEpoch) return
  if (group.target.size > 0 && now < group.assignedAt + intervalMs) return
  const members = [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    topicIds: group.subscribedTopicIds(member, topics),
    previous: group.targetOf(member.memberId),
  }))
  const partitionCounts = new Map<string, number>()
  for (const { topicIds } of members) {
    for (const id of topicIds) partitionCounts.set(id, topics.getById(id)?.partitions.length ?? 0)
  }
  const assignor = serverAssignors.get(group.assignorName) ?? uniformAssignor
  group.target = new Map(assignor.assign({ members, partitionCounts }))
  group.assignmentEpoch = group.groupEpoch
  group.assignedAt = now
}

/** A group without members has nothing to assign: its target is empty at once. */
export function emptyTarget(group: ConsumerGroup): void {
  group.target = new Map()
  group.assignmentEpoch = group.groupEpoch
}

/**
 * Resolves the regular expressions that members use, as brokers do in the background: a member that
 * comes with a new one learns of its topics from its next heartbeat. Raises the group epoch when the
 * topics of any have changed.
 */
export function resolveNewRegexes(group: ConsumerGroup, topics: TopicStore): void {
  const used = regexesOf(group)
  for (const regex of [...group.resolvedRegexes.keys()]) {
    if (!used.has(regex)) group.resolvedRegexes.delete(regex)
  }
  const added = [...used].filter((regex) => !group.resolvedRegexes.has(regex))
  if (added.length === 0) return
  resolveRegexes(group, topics, added)
  if (added.every((regex) => group.resolvedRegexes.get(regex)?.size === 0)) return
  group.metadataDigest = describeTopics(group, topics)
  group.groupEpoch++
}

function resolveRegexes(group: ConsumerGroup, topics: TopicStore, regexes: Iterable<string>): void {
  const names = [...topics.all].map(({ name }) => name)
  for (const regex of [...regexes]) {
    const pattern = compileRe2(regex)
    group.resolvedRegexes.set(regex, new Set(names.filter((name) => pattern.test(name))))
  }
}

function regexesOf(group: ConsumerGroup): Set<string> {
  const regexes = new Set<string>()
  for (const { subscribedTopicRegex } of group.members.values()) {
    if (subscribedTopicRegex !== '') regexes.add(subscribedTopicRegex)
  }
  return regexes
}

function describeTopics(group: ConsumerGroup, topics: TopicStore): string {
  const ids = new Set<string>()
  for (const member of group.members.values()) {
    for (const id of group.subscribedTopicIds(member, topics)) ids.add(id)
  }
  return [...ids]
    .sort()
    .map((id) => `${id}:${topics.getById(id)?.partitions.length}`)
    .join(' ')
}
