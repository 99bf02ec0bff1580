// The members and the state of groups as tables.

import type { GroupMember } from '../admin/describe-groups.ts'
import type { GroupState, GroupType } from '../admin/group-types.ts'
import type { TopicPartition } from '../types.ts'
import { UsageError } from './failures.ts'
import type { Session } from './session.ts'

export async function printMembers(
  session: Session,
  groups: readonly string[],
  isVerbose: boolean,
): Promise<void> {
  const { out } = session
  for (const group of await session.parts.of(
    session.admin.describeGroups(groups, session.limits),
  )) {
    if (out.json) {
      for (const member of group.members) out.object({ groupId: group.groupId, ...member })
      continue
    }
    out.heading(`Group ${group.groupId} (${group.type}, ${group.state})`)
    if (group.members.length === 0) {
      out.line(`Consumer group '${group.groupId}' has no active members.`)
      continue
    }
    const columns = [
      { title: 'CONSUMER-ID', of: ({ memberId }: GroupMember) => memberId },
      { title: 'HOST', of: ({ clientHost }: GroupMember) => clientHost },
      { title: 'CLIENT-ID', of: ({ clientId }: GroupMember) => clientId },
      { title: '#PARTITIONS', of: ({ assignment }: GroupMember) => assignment.length },
      { title: 'INSTANCE-ID', of: ({ groupInstanceId }: GroupMember) => groupInstanceId },
      { title: 'EPOCH', of: ({ memberEpoch }: GroupMember) => memberEpoch },
    ]
    const assignment = {
      title: 'ASSIGNMENT',
      of: (member: GroupMember) => byTopic(member.assignment),
    }
    out.rows(group.members, isVerbose ? [...columns, assignment] : columns)
  }
}

export async function printState(session: Session, groups: readonly string[]): Promise<void> {
  const described = await session.parts.of(session.admin.describeGroups(groups, session.limits))
  const { brokers } = await session.admin.describeCluster(session.limits)
  session.out.rows(
    described,
    [
      { title: 'GROUP', of: ({ groupId }) => groupId },
      { title: 'TYPE', of: ({ type }) => type },
      {
        title: 'COORDINATOR (ID)',
        of: ({ coordinator }) => {
          const broker = brokers.find(({ nodeId }) => nodeId === coordinator)
          return broker === undefined ? null : `${broker.host}:${broker.port} (${coordinator})`
        },
      },
      { title: 'ASSIGNMENT-STRATEGY', of: ({ assignor }) => assignor },
      { title: 'STATE', of: ({ state }) => state },
      { title: '#MEMBERS', of: ({ members }) => members.length },
    ],
    ({ members, ...group }) => ({ ...group, members: members.length }),
  )
}

/** Such as `orders(0,1,2), payments(0)`. */
function byTopic(partitions: readonly TopicPartition[]): string {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    topics.set(topic, [...(topics.get(topic) ?? []), partition])
  }
  return [...topics]
    .map(([topic, numbers]) => `${topic}(${numbers.sort((a, b) => a - b).join(',')})`)
    .join(', ')
}

const stateNames: readonly GroupState[] = [
  'PreparingRebalance',
  'CompletingRebalance',
  'Stable',
  'Dead',
  'Empty',
  'Assigning',
  'Reconciling',
  'NotReady',
]

/** The state that a flag names, in any case. @throws UsageError */
export function stateOf(text: string): GroupState {
  const bare = text.trim().toLowerCase().replaceAll(/[_-]/g, '')
  const found = stateNames.find((name) => name.toLowerCase() === bare)
  if (found !== undefined) return found
  throw new UsageError(`--state ${text}: expected one of ${stateNames.join(', ')}.`)
}

const typeNames: readonly GroupType[] = ['classic', 'consumer', 'share', 'streams']

/** The type of group that a flag names, in any case. @throws UsageError */
export function typeOf(text: string): GroupType {
  const found = typeNames.find((name) => name === text.trim().toLowerCase())
  if (found !== undefined) return found
  throw new UsageError(`--type ${text}: expected one of ${typeNames.join(', ')}.`)
}
