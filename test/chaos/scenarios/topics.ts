// Topics that change under the producer: deleted and made anew, with another limit on batches.

import { setTimeout as delay } from 'node:timers/promises'
import type { Stage } from '../stage.ts'
import type { Scenario } from './scenario.ts'

export const topicRecreated: Scenario = {
  id: 17,
  isWithoutConsumers: true,
  name: 'topic recreated',
  seconds: 30,
  targets: { ackDelayMostMs: 5000 },
  async run(stage) {
    const { topic, tools } = stage
    await stage.sleep(3000)
    stage.log(`${topic} is deleted`)
    await tools.deleteTopic(topic)
    await recreate(stage)
    // What was acknowledged up to here may have gone with the old topic.
    stage.recreatedAt = Date.now()
    stage.recoveredNow()
    stage.log(`${topic} is there anew`)
    await stage.sleep(10_000)
  },
}

/** A name stays taken for a moment after its topic was deleted. */
async function recreate({ topic, partitions, tools }: Stage): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await tools.createTopic(topic, { partitions: partitions.length })
      return
    } catch (error) {
      if (!String(error).includes('TopicExists') || attempt === 50) throw error
      await delay(100)
    }
  }
}

const kib = 1024

export const bigRecords: Scenario = {
  id: 25,
  name: 'full buffers, big records',
  seconds: 40,
  load: {
    rate: 12,
    // Around the limits: of a batch (16 KiB), of the topic below, of a request (1 MiB).
    sizes: [200, 16 * kib - 100, 16 * kib + 1, 99 * kib, 101 * kib, 500 * kib, 1024 * kib + 1, 20],
    bufferMemory: 4e6,
    maxBlockMs: 20_000,
  },
  topicConfigs: { 'max.message.bytes': 1_048_588 },
  targets: {},
  async run(stage) {
    do {
      for (const limit of [100 * kib, 20 * kib, 1_048_588]) {
        stage.log(`max.message.bytes is ${limit}`)
        await stage.tools.alterConfigs('topic', stage.topic, { 'max.message.bytes': limit })
        await stage.sleep(4000)
      }
    } while (stage.secondsLeft > 12)
  },
}
