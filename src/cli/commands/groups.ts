// `kafkawire groups`: list, describe, reset and delete groups, as kafka-consumer-groups does.

import type { Command } from 'commander'
import type { GroupLag, PartitionLag } from '../../admin/group-lag.ts'
import { addTimeout, clusterCommand, collect, oneOfActions, onRun, required } from '../command.ts'
import { InputError, UsageError } from '../failures.ts'
import { printMembers, printState, stateOf, typeOf } from '../group-views.ts'
import { doneBy } from '../partial-results.ts'
import {
  addResetFlags,
  placesOf,
  type ResetFlags,
  type ResetRequest,
  resetPlan,
} from '../reset-flags.ts'
import type { Session } from '../session.ts'

interface GroupsOptions extends ResetFlags {
  list?: boolean
  describe?: boolean
  delete?: boolean
  resetOffsets?: boolean
  deleteOffsets?: boolean
  removeMembers?: boolean
  group?: string[]
  allGroups?: boolean
  members?: boolean
  offsets?: boolean
  state?: string | boolean
  type?: string
  verbose?: boolean
  export?: boolean
}

export function addGroups(program: Command): void {
  const command = clusterCommand(program, 'groups', {
    summary: 'List and describe groups and their lag, reset and delete offsets, delete groups',
    script: 'kafka-consumer-groups',
    examples: [
      {
        text: 'List groups with their types and states',
        command: 'kafkawire groups --list --state',
      },
      {
        text: 'Show how far a group is behind',
        command: 'kafkawire groups --describe --group billing',
      },
      {
        text: 'Show what a reset would do, then do it',
        command:
          'kafkawire groups --reset-offsets --group billing --topic orders --to-earliest --dry-run',
      },
      {
        text: 'Go back an hour',
        command:
          'kafkawire groups --reset-offsets --group billing --all-topics --by-duration PT1H --execute',
      },
      { text: 'Delete a group', command: 'kafkawire groups --delete --group billing' },
    ],
  })
    .option('--list', 'list groups')
    .option('--describe', 'show offsets and lag, or --members, or --state')
    .option('--delete', 'delete groups that have no members')
    .option('--reset-offsets', 'change what a group without members has committed')
    .option('--delete-offsets', 'delete what a group has committed for --topic')
    .option('--remove-members', 'remove all members of a classic group')
    .option('--group <id>', 'a group; can be repeated', collect)
    .option('--all-groups', 'all groups')
    .option('--members', 'with --describe: the members')
    .option('--offsets', 'with --describe: offsets and lag, which is the default')
    .option('--state [states]', 'with --list: show, or choose, states; with --describe: the state')
    .option('--type [types]', 'with --list: classic, consumer, share, streams')
    .option('--verbose', 'with --describe --members: also what each member is assigned')
    .option('--export', 'with --reset-offsets: print CSV that --from-file reads')
  addResetFlags(command)
  onRun<GroupsOptions>(addTimeout(command), run)
}

async function run(session: Session, options: GroupsOptions): Promise<void> {
  const action = oneOfActions(options, [
    'list',
    'describe',
    'delete',
    'resetOffsets',
    'deleteOffsets',
    'removeMembers',
  ])
  if (action === 'list') return list(session, options)
  const plan = action === 'resetOffsets' ? resetPlan(options) : null
  const places =
    action === 'deleteOffsets'
      ? placesOf(required(options.topic, '--topic', '--delete-offsets'))
      : null
  const groups = await chosenGroups(session, options)
  if (plan !== null) return reset(session, options, groups, plan)
  if (places !== null) return deleteOffsets(session, options, groups, places)
  if (action === 'describe') return describe(session, options, groups)
  if (action === 'delete') return remove(session, groups)
  for (const group of groups) {
    await session.admin.removeMembersFromConsumerGroup(group, session.limits)
    session.out.line(`Removed the members of group ${group}.`)
    session.out.object({ groupId: group, membersRemoved: true })
  }
}

async function list(session: Session, options: GroupsOptions): Promise<void> {
  const states = words(options.state).map(stateOf)
  const types = words(options.type).map(typeOf)
  const groups = await session.parts.of(
    session.admin.listGroups({ ...session.limits, states, types }),
  )
  const isPlain = options.state === undefined && options.type === undefined
  if (isPlain && !session.out.json) {
    for (const { groupId } of groups) session.out.line(groupId)
    return
  }
  session.out.rows(groups, [
    { title: 'GROUP', of: ({ groupId }) => groupId },
    { title: 'TYPE', of: ({ type }) => type },
    { title: 'PROTOCOL', of: ({ protocolType }) => protocolType },
    { title: 'STATE', of: ({ state }) => state },
  ])
}

async function describe(
  session: Session,
  options: GroupsOptions,
  groups: readonly string[],
): Promise<void> {
  if (options.members) {
    return printMembers(session, groups, options.verbose === true)
  }
  if (options.state) return printState(session, groups)
  const lags = await session.parts.of(session.admin.groupLag(groups, session.limits))
  for (const lag of lags) printLag(session, lag)
}

