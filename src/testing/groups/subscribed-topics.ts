// Which topics the members of a group read, as far as the coordinator can tell.

import { DecodeError } from '../../errors.ts'
import type { TopicStore } from '../topic-store.ts'
import type { ClassicGroup } from './classic/classic-group.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'
import { decodeSubscription } from './consumer-protocol.ts'

/** The names of the topics; `unknown` for a group with members that are not consumers. */
export function subscribedTopics(
  group: ClassicGroup | ConsumerGroup,
  topics: TopicStore,
): ReadonlySet<string> | 'unknown' {
  const names = new Set<string>()
  if (group.type === 'consumer') {
    for (const member of group.members.values()) {
      for (const id of group.subscribedTopicIds(member, topics)) {
        const name = topics.getById(id)?.name
        if (name !== undefined) names.add(name)
      }
    }
    return names
  }
  if (group.members.size === 0) return names
  if (group.protocolType !== 'consumer') return 'unknown'
  try {
    for (const { protocols } of group.members.values()) {
      const chosen = protocols.find(({ name }) => name === group.protocolName) ?? protocols[0]
      for (const name of decodeSubscription(chosen.metadata).topics) names.add(name)
    }
    return names
  } catch (error) {
    if (error instanceof DecodeError) return 'unknown'
    throw error
  }
}
