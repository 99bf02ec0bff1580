// `kafkawire share-groups`: list, describe, reset and delete share groups, as kafka-share-groups does.

import type { Command } from 'commander'
import { addTimeout, clusterCommand, collect, oneOfActions, onRun, required } from '../command.ts'
import { InputError, UsageError } from '../failures.ts'
import { printMembers, printState, stateOf } from '../group-views.ts'
import { doneBy } from '../partial-results.ts'
import { addResetFlags, type ResetFlags, type ResetRequest, resetPlan } from '../reset-flags.ts'
import type { Session } from '../session.ts'

interface ShareGroupsOptions extends ResetFlags {
  list?: boolean
  describe?: boolean
  delete?: boolean
  resetOffsets?: boolean
  deleteOffsets?: boolean
  group?: string[]
  allGroups?: boolean
  members?: boolean
  offsets?: boolean
  state?: string | boolean
  verbose?: boolean
}

export function addShareGroups(program: Command): void {
  const command = clusterCommand(program, 'share-groups', {
    summary: 'List, describe, reset and delete share groups (KIP-932)',
    script: 'kafka-share-groups',
    examples: [
      { text: 'List share groups', command: 'kafkawire share-groups --list' },
      {
        text: 'Show where a group begins in each partition, and its lag',
        command: 'kafkawire share-groups --describe --group workers',
      },
      {
        text: 'Begin again',
        command:
          'kafkawire share-groups --reset-offsets --group workers --topic jobs --to-earliest --execute',
      },
    ],
  })
    .option('--list', 'list share groups')
    .option('--describe', 'show start offsets and lag, or --members, or --state')
    .option('--delete', 'delete share groups that have no members')
    .option('--reset-offsets', 'change where a group without members begins')
    .option('--delete-offsets', 'delete the offsets of --topic')
    .option('--group <id>', 'a share group; can be repeated', collect)
    .option('--all-groups', 'all share groups')
    .option('--members', 'with --describe: the members')
    .option('--offsets', 'with --describe: start offsets and lag, which is the default')
    .option('--state [states]', 'with --list: show, or choose, states; with --describe: the state')
    .option('--verbose', 'with --describe --members: also what each member is assigned')
  addResetFlags(command)
  onRun<ShareGroupsOptions>(addTimeout(command), run)
}

async function run(session: Session, options: ShareGroupsOptions): Promise<void> {
  const actions = ['list', 'describe', 'delete', 'resetOffsets', 'deleteOffsets'] as const
  const action = oneOfActions(options, actions)
  const { admin, out, limits } = session
  if (action === 'list') return list(session, options)
  const plan = action === 'resetOffsets' ? resetPlan(options) : null
  const topics =
    action === 'deleteOffsets' ? required(options.topic, '--topic', '--delete-offsets') : []
  const groups = await chosenGroups(session, options)
  if (action !== 'describe') await checkAreShareGroups(session, groups)
  if (action === 'describe') {
    if (options.members) return printMembers(session, groups, options.verbose === true)
    if (options.state) return printState(session, groups)
    return describe(session, groups)
  }
  if (plan !== null) {
    const requests = groups.map((group) => ({ group, request: plan(group) }))
    for (const { group, request } of requests) await reset(session, options, group, request)
    return
  }
  if (action === 'delete') {
    const { done, finish } = await doneBy(groups, admin.deleteGroups(groups, limits))
    for (const group of done) {
      out.line(`Deleted share group ${group}.`)
      out.object({ groupId: group, deleted: true })
    }
    return finish()
  }
  for (const group of groups) {
    await admin.deleteShareGroupOffsets(group, topics, limits)
    out.line(`Deleted the offsets of ${topics.join(', ')} in share group ${group}.`)
    out.object({ groupId: group, topics, deleted: true })
  }
}

async function list(session: Session, options: ShareGroupsOptions): Promise<void> {
  const states = typeof options.state === 'string' ? options.state.split(',').map(stateOf) : []
  const groups = await session.parts.of(
    session.admin.listGroups({ ...session.limits, types: ['share'], states }),
  )
  if (options.state === undefined && !session.out.json) {
    for (const { groupId } of groups) session.out.line(groupId)
    return
  }
  session.out.rows(groups, [
    { title: 'GROUP', of: ({ groupId }) => groupId },
    { title: 'STATE', of: ({ state }) => state },
  ])
}

async function describe(session: Session, groups: readonly string[]): Promise<void> {
  const found = await session.parts.of(session.admin.listShareGroupOffsets(groups, session.limits))
  session.out.rows(
    found.flatMap(({ groupId, offsets }) => offsets.map((offset) => ({ groupId, ...offset }))),
    [
      { title: 'GROUP', of: ({ groupId }) => groupId },
      { title: 'TOPIC', of: ({ topic }) => topic },
      { title: 'PARTITION', of: ({ partition }) => partition },
      { title: 'LEADER-EPOCH', of: ({ leaderEpoch }) => leaderEpoch },
      { title: 'START-OFFSET', of: ({ startOffset }) => startOffset },
      { title: 'LAG', of: ({ lag }) => lag },
    ],
  )
}

async function reset(
  session: Session,
  options: ShareGroupsOptions,
  group: string,
  request: ResetRequest,
): Promise<void> {
  const isDryRun = options.execute !== true
  if (isDryRun && options.dryRun !== true) {
    process.stderr.write('Nothing is changed: give --execute to reset the offsets.\n')
  }
  const resets = await session.admin.resetConsumerGroupOffsets(group, {
    ...session.limits,
    ...request,
    validateOnly: isDryRun,
  })
  session.out.rows(
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

async function chosenGroups(session: Session, options: ShareGroupsOptions): Promise<string[]> {
  const { group: named, allGroups = false } = options
  if (named !== undefined && allGroups) {
    throw new UsageError('Give --group or --all-groups, not both.')
  }
  if (named === undefined && !allGroups) {
    throw new UsageError('Say which group: --group <id>, or --all-groups.')
  }
  if (named !== undefined) return named
  const listing = session.admin.listGroups({ ...session.limits, types: ['share'] })
  const groups = await (options.describe ? session.parts.of(listing) : listing)
  return groups.map(({ groupId }) => groupId)
}

/** The requests that delete and reset take groups of every type. @throws {InputError} for another type */
async function checkAreShareGroups(session: Session, names: readonly string[]): Promise<void> {
  const groups = await session.admin.listGroups(session.limits)
  const other = groups.find(({ groupId, type }) => names.includes(groupId) && type !== 'share')
  if (other === undefined) return
  throw new InputError(
    `Group "${other.groupId}" is a ${other.type} group and not a share group: see kafkawire groups.`,
  )
}
