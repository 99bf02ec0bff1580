// The copiers of a copy job: processes that are killed, stand still, and are started again by the one who
// watches over them. Each process is a life of its own; all lives of one copier share its transactional id,
// and write to one ledger.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atProcessEnd, endProcess, isAlive } from '../harness/java.ts'
import { waitUntil } from '../harness/wait-until.ts'
import type { CopyFact } from './copy-oracle.ts'

/** What every copier is told. Times in ms. */
export interface CopyTask {
  bootstrapServers: string
  input: string
  output: string
  groupId: string
  /** Begins each transactional id. */
  name: string
  folder: string
  /** By kafka.pipe() or by producer.transaction(). */
  by: 'pipe' | 'transaction'
  assignor: string
  recordsPerTransaction: number
  /** How long a transaction may wait to be full. */
  mostMs: number
  transactionTimeoutMs: number
  requestTimeoutMs: number
  deliveryTimeoutMs: number
  maxBlockMs: number
  package: string | undefined
  isVerbose: boolean
}

interface Life {
  copier: number
  child: ChildProcess
  isPaused: boolean
  /** Another life has its transactional id: it is not started again when it ends. */
  isReplaced: boolean
  forget: () => void
}

/** Ended because another one took over. */
const FENCED = 3

export class Copiers {
  readonly count: number
  /** Ends of processes that nobody asked for, other than by being fenced. */
  readonly crashes: string[] = []
  /** How many lives ended since another one had taken over. */
  fenced = 0
  readonly #task: CopyTask
  readonly #lives: Life[] = []
  #lastLife = 0
  #isStopping = false

  constructor(task: CopyTask, count: number) {
    this.#task = task
    this.count = count
  }

  start(): void {
    for (let copier = 0; copier < this.count; copier++) this.#begin(copier)
  }

  /** How many processes there were. */
  get lives(): number {
    return this.#lastLife
  }

  /** By its client id, which is its transactional id. */
  numberOf(clientId: string): number {
    return Number(clientId.slice(this.#task.name.length + 1))
  }

  /** kill -9; it is started again at once. */
  kill(copier: number): void {
    this.#current(copier)?.child.kill('SIGKILL')
  }

  /** SIGSTOP. */
  pause(copier: number): void {
    const life = this.#current(copier)
    if (life === undefined) return
    life.child.kill('SIGSTOP')
    life.isPaused = true
  }

  /** SIGCONT to all of its lives. */
  resume(copier: number): void {
    for (const life of this.#alive()) {
      if (life.copier !== copier || !life.isPaused) continue
      life.child.kill('SIGCONT')
      life.isPaused = false
    }
  }

  /** Starts the next life while the former one still stands still: that one is a zombie from now on. */
  replace(copier: number): void {
    const life = this.#current(copier)
    if (life !== undefined) life.isReplaced = true
    this.#begin(copier)
  }

  /** Tells all to stop, and waits until they have ended. What has not ended by itself is named. */
  async stop(timeoutMs: number): Promise<string[]> {
    this.#isStopping = true
    for (let copier = 0; copier < this.count; copier++) this.resume(copier)
    for (const { child } of this.#alive()) child.stdin?.end()
    await waitUntil('the copiers end', () => this.#alive().length === 0, { timeoutMs }).catch(
      () => {},
    )
    const late = this.#alive()
    await Promise.all(late.map(({ child }) => endProcess(child, 'SIGKILL')))
    return late.map(({ copier }) => `copier ${copier}`)
  }

  /** What the copiers have written down, in the order of each life. */
  async facts(): Promise<CopyFact[]> {
    const all: CopyFact[] = []
    for (let copier = 0; copier < this.count; copier++) {
      const text = await readFile(this.#ledger(copier), 'utf8')
      all.push(
        ...text
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as CopyFact),
      )
    }
    return all
  }

  #ledger(copier: number): string {
    return join(this.#task.folder, `copier-${copier}.ledger`)
  }

  #current(copier: number): Life | undefined {
    return this.#alive().find((life) => life.copier === copier && !life.isReplaced)
  }

  #alive(): Life[] {
    return this.#lives.filter(({ child }) => isAlive(child))
  }

  #begin(copier: number): void {
    const { name, folder, ...task } = this.#task
    const options = {
      ...task,
      life: ++this.#lastLife,
      transactionalId: `${name}-${copier}`,
      ledger: this.#ledger(copier),
    }
    const worker = fileURLToPath(new URL('./workers/copy.mjs', import.meta.url))
    const errors = openSync(join(folder, `copier-${copier}.stderr.txt`), 'a')
    let child: ChildProcess
    try {
      child = spawn(process.execPath, [worker, JSON.stringify(options)], {
        stdio: ['pipe', 'ignore', errors],
      })
    } finally {
      closeSync(errors)
    }
    // It may be gone before it is told to stop.
    child.stdin?.on('error', () => {})
    const forget = atProcessEnd(() => child.kill('SIGKILL'))
    const life = { copier, child, isPaused: false, isReplaced: false, forget }
    this.#lives.push(life)
    child.once('exit', (code, signal) => this.#ended(life, options.life, code, signal))
  }

  #ended(life: Life, number: number, code: number | null, signal: string | null): void {
    life.forget()
    if (code === FENCED) this.fenced++
    else if (signal !== 'SIGKILL' && !(code === 0 && this.#isStopping)) {
      this.crashes.push(`life ${number} of copier ${life.copier} ended with ${code ?? signal}`)
    }
    if (!this.#isStopping && !life.isReplaced) this.#begin(life.copier)
  }
}
