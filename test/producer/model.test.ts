// Random interleavings of every fault over five in-flight batches, judged by Kafka's own sequence rules:
// nothing acknowledged is lost, nothing is doubled unless reported as `maybe`, order is kept, nothing
// hangs. MODEL_RUNS sets how many; MODEL_SEED runs one again.

import { expect, test } from 'vitest'
import { Model } from './model.ts'

const runs = Number(process.env.MODEL_RUNS ?? 2000)
const first = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 2 ** 31))
const count = process.env.MODEL_SEED === undefined ? runs : 1

test(`${count} random interleavings from seed ${first}`, { timeout: 3_600_000 }, () => {
  for (let i = 0; i < count; i++) {
    const seed = (first + i) | 0
    try {
      new Model({ seed }).run()
    } catch (error) {
      expect.fail(`MODEL_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
})
