// What a command works with: the connection that its flags ask for, the output, and a signal that
// aborts on Ctrl-C and when the reader of the output has gone.

import { Admin } from '../admin/admin.ts'
import { adminOptionTable } from '../admin/options.ts'
import type { ConsumerOptions } from '../consumer/options.ts'
import { ConfigError } from '../errors.ts'
import type { Kafka } from '../kafka.ts'
import type { Logger } from '../logger.ts'
import { type KafkaOptions, resolveKafkaOptions } from '../options/kafka-options.ts'
import { resolveOptions } from '../options/option-table.ts'
import type { ProducerOptions } from '../producer/options.ts'
import type { WaitOptions } from '../types.ts'
import { Interrupted, OutputError, UsageError } from './failures.ts'
import { readInputFile } from './input-files.ts'
import type { JavaOptions } from './java-options.ts'
import { Output } from './output.ts'
import { PartialResults } from './partial-results.ts'
import { readProfile } from './profiles.ts'
import { addProperties, parseProperties } from './properties.ts'

/** Flags of every command that talks to a cluster. */
export interface ConnectionFlags {
  bootstrapServer?: string
  brokerList?: string
  bootstrapController?: string
  commandConfig?: string
  commandProperty?: string[]
  producerConfig?: string
  consumerConfig?: string
  producerProperty?: string[]
  consumerProperty?: string[]
  profile?: string
  timeout?: number
  json?: boolean
  debug?: boolean
  verboseLog?: boolean
}

/** How many sessions listen to standard output. */
let listening = 0

/** Whether a session ends its command when standard output cannot be written. */
export function isOutputWatched(): boolean {
  return listening > 0
}

export class Session {
  readonly out: Output
  readonly flags: ConnectionFlags
  /** Takes calls of which a part may fail; the command ends with what failed. */
  readonly parts: PartialResults = new PartialResults()
  private readonly abort = new AbortController()
  private readonly java: JavaOptions
  private kafkaInUse: Kafka | null = null
  private adminInUse: Admin | null = null
  private readonly name: string
  private interrupts = 0

  /** @throws UsageError for flags and files that cannot be used */
  static async open(name: string, flags: ConnectionFlags): Promise<Session> {
    const { bootstrapServer, brokerList, bootstrapController } = flags
    if (bootstrapController !== undefined && (bootstrapServer ?? brokerList) !== undefined) {
      throw new UsageError(
        '--bootstrap-server and --bootstrap-controller cannot be combined: give brokers or controllers.',
      )
    }
    const properties = gatherProperties(flags)
    if (properties.size === 0) return new Session(name, flags, noJavaOptions)
    const { optionsFromJava } = await import('./java-options.ts')
    return new Session(name, flags, optionsFromJava(properties))
  }

  private constructor(name: string, flags: ConnectionFlags, java: JavaOptions) {
    this.name = name
    this.flags = flags
    this.out = new Output(flags.json ?? false)
    this.java = java
    if (this.java.unknown.length > 0) {
      process.stderr.write(
        `Warning: these properties are not known and have no effect: ${this.java.unknown.join(', ')}\n`,
      )
    }
  }

  /** Aborts on Ctrl-C, SIGTERM, and when standard output is closed. */
  get signal(): AbortSignal {
    return this.abort.signal
  }

  /** Whether the reader of the output went away. */
  get isPipeClosed(): boolean {
    const { reason } = this.abort.signal
    return reason instanceof Interrupted && reason.isPipeClosed
  }

  /** Limits of an admin call. */
  get limits(): WaitOptions {
    const { timeout } = this.flags
    return timeout === undefined
      ? { signal: this.signal }
      : { timeoutMs: timeout, signal: this.signal }
  }

  /** For commands that produce or consume. Others need only `admin`, and start sooner without this. */
  async openKafka(): Promise<Kafka> {
    const { Kafka } = await import('../kafka.ts')
    this.kafkaInUse ??= fromFlags(() => new Kafka(this.kafkaOptions))
    return this.kafkaInUse
  }

  get admin(): Admin {
    this.adminInUse ??= fromFlags(() => this.openAdmin())
    return this.adminInUse
  }

  /** What properties say to producers. */
  get producerOptions(): ProducerOptions {
    return this.java.producer
  }

  /** What properties say to consumers. */
  get consumerOptions(): ConsumerOptions {
    return this.java.consumer
  }

  /** Whether `admin` talks to controllers in place of brokers. */
  get usesControllers(): boolean {
    return this.bootstrapControllers !== undefined
  }

