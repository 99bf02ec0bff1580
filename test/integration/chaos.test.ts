// The short tier of the chaos suite (docs/results/chaos.md): real brokers die and answers vanish while the
// producer writes at full pipelining and consumers read; what they claim is held against what is in the log.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Build, buildClient } from '../chaos/build.ts'
import { type ChaosCluster, startChaosCluster } from '../chaos/chaos-cluster.ts'
import { toConsumerRow, toRow } from '../chaos/report.ts'
import { runScenario } from '../chaos/run.ts'
import { answerEater, reorderByError } from '../chaos/scenarios/answers.ts'
import { leaderKill, leaderPaused } from '../chaos/scenarios/brokers.ts'
import { firstRefused } from '../chaos/scenarios/first-batches.ts'
import { groupChurn } from '../chaos/scenarios/members.ts'
import { connectionChurn } from '../chaos/scenarios/network.ts'
import { describeReal, javaTools } from '../harness/real.ts'

const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e6))

describeReal('producer and consumers under faults', () => {
  let chaos: ChaosCluster
  let build: Build

  beforeAll(async () => {
    build = await buildClient()
    chaos = await startChaosCluster('4.4.0', javaTools)
  })

  afterAll(async () => {
    await chaos?.stop()
    await build?.remove()
  })

  test.each([
    { scenario: answerEater, seconds: 12 },
    { scenario: reorderByError, seconds: 12 },
    { scenario: connectionChurn, seconds: 12 },
    { scenario: leaderKill, seconds: 15 },
    { scenario: leaderPaused, seconds: 15 },
    { scenario: firstRefused, seconds: 5 },
    { scenario: leaderKill, seconds: 15, isConsuming: true },
    { scenario: groupChurn, seconds: 20 },
  ])(
    '$scenario.name (consumers: $isConsuming): nothing lost, doubled or reordered',
    async ({ scenario, seconds, isConsuming }) => {
      await chaos.repair()
      const options = {
        client: 'kafkawire',
        seed,
        seconds,
        package: build.entry,
        isConsuming,
      } as const
      const result = await runScenario(chaos, scenario, options)
      const { violations, verdict, ended, consumers } = result
      console.log(consumers === null ? toRow(result) : toConsumerRow(result, consumers))
      const evidence = [verdict, consumers?.group, consumers?.byHand].flatMap(
        (judged) => judged?.evidence ?? [],
      )
      const told = [`seed ${seed}`, ...violations, ...evidence, ended.summary].join('\n')
      expect(violations, told).toEqual([])
      expect(verdict.acked, told).toBe(verdict.sent)
    },
    240_000,
  )
})
