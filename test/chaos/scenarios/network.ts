// Connections that are refused, cut, torn, silent or slow, or, to compare with, nothing of the kind. The
// brokers are well.

import { apiKeys } from '../frames.ts'
import type { Scenario } from './scenario.ts'

export const calm: Scenario = {
  id: 0,
  name: 'calm',
  seconds: 20,
  targets: { noFailures: true, noRepeats: true, worstGapMs: 1000 },
  async run(stage) {
    await stage.sleep(stage.secondsLeft * 1000)
  },
}

export const clientCutOff: Scenario = {
  id: 8,
  name: 'client cut off',
  seconds: 75,
  // The buffer fills, batches expire: what is reported must be true.
  load: { deliveryTimeoutMs: 20_000, requestTimeoutMs: 5000, maxBlockMs: 5000, bufferMemory: 4e6 },
  targets: { ackDelayMostMs: 1500, connectsPerMinute: 75 },
  async run(stage) {
    for (const mode of ['refuse', 'resetAll'] as const) {
      stage.log(`${mode}, 30 s`)
      for (const proxy of stage.proxies.values()) proxy[mode]()
      await stage.sleep(30_000)
      for (const proxy of stage.proxies.values()) await proxy.heal()
      stage.recoveredNow()
      await stage.sleep(5000)
    }
  },
}

export const brokerCut: Scenario = {
  id: 9,
  name: 'one broker cut',
  seconds: 45,
  load: { requestTimeoutMs: 5000 },
  targets: { noFailures: true, ackDelayMostMs: 7000 },
  async run(stage) {
    const cut = await stage.leaderOf(0)
    const led = await stage.partitionsOf(cut)
    const others = stage.partitions.filter((partition) => !led.includes(partition))
    stage.log(`node ${cut}, leader of ${led}, is silent for 30 s`)
    const from = Date.now()
    stage.proxy(cut).silence()
    await stage.sleep(30_000)
    const what = 'partitions of other brokers go on'
    const kind = { partitions: others, mostGapMs: 1500 }
    stage.expectations.push({ what, from, to: Date.now(), kind })
    await stage.proxy(cut).heal()
    // A connection that is silent may still be given its request timeout.
    stage.recoveredNow(led)
    await stage.sleep(10_000)
  },
}

export const connectionChurn: Scenario = {
  id: 10,
  name: 'connection churn',
  seconds: 60,
  targets: { noFailures: true },
  async run(stage) {
    stage.setRules({ lifetimeMs: () => stage.random.between(500, 1500) })
    // Those that are there already have no end of their own.
    for (const proxy of stage.proxies.values()) proxy.cutAll()
    await stage.sleep(stage.secondsLeft * 1000)
  },
}

export const requestCutter: Scenario = {
  id: 12,
  name: 'request cutter',
  seconds: 60,
  targets: { noFailures: true },
  async run(stage) {
    let count = 0
    stage.setRules({
      onRequest({ apiKey, bytes }) {
        const isCut = apiKey === apiKeys.produce && ++count % 50 === 0
        return isCut ? { do: 'cut', bytes: stage.random.below(bytes.length) } : { do: 'forward' }
      },
    })
    await stage.sleep(stage.secondsLeft * 1000)
    stage.log(`${count} Produce requests`)
  },
}

export const slowDrip: Scenario = {
  id: 13,
  name: 'slow drip',
  seconds: 45,
  load: { requestTimeoutMs: 5000 },
  targets: { noFailures: true },
  async run(stage) {
    const slow = await stage.leaderOf(0)
    stage.log(`1 kB/s to and from node ${slow}`)
    stage.proxy(slow).rules = { bytesPerSecond: 1000 }
    await stage.sleep(stage.secondsLeft * 1000)
  },
}
