// `kafkawire users` and `kafkawire quotas`: SCRAM users and client quotas, in words of their own.

import { isatty } from 'node:tty'
import type { Command } from 'commander'
import type { QuotaEntity } from '../../admin/quotas.ts'
import {
  addTimeout,
  atLeast,
  clusterCommand,
  collect,
  collectList,
  oneOf,
  oneOfActions,
  onRun,
  required,
} from '../command.ts'
import { UsageError } from '../failures.ts'
import { readInputFile, readStandardInput } from '../input-files.ts'
import { addProperties } from '../properties.ts'
import type { Session } from '../session.ts'
import { alterQuotas, printQuotas, printScramUsers } from '../users-and-quotas.ts'

interface UsersOptions {
  list?: boolean
  set?: boolean
  delete?: boolean
  user?: string
  mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  iterations?: number
  passwordFile?: string
}

export function addUsers(program: Command): void {
  const command = clusterCommand(program, 'users', {
    summary: 'List SCRAM users, set and delete their passwords',
    description:
      'The password is read from KAFKAWIRE_PASSWORD, from a file, or from standard input: a flag would be seen by others on the machine.',
    examples: [
      { text: 'List the users', command: 'kafkawire users --list' },
      {
        text: 'Set a password, read from a file',
        command: 'kafkawire users --set --user alice --password-file alice.txt',
      },
      {
        text: 'Delete a credential',
        command: 'kafkawire users --delete --user alice --mechanism SCRAM-SHA-512',
      },
    ],
  })
    .option('--list', 'list users and their mechanisms')
    .option('--set', 'create a user, or replace its password')
    .option('--delete', 'delete the credential of one mechanism')
    .option('--user <name>', 'the user')
    .option(
      '--mechanism <name>',
      'SCRAM-SHA-256 or SCRAM-SHA-512',
      oneOf(['SCRAM-SHA-256', 'SCRAM-SHA-512']),
      'SCRAM-SHA-256',
    )
    .option(
      '--iterations <n>',
      'with --set: how often the password is hashed, 4096 to 16384',
      atLeast(4096),
    )
    .option('--password-file <file>', "with --set: the password; '-' is standard input")
  onRun<UsersOptions>(addTimeout(command), runUsers)
}

async function runUsers(session: Session, options: UsersOptions): Promise<void> {
  const action = oneOfActions(options, ['list', 'set', 'delete'])
  if (action === 'list') return printScramUsers(session, options.user ? [options.user] : undefined)
  const user = required(options.user, '--user', `--${action}`)
  const { mechanism, iterations } = options
  const { admin, out, limits } = session
  if (action === 'delete') {
    await admin.alterUserScramCredentials([{ user, mechanism, delete: true }], limits)
    out.line(`Deleted the ${mechanism} credential of user ${user}.`)
  } else {
    const password = await readPassword(options.passwordFile, session.signal)
    await admin.alterUserScramCredentials(
      [{ user, mechanism, password, ...(iterations === undefined ? {} : { iterations }) }],
      limits,
    )
    out.line(`Set the ${mechanism} password of user ${user}.`)
  }
  out.object({ user, mechanism, [action]: true })
}

async function readPassword(file: string | undefined, signal: AbortSignal): Promise<string> {
  const given = process.env.KAFKAWIRE_PASSWORD
  if (file === undefined && given) return given
  if (file === undefined && isatty(0)) {
    throw new UsageError(
      'Give the password by --password-file, KAFKAWIRE_PASSWORD or standard input.',
    )
  }
  const isInput = file === undefined || file === '-'
  const text = isInput ? await readStandardInput(signal) : readInputFile(file)
  const password = text.replace(/\r?\n$/, '')
  if (password === '') throw new UsageError('The password is empty.')
  return password
}

interface QuotasOptions {
  describe?: boolean
  alter?: boolean
  user?: string
  client?: string
  ip?: string
  userDefaults?: boolean
  clientDefaults?: boolean
  ipDefaults?: boolean
  set?: string[]
  remove?: string[]
  validateOnly?: boolean
}

export function addQuotas(program: Command): void {
  const command = clusterCommand(program, 'quotas', {
    summary: 'Describe and alter the quotas of users, clients and ips',
    description:
      'Quotas are producer_byte_rate, consumer_byte_rate, request_percentage, controller_mutation_rate, and for ips connection_creation_rate.',
    examples: [
      { text: 'Show all quotas', command: 'kafkawire quotas --describe' },
      {
        text: 'Limit a client id of a user',
        command:
          'kafkawire quotas --alter --user alice --client shop --set producer_byte_rate=1000000',
      },
      {
        text: 'Remove a quota from the default of all users',
        command: 'kafkawire quotas --alter --user-defaults --remove consumer_byte_rate',
      },
    ],
  })
    .option('--describe', 'show quotas')
    .option('--alter', 'change quotas')
    .option('--user <name>', 'a user')
    .option('--user-defaults', 'users without quotas of their own')
    .option('--client <id>', 'a client id')
    .option('--client-defaults', 'client ids without quotas of their own')
    .option('--ip <address>', 'an address')
    .option('--ip-defaults', 'addresses without quotas of their own')
    .option('--set <quota=number>', 'with --alter; can be repeated', collect)
    .option('--remove <quota>', 'with --alter; can be repeated', collectList)
    .option('--validate-only', 'with --alter: check it and change nothing')
  onRun<QuotasOptions>(addTimeout(command), runQuotas)
}

async function runQuotas(session: Session, options: QuotasOptions): Promise<void> {
  const action = oneOfActions(options, ['describe', 'alter'])
  const entity: QuotaEntity = {}
  for (const kind of ['user', 'client', 'ip'] as const) {
    if (options[kind] === undefined || !options[`${kind}Defaults`]) continue
    throw new UsageError(`Give --${kind} or --${kind}-defaults, and not both.`)
  }
  if (options.user !== undefined || options.userDefaults) entity.user = options.user ?? null
  if (options.client !== undefined || options.clientDefaults) {
    entity['client-id'] = options.client ?? null
  }
  if (options.ip !== undefined || options.ipDefaults) entity.ip = options.ip ?? null
  if (action === 'describe') return printQuotas(session, entity)
  if (Object.keys(entity).length === 0)
    throw new UsageError('--alter needs --user, --client or --ip.')
  const add = new Map<string, string>()
  addProperties(add, options.set ?? [], '--set')
  const remove = new Set(options.remove)
  if (add.size + remove.size === 0) throw new UsageError('--alter needs --set or --remove.')
  await alterQuotas(session, entity, add, remove, options.validateOnly ?? false)
}
