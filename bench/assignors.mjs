// npm run bench -- assignors: what the leader of a classic group spends on one assignment, for groups that
// grow. Times are the CPU's; each is the first assignment, and the one after a tenth of the members has left.

import { openAssignors } from '../src/consumer/group/assignors/by-name.ts'
import { encodePrevious } from '../src/consumer/group/assignors/sticky.ts'

const names = ['range', 'roundrobin', 'sticky', 'cooperative-sticky']
const groups = [
  { topics: 1, partitions: 1000, members: 100 },
  { topics: 1, partitions: 10_000, members: 1000 },
  { topics: 100, partitions: 10_000, members: 1000 },
  { topics: 100, partitions: 10_000, members: 1000, readsSome: true },
  { topics: 2000, partitions: 10_000, members: 500 },
]

export async function runAssignors(rounds) {
  console.log('\n### assignors: CPU ms of one assignment, first / after a tenth has left\n')
  console.log(`| topics | partitions | members | read by | ${names.join(' | ')} |`)
  console.log(`| --- | --- | --- | --- | ${names.map(() => '---').join(' | ')} |`)
  for (const group of groups) {
    const cells = []
    for (const name of names) cells.push(await measure(name, group, rounds))
    const readBy = group.readsSome ? 'two thirds' : 'all'
    const { topics, partitions, members } = group
    console.log(`| ${[topics, partitions, members, readBy, ...cells].join(' | ')} |`)
  }
}

async function measure(name, size, rounds) {
  const first = []
  const later = []
  for (let round = 0; round < rounds; round++) {
    const group = groupOf(size)
    const { result, ms } = await timed(name, group)
    first.push(ms)
    later.push((await timed(name, withoutSome(group, result, size.members / 10))).ms)
  }
  return `${median(first)} / ${median(later)}`
}

async function timed(name, group) {
  const [assignor] = openAssignors([name])
  const start = process.cpuUsage()
  const result = await assignor.assign(group)
  const { user, system } = process.cpuUsage(start)
  return { result, ms: (user + system) / 1000 }
}

function groupOf({ topics, partitions, members, readsSome = false }) {
  const all = Array.from({ length: topics }, (_, i) => `topic-${i}`)
  return {
    partitionsPerTopic: new Map(all.map((name) => [name, partitions / topics])),
    replicaRacks: new Map(),
    members: Array.from({ length: members }, (_, i) => ({
      memberId: `member-${i}`,
      groupInstanceId: null,
      topics: all.filter((_, t) => !readsSome || (t + i) % 3 !== 0),
      ownedPartitions: [],
      generationId: -1,
      rackId: null,
      userData: null,
    })),
  }
}

function withoutSome(group, given, count) {
  return {
    ...group,
    members: group.members.slice(count).map((member) => {
      const ownedPartitions = given.get(member.memberId)
      const userData = encodePrevious(ownedPartitions, 1)
      return { ...member, ownedPartitions, generationId: 1, userData }
    }),
  }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)].toFixed(0)
}
