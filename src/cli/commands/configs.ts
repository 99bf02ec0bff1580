// `kafkawire configs`: describe and alter configs, quotas and SCRAM credentials, as kafka-configs does.

import type { Command } from 'commander'
import type { ConfigResource } from '../../admin/configs.ts'
import type { ConfigResourceType, ConfigSource } from '../../admin/constants.ts'
import type { QuotaEntity, QuotaEntityType } from '../../admin/quotas.ts'
import { addTimeout, clusterCommand, collect, keyValues, oneOfActions, onRun } from '../command.ts'
import { InputError, UsageError } from '../failures.ts'
import { readInputFile } from '../input-files.ts'
import { parseProperties } from '../properties.ts'
import type { Session } from '../session.ts'
import {
  alterQuotas,
  alterScramUser,
  printQuotas,
  printScramUsers,
  quotaValues,
} from '../users-and-quotas.ts'

interface ConfigsOptions {
  describe?: boolean
  alter?: boolean
  all?: boolean
  addConfig?: string
  addConfigFile?: string
  deleteConfig?: string
  validateOnly?: boolean
}

/** What the flags name: a type of entity, and which one. Null is the default of all. */
interface Entity {
  type: string
  /** Undefined: all of the type. */
  name: string | null | undefined
}

const resourceTypes: Record<string, ConfigResourceType> = {
  topics: 'TOPIC',
  brokers: 'BROKER',
  'broker-loggers': 'BROKER_LOGGER',
  groups: 'GROUP',
  'client-metrics': 'CLIENT_METRICS',
}
const quotaTypes: Record<string, QuotaEntityType> = {
  users: 'user',
  clients: 'client-id',
  ips: 'ip',
}
const shortFlags = {
  topic: 'topics',
  broker: 'brokers',
  'broker-logger': 'broker-loggers',
  group: 'groups',
  'client-metrics': 'client-metrics',
  user: 'users',
  client: 'clients',
  ip: 'ips',
} as const
const defaultFlags = {
  'broker-defaults': 'brokers',
  'user-defaults': 'users',
  'client-defaults': 'clients',
  'ip-defaults': 'ips',
} as const

export function addConfigs(program: Command): void {
  const command = clusterCommand(program, 'configs', {
    summary: 'Describe and alter configs of topics, brokers, groups, users, clients, ips',
    script: 'kafka-configs',
    takesControllers: true,
    examples: [
      {
        text: 'Show what is set on a topic',
        command: 'kafkawire configs --describe --topic orders',
      },
      {
        text: 'Show everything, with where each value comes from',
        command: 'kafkawire configs --describe --all --entity-type brokers --entity-name 1',
      },
      {
        text: 'Change two configs of a topic, and put one back to its default',
        command:
          "kafkawire configs --alter --topic orders --add-config 'retention.ms=3600000,cleanup.policy=[compact,delete]' --delete-config segment.bytes",
      },
      {
        text: 'Limit what a user may produce',
        command: 'kafkawire configs --alter --user alice --add-config producer_byte_rate=1000000',
      },
      {
        text: 'Set the SCRAM password of a user',
        command:
          "kafkawire configs --alter --user alice --add-config 'SCRAM-SHA-256=[iterations=8192,password=secret]'",
      },
    ],
  })
    .option('--describe', 'show configs')
    .option('--alter', 'change configs')
    .option(
      '--entity-type <type>',
      'topics, brokers, broker-loggers, groups, client-metrics, users, clients, ips',
      collect,
    )
    .option('--entity-name <name>', 'which one; a broker by its id', collect)
    .option('--entity-default', 'the default of all brokers, users, clients or ips')
    .option('--topic <name>', 'short for --entity-type topics --entity-name <name>')
    .option('--broker <id>', 'a broker')
    .option('--broker-defaults', 'the dynamic default of all brokers')
    .option('--broker-logger <id>', 'the log levels of a broker')
    .option('--group <id>', 'a group')
    .option('--client-metrics <name>', 'a client metrics subscription')
    .option('--user <name>', 'the quotas and SCRAM credentials of a user')
    .option('--user-defaults', 'the default of users without quotas of their own')
    .option('--client <id>', 'the quotas of a client id')
    .option('--client-defaults', 'the default of client ids without quotas of their own')
    .option('--ip <address>', 'the quotas of an address')
    .option('--ip-defaults', 'the default of addresses without quotas of their own')
    .option('--all', 'with --describe: also configs that are not set, with their defaults')
    .option('--add-config <list>', 'with --alter: key=value,key=[a,b]')
    .option('--add-config-file <file>', 'with --alter: a properties file of them')
    .option('--delete-config <list>', 'with --alter: names, separated by commas')
    .option('--validate-only', 'with --alter: check it and change nothing')
  const entities = trackEntities(command)
  onRun<ConfigsOptions>(addTimeout(command), (session, options) => run(session, options, entities))
}

