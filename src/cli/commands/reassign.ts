// `kafkawire reassign`: move partitions between brokers, as kafka-reassign-partitions does.

import type { Command } from 'commander'
import { partitionName } from '../../admin/names.ts'
import type { NewPartitionReassignment } from '../../admin/reassignments.ts'
import type { TopicDescription } from '../../admin/topic-description.ts'
import { addTimeout, atLeast, clusterCommand, oneOfActions, onRun, required } from '../command.ts'
import { FoundProblems, InputError, UsageError } from '../failures.ts'
import { type PartitionEntry, readEntries } from '../json-files.ts'
import { toJson } from '../output.ts'
import { proposeAssignment } from '../propose-assignment.ts'
import { removeThrottle, setThrottle } from '../replication-throttle.ts'
import type { Session } from '../session.ts'

interface ReassignOptions {
  generate?: boolean
  execute?: boolean
  verify?: boolean
  cancel?: boolean
  list?: boolean
  reassignmentJsonFile?: string
  topicsToMoveJsonFile?: string
  brokerList?: string
  brokers?: string
  throttle?: number
  replicaAlterLogDirsThrottle?: number
  preserveThrottles?: boolean
  disableRackAware?: boolean
  additional?: boolean
}

export function addReassign(program: Command): void {
  const command = clusterCommand(program, 'reassign', {
    summary: 'Move partitions between brokers and log directories',
    script: 'kafka-reassign-partitions',
    takesControllers: true,
    examples: [
      {
        text: 'Propose how to spread topics over brokers 1 to 4',
        command:
          'kafkawire reassign --generate --topics-to-move-json-file topics.json --brokers 1,2,3,4',
      },
      {
        text: 'Move, with at most 10 MB/s per broker',
        command:
          'kafkawire reassign --execute --reassignment-json-file plan.json --throttle 10000000',
      },
      {
        text: 'Check whether it is done, and lift the throttle when it is',
        command: 'kafkawire reassign --verify --reassignment-json-file plan.json',
      },
    ],
  })
    .option('--generate', 'propose an assignment of topics to brokers')
    .option('--execute', 'begin to move')
    .option('--verify', 'show what is done; lifts throttles when all is')
    .option('--cancel', 'cancel moves in progress')
    .option('--list', 'list moves in progress')
    .option(
      '--reassignment-json-file <file>',
      '{"version":1,"partitions":[{"topic":"orders","partition":0,"replicas":[1,2]}]}',
    )
    .option(
      '--topics-to-move-json-file <file>',
      'with --generate: {"topics":[{"topic":"orders"}],"version":1}',
    )
    .option('--brokers <ids>', 'with --generate: broker ids such as 1,2,3 (also --broker-list)')
    .option('--throttle <bytes/s>', 'with --execute: most that a broker moves', atLeast(1))
    .option(
      '--replica-alter-log-dirs-throttle <bytes/s>',
      'with --execute: most that is moved between directories of a broker',
      atLeast(1),
    )
    .option('--preserve-throttles', 'with --verify, --cancel: leave throttles as they are')
    .option('--disable-rack-aware', 'with --generate: do not look at racks')
    .option('--additional', 'with --execute: also while other moves are in progress')
  onRun<ReassignOptions>(addTimeout(command), run)
}

async function run(session: Session, options: ReassignOptions): Promise<void> {
  const action = oneOfActions(options, ['generate', 'execute', 'verify', 'cancel', 'list'])
  if (session.usesControllers && action !== 'list' && action !== 'cancel') {
    throw new UsageError(
      `--${action} needs brokers: give --bootstrap-server. Controllers do --list and --cancel.`,
    )
  }
  if (action === 'list') return list(session)
  if (action === 'generate') return generate(session, options)
  const path = required(options.reassignmentJsonFile, '--reassignment-json-file', `--${action}`)
  const partitions = readEntries(path, 'partitions', ['partition', 'replicas'])
  if (action === 'execute') return execute(session, options, partitions)
  if (action === 'verify') return verify(session, options, partitions)
  return cancel(session, options, partitions)
}

async function list(session: Session): Promise<void> {
  const moves = await session.admin.listPartitionReassignments(session.limits)
  if (moves.length === 0) session.out.line('No partition reassignments found.')
  else {
    session.out.rows(moves, [
      { title: 'TOPIC', of: ({ topic }) => topic },
      { title: 'PARTITION', of: ({ partition }) => partition },
      { title: 'REPLICAS', of: ({ replicas }) => replicas.join(',') },
      { title: 'ADDING', of: ({ addingReplicas }) => addingReplicas.join(',') },
      { title: 'REMOVING', of: ({ removingReplicas }) => removingReplicas.join(',') },
    ])
  }
}

