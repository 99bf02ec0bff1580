// A long run: one client writes at half of its full speed, slice after slice, and each slice is judged
// while the next one goes on. Memory that grows with time is found here, and so is what happens once in
// a million records.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChaosCluster } from './chaos-cluster.ts'
import { readLedger } from './ledger.ts'
import { readLog } from './log-file.ts'
import { isClean, Judge, type Verdict } from './oracle.ts'
import { Random } from './random.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { Stage } from './stage.ts'
import { WorkerProcess, type WorkerSummary } from './worker-process.ts'

export interface SoakOptions {
  minutes: number
  /** Records a second; undefined: half of what it does at full speed. */
  rate: number | undefined
  /** Faults, one scenario after the other; none: a calm cluster. */
  scenarios: readonly Scenario[]
  seed: number
  package: string | undefined
  isVerbose: boolean
}

interface Slice {
  index: number
  topic: string
  ledger: string
  ms: number
}

/** What the worker says of a slice at its end. */
interface SliceEnd {
  index: number
  seconds: number
  /** Of the slices to come. */
  rate: number
  memory: { rss: number; heapUsed: number; external: number; arrayBuffers: number }
}

const partitionCount = 6
const producerId = 1
const warmUpMs = 15_000
const mostGrowthMiB = 50
const settleMs = 150_000

/** Whether every law held, and the memory did not grow. */
export async function soak(chaos: ChaosCluster, options: SoakOptions): Promise<boolean> {
  const { cluster, tools } = chaos
  const folder = await mkdtemp(join(tmpdir(), 'kafkawire-soak-'))
  const slices = planSlices(options.minutes * 60_000, folder)
  for (const { topic } of slices) await tools.createTopic(topic, { partitions: partitionCount })
  const worker = await WorkerProcess.start<WorkerSummary>({
    script: 'soak.mjs',
    name: 'soak',
    folder,
    options: {
      slices,
      bootstrapServers: cluster.bootstrapServers,
      partitions: partitionCount,
      producer: producerId,
      rate: options.rate,
      package: options.package,
    },
  })
  const faults = new Faults(chaos, options)
  const rssMiB: number[] = []
  let isWell = true
  console.log(soakHeader)
  try {
    for (const slice of slices) {
      faults.begin(slice.topic)
      const limitMs = slice.ms + settleMs
      const line = await worker.line(
        (text) => text.startsWith(`slice {"index":${slice.index},`),
        limitMs,
      )
      const end: SliceEnd = JSON.parse(line.slice('slice '.length))
      const verdict = await judgeSlice(chaos, slice, folder)
      isWell &&= isClean(verdict)
      rssMiB.push(end.memory.rss / 1_048_576)
      console.log(toRow(slice, end, verdict))
      if (options.isVerbose) for (const text of verdict.evidence) console.log(`    ${text}`)
    }
  } finally {
    await faults.end()
    const { summary, endedByItself } = await worker.stop(settleMs)
    if (!endedByItself || summary === null || summary.unhandledRejections.length > 0) {
      console.log(`    the process did not end as it should: ${await worker.errors()}`)
      isWell = false
    }
  }
  // Slice 0 is at full speed, slice 1 the first at the speed of the others.
  const [, base = 0, ...later] = rssMiB
  const growth = Math.max(0, ...later) - base
  const isFlat = growth <= mostGrowthMiB
  console.log(
    `RSS after slice 1: ${base.toFixed(0)} MiB; the most after a later one: ${growth.toFixed(0)} MiB more (${mostGrowthMiB} allowed)`,
  )
  if (isWell) await rm(folder, { recursive: true })
  else console.log(`    ledgers and errors: ${folder}`)
  return isWell && isFlat
}

/** One at full speed to warm up, then slices of a minute; of a fifth, where the run is short. */
function planSlices(totalMs: number, folder: string): Slice[] {
  const sliceMs = Math.min(60_000, totalMs / 5)
  const count = Math.max(2, Math.round(totalMs / sliceMs))
  const run = randomBytes(3).toString('hex')
  return Array.from({ length: count + 1 }, (_, index) => ({
    index,
    topic: `soak-${run}-${index}`,
    ledger: join(folder, `slice-${index}.ledger`),
    ms: index === 0 ? warmUpMs : sliceMs,
  }))
}

async function judgeSlice(
  { tools }: ChaosCluster,
  { topic, ledger, index }: Slice,
  folder: string,
): Promise<Verdict> {
  const logFile = join(folder, `slice-${index}.log`)
  await tools.dump(topic, logFile, 300_000)
  const judge = new Judge(producerId, await readLedger(ledger))
  for await (const records of readLog(logFile)) for (const record of records) judge.see(record)
  const verdict = judge.verdict()
  if (isClean(verdict)) {
    await rm(logFile)
    await rm(ledger)
    await tools.deleteTopic(topic)
  }
  return verdict
}

/** The scenarios, one after the other, for as long as the run goes on. */
class Faults {
  readonly #chaos: ChaosCluster
  readonly #options: SoakOptions
  readonly #random: Random
  #topic = ''
  #isEnding = false
  #running: Promise<void> | null = null

  constructor(chaos: ChaosCluster, options: SoakOptions) {
    this.#chaos = chaos
    this.#options = options
    this.#random = new Random(options.seed)
  }

  /** From now on they hit this topic. */
  begin(topic: string): void {
    this.#topic = topic
    if (this.#options.scenarios.length > 0) this.#running ??= this.#run()
  }

  async end(): Promise<void> {
    this.#isEnding = true
    await this.#running
    await this.#chaos.repair()
  }

  async #run(): Promise<void> {
    const { cluster, proxies, tools } = this.#chaos
    const { scenarios, isVerbose } = this.#options
    for (let turn = 0; !this.#isEnding; turn++) {
      const scenario = scenarios[turn % scenarios.length]
      const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
      const given = { cluster, proxies, tools, topic: this.#topic, partitions }
      const stage = new Stage({ ...given, random: this.#random, consumers: null }, 10, isVerbose)
      stage.log(scenario.name)
      try {
        await scenario.run(stage)
      } catch (error) {
        // The topic of a slice that is over may be gone already.
        stage.log(String(error))
      }
      await this.#chaos.repair()
      await stage.sleep(2000)
    }
  }
}

const columns = [
  'slice',
  's',
  'records/s',
  'sent',
  'acked',
  'failed no/maybe',
  'lost',
  'doubled',
  'inverted',
  'p99 ms',
  'worst gap ms',
  'RSS MiB',
  'heap MiB',
  'buffers MiB',
  'verdict',
]

const soakHeader = [row(columns), row(columns.map(() => '---'))].join('\n')

function toRow({ index }: Slice, { seconds, memory }: SliceEnd, verdict: Verdict): string {
  const { violations } = verdict
  const mib = (bytes: number): number => Math.round(bytes / 1_048_576)
  const broken = Object.entries(violations).filter(([, count]) => count > 0)
  return row([
    index === 0 ? '0, full speed' : index,
    Math.round(seconds),
    Math.round(verdict.acked / seconds),
    verdict.sent,
    verdict.acked,
    `${verdict.failedNo} / ${verdict.failedMaybe}`,
    violations.lost,
    violations.doubled,
    violations.inversions,
    verdict.latencyMs.p99,
    verdict.worstGapMs,
    mib(memory.rss),
    mib(memory.heapUsed),
    mib(memory.external),
    broken.length === 0 ? 'laws hold' : `**broken: ${broken.join(', ')}**`,
  ])
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`
}
