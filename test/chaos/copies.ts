// npm run chaos -- copies: copy jobs one after the other, on brokers with and without KIP-890, a row for
// each run. Ends with code 1 when a law was broken.

import { parseArgs } from 'node:util'
import { runTool } from '../harness/command-tool.ts'
import { type KafkaVersion, kafkaVersions } from '../harness/distribution.ts'
import { JavaTools, startWitness } from '../harness/java-tools.ts'
import { type Build, buildClient, buildMutant } from './build.ts'
import { type ChaosCluster, startChaosCluster } from './chaos-cluster.ts'
import { copyMutants } from './copy-mutants.ts'
import { copyHeader, toCopyRow } from './copy-report.ts'
import { type CopyOptions, type CopyResult, runCopies } from './copy-run.ts'
import { type CopyScenario, copyScenarios } from './scenarios/copies.ts'

const usage = `npm run chaos -- copies [options]
  --scenario IDS     such as 22,23 (default: all)
  --brokers LIST     versions, separated by commas (default: 4.4.0,3.9.2); 4.4.0:1 is 4.4.0 with
                     transaction.version 1, so without KIP-890, as 3.9.2 is
  --seeds LIST       each brings the same faults again (default: one, chosen, and printed)
  --seconds N        how long the faults of each run go on (default: 180)
  --records N        that the input is given meanwhile (default: 100000)
  --per-transaction N  records of a transaction (default: 750; 24: 100)
  --by WAY           of the copiers: pipe or transaction (default: pipe)
  --package FILE     the entry file of another build of kafkawire
  --mutants          are faults of the client caught? One rule after the other is taken out
  --mutant TEXT      with --mutants: only those that have it in their name
  --verbose          tell what is done
Scenarios:
${copyScenarios.map(({ id, name }) => `  ${id} ${name}`).join('\n')}`

interface Brokers {
  version: KafkaVersion
  /** In place of the version's own. */
  transactionVersion: string | undefined
  name: string
}

/** The exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      scenario: { type: 'string', default: copyScenarios.map(({ id }) => id).join(',') },
      brokers: { type: 'string', default: '4.4.0,3.9.2' },
      seeds: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
      seconds: { type: 'string', default: '180' },
      records: { type: 'string', default: '100000' },
      'per-transaction': { type: 'string' },
      by: { type: 'string', default: 'pipe' },
      package: { type: 'string' },
      mutants: { type: 'boolean', default: false },
      mutant: { type: 'string', default: '' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const scenarios = values.scenario.split(',').map(toScenario)
  const options = {
    seconds: Number(values.seconds),
    records: Number(values.records),
    recordsPerTransaction: toNumber(values['per-transaction']),
    by: values.by === 'transaction' ? 'transaction' : 'pipe',
    isVerbose: values.verbose,
  } as const
  const seeds = values.seeds.split(',').map(Number)
  const witness = await startWitness('4.4.0')
  const builds: Build[] = []
  let broken = 0
  console.log(copyHeader)
  try {
    const build = values.package === undefined || values.mutants ? await buildClient() : null
    if (build !== null) builds.push(build)
    const entry = values.package ?? build?.entry
    for (const brokers of values.brokers.split(',').map(toBrokers)) {
      const toolsFor = (cluster: ConstructorParameters<typeof JavaTools>[1]): JavaTools =>
        new JavaTools(witness.port, cluster)
      let chaos: ChaosCluster | null = null
      const runs = values.mutants
        ? []
        : seeds.flatMap((seed) => scenarios.map((scenario) => ({ seed, scenario })))
      try {
        for (const { seed, scenario } of runs) {
          chaos ??= await startBrokers(brokers, toolsFor)
          try {
            const given = { ...options, seed, package: entry }
            if ((await runOnce(chaos, brokers, scenario, given)).violations.length > 0) broken++
            await chaos.repair()
          } catch (error) {
            // What is left of this cluster is not worth the next run.
            console.error(`${scenario.id} ${scenario.name}, seed ${seed}:`, error)
            broken++
            await chaos.stop()
            chaos = null
          }
        }
        for (const mutant of values.mutants && build !== null ? copyMutants : []) {
          const isMeant = mutant.brokers === undefined || mutant.brokers === brokers.name
          if (!isMeant || !mutant.name.includes(values.mutant)) continue
          chaos ??= await startBrokers(brokers, toolsFor)
          const mutated = await buildMutant(build as Build, mutant)
          builds.push(mutated)
          const given = {
            ...options,
            recordsPerTransaction: options.recordsPerTransaction ?? mutant.recordsPerTransaction,
            seed: seeds[0],
            package: mutated.entry,
          }
          const { violations } = await runOnce(
            chaos,
            brokers,
            toScenario(String(mutant.scenario)),
            given,
          )
          const isCaught = mutant.laws.some((law) =>
            violations.some((text) => text.startsWith(law)),
          )
          console.log(`    mutant '${mutant.name}' ${isCaught ? 'is caught' : '**GOES UNSEEN**'}`)
          if (!isCaught) broken++
          await chaos.repair()
        }
      } finally {
        await chaos?.stop()
      }
    }
  } finally {
    await witness.stop()
    for (const build of builds) await build.remove()
  }
  return broken === 0 ? 0 : 1
}

async function runOnce(
  chaos: ChaosCluster,
  brokers: Brokers,
  scenario: CopyScenario,
  options: CopyOptions,
): Promise<CopyResult> {
  const result = await runCopies(chaos, scenario, options)
  console.log(toCopyRow(result, brokers.name))
  if (result.folder !== null) console.log(`    ledgers and errors: ${result.folder}`)
  if (options.isVerbose || result.violations.length > 0) {
    for (const line of result.evidence) console.log(`    ${line}`)
  }
  return result
}

async function startBrokers(
  { version, transactionVersion }: Brokers,
  toolsFor: Parameters<typeof startChaosCluster>[1],
): Promise<ChaosCluster> {
  const chaos = await startChaosCluster(version, toolsFor)
  if (transactionVersion === undefined) return chaos
  const feature = ['--feature', `transaction.version=${transactionVersion}`]
  const args = ['--bootstrap-server', chaos.cluster.internalServers, 'downgrade', ...feature]
  await runTool('4.4.0', 'org.apache.kafka.tools.FeatureCommand', args)
  return chaos
}

function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

function toScenario(id: string): CopyScenario {
  const found = copyScenarios.find((scenario) => String(scenario.id) === id)
  if (found === undefined) throw new Error(`there is no copy scenario ${id}`)
  return found
}

function toBrokers(name: string): Brokers {
  const [text, transactionVersion] = name.split(':')
  const version = kafkaVersions.find((known) => known === text)
  if (version === undefined) throw new Error(`${text} is not one of ${kafkaVersions.join(', ')}`)
  return { version, transactionVersion, name }
}
