// `roundrobin`: all partitions of all topics, one after the other, to the next member that reads the topic.

import { type Assignor, compareText, type GroupAssignment, sortMembers } from './assignor.ts'

export const roundRobin: Assignor = {
  name: 'roundrobin',
  isCooperative: false,
  userData: () => null,
  assign: (group) => {
    const assignment: GroupAssignment = new Map()
    for (const { memberId } of group.members) assignment.set(memberId, [])
    const members = sortMembers(group.members).map(({ memberId, topics }) => ({
      memberId,
      topics: new Set(topics),
    }))
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