function printLag(session: Session, { group, partitions, totalLag }: GroupLag): void {
  const { out } = session
  if (out.json) {
    for (const { member, ...partition } of partitions) {
      const { memberId = null, clientId = null, clientHost = null } = member ?? {}
      out.object({ groupId: group.groupId, ...partition, memberId, clientId, clientHost })
    }
    return
  }
  out.heading(`Group ${group.groupId} (${group.type}, ${group.state}), total lag ${totalLag}`)
  if (group.members.length === 0 && group.type !== 'share') {
    out.line(`Consumer group '${group.groupId}' has no active members.`)
  }
  if (partitions.length === 0) {
    out.line('It has no committed offsets.')
    return
  }
  const ofMember = (of: (member: NonNullable<PartitionLag['member']>) => string) => {
    return ({ member }: PartitionLag): string | null => (member === null ? null : of(member))
  }
  out.rows(partitions, [
    { title: 'TOPIC', of: ({ topic }) => topic },
    { title: 'PARTITION', of: ({ partition }) => partition },
    {
      title: group.type === 'share' ? 'START-OFFSET' : 'CURRENT-OFFSET',
      of: ({ committedOffset }) => committedOffset,
    },
    { title: 'LOG-END-OFFSET', of: ({ endOffset }) => endOffset },
    { title: 'LAG', of: ({ lag }) => lag },
    { title: 'CONSUMER-ID', of: ofMember(({ memberId }) => memberId) },
    { title: 'HOST', of: ofMember(({ clientHost }) => clientHost) },
    { title: 'CLIENT-ID', of: ofMember(({ clientId }) => clientId) },
  ])
}

async function remove(session: Session, groups: readonly string[]): Promise<void> {
  const { done, finish } = await doneBy(groups, session.admin.deleteGroups(groups, session.limits))
  for (const group of done) {
    session.out.line(`Deleted group ${group}.`)
    session.out.object({ groupId: group, deleted: true })
  }
  finish()
}

async function reset(
  session: Session,
  options: GroupsOptions,
  groups: readonly string[],
  plan: (group: string) => ResetRequest,
): Promise<void> {
  const { out, admin, limits } = session
  const isDryRun = options.execute !== true
  const requests = groups.map((group) => ({ group, request: plan(group) }))
  if (isDryRun && options.dryRun !== true && !options.export) {
    process.stderr.write('Nothing is changed: give --execute to reset the offsets.\n')
  }
  for (const { group, request } of requests) {
    const resets = await admin.resetConsumerGroupOffsets(group, {
      ...limits,
      ...request,
      validateOnly: isDryRun,
    })
    for (const { topic, partition, isClamped } of resets) {
      if (isClamped) {
        process.stderr.write(
          `Warning: the offset for ${topic}-${partition} is outside of the log; the nearer end is used.\n`,
        )
      }
    }
    if (options.export && !out.json) {
      for (const { topic, partition, to } of resets) {
        const fields = groups.length > 1 ? [group, topic, partition, to] : [topic, partition, to]
        out.line(fields.map((field) => csv(String(field))).join(','))
      }
      continue
    }
    out.rows(
      resets,
      [
        { title: 'GROUP', of: () => group },
        { title: 'TOPIC', of: ({ topic }) => topic },
        { title: 'PARTITION', of: ({ partition }) => partition },
        { title: 'OLD-OFFSET', of: ({ from }) => from },
        { title: 'NEW-OFFSET', of: ({ to }) => to },
      ],
      (reset) => ({ groupId: group, ...reset, executed: !isDryRun }),
    )
  }
}

async function deleteOffsets(
  session: Session,
  { allGroups = false }: GroupsOptions,
  groups: readonly string[],
  { topics, partitions }: Omit<ResetRequest, 'to'>,
): Promise<void> {
  for (const group of groups) {
    const named = new Set(topics)
    const [{ offsets }] = await session.admin.listConsumerGroupOffsets([group], session.limits)
    const ofTopics = offsets.filter(({ topic }) => named.has(topic))
    for (const { topic } of ofTopics) named.delete(topic)
    if (named.size > 0 && !allGroups) {
      throw new InputError(
        `Group "${group}" has committed nothing for ${[...named].join(', ')}. See what it has with --describe.`,
      )
    }
    const doomed = [...(partitions ?? []), ...ofTopics].map(({ topic, partition }) => ({
      topic,
      partition,
    }))
    if (doomed.length === 0) continue
    await session.admin.deleteConsumerGroupOffsets(group, doomed, session.limits)
    session.out.rows(
      doomed,
      [
        { title: 'GROUP', of: () => group },
        { title: 'TOPIC', of: ({ topic }) => topic },
        { title: 'PARTITION', of: ({ partition }) => partition },
        { title: 'STATUS', of: () => 'Deleted' },
      ],
      (place) => ({ groupId: group, ...place, deleted: true }),
    )
  }
}

async function chosenGroups(session: Session, options: GroupsOptions): Promise<string[]> {
  if (options.allGroups) {
    if (options.group !== undefined) throw new UsageError('Give --group or --all-groups, not both.')
    const listing = session.admin.listGroups(session.limits)
    const listed = await (options.describe ? session.parts.of(listing) : listing)
    return listed
      .filter(({ protocolType, type }) => type !== 'classic' || protocolType !== 'connect')
      .map(({ groupId }) => groupId)
  }
  if (options.group !== undefined) return options.group
  throw new UsageError('Say which group: --group <id>, or --all-groups.')
}

function words(value: string | boolean | undefined): string[] {
  if (typeof value !== 'string') return []
  return value.split(',').map((word) => word.trim())
}

function csv(field: string): string {
  return /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
