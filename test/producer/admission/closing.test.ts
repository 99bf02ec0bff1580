// What close() leaves behind of records that wait for their topic.

import { expect, test } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { silentLogger } from '../../../src/logger.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { inVirtualTime } from '../../virtual-time.ts'

test('no timer, between two questions for a topic', async () => {
  // Fails where a timer is left.
  await inVirtualTime(0.1, async () => {
    const cluster = await TestCluster.start()
    const { bootstrapServers } = cluster
    const kafka = new Kafka({ bootstrapServers, logger: silentLogger })
    const producer = kafka.producer({ maxBlockMs: 200 })
    const first = producer.send({ topic: 'absent', value: 'a' })
    await new Promise((resolve) => setTimeout(resolve, 150))
    const second = producer.send({ topic: 'absent', value: 'b' }).catch(() => {})
    // Its time is up: for the second one the topic is asked for again, after a pause.
    await expect(first).rejects.toThrow(/absent/)
    await Promise.all([kafka.close({ timeoutMs: 0 }), cluster.close(), second])
  })
})
