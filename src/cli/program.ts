// The program: which commands there are, and how one ends. A command's file is loaded when it is called.

import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import {
  exitCodeOf,
  FoundProblems,
  failureText,
  Interrupted,
  OutputError,
  UsageError,
} from './failures.ts'
import { refuseRepeats } from './flag-rules.ts'
import { isOutputWatched } from './session.ts'

/** A command that is loaded when it is asked for. */
interface LazyCommand {
  readonly name: string
  /** Kafka's script of the same purpose. */
  readonly script?: string
  readonly load: () => Promise<(program: Command) => void>
}

const commands: readonly LazyCommand[] = [
  {
    name: 'topics',
    script: 'kafka-topics',
    load: async () => (await import('./commands/topics.ts')).addTopics,
  },
  {
    name: 'produce',
    script: 'kafka-console-producer',
    load: async () => (await import('./commands/produce.ts')).addProduce,
  },
  {
    name: 'consume',
    script: 'kafka-console-consumer',
    load: async () => (await import('./commands/consume.ts')).addConsume,
  },
  {
    name: 'share-consume',
    script: 'kafka-console-share-consumer',
    load: async () => (await import('./commands/share-consume.ts')).addShareConsume,
  },
  {
    name: 'configs',
    script: 'kafka-configs',
    load: async () => (await import('./commands/configs.ts')).addConfigs,
  },
  {
    name: 'groups',
    script: 'kafka-consumer-groups',
    load: async () => (await import('./commands/groups.ts')).addGroups,
  },
  {
    name: 'share-groups',
    script: 'kafka-share-groups',
    load: async () => (await import('./commands/share-groups.ts')).addShareGroups,
  },
  {
    name: 'acls',
    script: 'kafka-acls',
    load: async () => (await import('./commands/acls.ts')).addAcls,
  },
  { name: 'users', load: async () => (await import('./commands/users.ts')).addUsers },
  { name: 'quotas', load: async () => (await import('./commands/users.ts')).addQuotas },
  {
    name: 'offsets',
    script: 'kafka-get-offsets',
    load: async () => (await import('./commands/offsets.ts')).addOffsets,
  },
  {
    name: 'delete-records',
    script: 'kafka-delete-records',
    load: async () => (await import('./commands/offsets.ts')).addDeleteRecords,
  },
  {
    name: 'leader-election',
    script: 'kafka-leader-election',
    load: async () => (await import('./commands/leader-election.ts')).addLeaderElection,
  },
  {
    name: 'reassign',
    script: 'kafka-reassign-partitions',
    load: async () => (await import('./commands/reassign.ts')).addReassign,
  },
  {
    name: 'log-dirs',
    script: 'kafka-log-dirs',
    load: async () => (await import('./commands/log-dirs.ts')).addLogDirs,
  },
  {
    name: 'transactions',
    script: 'kafka-transactions',
    load: async () => (await import('./commands/transactions.ts')).addTransactions,
  },
  {
    name: 'cluster',
    script: 'kafka-cluster',
    load: async () => (await import('./commands/cluster.ts')).addCluster,
  },
  {
    name: 'quorum',
    script: 'kafka-metadata-quorum',
    load: async () => (await import('./commands/cluster.ts')).addQuorum,
  },
  {
    name: 'features',
    script: 'kafka-features',
    load: async () => (await import('./commands/cluster.ts')).addFeatures,
  },
  {
    name: 'delegation-tokens',
    script: 'kafka-delegation-tokens',
    load: async () => (await import('./commands/delegation-tokens.ts')).addDelegationTokens,
  },
  { name: 'dlq', load: async () => (await import('./commands/dlq.ts')).addDlq },
  {
    name: 'lag-exporter',
    load: async () => (await import('./commands/lag-exporter.ts')).addLagExporter,
  },
  { name: 'doctor', load: async () => (await import('./commands/doctor.ts')).addDoctor },
  { name: 'perf', load: async () => (await import('./commands/perf.ts')).addPerf },
  {
    name: 'verifiable-producer',
    script: 'kafka-verifiable-producer',
    load: async () => (await import('./commands/verifiable.ts')).addVerifiableProducer,
  },
  {
    name: 'verifiable-consumer',
    script: 'kafka-verifiable-consumer',
    load: async () => (await import('./commands/verifiable.ts')).addVerifiableConsumer,
  },
  {
    name: 'completion',
    load: async () => {
      const { addCompletion } = await import('./commands/completion.ts')
      return (program) => addCompletion(program, () => buildProgram([]))
    },
  },
  { name: 'roundtrip', load: async () => (await import('./commands/roundtrip.ts')).addRoundtrip },
  {
    name: 'decode',
    load: async () => (await import('./commands/decode.ts')).addDecode,
  },
  { name: 'proxy', load: async () => (await import('./commands/proxy.ts')).addProxy },
  { name: 'broker', load: async () => (await import('./commands/broker.ts')).addBroker },
]

