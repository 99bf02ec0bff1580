// `roundrobin`: all partitions of all topics, one after the other, to the next member that reads the topic.

import type { TopicPartition } from '../../../types.ts'
import { type Assignor, compareText, sortMembers, topicSets } from './assignor.ts'

export const roundRobin: Assignor = {
  name: 'roundrobin',
  assign: (group) => {
    const assignment = new Map<string, TopicPartition[]>()
    for (const { memberId } of group.members) assignment.set(memberId, [])
    const sorted = sortMembers(group.members)
    const topicsOf = topicSets(sorted)
    const members = sorted.map(({ memberId }, index) => ({ memberId, topics: topicsOf[index] }))
    let next = 0
    for (const [topic, count] of [...group.partitionsPerTopic].sort(([a], [b]) =>
      compareText(a, b),
    )) {
      if (!members.some(({ topics }) => topics.has(topic))) continue
      for (let partition = 0; partition < count; partition++) {
        while (!members[next % members.length].topics.has(topic)) next++
        assignment.get(members[next % members.length].memberId)?.push({ topic, partition })
        next++
      }
    }
    return assignment
  },
}