async function generate(session: Session, options: ReassignOptions): Promise<void> {
  const { admin, limits, out } = session
  const path = required(options.topicsToMoveJsonFile, '--topics-to-move-json-file', '--generate')
  const text = required(options.brokers ?? options.brokerList, '--brokers', '--generate')
  const ids = text.split(',').map((id) => {
    if (/^\d+$/.test(id.trim())) return Number(id)
    throw new UsageError(`--brokers ${text}: expected broker ids such as 1,2,3.`)
  })
  const topics = readEntries(path, 'topics', [])
  const [described, { brokers }] = await Promise.all([
    admin.describeTopics(
      topics.map(({ topic }) => topic),
      limits,
    ),
    admin.describeCluster(limits),
  ])
  const chosen = brokers.filter(({ nodeId }) => ids.includes(nodeId))
  const missing = ids.find((id) => !chosen.some(({ nodeId }) => nodeId === id))
  if (missing !== undefined)
    throw new InputError(`--brokers ${text}: no broker ${missing} is running.`)
  const current = fileOf(described)
  const proposed = described.flatMap(({ topic, partitions }) =>
    proposeAssignment(topic, partitions, chosen, options.disableRackAware === true),
  )
  out.line('Current partition replica assignment')
  out.line(toJson(current))
  out.line()
  out.line('Proposed partition reassignment configuration')
  out.line(toJson({ version: 1, partitions: proposed }))
  out.object({ current, proposed: { version: 1, partitions: proposed } })
}

async function execute(
  session: Session,
  options: ReassignOptions,
  partitions: readonly PartitionEntry[],
): Promise<void> {
  const { admin, limits, out } = session
  const open = await admin.listPartitionReassignments(limits)
  if (open.length > 0 && !options.additional) {
    throw new InputError(
      `${open.length} partitions are being moved already. Give --additional to begin more, or cancel them first.`,
    )
  }
  const names = [...new Set(partitions.map(({ topic }) => topic))]
  const described = await admin.describeTopics(names, limits)
  out.line('Current partition replica assignment, to be kept for a way back')
  out.line(toJson(fileOf(described)))
  const { throttle, replicaAlterLogDirsThrottle } = options
  if (throttle !== undefined || replicaAlterLogDirsThrottle !== undefined) {
    await setThrottle(session, described, partitions, { throttle, replicaAlterLogDirsThrottle })
  }
  const moves: NewPartitionReassignment[] = partitions.map(({ topic, partition, replicas }) => ({
    topic,
    partition,
    replicas,
  }))
  await admin.alterPartitionReassignments(moves, limits)
  const dirs = partitions.flatMap(({ topic, partition, replicas, log_dirs = [] }) =>
    replicas.flatMap((brokerId, i) =>
      log_dirs[i] === undefined || log_dirs[i] === 'any'
        ? []
        : [{ topic, partition, brokerId, logDir: log_dirs[i] }],
    ),
  )
  if (dirs.length > 0) await admin.alterReplicaLogDirs(dirs, limits)
  const count = partitions.length
  out.line(`Began to move ${count} ${count === 1 ? 'partition' : 'partitions'}.`)
  out.object({ started: count })
}

async function verify(
  session: Session,
  options: ReassignOptions,
  partitions: readonly PartitionEntry[],
): Promise<void> {
  const { admin, limits, out } = session
  const names = [...new Set(partitions.map(({ topic }) => topic))]
  const [open, described] = await Promise.all([
    admin.listPartitionReassignments(limits),
    admin.describeTopics(names, limits),
  ])
  const moving = new Set(open.map(partitionName))
  const byTopic = new Map(described.map((entry) => [entry.topic, entry]))
  const states = partitions.map(({ topic, partition, replicas }) => {
    const isOpen = moving.has(partitionName({ topic, partition }))
    const found = byTopic.get(topic)?.partitions[partition]
    const isThere = found?.replicas.join() === replicas.join()
    return { topic, partition, state: isOpen ? 'in progress' : isThere ? 'complete' : 'different' }
  })
  for (const state of states) {
    const { topic, partition } = state
    out.line(
      state.state === 'different'
        ? `${topic}-${partition}: not being moved, and its replicas are others than those of the file.`
        : `${topic}-${partition}: ${state.state}.`,
    )
    out.object(state)
  }
  const isDone = open.length === 0
  if (isDone && !options.preserveThrottles) await removeThrottle(session, partitions)
  if (states.some(({ state }) => state === 'different')) throw new FoundProblems()
}

async function cancel(
  session: Session,
  options: ReassignOptions,
  partitions: readonly PartitionEntry[],
): Promise<void> {
  const { admin, limits, out } = session
  const open = await admin.listPartitionReassignments(limits)
  const named = new Set(partitions.map(partitionName))
  const doomed = open.filter((move) => named.has(partitionName(move)))
  const moves = doomed.map(({ topic, partition }) => ({ topic, partition, replicas: null }))
  if (moves.length > 0) await admin.alterPartitionReassignments(moves, limits)
  out.line(
    moves.length === 0
      ? 'None of these partitions is being moved.'
      : `Cancelled ${moves.length} moves.`,
  )
  for (const { topic, partition } of moves) out.object({ topic, partition, cancelled: true })
  if (!options.preserveThrottles) {
    await removeThrottle(session, partitions)
  }
}

function fileOf(topics: readonly TopicDescription[]): object {
  const partitions = topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, replicas }) => ({ topic, partition, replicas })),
  )
  return { version: 1, partitions }
}
