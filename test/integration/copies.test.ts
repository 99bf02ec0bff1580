// The short tier of the copy job (docs/results/chaos.md): records are copied in transactions while brokers die,
// copiers are killed and stand still, and ends of transactions are lost; each comes out once.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Build, buildClient } from '../chaos/build.ts'
import { type ChaosCluster, startChaosCluster } from '../chaos/chaos-cluster.ts'
import { toCopyRow } from '../chaos/copy-report.ts'
import { runCopies } from '../chaos/copy-run.ts'
import { copyScenarios } from '../chaos/scenarios/copies.ts'
import { describeReal, javaTools } from '../harness/real.ts'

const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e6))

for (const [version, ways] of [
  ['4.4.0', ['pipe', 'transaction']],
  ['3.9.2', ['pipe']],
] as const) {
  describeReal(`a copy job on Kafka ${version}`, () => {
    let chaos: ChaosCluster
    let build: Build

    beforeAll(async () => {
      build = await buildClient()
      chaos = await startChaosCluster(version, javaTools)
    })

    afterAll(async () => {
      await chaos?.stop()
      await build?.remove()
    })

    test.each(ways)(
      'by %s copies each record once, whatever is done to it',
      async (by) => {
        await chaos.repair()
        const scenario = copyScenarios.find(({ name }) => name === 'transactions, everything')
        if (scenario === undefined) throw new Error('there is no such scenario')
        const options = { seed, seconds: 20, records: 10_000, by, package: build.entry }
        const result = await runCopies(chaos, scenario, options)
        console.log(toCopyRow(result, version))
        const told = [`seed ${seed}`, ...result.evidence].join('\n')
        expect(result.violations, told).toEqual([])
      },
      400_000,
    )
  })
}
