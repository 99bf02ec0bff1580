// One run: a client writes to a new topic while a scenario harms it; then all is healed, the client is
// told to stop, and the oracle judges.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChaosCluster } from './chaos-cluster.ts'
import { LogIndex } from './consumer-oracle.ts'
import { Consumers, type ConsumersResult } from './consumers.ts'
import { type Ledger, readLedger } from './ledger.ts'
import { type ClientName, type Ended, startLoad } from './load-process.ts'
import { readLog } from './log-file.ts'
import {
  ackDelays,
  acksBetween,
  gapBetween,
  isClean,
  Judge,
  quantile,
  type Verdict,
} from './oracle.ts'
import { Random } from './random.ts'
import type { LoadOptions, Scenario, Targets } from './scenarios/scenario.ts'
import { type Expectation, Stage } from './stage.ts'

export interface RunOptions {
  client: ClientName
  seed: number
  /** In place of the scenario's own. */
  seconds?: number
  load?: Partial<LoadOptions>
  package?: string
  /** Consumers of this client read beside the load, which is kafkawire's then. */
  isConsuming?: boolean
  /** How the group divides partitions. Default: the client's own. */
  assignor?: string
  /** How members and coordinator talk. Default: the client's own. */
  groupProtocol?: string
  /** Members of the group are static. */
  isStatic?: boolean
  /** Tells what is done, as it is done. */
  isVerbose?: boolean
}

export interface RunResult {
  scenario: Scenario
  client: ClientName
  seed: number
  verdict: Verdict
  /** null: nobody read beside the load. */
  consumers: ConsumersResult | null
  /** After each E, sorted; Infinity: never. */
  ackDelaysMs: number[]
  ended: Ended
  /** Connection attempts to one broker in the worst 60 s. */
  connectsPerMinute: number
  /** Of the machine, over the last minute: with more than it has cores, times are not the client's. */
  machineLoad: number
  /** Laws that did not hold: zero is the only pass. */
  violations: string[]
  /** Targets of the scenario that were missed. */
  missed: string[]
  /** Where ledger and errors are; null when there was no reason to keep them. */
  folder: string | null
}

const partitionCount = 6
const producerId = 1
const tailMs = 4000

const usual: LoadOptions = {
  rate: 2000,
  sizes: [200],
  requestTimeoutMs: 5000,
  deliveryTimeoutMs: 60_000,
  maxBlockMs: 60_000,
  bufferMemory: 32 * 1024 * 1024,
  maxRequestSize: 1024 * 1024,
  metadataMaxAgeMs: 300_000,
  mostOut: 20,
}

export async function runScenario(
  { cluster, proxies, tools }: ChaosCluster,
  scenario: Scenario,
  options: RunOptions,
): Promise<RunResult> {
  const { client, seed } = options
  const load = {
    ...usual,
    // At full speed a record waits behind a full buffer first.
    ...(options.load?.rate === 0 && { deliveryTimeoutMs: 120_000 }),
    ...scenario.load,
    ...options.load,
  }
  const name = `chaos-${scenario.id}-${randomBytes(4).toString('hex')}`
  const topic = await tools.createTopic(name, {
    partitions: partitionCount,
    configs: scenario.topicConfigs,
  })
  const folder = await mkdtemp(join(tmpdir(), `kafkawire-chaos-${scenario.id}-`))
  const started = Date.now()
  const isConsuming =
    (options.isConsuming === true && scenario.isWithoutConsumers !== true) ||
    scenario.needsConsumers === true
  const task = {
    client,
    topic,
    folder,
    bootstrapServers: cluster.bootstrapServers,
    partitions: partitionCount,
    producer: producerId,
    package: options.package,
    isVerbose: options.isVerbose ?? false,
  }
  const consumers = isConsuming
    ? await Consumers.start(
        {
          ...task,
          assignor: options.assignor,
          groupProtocol: options.groupProtocol,
          isStatic: options.isStatic,
          seed,
        },
        tools,
      )
    : null
  try {
    const stage = new Stage(
      {
        cluster,
        proxies,
        tools,
        topic,
        partitions: Array.from({ length: partitionCount }, (_, partition) => partition),
        random: new Random(seed),
        consumers,
      },
      options.seconds ?? scenario.seconds,
      options.isVerbose ?? false,
    )
    scenario.prepare?.(stage)
    const worker = await startLoad({
      ...load,
      ...task,
      client: isConsuming ? 'kafkawire' : client,
    })
    let ended: Ended
    try {
      await stage.sleep(2000)
      await scenario.run(stage)
      await stage.heal()
      await stage.sleep(tailMs)
    } finally {
      stage.disturbed.push({ from: Date.now(), to: Number.POSITIVE_INFINITY })
      ended = await worker.stop(load.deliveryTimeoutMs + load.requestTimeoutMs + 10_000)
    }

    const endedAt = Date.now()
    const [machineLoad] = loadavg()
    const ledger = await readLedger(worker.ledgerFile)
    const logFile = join(folder, 'log')
    await tools.dump(topic, logFile, 180_000)
    const judge = new Judge(producerId, ledger)
    const index = new LogIndex()
    for await (const records of readLog(logFile)) {
      for (const record of records) {
        judge.see(record)
        if (isConsuming) index.see(record)
      }
    }
    const readBeside = (await consumers?.finish(index.sequences, endedAt, stage.disturbed)) ?? null
    const verdict = judge.verdict(({ settledAt }) => settledAt <= stage.recreatedAt)
    const ackDelaysMs = ackDelays(ledger, stage.recoveries)
    const connectsPerMinute = Math.max(
      ...[...proxies.values()].map(({ connects }) =>
        most(connects.filter((time) => time >= started)),
      ),
    )
    const facts = { verdict, ackDelaysMs, ended, connectsPerMinute }
    const violations = [...brokenLaws(facts), ...(readBeside?.violations ?? [])]
    const { pauseMostMs = Number.POSITIVE_INFINITY } = scenario.targets
    const { pauses } = readBeside ?? {}
    const missed = [
      ...missedTargets(scenario.targets, load, facts),
      ...(scenario.targets.noRepeats && readBeside !== null && readBeside.group.repeated > 0
        ? [`repeated ${readBeside.group.repeated}`]
        : []),
      ...(pauses !== undefined && pauses.mostMs > pauseMostMs
        ? [`pause of partitions that stayed ${pauses.mostMs} > ${pauseMostMs}`]
        : []),
      ...stage.expectations.flatMap((expectation) => missedBy(expectation, ledger)),
    ]
    const isKept = violations.length > 0 || process.env.KAFKAWIRE_KEEP !== undefined
    if (!isKept) {
      await rm(folder, { recursive: true })
      await tools.deleteTopic(topic)
    }
    const kept = isKept ? folder : null
    return {
      scenario,
      client,
      seed,
      ...facts,
      machineLoad,
      consumers: readBeside,
      violations,
      missed,
      folder: kept,
    }
  } finally {
    // Those that still live when a run has failed.
    await consumers?.abandon()
  }
}

