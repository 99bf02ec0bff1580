// A process of a client under test: it is started with its task as JSON, told to stop by the end of its
// standard input, and must then finish, close, and end by itself.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atProcessEnd, isAlive } from '../harness/java.ts'
import { GiveUpError, waitUntil } from '../harness/wait-until.ts'

export interface WorkerTask {
  /** A file in workers/. */
  script: string
  /** Its ledger, summary and standard error begin with it. */
  name: string
  folder: string
  /** The program that runs it. Default: this Node. */
  node?: string
  options: object
}

/** What every worker says of itself at its end. */
export interface WorkerSummary {
  rssBaselineMiB: number
  rssEndMiB: number
  rssMostMiB: number
  sockets: number
  /** The longest that its event loop came late: no client could have answered sooner. */
  loopLateMs: number
  unhandledRejections: string[]
  closeMs: number
}

export interface WorkerEnd<Summary> {
  /** Null when it did not come so far. */
  summary: Summary | null
  /** Whether the process ended by itself, in time, with code 0. */
  endedByItself: boolean
}

const exitMs = 5000

export class WorkerProcess<Summary = WorkerSummary> {
  readonly ledgerFile: string
  readonly errorFile: string
  readonly #summaryFile: string
  readonly #child: ChildProcess
  readonly #forget: () => void
  #output = ''

  private constructor({ script, name, folder, node = process.execPath, options }: WorkerTask) {
    this.ledgerFile = join(folder, `${name}.ledger`)
    this.errorFile = join(folder, `${name}.stderr.txt`)
    this.#summaryFile = join(folder, `${name}.summary.json`)
    const task = { ...options, ledger: this.ledgerFile, summary: this.#summaryFile }
    const worker = fileURLToPath(new URL(`./workers/${script}`, import.meta.url))
    const errors = openSync(this.errorFile, 'w')
    try {
      this.#child = spawn(node, [worker, JSON.stringify(task)], {
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

  /** Resolves when it says that it has started. */
  static async start<Summary>(task: WorkerTask): Promise<WorkerProcess<Summary>> {
    const worker = new WorkerProcess<Summary>(task)
    await waitUntil(
      `${task.name} starts`,
      async () => {
        if (!isAlive(worker.#child)) throw new Error(await worker.errors())
        return worker.#output.includes('started')
      },
      { timeoutMs: 120_000 },
    )
    return worker
  }

  get isAlive(): boolean {
    return isAlive(this.#child)
  }

  /** Waits for a line of its standard output. */
  async line(test: (text: string) => boolean, timeoutMs: number): Promise<string> {
    const look = async (): Promise<string | undefined> => {
      // What comes after the last end of a line is not whole yet.
      const found = this.#output.split('\n').slice(0, -1).find(test)
      if (found === undefined && !this.isAlive) throw new GiveUpError(await this.errors())
      return found
    }
    return (await waitUntil('a line of the worker', look, { timeoutMs })) ?? ''
  }

  errors(): Promise<string> {
    return readFile(this.errorFile, 'utf8')
  }

  /** Writes to its standard input. */
  tell(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** Whether it ends in time, with code 0. */
  async endsWithin(timeoutMs: number): Promise<boolean> {
    await this.#becomes(() => !this.isAlive, timeoutMs)
    return this.#child.exitCode === 0
  }

  /** It hangs: SIGSTOP. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Ends it with kill -9. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#becomes(() => !this.isAlive, exitMs)
    this.#forget()
  }

  /** Tells it to stop and waits for its end: for a worker that writes no summary. */
  async close(timeoutMs: number): Promise<boolean> {
    this.#child.stdin?.end()
    const hasEnded = await this.endsWithin(timeoutMs)
    if (this.isAlive) await this.kill()
    this.#forget()
    return hasEnded
  }

  /** Tells it to stop; `settleMs`: how long it may take to settle what is under way. */
  async stop(settleMs: number): Promise<WorkerEnd<Summary>> {
    this.#child.stdin?.end()
    const isClosed = await this.#becomes(() => this.#output.includes('closed'), settleMs)
    const hasEnded = await this.#becomes(() => !this.isAlive, isClosed ? exitMs : 0)
    if (!hasEnded) await this.kill()
    this.#forget()
    const summary: Summary | null = isClosed
      ? JSON.parse(await readFile(this.#summaryFile, 'utf8'))
      : null
    return { summary, endedByItself: hasEnded && this.#child.exitCode === 0 }
  }

  async #becomes(look: () => boolean, timeoutMs: number): Promise<boolean> {
    try {
      return await waitUntil('', () => look() || !this.isAlive, { timeoutMs }).then(look)
    } catch {
      return look()
    }
  }
}
