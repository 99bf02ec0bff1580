// Java processes of the tests: each is a child of this process and ends with it, on whatever way it
// goes. On a usual exit we kill by process id; if we are killed ourselves, Supervised.java sees the
// end of its standard input.

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder, isDownloaded, kafkaVersions } from './distribution.ts'

const run = promisify(execFile)

/** Why this machine cannot run real brokers, or null when it can. */
export function whyNoJava(): string | null {
  for (const command of ['java', 'javac']) {
    const major = majorVersion(command)
    if (major === null) return `there is no ${command} (a JDK 17 or newer is needed)`
    if (major < 17) return `${command} is of Java ${major} (a JDK 17 or newer is needed)`
  }
  if (kafkaVersions.every(isDownloaded)) return null
  return output('mvn', ['-version']) === null ? 'there is no mvn (Maven brings the brokers)' : null
}

function majorVersion(command: string): number | null {
  // `java -version` speaks on standard error, `--version` on standard output (from Java 9 on).
  const text = output(command, ['--version'])
  if (text === null) return null
  return Number(/(\d+)/.exec(text)?.[1] ?? 0)
}

function output(command: string, args: string[]): string | null {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return null
  }
}

/** How a JVM is started. */
export interface JavaOptions {
  mainClass: string
  args: string[]
  classPath: string
  jvmArgs?: string[]
  /** Standard output and standard error are appended to this file; without it they are pipes. */
  logFile?: string
}

const alive = new Set<ChildProcess>()

const lastActions = new Set<() => void>()

/** Has something (synchronous) done when this process ends; gives what takes it back. */
export function atProcessEnd(action: () => void): () => void {
  lastActions.add(action)
  return () => lastActions.delete(action)
}

function endAll(): void {
  for (const child of alive) child.kill('SIGKILL')
  for (const action of lastActions) action()
}

process.once('exit', endAll)

if (process.connected) {
  // A vitest worker whose main process is gone would go on with its test for minutes.
  process.once('disconnect', () => {
    endAll()
    process.kill(process.pid, 'SIGKILL')
  })
}

// Signals come in twos (one for the whole group, one that npm passes on): this handler stays while it
// cleans up, or the second would cut it short. What ends the process is another handler, as in
// vitest's main process, or else the signal itself.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  const onSignal = (): void => {
    endAll()
    const raiseAgain = (): void => {
      process.off(signal, onSignal)
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    }
    setTimeout(raiseAgain, 50)
  }
  process.on(signal, onSignal)
}

/** Starts a JVM that ends with this process at the latest. */
export async function startJava(options: JavaOptions): Promise<ChildProcess> {
  const supervised = await compileJava(['Supervised.java'])
  const jvm = [
    // Test JVMs live for seconds: the quick compiler alone starts faster and spares the two cores.
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
    ...(options.jvmArgs ?? []),
    '-cp',
    [supervised, options.classPath].join(delimiter),
  ]
  const log = options.logFile === undefined ? 'pipe' : openSync(options.logFile, 'a')
  try {
    const child = spawn('java', [...jvm, 'Supervised', options.mainClass, ...options.args], {
      stdio: ['pipe', log, log],
    })
    alive.add(child)
    child.once('exit', () => alive.delete(child))
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    // Its pipe breaks when it dies; that is seen by 'exit'.
    child.stdin?.on('error', () => {})
    // Neither the child nor its pipes keep this process alive.
    child.unref()
    for (const pipe of child.stdio) if (pipe instanceof Socket) pipe.unref()
    return child
  } finally {
    if (log !== 'pipe') closeSync(log)
  }
}

/** Whether a process has not ended yet. */
export function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

/** Sends a signal and waits for the end of the process. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isAlive(child)) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.ref()
  child.kill(signal)
  await ended
}

/** Compiles sources of test/harness/java, once for each content, and gives the folder of the classes. */
export async function compileJava(sources: string[], classPath?: string): Promise<string> {
  const files = sources.map((source) => join(import.meta.dirname, 'java', source))
  const hash = createHash('sha256').update(classPath ?? '')
  for (const file of files) hash.update(await readFile(file))
  const folder = join(cacheFolder(), `${sources[0]}-${hash.digest('hex').slice(0, 16)}`)
  if (await exists(folder)) return folder
  await mkdir(cacheFolder(), { recursive: true })
  const partial = await mkdtemp(join(cacheFolder(), '.javac-'))
  try {
    const path = classPath === undefined ? [] : ['-cp', classPath]
    await run('javac', ['-nowarn', '-d', partial, ...path, ...files])
    await rename(partial, folder).catch((error: NodeJS.ErrnoException) => {
      // Another process compiled the same meanwhile.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return folder
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
