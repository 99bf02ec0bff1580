// How commands are defined: a commander command with a summary, examples for `--help` and the guide, the
// flags of the connection, and an action that is given a session.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { isTopicName, TOPIC_NAME_RULE } from '../topic-partition.ts'
import { UsageError } from './failures.ts'
import { asRepeatable, checkCompanions } from './flag-rules.ts'
import { type ConnectionFlags, Session } from './session.ts'

/** What `--help` and the guide say of a command besides its flags. */
export interface CommandInfo {
  summary: string
  /** More about it, below the usage line. */
  description?: string
  /** Kafka's script that has these flags; it is an alias of the command. */
  script?: string
  /** Whether the controllers of the quorum do it too (KIP-919); commands of the command inherit it. */
  takesControllers?: boolean
  examples: readonly { text: string; command: string }[]
}

const infos = new WeakMap<Command, CommandInfo>()

/** What was said when the command was defined. */
export function infoOf(command: Command): CommandInfo | undefined {
  return infos.get(command)
}

/** A command without a connection. */
export function newCommand(parent: Command, name: string, info: CommandInfo): Command {
  const { summary, description, script, examples } = info
  const command = parent
    .command(name)
    .summary(summary)
    .description(description === undefined ? `${summary}.` : `${summary}.\n\n${description}`)
  if (script !== undefined) command.aliases([script, `${script}.sh`])
  if (examples.length > 0) {
    const text = examples.map(({ text, command }) => `  # ${text}\n  ${command}`).join('\n')
    command.addHelpText('after', `\nExamples:\n${text}`)
  }
  infos.set(command, info)
  return command
}

/** A command with the flags of the connection to a cluster. */
export function clusterCommand(parent: Command, name: string, info: CommandInfo): Command {
  const takesControllers = info.takesControllers ?? infos.get(parent)?.takesControllers ?? false
  return addConnection(newCommand(parent, name, info), takesControllers)
}

/**
 * A command of commands that each talk to a cluster. As with Kafka's scripts, the flags of the connection
 * stand before or behind the name of the inner command.
 */
export function clusterParent(parent: Command, name: string, info: CommandInfo): Command {
  return addConnection(newCommand(parent, name, info), info.takesControllers ?? false)
}

function addConnection(command: Command, takesControllers: boolean): Command {
  command
    .optionsGroup('Connection:')
    .option(
      '-b, --bootstrap-server <host:port>',
      'one broker or more, separated by commas (default: KAFKAWIRE_BOOTSTRAP_SERVER, or the profile)',
    )
    .addOption(new Option('--broker-list <host:port>').hideHelp())
  if (takesControllers) {
    command.option(
      '-C, --bootstrap-controller <host:port>',
      'controllers of the quorum to connect to in place of brokers (KIP-919)',
    )
  }
  return command
    .option('-c, --command-config <file>', "Java's client properties: security, timeouts, ...")
    .option('--command-property <key=value>', 'one such property; can be repeated', collect)
    .option('--profile <name>', 'a section of the configuration file')
    .optionsGroup('Output:')
    .option('--json', 'one JSON object a line, for programs')
    .option('--debug', 'show what the client does, and stacks of errors')
    .optionsGroup('Options:')
}

/** `--timeout`, for commands whose calls wait for a response. */
export function addTimeout(command: Command): Command {
  return command.option(
    '--timeout <ms>',
    'how long a request may take, retries included',
    atLeast(1),
  )
}

/** Runs `action` with a session that is closed afterwards. */
export function onRun<Options extends object>(
  command: Command,
  action: (
    session: Session,
    options: Options & ConnectionFlags,
    args: readonly string[],
  ) => Promise<void>,
): Command {
  return command.action(async () => {
    const options = command.optsWithGlobals<Options & ConnectionFlags>()
    checkCompanions(command)
    const session = await Session.open(command.name(), options)
    const stopListening = session.listen()
    try {
      await session.parts.endOf(action(session, options, command.args))
    } finally {
      await session.close()
      stopListening()
    }
    session.checkOutput()
  })
}

/** The one of `actions` that was given. @throws UsageError if it is none, or more than one */
export function oneOfActions<Name extends string>(options: object, actions: readonly Name[]): Name {
  const given = actions.filter((name) => {
    const value: unknown = Reflect.get(options, name)
    return value !== undefined && value !== false
  })
  if (given.length === 1) return given[0]
  const names = actions.map(flagOf)
  const list = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
  throw new UsageError(
    given.length === 0
      ? `Say what to do: ${list}.`
      : `${given.map(flagOf).join(' and ')} cannot be combined: give one of ${list}.`,
  )
}

/** @throws UsageError if the option was not given */
export function required<T>(value: T | undefined, flag: string, forWhat: string): T {
  if (value !== undefined) return value
  throw new UsageError(`${forWhat} needs ${flag}.`)
}

function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** Adds a value of a flag to those before it. */
type Collector = (text: string, before?: string[]) => string[]

/** For flags that can be repeated. */
export const collect: Collector = asRepeatable((text: string, before: string[] = []) => {
  return [...before, text]
})

/** For flags that can be repeated and take lists separated by commas. */
export const collectList: Collector = asRepeatable((text: string, before: string[] = []) => {
  const items = text.split(',').map((item) => item.trim())
  if (items.includes('')) {
    throw new InvalidArgumentError('Expected one or more, separated by commas, none of them empty.')
  }
  return [...before, ...items]
})

/** A whole number. */
export function atLeast(
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  return (text) => {
    const value = Number(text)
    const isWhole = text.trim() !== '' && Number.isSafeInteger(value)
    if (isWhole && value >= least && value <= most) return value
    const end = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`
    throw new InvalidArgumentError(`Expected a whole number from ${least}${end}.`)
  }
}

/** The size of a record: no broker takes a request of more than 100 MiB, unless it is told to. */
export const recordSize: (text: string) => number = atLeast(1, 104_857_600)

/** An offset, a producer id, or another 64-bit number. */
export function int64(text: string): bigint {
  if (/^-?\d{1,19}$/.test(text)) return BigInt(text)
  throw new InvalidArgumentError('Expected a whole number.')
}

/** The name of one topic. */
export function topicName(text: string): string {
  if (isTopicName(text)) return text
  throw new InvalidArgumentError(`Expected a name of ${TOPIC_NAME_RULE}.`)
}

/** One of a few words, in any case. */
export function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word.toLowerCase() === text.toLowerCase())
    if (found !== undefined) return found
    throw new InvalidArgumentError(`Expected one of ${words.join(', ')}.`)
  }
}

/**
 * `key=value,key=[a,b]`: values with commas stand in brackets, as in Kafka's scripts.
 * @throws UsageError for an entry without `=`
 */
export function keyValues(text: string, flag: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [entry] of text.matchAll(/(?:[^,[]|\[[^\]]*\])+/g)) {
    const at = entry.indexOf('=')
    // The text is not shown: it may hold a password.
    if (at < 1) throw new UsageError(`${flag}: expected key=value, separated by commas.`)
    const value = entry.slice(at + 1).trim()
    found.set(entry.slice(0, at).trim(), value.replace(/^\[(.*)\]$/s, '$1'))
  }
  return found
}
