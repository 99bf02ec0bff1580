// `kafkawire acls`: list, add and remove ACLs, as kafka-acls does.

import type { Command } from 'commander'
import type { Acl, AclBinding, AclFilter } from '../../admin/acls.ts'
import type { AclOperation, AclResourceType, PatternType } from '../../protocol/acl-constants.ts'
import {
  addTimeout,
  clusterCommand,
  collect,
  collectList,
  oneOf,
  oneOfActions,
  onRun,
} from '../command.ts'
import { UsageError } from '../failures.ts'
import type { Session } from '../session.ts'

interface AclsOptions {
  list?: boolean
  add?: boolean
  remove?: boolean
  topic?: string[]
  group?: string[]
  cluster?: boolean
  transactionalId?: string[]
  delegationToken?: string[]
  userPrincipal?: string[]
  resourcePatternType: 'literal' | 'prefixed' | 'match' | 'any'
  allowPrincipal?: string[]
  denyPrincipal?: string[]
  principal?: string[]
  allowHost?: string[]
  denyHost?: string[]
  operation?: string[]
  producer?: boolean
  consumer?: boolean
  idempotent?: boolean
  force?: boolean
}

interface Resource {
  resourceType: AclResourceType
  resourceName: string
}

const operations: Record<string, AclOperation> = {
  all: 'ALL',
  read: 'READ',
  write: 'WRITE',
  create: 'CREATE',
  delete: 'DELETE',
  alter: 'ALTER',
  describe: 'DESCRIBE',
  clusteraction: 'CLUSTER_ACTION',
  describeconfigs: 'DESCRIBE_CONFIGS',
  alterconfigs: 'ALTER_CONFIGS',
  idempotentwrite: 'IDEMPOTENT_WRITE',
  createtokens: 'CREATE_TOKENS',
  describetokens: 'DESCRIBE_TOKENS',
  twophasecommit: 'TWO_PHASE_COMMIT',
}

export function addAcls(program: Command): void {
  const command = clusterCommand(program, 'acls', {
    summary: 'List, add and remove ACLs',
    script: 'kafka-acls',
    takesControllers: true,
    examples: [
      { text: 'List the ACLs of a topic', command: 'kafkawire acls --list --topic orders' },
      {
        text: 'Let a user consume a topic in a group',
        command:
          'kafkawire acls --add --allow-principal User:alice --consumer --topic orders --group billing',
      },
      {
        text: 'Let a user produce to all topics with a prefix',
        command:
          'kafkawire acls --add --allow-principal User:bob --producer --topic orders- --resource-pattern-type prefixed',
      },
      {
        text: 'Remove all ACLs of a user on a topic',
        command: 'kafkawire acls --remove --allow-principal User:alice --topic orders',
      },
    ],
  })
    .option('--list', 'list ACLs')
    .option('--add', 'add ACLs')
    .option('--remove', 'remove ACLs')
    .option('--topic <name>', "a topic, or '*'; can be repeated", collect)
    .option('--group <id>', "a group, or '*'; can be repeated", collect)
    .option('--cluster', 'the cluster')
    .option('--transactional-id <id>', "a transactional id, or '*'; can be repeated", collect)
    .option('--delegation-token <id>', "a delegation token, or '*'; can be repeated", collect)
    .option('--user-principal <name>', 'a user whose tokens are managed; can be repeated', collect)
    .option(
      '--resource-pattern-type <type>',
      'literal, prefixed; for --list and --remove also match, any',
      oneOf(['literal', 'prefixed', 'match', 'any']),
      'literal',
    )
    .option(
      '--allow-principal <principal>',
      'with --add, --remove: such as User:alice; can be repeated',
      collect,
    )
    .option(
      '--deny-principal <principal>',
      'with --add, --remove: such as User:alice; can be repeated',
      collect,
    )
    .option('--principal <principal>', 'with --list: only ACLs of this principal', collect)
    .option(
      '--allow-host <host>',
      "with --allow-principal: addresses that may connect, or '*'",
      collect,
    )
    .option(
      '--deny-host <host>',
      "with --deny-principal: addresses that may not connect, or '*'",
      collect,
    )
    .option(
      '--operation <name>',
      'with --add, --remove: Read, Write, Describe, ..., All; can be repeated',
      collectList,
    )
    .option('--producer', 'with --add, --remove: what a producer needs on --topic')
    .option('--consumer', 'with --add, --remove: what a consumer needs on --topic and --group')
    .option('--idempotent', 'with --producer: also idempotent writes, on the cluster')
    .option('--force', 'accepted: nothing is asked')
  onRun<AclsOptions>(addTimeout(command), run)
}