/** The flags that name entities, in the order in which they are given. */
function trackEntities(command: Command): Entity[] {
  const entities: Entity[] = []
  const name = (name: string | null): void => {
    const open = entities.find((entity) => entity.name === undefined)
    if (open === undefined) throw new UsageError('--entity-name needs an --entity-type before it.')
    open.name = name
  }
  command.on('option:entity-type', (type: string) => {
    if (!Object.hasOwn(resourceTypes, type) && !Object.hasOwn(quotaTypes, type)) {
      const known = [...Object.keys(resourceTypes), ...Object.keys(quotaTypes)]
      throw new UsageError(`--entity-type ${type}: expected one of ${known.join(', ')}.`)
    }
    entities.push({ type, name: undefined })
  })
  command.on('option:entity-name', name)
  command.on('option:entity-default', () => name(null))
  for (const [flag, type] of Object.entries(shortFlags)) {
    command.on(`option:${flag}`, (name: string) => entities.push({ type, name }))
  }
  for (const [flag, type] of Object.entries(defaultFlags)) {
    command.on(`option:${flag}`, () => entities.push({ type, name: null }))
  }
  return entities
}

async function run(
  session: Session,
  options: ConfigsOptions,
  entities: readonly Entity[],
): Promise<void> {
  const action = oneOfActions(options, ['describe', 'alter'])
  const [first] = entities
  if (first === undefined) {
    throw new UsageError('Say what it is about, such as --topic orders or --entity-type brokers.')
  }
  const isQuota = entities.every(({ type }) => Object.hasOwn(quotaTypes, type))
  if (entities.length > 1 && !isQuota) {
    throw new UsageError('Give one entity; only users and clients can be combined.')
  }
  if (isQuota) return runQuotas(session, options, action, entities)
  return action === 'describe' ? describe(session, options, first) : alter(session, options, first)
}

async function runQuotas(
  session: Session,
  options: ConfigsOptions,
  action: 'describe' | 'alter',
  entities: readonly Entity[],
): Promise<void> {
  const [first] = entities
  if (action === 'describe') {
    await printQuotas(
      session,
      Object.fromEntries(entities.map(({ type, name }) => [quotaTypes[type], name])),
    )
    if (entities.length === 1 && first.type === 'users' && first.name !== null) {
      await printScramUsers(session, first.name === undefined ? undefined : [first.name])
    }
    return
  }
  const { add, remove } = changes(options)
  const scram = [...add.keys(), ...remove].filter((key) => key.startsWith('SCRAM-'))
  if (scram.length > 0) {
    const [{ type, name }] = entities
    if (entities.length > 1 || type !== 'users' || typeof name !== 'string') {
      throw new UsageError('SCRAM credentials belong to one user: give --user <name>.')
    }
    if (options.validateOnly) {
      throw new UsageError(
        '--validate-only is not for SCRAM credentials: no request only checks them.',
      )
    }
    const others = [...add].filter(([key]) => !key.startsWith('SCRAM-'))
    quotaValues(new Map(others), new Set())
    await alterScramUser(session, name, add, remove)
  }
  for (const key of scram) {
    add.delete(key)
    remove.delete(key)
  }
  if (add.size + remove.size === 0) return
  const entity: QuotaEntity = {}
  for (const { type, name } of entities) {
    if (name === undefined) throw new UsageError(`--alter needs a name for ${type}.`)
    entity[quotaTypes[type]] = name
  }
  await alterQuotas(session, entity, add, remove, options.validateOnly ?? false)
}