type Facts = Pick<RunResult, 'verdict' | 'ackDelaysMs' | 'ended' | 'connectsPerMinute'>

function brokenLaws({ verdict, ended }: Facts): string[] {
  const broken = Object.entries(verdict.violations)
    .filter(([, count]) => count > 0)
    .map(([law, count]) => `${law} ${count}`)
  if (verdict.acked === 0) broken.push('nothing acknowledged')
  if (!ended.endedByItself) broken.push('did not end by itself')
  const rejections = ended.summary?.unhandledRejections.length ?? 0
  if (rejections > 0) broken.push(`unhandled rejections ${rejections}`)
  if (broken.length === 0 && !isClean(verdict)) throw new Error('a law has no name')
  return broken
}

const mostSockets = 5 * 3 + 2
const mostGrowthMiB = 50
const blockSlackMs = 1000

function missedTargets(targets: Targets, load: LoadOptions, facts: Facts): string[] {
  const { verdict, ackDelaysMs, ended, connectsPerMinute } = facts
  const missed: string[] = []
  const compare = (what: string, value: number, most: number | undefined): void => {
    if (most !== undefined && value > most) missed.push(`${what} ${Math.round(value)} > ${most}`)
  }
  compare('first ack after E p95', quantile(ackDelaysMs, 0.95), targets.ackDelayP95Ms)
  compare('first ack after E max', ackDelaysMs.at(-1) ?? 0, targets.ackDelayMostMs)
  compare('worst gap', verdict.worstGapMs, targets.worstGapMs)
  compare('p99', verdict.latencyMs.p99, targets.p99Ms)
  compare('connects per minute', connectsPerMinute, targets.connectsPerMinute)
  const failed = verdict.failedNo + verdict.failedMaybe
  compare('failed records', failed, targets.noFailures ? 0 : undefined)
  if (ended.summary !== null) {
    const { sockets, rssBaselineMiB, rssEndMiB, mostWaitMs } = ended.summary
    compare('a caller waited ms', mostWaitMs, load.maxBlockMs + blockSlackMs)
    compare('sockets', sockets, mostSockets)
    // At full speed the buffer fills, behind the first seconds.
    const buffered = load.rate === 0 ? load.bufferMemory / 1_048_576 : 0
    compare('RSS growth MiB', rssEndMiB - rssBaselineMiB, mostGrowthMiB + buffered)
  }
  return missed
}

function missedBy({ what, from, to, kind }: Expectation, ledger: Ledger): string[] {
  if (kind === 'noAcks') {
    const count = acksBetween(ledger, from, to)
    return count > 0 ? [`${what}: ${count} acks`] : []
  }
  const gap = gapBetween(ledger, kind.partitions, from, to)
  return gap > kind.mostGapMs ? [`${what}: gap of ${gap} ms > ${kind.mostGapMs}`] : []
}

/** How many of these moments lie within the worst 60 s. */
function most(times: readonly number[]): number {
  let worst = 0
  let first = 0
  for (let last = 0; last < times.length; last++) {
    while (times[last] - times[first] > 60_000) first++
    worst = Math.max(worst, last - first + 1)
  }
  return worst
}
