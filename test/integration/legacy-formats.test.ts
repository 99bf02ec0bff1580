// Logs of before Kafka 0.11, whose messages have no batches, no headers and (before 0.10) no times: the oldest
// brokers still keep topics so. What Java and we write there is turned back by the broker, compressed wrappers
// and all; what we read is what Java reads.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { byPlace, shownJavaRecord, shownRecord, take } from './shown.ts'
import { storedMagics } from './stored-batches.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4'] as const

const formats = [
  { format: '0.9.0', magic: 0, timestampType: 'NoTimestampType' },
  { format: '0.10.0', magic: 1, timestampType: 'CreateTime' },
] as const

/** Keys and values of every kind; times that fall. */
const samples = [null, '', 'key', 'schlüssel-🔑'].flatMap((key) =>
  [null, '', 'value', Buffer.from([0, 255, 128]), 'abc'.repeat(9000)].map((value, i) => ({
    key,
    value,
    partition: i % 2,
    timestamp: 1_700_000_000_000 - i * 7,
  })),
)

for (const version of ['1.1.1', '2.8.2'] as const) {
  describeReal(`a topic of old messages on Kafka ${version}`, () => {
    let java: JavaTools
    let kafka: Kafka

    beforeAll(async () => {
      const cluster = await sharedCluster(version)
      java = await javaTools(cluster)
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    })

    afterAll(async () => {
      await kafka?.close()
      java?.close()
    })

    test.each(formats)(
      'of format $format is read as Java reads it, whoever wrote it, with every codec',
      async ({ format, magic, timestampType }) => {
        const configs = { 'message.format.version': format }
        const topic = await java.createTopic(uniqueName('old'), { partitions: 2, configs })
        for (const codec of codecs) {
          const config = { 'compression.type': codec, 'enable.idempotence': false }
          await java.produce(topic, samples, { config })
          // A message of before 0.11 has no place for a producer id.
          const producer = kafka.producer({ compressionType: codec, enableIdempotence: false })
          await producer.sendBatch(samples.map((sample) => ({ topic, ...sample })))
          await producer.close()
        }
        const total = 2 * codecs.length * samples.length
        const expected = (await java.consume(topic)).map(shownJavaRecord)
        expect(expected).toHaveLength(total)
        expect(new Set(expected.map((record) => record.timestampType))).toEqual(
          new Set([timestampType]),
        )

        const consumer = kafka.consumer({ autoOffsetReset: 'earliest' })
        consumer.assign([0, 1].map((partition) => ({ topic, partition })))
        const records = await take(consumer, total)
        expect(records.map(shownRecord).sort(byPlace)).toEqual(expected)

        // From the midst of a compressed wrapper, whose first messages are not wanted.
        consumer.assign([{ topic, partition: 1, offset: 45n }])
        const rest = expected.filter(({ partition, offset }) => partition === 1 && offset >= 45n)
        const [head, ...tail] = (await take(consumer, rest.length)).map(shownRecord)
        expect([head, ...tail]).toEqual(rest)
        await consumer.close()

        // It is not the broker that made all this easy.
        expect(await storedMagics(kafka, topic, 0)).toEqual(new Set([magic]))
      },
    )

    test('refuses an idempotent producer, and says why', async () => {
      const configs = { 'message.format.version': '0.10.0' }
      const topic = await java.createTopic(uniqueName('old'), { configs })
      const producer = kafka.producer()
      await expect(producer.send({ topic, value: 'a' })).rejects.toMatchObject({
        persisted: 'no',
        message: expect.stringMatching(/UNSUPPORTED_FOR_MESSAGE_FORMAT.*enableIdempotence: false/s),
      })
      await producer.close()
    })
  })
}