async function describe(
  session: Session,
  options: ConfigsOptions,
  { type, name }: Entity,
): Promise<void> {
  const { out, admin, limits } = session
  const resourceType = resourceTypes[type]
  const resources: ConfigResource[] =
    name === undefined
      ? await admin.listConfigResources({ ...limits, types: [resourceType] })
      : [{ type: resourceType, name: name ?? '' }]
  const described = await session.parts.of(
    admin.describeConfigs(resources, { ...limits, includeSynonyms: true }),
  )
  const isAll = options.all === true || resourceType === 'BROKER_LOGGER'
  for (const { resource, configs } of described) {
    const kept = configs
      .filter(
        ({ source }) => isAll || (source.startsWith('DYNAMIC') && !isFallback(resource, source)),
      )
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const what = resource.name === '' ? 'the default of all brokers' : resource.name
    if (!out.json) {
      out.heading(`${isAll ? 'All' : 'Dynamic'} configs of ${type.slice(0, -1)} ${what}`)
      if (kept.length === 0) out.line('none')
    }
    if (kept.length === 0) continue
    out.rows(
      kept,
      [
        { title: 'Name', of: ({ name }) => name },
        { title: 'Value', of: ({ value, isSensitive }) => (isSensitive ? '(sensitive)' : value) },
        { title: 'Source', of: ({ source }) => source },
        {
          title: 'Synonyms',
          of: ({ synonyms }) =>
            synonyms.length < 2
              ? null
              : synonyms.map(({ name, value, source }) => `${source}:${name}=${value}`).join(', '),
        },
      ],
      (config) => ({ resource, ...config }),
    )
  }
}

/** A broker's own description also shows what is set for all brokers. */
function isFallback(resource: ConfigResource, source: string): boolean {
  return resource.type === 'TOPIC' && source !== 'DYNAMIC_TOPIC_CONFIG'
}

async function alter(
  session: Session,
  options: ConfigsOptions,
  { type, name }: Entity,
): Promise<void> {
  if (name === undefined) {
    throw new UsageError(`--alter needs to know which of the ${type}: give --entity-name.`)
  }
  const { add, remove } = changes(options)
  const configs = [
    ...[...add].map(([name, value]) => ({ name, value })),
    ...[...remove].map((name) => ({ name, operation: 'DELETE' as const })),
  ]
  const { validateOnly = false } = options
  // Controllers do not know the configs of brokers that are not controllers too.
  if (remove.size > 0 && !session.usesControllers)
    await checkAreSet(session, { type, name: name ?? '' }, remove)
  await session.admin.incrementalAlterConfigs(
    [{ type: resourceTypes[type], name: name ?? '', configs }],
    { ...session.limits, validateOnly },
  )
  session.out.line(
    validateOnly
      ? `The configs of ${type.slice(0, -1)} ${name ?? 'default'} could be changed.`
      : `Completed updating config for ${type.slice(0, -1)} ${name ?? 'default'}.`,
  )
  session.out.object({ type: resourceTypes[type], name: name ?? '', altered: configs.length })
}

const DEFAULT_SOURCE: ConfigSource = 'DYNAMIC_DEFAULT_BROKER_CONFIG'
/** Where the value of a config comes from that is set on the resource itself. */
const ownSources: Record<ConfigResourceType, ConfigSource> = {
  TOPIC: 'DYNAMIC_TOPIC_CONFIG',
  BROKER: 'DYNAMIC_BROKER_CONFIG',
  BROKER_LOGGER: 'DYNAMIC_BROKER_LOGGER_CONFIG',
  CLIENT_METRICS: 'DYNAMIC_CLIENT_METRICS_CONFIG',
  GROUP: 'DYNAMIC_GROUP_CONFIG',
}

/** To remove what is not set is most often a misspelt name: Kafka's script refuses it too. */
async function checkAreSet(
  session: Session,
  { type, name }: { type: string; name: string },
  remove: ReadonlySet<string>,
): Promise<void> {
  const resource: ConfigResource = { type: resourceTypes[type], name }
  const [{ configs }] = await session.admin.describeConfigs([resource], session.limits)
  const ownSource =
    resource.type === 'BROKER' && name === '' ? DEFAULT_SOURCE : ownSources[resource.type]
  const isSet = (key: string): boolean =>
    configs.some(({ name, source }) => name === key && source === ownSource)
  const missing = [...remove].filter((key) => !isSet(key))
  if (missing.length === 0) return
  throw new InputError(
    `${type.slice(0, -1)} "${name === '' ? 'default' : name}" has no config ${missing.join(', ')} set on it that could be deleted. See what is set with --describe.`,
  )
}

function changes(options: ConfigsOptions): { add: Map<string, string>; remove: Set<string> } {
  const { addConfig, addConfigFile, deleteConfig } = options
  const add =
    addConfigFile === undefined
      ? new Map<string, string>()
      : parseProperties(readInputFile(addConfigFile), addConfigFile)
  for (const [key, value] of keyValues(addConfig ?? '', '--add-config')) add.set(key, value)
  const names = (deleteConfig ?? '').split(',').map((name) => name.trim())
  const remove = new Set(names.filter((name) => name !== ''))
  if (add.size + remove.size > 0) return { add, remove }
  throw new UsageError('--alter needs --add-config, --add-config-file or --delete-config.')
}
