// Kafka's own command line programs, for what the witness (java-tools.ts) does not do: transactions
// that hang, a group member that is not ours, a dump of a log segment.

import type { ChildProcess } from 'node:child_process'
import { delimiter } from 'node:path'
import { createInterface } from 'node:readline'
import type { ClusterAddress } from './cluster.ts'
import { classPath, type KafkaVersion } from './distribution.ts'
import { endProcess, isAlive, startJava } from './java.ts'
import { GiveUpError, waitUntil } from './wait-until.ts'

/** Starts a program by its main class, of Kafka's or of `moreClasses`. End it with `stop()` or `kill()`. */
export async function startTool(
  version: KafkaVersion,
  mainClass: string,
  args: string[],
  moreClasses: string[] = [],
): Promise<CommandTool> {
  const jars = [...moreClasses, await classPath(version)].join(delimiter)
  const jvmArgs = ['-Xmx256m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
  return new CommandTool(await startJava({ mainClass, args, classPath: jars, jvmArgs }), mainClass)
}

/** Runs a program of Kafka to its end and gives the lines of its standard output. */
export async function runTool(
  version: KafkaVersion,
  mainClass: string,
  args: string[],
  { timeoutMs = 60_000 }: { timeoutMs?: number } = {},
): Promise<string[]> {
  const tool = await startTool(version, mainClass, args)
  try {
    await tool.ended(timeoutMs)
    return tool.lines
  } finally {
    await tool.kill()
  }
}

/**
 * A consumer of Kafka's own in a group, as a member beside ours. Its lines are JSON events with a
 * `name`: `partitions_assigned`, `records_consumed`, `offsets_committed`, ...
 */
export async function startJavaMember(
  cluster: ClusterAddress,
  { topic, groupId, args = [] }: { topic: string; groupId: string; args?: string[] },
): Promise<CommandTool> {
  const servers = ['--bootstrap-server', cluster.internalServers]
  const group = ['--topic', topic, '--group-id', groupId, '--reset-policy', 'earliest']
  const version = cluster.version.startsWith('4') ? cluster.version : '3.9.2'
  const main = 'org.apache.kafka.tools.VerifiableConsumer'
  return startTool(version, main, [...servers, ...group, ...args])
}

/** A running command line program. */
export class CommandTool {
  /** Standard output so far. */
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #name: string
  #errors = ''

  constructor(child: ChildProcess, name: string) {
    this.#child = child
    this.#name = name
    if (child.stdout !== null) {
      createInterface(child.stdout).on('line', (line) => this.lines.push(line))
    }
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk).slice(-4000)
    })
  }

  /** Waits for a line that `test` accepts, among those already there too. */
  async waitForLine(test: (line: string) => boolean, timeoutMs = 30_000): Promise<string> {
    return this.waitFor(`a line of ${this.#name}`, () => this.lines.find(test), timeoutMs)
  }

  /** Waits until what it has printed makes `look` give something; rejects when the program has ended before. */
  async waitFor<T>(what: string, look: () => T, timeoutMs: number): Promise<NonNullable<T>> {
    const lookOrGiveUp = (): T => {
      const isOver = !isAlive(this.#child)
      const found = look()
      if (!found && isOver) throw new GiveUpError(this.#whatWasSaid())
      return found
    }
    return waitUntil(what, lookOrGiveUp, { timeoutMs })
  }

  /** Waits for the end of the program; rejects when it fails. */
  async ended(timeoutMs: number): Promise<void> {
    await waitUntil(`the end of ${this.#name}`, () => !isAlive(this.#child), { timeoutMs })
    if (this.#child.exitCode !== 0) throw new Error(this.#whatWasSaid())
  }

  /** SIGTERM; waits for the end. */
  async stop(): Promise<void> {
    await endProcess(this.#child, 'SIGTERM')
  }

  /** SIGKILL; waits for the end. */
  async kill(): Promise<void> {
    await endProcess(this.#child, 'SIGKILL')
  }

  #whatWasSaid(): string {
    const { exitCode, signalCode } = this.#child
    return `${this.#name} ended with ${exitCode ?? signalCode}: ${this.#errors}`
  }
}
