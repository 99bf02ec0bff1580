// `kafkawire topics`: create, list, describe, alter and delete topics, as kafka-topics does.

import type { Command } from 'commander'
import { settled } from '../../admin/engine.ts'
import type { TopicDescription } from '../../admin/topic-description.ts'
import { AdminError } from '../../errors.ts'
import { isTopicName, TOPIC_NAME_RULE } from '../../topic-partition.ts'
import {
  addTimeout,
  atLeast,
  clusterCommand,
  collect,
  oneOfActions,
  onRun,
  required,
} from '../command.ts'
import { InputError, UsageError } from '../failures.ts'
import { doneBy } from '../partial-results.ts'
import type { Session } from '../session.ts'
import { topicMatcher } from '../topic-selection.ts'

interface TopicsOptions {
  create?: boolean
  list?: boolean
  describe?: boolean
  alter?: boolean
  delete?: boolean
  topic?: string
  topicId?: string
  partitions?: number
  replicationFactor?: number
  replicaAssignment?: string
  config?: string[]
  ifExists?: boolean
  ifNotExists?: boolean
  excludeInternal?: boolean
  underReplicatedPartitions?: boolean
  unavailablePartitions?: boolean
  underMinIsrPartitions?: boolean
  atMinIsrPartitions?: boolean
  topicsWithOverrides?: boolean
  validateOnly?: boolean
}

export function addTopics(program: Command): void {
  const command = clusterCommand(program, 'topics', {
    summary: 'Create, list, describe, alter and delete topics',
    script: 'kafka-topics',
    examples: [
      {
        text: 'Create a topic and wait until every broker knows it',
        command:
          'kafkawire topics --create --topic orders --partitions 6 --replication-factor 3 --config retention.ms=3600000',
      },
      { text: 'List topics', command: 'kafkawire topics --list' },
      {
        text: 'Show partitions whose replicas are not all in sync',
        command: 'kafkawire topics --describe --under-replicated-partitions',
      },
      {
        text: 'Add partitions',
        command: 'kafkawire topics --alter --topic orders --partitions 12',
      },
    ],
  })
    .option('--create', 'create a topic')
    .option('--list', 'list the names of topics')
    .option('--describe', 'show topics with their partitions, leaders and replicas')
    .option('--alter', 'change the number of partitions')
    .option('--delete', 'delete topics')
    .option('--topic <name>', 'a name; except with --create, a regular expression matches several')
    .option('--topic-id <id>', 'with --describe: the topic that has this id')
    .option('--partitions <n>', 'with --create, --alter: how many partitions', atLeast(1))
    .option(
      '--replication-factor <n>',
      'with --create: how many replicas each partition has',
      atLeast(1, 32_767),
    )
    .option(
      '--replica-assignment <ids>',
      'with --create, --alter: broker ids of the replicas: 1:2,2:3 are two partitions with two replicas each',
    )
    .option('--config <key=value>', 'with --create: a topic config; can be repeated', collect)
    .option('--if-exists', 'with --alter, --delete, --describe: a missing topic is not a failure')
    .option('--if-not-exists', 'with --create: a topic that exists is not a failure')
    .option('--exclude-internal', "leave out Kafka's own topics")
    .option(
      '--under-replicated-partitions',
      'with --describe: only partitions with replicas out of sync',
    )
    .option('--unavailable-partitions', 'with --describe: only partitions without a leader')
    .option(
      '--under-min-isr-partitions',
      'with --describe: only partitions below min.insync.replicas',
    )
    .option('--at-min-isr-partitions', 'with --describe: only partitions at min.insync.replicas')
    .option('--topics-with-overrides', 'with --describe: only topics with configs of their own')
    .option('--validate-only', 'with --create, --alter: check it and change nothing')
  onRun<TopicsOptions>(addTimeout(command), run)
}

async function run(session: Session, options: TopicsOptions): Promise<void> {
  const action = oneOfActions(options, ['create', 'list', 'describe', 'alter', 'delete'])
  if (action === 'create') return create(session, options)
  if (action === 'list') return list(session, options)
  if (action === 'describe') return describe(session, options)
  if (action === 'alter') return alter(session, options)
  return remove(session, options)
}

