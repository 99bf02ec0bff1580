// npm run chaos: scenarios one after the other on one cluster, a row for each run. Ends with code 1 when
// a law was broken.

import { parseArgs } from 'node:util'
import type { ClusterAddress } from '../harness/cluster.ts'
import { type KafkaVersion, kafkaVersions } from '../harness/distribution.ts'
import { JavaTools, startWitness } from '../harness/java-tools.ts'
import { type Build, buildClient, buildMutant } from './build.ts'
import { type ChaosCluster, startChaosCluster } from './chaos-cluster.ts'
import { type ClientName, clientNames } from './load-process.ts'
import { type Mutant, mutants } from './mutants.ts'
import { consumerHeader, header, rebalanceLine, toConsumerRow, toRow } from './report.ts'
import { type RunOptions, type RunResult, runScenario } from './run.ts'
import { scenarios } from './scenarios/all.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { type SoakOptions, soak } from './soak.ts'
import { summaryOf } from './summary.ts'

const usage = `npm run chaos -- [options]
npm run chaos -- churn --protocol NAME
npm run chaos -- soak --minutes N [--rate N] [--scenario IDS]
  --client NAMES     of ${clientNames.join(', ')}; separated by commas (default: kafkawire)
  --scenario IDS     such as 1,3,11 (default: all)
  --seed N           brings the same faults again (default: chosen, and printed)
  --seeds N          each scenario so often, with the seeds that follow; a summary at the end (default: 1)
  --seconds N        how long the faults of each scenario go on (default: its own)
  --consume          consumers read beside the load, and are judged: a group of two, and one by hand
  --assignor NAME    how the group of consumers divides partitions: range, roundrobin, cooperative-sticky
  --static           the members of the group are static
  --protocol NAME    how members and coordinator talk: classic, consumer (KIP-848), auto
  --calls N          calls out at a time, for clients that batch by call (default: 20)
  --rate N           records a second; full: as many as go (default: 2000)
  --version V        of the brokers (default: 4.4.0)
  --package FILE     the entry file of another build of kafkawire
  --mutant TEXT      --mutants, but only those that have this in their names
  --minutes N        of a soak: one client, half speed, slice after slice (default: 10)
  --mutants          are faults of the client caught? Runs kafkawire with one rule after the other taken out
  --verbose          tell what is done, and the evidence of each violation
Scenarios:
${scenarios.map(({ id, name, seconds }) => `  ${String(id).padStart(2)} ${name} (${seconds} s)`).join('\n')}`

interface Task {
  version: KafkaVersion
  clients: ClientName[]
  scenarios: Scenario[]
  options: Omit<RunOptions, 'client'>
  /** The seeds of each scenario. */
  seeds: number[]
  mutants: readonly Mutant[]
  /** null: no soak. */
  soak: SoakOptions | null
}

/** The exit code. */
export async function main(args: string[]): Promise<number> {
  const task = parse(args)
  if (task === null) {
    console.log(usage)
    return 0
  }
  const original = task.mutants.length > 0 ? await buildClient() : null
  const witness = await startWitness('4.4.0')
  const toolsFor = (cluster: ClusterAddress): JavaTools => new JavaTools(witness.port, cluster)
  let chaos: ChaosCluster | null = null
  const results: RunResult[] = []
  let broken = 0
  try {
    const runs = original === null ? scenarioRuns(task, results) : mutantRuns(task, original)
    for (const { title, run } of runs) {
      chaos ??= await startChaosCluster(task.version, toolsFor)
      try {
        if (!(await run(chaos))) broken++
        await chaos.repair()
      } catch (error) {
        // What is left of this cluster is not worth the next run.
        console.error(`${title}:`, error)
        broken++
        await chaos.stop()
        chaos = null
      }
    }
  } finally {
    await chaos?.stop()
    await witness.stop()
    await original?.remove()
  }
  if (task.seeds.length > 1 && results.length > 0) console.log(`\n${summaryOf(results)}`)
  return broken === 0 ? 0 : 1
}

interface Run {
  title: string
  /** Whether it went as it should. */
  run: (chaos: ChaosCluster) => Promise<boolean>
}

function* scenarioRuns(task: Task, results: RunResult[]): Generator<Run> {
  const { soak: given, scenarios, clients, seeds, options } = task
  if (given !== null) {
    yield { title: 'soak', run: (chaos) => soak(chaos, given) }
    return
  }
  for (const scenario of scenarios) {
    for (const client of clients) {
      for (const seed of seeds) {
        const title = `${scenario.id} ${scenario.name}, ${client}, seed ${seed}`
        const run = async (chaos: ChaosCluster): Promise<boolean> => {
          const result = await runOnce(chaos, scenario, { ...options, client, seed })
          results.push(result)
          return result.violations.length === 0
        }
        yield { title, run }
      }
    }
  }
}

