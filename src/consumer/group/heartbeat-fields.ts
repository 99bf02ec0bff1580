// What a member of a KIP-848 group says in a heartbeat: only what changed since the last heartbeat
// that was acknowledged, or everything. No I/O.

import type {
  ConsumerGroupHeartbeatRequest,
  TopicPartitions,
} from '../../protocol/messages/consumer-group-heartbeat.ts'

/** Everything that a member says about itself. */
export interface MemberFields {
  readonly rebalanceTimeoutMs: number
  readonly topicNames: readonly string[]
  /** null: no expression. */
  readonly topicRegex: string | null
  readonly serverAssignor: string | null
  readonly rackId: string | null
  readonly owned: readonly TopicPartitions[]
  /** The assignment that was taken up last; null: none was. */
  readonly taken: readonly TopicPartitions[] | null
}

export type HeartbeatFields = Pick<
  ConsumerGroupHeartbeatRequest,
  | 'rackId'
  | 'rebalanceTimeoutMs'
  | 'subscribedTopicNames'
  | 'subscribedTopicRegex'
  | 'serverAssignor'
  | 'topicPartitions'
>

/**
 * The fields of the next heartbeat.
 * @param known what the coordinator knows of the member; null: nothing for certain
 */
export function heartbeatFields(now: MemberFields, known: MemberFields | null): HeartbeatFields {
  const hasNames = known === null || !isSame(now.topicNames, known.topicNames)
  const hasRegex = known !== null && now.topicRegex !== known.topicRegex
  return {
    rackId: known === null ? now.rackId : null,
    rebalanceTimeoutMs: known === null ? now.rebalanceTimeoutMs : -1,
    subscribedTopicNames: hasNames ? [...now.topicNames] : null,
    subscribedTopicRegex:
      known === null ? now.topicRegex : hasRegex ? (now.topicRegex ?? '') : null,
    serverAssignor: known === null ? now.serverAssignor : null,
    topicPartitions: hasChanged(now, known)
      ? now.owned.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] }))
      : null,
  }
}

function hasChanged(now: MemberFields, known: MemberFields | null): boolean {
  // Never "no change" for nothing: so an assignment that was lost with its response is sent again.
  if (known === null || now.owned.length === 0) return true
  // Each assignment is acknowledged, also one that changes nothing here: what it takes back may be a partition that
  // this member never had, as metadata did not know its topic yet, and the coordinator waits for that.
  return now.taken !== known.taken || nameOf(now.owned) !== nameOf(known.owned)
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

function nameOf(owned: readonly TopicPartitions[]): string {
  return owned
    .map(({ topicId, partitions }) => `${topicId}:${[...partitions].sort((a, b) => a - b).join()}`)
    .sort()
    .join(' ')
}