async function create(session: Session, options: TopicsOptions): Promise<void> {
  const topic = required(options.topic, '--topic', '--create')
  if (!isTopicName(topic)) {
    throw new UsageError(`--topic ${topic}: expected a name of ${TOPIC_NAME_RULE}.`)
  }
  const configs: Record<string, string> = {}
  for (const text of options.config ?? []) {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`--config ${text}: expected key=value.`)
    configs[text.slice(0, at)] = text.slice(at + 1)
  }
  const { partitions, replicationFactor, validateOnly = false } = options
  const assignments = parseAssignment(options.replicaAssignment)
  if (assignments !== undefined && (partitions ?? replicationFactor) !== undefined) {
    throw new UsageError(
      '--replica-assignment says how many partitions and replicas there are: leave out --partitions and --replication-factor.',
    )
  }
  try {
    const [created] = await session.admin.createTopics(
      [
        {
          topic,
          configs,
          ...(partitions === undefined ? {} : { numPartitions: partitions }),
          ...(replicationFactor === undefined ? {} : { replicationFactor }),
          ...(assignments === undefined ? {} : { assignments }),
        },
      ],
      { ...session.limits, validateOnly, waitUntilReady: true },
    )
    session.out.line(validateOnly ? `Topic ${topic} could be created.` : `Created topic ${topic}.`)
    session.out.object(created)
  } catch (error) {
    if (options.ifNotExists !== true || !isOnly(error, 'TOPIC_ALREADY_EXISTS')) throw error
  }
}

async function list(session: Session, options: TopicsOptions): Promise<void> {
  const matches = topicMatcher(options.topic)
  const topics = await session.admin.listTopics({
    ...session.limits,
    listInternal: options.excludeInternal !== true,
  })
  for (const topic of topics) {
    if (!matches(topic.topic)) continue
    session.out.line(topic.topic)
    session.out.object(topic)
  }
}

async function alter(session: Session, options: TopicsOptions): Promise<void> {
  const totalCount = required(options.partitions, '--partitions', '--alter')
  const assignments = parseAssignment(options.replicaAssignment)
  const names = await selected(session, required(options.topic, '--topic', '--alter'), options)
  const { validateOnly = false } = options
  const changes = names.map((topic) => ({
    topic,
    totalCount,
    ...(assignments === undefined ? {} : { assignments }),
  }))
  const limits = { ...session.limits, validateOnly }
  const altered = await doneBy(names, session.admin.createPartitions(changes, limits))
  for (const topic of altered.done) {
    session.out.line(
      validateOnly
        ? `Topic ${topic} could have ${totalCount} partitions.`
        : `Topic ${topic} has ${totalCount} partitions.`,
    )
    session.out.object({ topic, numPartitions: totalCount })
  }
  altered.finish()
}

async function remove(session: Session, options: TopicsOptions): Promise<void> {
  const names = await selected(session, required(options.topic, '--topic', '--delete'), options)
  const deleted = await doneBy(names, session.admin.deleteTopics(names, session.limits))
  for (const topic of deleted.done) {
    session.out.line(`Deleted topic ${topic}.`)
    session.out.object({ topic, deleted: true })
  }
  deleted.finish()
}