function* mutantRuns(task: Task, original: Build): Generator<Run> {
  for (const mutant of task.mutants) {
    const scenario = task.scenarios.find(({ id }) => id === mutant.scenario)
    if (scenario === undefined) continue
    const run = async (chaos: ChaosCluster): Promise<boolean> => {
      const build = await buildMutant(original, mutant)
      try {
        const { seconds, isConsuming } = mutant
        const given = {
          ...task.options,
          client: 'kafkawire',
          package: build.entry,
          seconds,
          isConsuming,
        } as const
        const { verdict, consumers } = await runOnce(chaos, scenario, given)
        const { group, byHand } = consumers ?? {}
        const found: Record<string, number> = {
          ...verdict.violations,
          ...group?.violations,
          repeated: group?.repeated ?? 0,
          failed: verdict.failedNo + verdict.failedMaybe,
        }
        const ofByHand: Record<string, number> = { ...byHand?.violations }
        const isCaught = mutant.laws.some((law) => found[law] > 0 || ofByHand[law] > 0)
        console.log(`    mutant '${mutant.name}' ${isCaught ? 'is caught' : '**GOES UNSEEN**'}`)
        return isCaught
      } finally {
        await build.remove()
      }
    }
    yield { title: `mutant '${mutant.name}'`, run }
  }
}

async function runOnce(
  chaos: ChaosCluster,
  scenario: Scenario,
  options: RunOptions,
): Promise<RunResult> {
  const result = await runScenario(chaos, scenario, options)
  const { consumers } = result
  if (consumers === null) show(header, toRow(result))
  else {
    show(consumerHeader, toConsumerRow(result, consumers))
    if (consumers.pauses.count > 0) console.log(`    ${rebalanceLine(consumers)}`)
  }
  if (result.folder !== null) console.log(`    ledger and errors: ${result.folder}`)
  if (options.isVerbose) for (const line of evidenceOf(result)) console.log(`    ${line}`)
  return result
}

let shownHeader = ''

/** The two kinds of rows have headers of their own. */
function show(header: string, row: string): void {
  if (header !== shownHeader) console.log(header)
  shownHeader = header
  console.log(row)
}

function evidenceOf({ verdict, consumers }: RunResult): string[] {
  const { group, byHand } = consumers ?? {}
  return [verdict, group, byHand].flatMap((judged) => judged?.evidence ?? [])
}

function parse(args: string[]): Task | null {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      client: { type: 'string', default: 'kafkawire' },
      scenario: { type: 'string' },
      seed: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string' },
      calls: { type: 'string' },
      assignor: { type: 'string' },
      protocol: { type: 'string' },
      static: { type: 'boolean', default: false },
      consume: { type: 'boolean', default: false },
      version: { type: 'string', default: '4.4.0' },
      package: { type: 'string' },
      mutants: { type: 'boolean', default: false },
      mutant: { type: 'string' },
      minutes: { type: 'string', default: '10' },
      seeds: { type: 'string', default: '1' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const version = choose(kafkaVersions, values.version)
  const ids = values.scenario?.split(',') ?? scenarios.map(({ id }) => String(id))
  const known = scenarios.map(({ id }) => String(id))
  const chosen = ids.map((id) => scenarios[known.indexOf(choose(known, id))])
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6))
  const rate = values.rate === undefined ? undefined : toRate(values.rate)
  for (const command of positionals) choose(['soak'], command)
  const isAboutMutants = values.mutants || values.mutant !== undefined
  const { package: entry, verbose: isVerbose } = values
  return {
    version,
    clients: values.client.split(',').map((name) => choose(clientNames, name)),
    scenarios: chosen,
    seeds: Array.from({ length: Number(values.seeds) }, (_, index) => seed + index),
    mutants: isAboutMutants ? mutants.filter(({ name }) => name.includes(values.mutant ?? '')) : [],
    soak: positionals.includes('soak')
      ? {
          minutes: Number(values.minutes),
          rate,
          scenarios: values.scenario === undefined ? [] : chosen,
          seed,
          package: entry,
          isVerbose,
        }
      : null,
    options: {
      seed,
      seconds: toNumber(values.seconds),
      load: {
        ...(rate !== undefined && { rate }),
        ...(values.calls !== undefined && { mostOut: Number(values.calls) }),
      },
      package: entry,
      isConsuming: values.consume,
      assignor: values.assignor,
      groupProtocol:
        values.protocol === undefined
          ? undefined
          : choose(['classic', 'consumer', 'auto'], values.protocol),
      isStatic: values.static,
      isVerbose,
    },
  }
}

function choose<T extends string>(from: readonly T[], value: string): T {
  const found = from.find((name) => name === value)
  if (found === undefined) throw new Error(`${value} is not one of ${from.join(', ')}`)
  return found
}

function toRate(text: string): number {
  const rate = text === 'full' ? 0 : Number(text)
  if (!(rate >= 0)) throw new Error(`--rate is a number or full, not ${text}`)
  return rate
}

function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}