/**
 * The program with the command that `words` begin with, or with all commands if they begin with none.
 * @param words the arguments, without `node` and the script
 */
export async function buildProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('kafkawire')
    .description("Kafka from the command line. Flags are those of Kafka's own scripts.")
    .version(version(), '-V, --version')
    .showHelpAfterError('(--help shows what can be given)')
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
  const [first] = words
  const called = commands.find(({ name, script }) => {
    return (
      name === first || (script !== undefined && (script === first || `${script}.sh` === first))
    )
  })
  const isVersion = first === '--version' || first === '-V'
  const needed = called === undefined ? (isVersion ? [] : commands) : [called]
  for (const { load } of needed) (await load())(program)
  // A command's own --version, which decode has, goes before the program's.
  const owns = ({ options }: Command): boolean => options.some(({ long }) => long === '--version')
  if (program.commands.some(owns)) program.enablePositionalOptions()
  for (const command of withSubcommands(program)) {
    command.exitOverride().showHelpAfterError('(--help shows what can be given)')
  }
  refuseRepeats(withSubcommands(program))
  return program
}

/** Runs the program and gives its exit code: 0, 1 failed, 2 usage. */
export async function runProgram(words: readonly string[]): Promise<number> {
  const style = { json: words.includes('--json'), debug: words.includes('--debug') }
  try {
    const given = withoutScriptName(words)
    const program = await buildProgram(given)
    if (style.json) for (const each of [program, ...withSubcommands(program)]) silenceErrors(each)
    await program.parseAsync([...given], { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0
      const usage = new UsageError(error.message.replace(/^error: /, ''), { cause: error })
      if (style.json) process.stderr.write(`${failureText(usage, style)}\n`)
      return 2
    }
    // As shells say of a command that a signal ended; `| head` ends one quietly.
    if (error instanceof Interrupted) return error.isPipeClosed ? 0 : 130
    if (error instanceof FoundProblems) return 1
    process.stderr.write(`${failureText(error, style)}\n`)
    return exitCodeOf(error)
  }
}

/** What is wrong with the flags is written as JSON, once. */
function silenceErrors(command: Command): void {
  command.configureOutput({ outputError: () => {} }).showHelpAfterError(false)
}

/**
 * Ends the process when standard output cannot be written and no session sees to that: help, captures, the
 * scripts of a shell. Standard error that is closed is nothing that could be told.
 */
export function watchOutput(): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isOutputWatched()) return
    if (error.code === 'EPIPE') process.exit()
    const text = failureText(new OutputError(error), { json: false, debug: false })
    process.stderr.write(`${text}\n`)
    process.exit(1)
  })
}

/** Scripts of Kafka whose purpose is a command of a command here. */
const scripts: Record<string, readonly string[]> = {
  'kafka-producer-perf-test': ['perf', 'produce'],
  'kafka-consumer-perf-test': ['perf', 'consume'],
  'kafka-e2e-latency': ['perf', 'latency'],
}

function withoutScriptName([first = '', ...rest]: readonly string[]): readonly string[] {
  const script = first.replace(/\.sh$/, '')
  if (Object.hasOwn(scripts, script)) return [...scripts[script], ...rest]
  return first === '' ? [] : [first, ...rest]
}

function* withSubcommands(command: Command): Iterable<Command> {
  for (const child of command.commands) {
    yield child
    yield* withSubcommands(child)
  }
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return String(Reflect.get(Object(JSON.parse(text)), 'version'))
}