async function describe(session: Session, options: TopicsOptions): Promise<void> {
  if (options.topic !== undefined && options.topicId !== undefined) {
    throw new UsageError('Give --topic or --topic-id, and not both.')
  }
  const { out, admin, limits } = session
  const wanted =
    options.topicId === undefined
      ? await selected(session, options.topic, options)
      : { topicIds: [options.topicId] }
  const described = await session.parts.of(admin.describeTopics(wanted, limits))
  const configsOf = await overrides(session, described)
  const kept = described
    .map((topic) => ({
      ...topic,
      partitions: topic.partitions.filter(partitionFilter(options, configsOf.get(topic.topic))),
    }))
    .filter((topic) => topic.partitions.length > 0)
    .filter(({ topic }) => !options.topicsWithOverrides || configsOf.get(topic)?.overrides.size)
  for (const topic of kept) {
    const { topic: name, topicId, partitions } = topic
    const configs = Object.fromEntries(configsOf.get(name)?.overrides ?? [])
    out.object({ ...topic, configs })
    if (out.json) continue
    const shown = Object.entries(configs).map(([key, value]) => `${key}=${value}`)
    const replicas = partitions[0]?.replicas.length ?? 0
    out.heading(
      `Topic: ${name}  TopicId: ${topicId}  PartitionCount: ${partitions.length}  ReplicationFactor: ${replicas}${shown.length > 0 ? `  Configs: ${shown.join(',')}` : ''}`,
    )
    if (options.topicsWithOverrides) continue
    out.rows(partitions, [
      { title: 'Partition', of: ({ partition }) => partition },
      { title: 'Leader', of: ({ leader }) => (leader < 0 ? 'none' : leader) },
      { title: 'Replicas', of: ({ replicas }) => replicas.join(',') },
      { title: 'Isr', of: ({ isr }) => isr.join(',') },
      { title: 'Elr', of: ({ eligibleLeaderReplicas: elr }) => elr?.join(',') ?? null },
      { title: 'LastKnownElr', of: ({ lastKnownElr: elr }) => elr?.join(',') ?? null },
    ])
  }
}

interface TopicConfigs {
  overrides: Map<string, string>
  minIsr: number
}

/** The configs that are a topic's own, and its min.insync.replicas; empty where they may not be read. */
async function overrides(
  session: Session,
  topics: readonly TopicDescription[],
): Promise<Map<string, TopicConfigs>> {
  const resources = topics.map(({ topic }) => ({ type: 'TOPIC' as const, name: topic }))
  const found = new Map<string, TopicConfigs>()
  if (topics.length === 0) return found
  const results = await settled(session.admin.describeConfigs(resources, session.limits))
  for (const { value, error } of results) {
    if (error !== null) {
      // Without the right to describe configs, topics are described without them, as Kafka's script does.
      const isForbidden = /AUTHORIZATION_FAILED$/.test(String(Reflect.get(error, 'codeName')))
      if (!isForbidden) session.parts.add(error)
      continue
    }
    const { resource, configs } = value
    const own = configs.filter(({ source }) => source === 'DYNAMIC_TOPIC_CONFIG')
    found.set(resource.name, {
      overrides: new Map(own.map(({ name, value }) => [name, value ?? ''])),
      minIsr: Number(configs.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1),
    })
  }
  return found
}

function partitionFilter(options: TopicsOptions, configs: TopicConfigs | undefined) {
  return ({
    leader,
    isr,
    replicas,
  }: {
    leader: number
    isr: number[]
    replicas: number[]
  }): boolean => {
    const minIsr = configs?.minIsr ?? 1
    if (options.unavailablePartitions && leader >= 0) return false
    if (options.underReplicatedPartitions && isr.length >= replicas.length) return false
    if (options.underMinIsrPartitions && isr.length >= minIsr) return false
    if (options.atMinIsrPartitions && isr.length !== minIsr) return false
    return true
  }
}

/** The topics that a name or a regular expression stands for. */
async function selected(
  session: Session,
  pattern: string | undefined,
  options: TopicsOptions,
): Promise<string[]> {
  const listInternal = options.excludeInternal !== true
  const matches = topicMatcher(pattern)
  const topics = await session.admin.listTopics({ ...session.limits, listInternal })
  const names = topics.map(({ topic }) => topic).filter(matches)
  if (names.length > 0 || pattern === undefined || options.ifExists) return names
  // A broker may not know a new topic yet, and one that must not be listed can still be named.
  if (/^[\w.-]+$/.test(pattern)) return [pattern]
  throw new InputError(`No topic matches '${pattern}'. List the topics with --list.`)
}

function parseAssignment(text: string | undefined): number[][] | undefined {
  return text?.split(',').map((partition) =>
    partition.split(':').map((id) => {
      if (/^\d+$/.test(id.trim())) return Number(id)
      throw new UsageError(
        `--replica-assignment ${text}: expected broker ids such as 1:2,2:3 (two partitions).`,
      )
    }),
  )
}

function isOnly(error: unknown, codeName: string): boolean {
  return (
    error instanceof AdminError &&
    error.errors.every((one) => Reflect.get(one, 'codeName') === codeName)
  )
}