async function run(session: Session, options: AclsOptions): Promise<void> {
  const action = oneOfActions(options, ['list', 'add', 'remove'])
  const resources = resourcesOf(options)
  if (action === 'list') return list(session, options, resources)
  if (action === 'add') return add(session, options, resources)
  return remove(session, options, resources)
}

async function list(
  session: Session,
  options: AclsOptions,
  resources: readonly Resource[],
): Promise<void> {
  const patternType = patternOf(options, true)
  const filters: AclFilter[] =
    resources.length === 0
      ? [{}]
      : resources.map((resource) => ({ ...resource, patternType: patternType ?? 'LITERAL' }))
  for (const principal of options.principal ?? []) checkPrincipal(principal)
  const found = new Map<string, AclBinding>()
  for (const filter of filters) {
    for (const principal of options.principal ?? [undefined]) {
      const asked = principal === undefined ? filter : { ...filter, principal }
      for (const acl of await session.admin.describeAcls(asked, session.limits)) {
        found.set(JSON.stringify(acl), acl)
      }
    }
  }
  print(session, [...found.values()])
}

async function add(
  session: Session,
  options: AclsOptions,
  resources: readonly Resource[],
): Promise<void> {
  const patternType = patternOf(options, false) ?? 'LITERAL'
  if (resources.length === 0) {
    throw new UsageError(
      'Say what it is about: --topic, --group, --cluster, --transactional-id, ...',
    )
  }
  const acls: Acl[] = []
  for (const { resourceType, resourceName, operation } of wanted(options, resources)) {
    for (const { principal, host, permissionType } of entries(options)) {
      const isCluster = resourceType === 'CLUSTER'
      acls.push({
        resourceType,
        resourceName,
        patternType: isCluster ? 'LITERAL' : patternType,
        principal,
        host,
        operation,
        permissionType,
      })
    }
  }
  if (acls.length === 0) throw new UsageError('--add needs --allow-principal or --deny-principal.')
  await session.admin.createAcls(acls, session.limits)
  if (!session.out.json)
    session.out.line(`Added ${acls.length === 1 ? 'the ACL' : `${acls.length} ACLs`}:`)
  print(session, acls as AclBinding[])
}

async function remove(
  session: Session,
  options: AclsOptions,
  resources: readonly Resource[],
): Promise<void> {
  const patternType = patternOf(options, true) ?? 'LITERAL'
  if (resources.length === 0) {
    throw new UsageError(
      'Say what it is about: --topic, --group, --cluster, --transactional-id, ...',
    )
  }
  const filters: AclFilter[] = []
  const whose = entries(options)
  const hasOperation = options.operation !== undefined || options.producer || options.consumer
  const pairs = hasOperation ? wanted(options, resources) : resources
  for (const pair of pairs) {
    const filter: AclFilter = { ...pair, patternType }
    if (whose.length === 0) filters.push(filter)
    for (const { principal, host, permissionType } of whose) {
      const hasHost = options.allowHost !== undefined || options.denyHost !== undefined
      filters.push({ ...filter, principal, permissionType, ...(hasHost ? { host } : {}) })
    }
  }
  const removed = await session.admin.deleteAcls(filters, session.limits)
  if (!session.out.json) {
    session.out.line(removed.length === 0 ? 'No ACL matches.' : `Removed ${removed.length}:`)
  }
  print(session, removed)
}

