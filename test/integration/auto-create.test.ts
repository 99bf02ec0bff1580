// Topics that the broker creates when they are asked for: only those for which that was asked.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { Kafka } from '../../src/kafka.ts'
import { resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import { describeReal, type RealCluster, startCluster, uniqueName } from '../harness/real.ts'

describeReal('a broker with auto.create.topics.enable', () => {
  let real: RealCluster

  beforeAll(async () => {
    real = await startCluster({
      version: '4.4.0',
      properties: { 'auto.create.topics.enable': true },
    })
  })
  afterAll(async () => {
    await real?.stop()
  })

  test.each(['by name', 'and all topics besides'])(
    'creates a topic that may be, beside one that may not: %s',
    async (how) => {
      const { bootstrapServers } = real
      const cluster = new Cluster(resolveKafkaOptions({ bootstrapServers }))
      const [made, left] = [uniqueName('made'), uniqueName('left')]
      cluster.wantAllTopics(how !== 'by name')
      cluster.addTopics([left])
      const allowAutoCreate = true
      const { partitions } = await cluster.ensureTopic(made, { timeoutMs: 20_000, allowAutoCreate })
      expect(partitions.length).toBe(1)
      await cluster.refresh()
      expect(cluster.topic(left)).toBe(undefined)
      await cluster.close()
    },
  )

  test('a consumer of a pattern and of a name that is missing, which may be created', async () => {
    const kafka = new Kafka({ bootstrapServers: real.bootstrapServers })
    const topic = uniqueName('named')
    const consumer = kafka.consumer({
      groupId: topic,
      topics: [/^pattern-/, topic],
      autoOffsetReset: 'earliest',
      allowAutoCreateTopics: true,
    })
    const read = consumer.records().next()
    await expect
      .poll(() => kafka.metadata().then(({ topics }) => topics.has(topic)), { timeout: 20_000 })
      .toBe(true)
    await kafka.producer({ allowAutoCreateTopics: false }).send({ topic, value: 'v' })
    expect(String((await read).value?.value)).toBe('v')
    await kafka.close()
  })
})