  /** Controllers to connect to in place of brokers; undefined where it is brokers. */
  private get bootstrapControllers(): string | undefined {
    const { bootstrapServer, brokerList, bootstrapController } = this.flags
    if (bootstrapController !== undefined) return bootstrapController
    if ((bootstrapServer ?? brokerList) !== undefined) return undefined
    const { bootstrapControllers, bootstrapServers } = this.java.connection
    if (bootstrapControllers === undefined || bootstrapServers === undefined) {
      return bootstrapControllers
    }
    throw new UsageError(
      'bootstrap.servers and bootstrap.controllers cannot be combined: give brokers or controllers.',
    )
  }

  /** A flag's property wins over a file's. */
  get bootstrapServers(): string {
    const { bootstrapServer, brokerList } = this.flags
    const servers =
      bootstrapServer ??
      // Some scripts mean broker ids by it.
      (brokerList?.includes(':') ? brokerList : undefined) ??
      this.java.connection.bootstrapServers ??
      process.env.KAFKAWIRE_BOOTSTRAP_SERVER
    if (servers) return servers
    throw new UsageError(
      'There is no cluster to connect to. Give --bootstrap-server host:port, or set KAFKAWIRE_BOOTSTRAP_SERVER, or write a profile.',
    )
  }

  /** What `new Kafka` is given. */
  get kafkaOptions(): KafkaOptions {
    return this.optionsFor(this.bootstrapServers)
  }

  /**
   * From here on `signal` aborts on Ctrl-C; the second time the process ends at once.
   * @returns a function that ends this
   */
  listen(): () => void {
    const interrupt = (): void => {
      this.interrupts++
      if (this.interrupts > 1) process.exit(130)
      this.abort.abort(new Interrupted(false))
    }
    process.on('SIGINT', interrupt)
    process.on('SIGTERM', interrupt)
    const closed = (error: NodeJS.ErrnoException): void => {
      this.abort.abort(error.code === 'EPIPE' ? new Interrupted(true) : new OutputError(error))
    }
    process.stdout.on('error', closed)
    listening++
    return () => {
      listening--
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
      process.stdout.off('error', closed)
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.kafkaInUse?.close(), this.adminInUse?.close()])
  }

  /** @throws OutputError if what was printed is lost, although the command itself succeeded */
  checkOutput(): void {
    const { reason } = this.abort.signal
    if (reason instanceof OutputError) throw reason
  }

  private openAdmin(): Admin {
    const { bootstrapControllers } = this
    const given = bootstrapControllers === undefined ? {} : { bootstrapControllers }
    const adminOptions = { ...this.java.admin, ...given }
    const settings = resolveOptions(adminOptionTable, adminOptions, 'kafka.admin()')
    const options = this.optionsFor(bootstrapControllers ?? this.bootstrapServers)
    return new Admin(resolveKafkaOptions(options), settings)
  }

  private optionsFor(bootstrapServers: string): KafkaOptions {
    const { bootstrapControllers: _, ...connection } = this.java.connection
    const clientId = `kafkawire-${this.name}`
    return { clientId, logger: this.logger, ...connection, bootstrapServers }
  }

  private get logger(): Logger {
    const say = (level: string) => (message: string, details?: object) => {
      const text = details === undefined ? '' : ` ${JSON.stringify(details)}`
      process.stderr.write(`${level}: ${message}${text}\n`)
    }
    const quiet = (): void => {}
    const isLoud = this.flags.debug === true
    return {
      debug: isLoud ? say('debug') : quiet,
      info: isLoud ? say('info') : quiet,
      warn: isLoud ? say('warn') : quiet,
      error: say('error'),
    }
  }
}

const noJavaOptions: JavaOptions = {
  connection: {},
  producer: {},
  consumer: {},
  admin: {},
  unknown: [],
}

/** What is wrong with the options here was wrong in a flag, a file or the environment. */
function fromFlags<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

function gatherProperties(flags: ConnectionFlags): Map<string, string> {
  const properties = readProfile(flags.profile)
  const { commandConfig, producerConfig, consumerConfig } = flags
  for (const path of [commandConfig, producerConfig, consumerConfig]) {
    if (path === undefined) continue
    for (const [key, value] of parseProperties(readInputFile(path), path))
      properties.set(key, value)
  }
  addProperties(properties, flags.commandProperty ?? [], '--command-property')
  addProperties(properties, flags.producerProperty ?? [], '--producer-property')
  addProperties(properties, flags.consumerProperty ?? [], '--consumer-property')
  return properties
}