/** Which operations on which resources, with what --producer and --consumer stand for. */
function wanted(
  options: AclsOptions,
  resources: readonly Resource[],
): (Resource & { operation: AclOperation })[] {
  const pairs: (Resource & { operation: AclOperation })[] = []
  const add = (resource: Resource, ...names: AclOperation[]): void => {
    for (const operation of names) pairs.push({ ...resource, operation })
  }
  const { producer = false, consumer = false } = options
  if ((producer || consumer) && (options.operation ?? options.denyPrincipal) !== undefined) {
    throw new UsageError(
      '--producer and --consumer stand for operations that are allowed: leave out --operation and --deny-principal.',
    )
  }
  for (const resource of resources) {
    const { resourceType } = resource
    if (producer && resourceType === 'TOPIC') add(resource, 'WRITE', 'DESCRIBE', 'CREATE')
    if (producer && resourceType === 'TRANSACTIONAL_ID') add(resource, 'WRITE', 'DESCRIBE')
    if (consumer && resourceType === 'TOPIC') add(resource, 'READ', 'DESCRIBE')
    if (consumer && resourceType === 'GROUP') add(resource, 'READ')
    if (!producer && !consumer) add(resource, ...(options.operation ?? ['All']).map(operationOf))
  }
  if (producer && options.idempotent) add(clusterResource, 'IDEMPOTENT_WRITE')
  const has = (type: AclResourceType): boolean =>
    resources.some(({ resourceType }) => resourceType === type)
  if (producer && !has('TOPIC')) throw new UsageError('--producer needs --topic.')
  if (consumer && !(has('TOPIC') && has('GROUP'))) {
    throw new UsageError('--consumer needs --topic and --group.')
  }
  const unique = new Map(pairs.map((pair) => [JSON.stringify(pair), pair]))
  return [...unique.values()]
}

interface Entry {
  principal: string
  host: string
  permissionType: 'ALLOW' | 'DENY'
}

function entries(options: AclsOptions): Entry[] {
  const of = (
    principals: readonly string[] | undefined,
    hosts: readonly string[] | undefined,
    permissionType: 'ALLOW' | 'DENY',
  ): Entry[] =>
    (principals ?? []).flatMap((principal) => {
      checkPrincipal(principal)
      return (hosts ?? ['*']).map((host) => ({ principal, host, permissionType }))
    })
  return [
    ...of(options.allowPrincipal, options.allowHost, 'ALLOW'),
    ...of(options.denyPrincipal, options.denyHost, 'DENY'),
  ]
}

function checkPrincipal(text: string): void {
  if (/^\w+:./.test(text)) return
  throw new UsageError(`${text} is not a principal: expected one such as User:alice.`)
}

const clusterResource: Resource = { resourceType: 'CLUSTER', resourceName: 'kafka-cluster' }

function resourcesOf(options: AclsOptions): Resource[] {
  const of = (resourceType: AclResourceType, names: readonly string[] = []): Resource[] =>
    names.map((resourceName) => ({ resourceType, resourceName }))
  return [
    ...of('TOPIC', options.topic),
    ...of('GROUP', options.group),
    ...of('TRANSACTIONAL_ID', options.transactionalId),
    ...of('DELEGATION_TOKEN', options.delegationToken),
    ...of('USER', options.userPrincipal),
    ...(options.cluster ? [clusterResource] : []),
  ]
}

function patternOf(options: AclsOptions, mayFilter: boolean): PatternType | undefined {
  const type = options.resourcePatternType.toUpperCase() as PatternType
  if (!mayFilter && (type === 'MATCH' || type === 'ANY')) {
    throw new UsageError(
      `--resource-pattern-type ${options.resourcePatternType} is only for --list and --remove.`,
    )
  }
  return type
}

function operationOf(text: string): AclOperation {
  const name = text.toLowerCase().replaceAll(/[_-]/g, '')
  if (Object.hasOwn(operations, name)) return operations[name]
  throw new UsageError(
    `--operation ${text}: expected one of ${Object.values(operations).join(', ')}.`,
  )
}

function print(session: Session, acls: readonly AclBinding[]): void {
  if (acls.length === 0) return
  session.out.rows(acls, [
    { title: 'RESOURCE', of: ({ resourceType }) => resourceType },
    { title: 'NAME', of: ({ resourceName }) => resourceName },
    { title: 'PATTERN', of: ({ patternType }) => patternType },
    { title: 'PRINCIPAL', of: ({ principal }) => principal },
    { title: 'HOST', of: ({ host }) => host },
    { title: 'OPERATION', of: ({ operation }) => operation },
    { title: 'PERMISSION', of: ({ permissionType }) => permissionType },
  ])
}
