// Batches that a topic's max.message.bytes refuses are split. What is sent afterwards, to any topic, is in the
// log byte for byte: Kafka's own client reads it.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'

const text = (i: number, length: number): string => `${i}:`.padEnd(length, 'abcdefghij')

describeReal('after batches were split by 4.4.0', () => {
  let java: JavaTools
  let kafka: Kafka

  beforeAll(async () => {
    const cluster = await sharedCluster('4.4.0')
    java = await javaTools(cluster)
    kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
  })
  afterAll(async () => {
    java?.close()
    await kafka?.close()
  })

  test.each(['strings', 'buffers'])('%s for another topic are stored whole', async (kind) => {
    const small = await java.createTopic(uniqueName('small'), {
      configs: { 'max.message.bytes': 12_000 },
    })
    const ordinary = await java.createTopic(uniqueName('ordinary'))
    const producer = kafka.producer({ lingerMs: 20 })
    await Promise.all([producer.partitionsFor(small), producer.partitionsFor(ordinary)])
    for (let round = 0; round < 4; round++) {
      const values = Array.from({ length: 128 + round }, (_, i) => text(i, 92))
      await Promise.all(values.map((value) => producer.send({ topic: small, value })))
    }
    const expected = Array.from({ length: 300 }, (_, i) => text(i, 8000 - 16 * i))
    const sent = await Promise.all(
      expected.map((value) =>
        producer.send({ topic: ordinary, value: kind === 'strings' ? value : Buffer.from(value) }),
      ),
    )
    await producer.close()
    expect(sent.map(({ offset }) => offset)).toEqual(expected.map((_, i) => BigInt(i)))
    const read = await java.consume(ordinary)
    expect(read.map(({ value }) => String(value))).toEqual(expected)
    expect((await java.consume(small)).length).toBe(4 * 128 + 6)
  })
})
