// Records of retry topics that cannot be deserialized: what is said of them is about the record that they stand for.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { DeserializationError } from '../../../src/errors.ts'
import type { ConsumerRecord } from '../../../src/records/consumer-record.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { batchOf, consumerOf } from '../harness.ts'

vi.setConfig({ testTimeout: 60_000 })

let cluster: TestCluster
const open: { close(): Promise<void> }[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 2, dead: 1, 'g-retry-20ms': 1 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

/** Takes each value once, and refuses it from then on. */
function member(options: Partial<ConsumerOptions<Buffer | null, unknown>>) {
  const seen = new Set<string>()
  const consumer = consumerOf<Buffer | null, unknown>(cluster, {
    groupId: 'g',
    topics: ['t'],
    autoCommitIntervalMs: 3,
    fetchMaxWaitMs: 20,
    valueDeserializer: {
      deserialize: (bytes, { topic, partition }) => {
        const text = String(bytes)
        if (seen.has(text)) throw new TypeError(`${topic}-${partition} no more`)
        seen.add(text)
        return text
      },
    },
    ...options,
  })
  open.push(consumer)
  return consumer
}

async function deadLetter(consumer: Consumer<Buffer | null, unknown>): Promise<{
  headers: Record<string, string>
  error: unknown
}> {
  let error: unknown = null
  const running = consumer.run({
    retryTopics: ['20ms'],
    deadLetterTopic: 'dead',
    eachRecord: (record, { attempt }) => {
      if (attempt === 1) throw new RangeError('handler')
      try {
        return record.value
      } catch (thrown) {
        error = thrown
        throw thrown
      }
    },
  })
  await cluster.waitFor(() => cluster.partition('dead', 0).highWatermark === 1n, {
    timeoutMs: 50_000,
  })
  await consumer.close()
  await running
  const letters = consumerOf(cluster)
  open.push(letters)
  letters.assign([{ topic: 'dead', partition: 0, offset: 0n }])
  const { value: letter } = await letters.records().next()
  const { key, value, headers } = letter as ConsumerRecord
  expect([String(key), String(value)]).toEqual(['key', 'b'])
  return {
    error,
    headers: Object.fromEntries([...headers].map((header) => [header.key, String(header.value)])),
  }
}

const told = {
  topic: 't',
  partition: 1,
  offset: 1n,
  part: 'value',
  rawValue: Buffer.from('b'),
  readFrom: { topic: 'g-retry-20ms', partition: 0, offset: 0n },
}
const text =
  'The value of the record at offset 1 of t-1 (read from offset 0 of g-retry-20ms-0) cannot be deserialized: t-1 no more'
const written = {
  '__kafkawire.errors.topic': 't',
  '__kafkawire.errors.partition': '1',
  '__kafkawire.errors.offset': '1',
  '__kafkawire.errors.retryTopic': 'g-retry-20ms',
  '__kafkawire.errors.retryPartition': '0',
  '__kafkawire.errors.retryOffset': '0',
  '__kafkawire.errors.exception': 'DeserializationError',
  '__kafkawire.errors.message': text,
}

async function append(): Promise<void> {
  cluster.partition('t', 1).append(await batchOf(['b', 'b'], 'key'))
  // The first of them is gone: offsets of the two topics differ.
  cluster.partition('t', 1).deleteRecordsBefore(1n)
}

test('found before delivery: the error, and the headers of the dead letter', async () => {
  await append()
  const errors: DeserializationError[] = []
  const consumer = member({
    poisonRecords: { deadLetterTopic: 'dead' },
    onPoisonRecord: (error) => errors.push(error),
  })
  const { headers } = await deadLetter(consumer)
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({ ...told, message: text })
  expect(headers).toEqual({ ...written, '__kafkawire.errors.attempts': '1' })
})

test('met by the handler: the error, and the headers of the dead letter', async () => {
  await append()
  const { headers, error } = await deadLetter(member({}))
  expect(error).toBeInstanceOf(DeserializationError)
  expect(error).toMatchObject({ ...told, message: text })
  expect(headers).toEqual({ ...written, '__kafkawire.errors.attempts': '2' })
})

test('of another topic, nothing is added', async () => {
  cluster.partition('t', 1).append(await batchOf(['b', 'b'], 'key'))
  const errors: DeserializationError[] = []
  const consumer = member({ poisonRecords: 'skip', onPoisonRecord: (error) => errors.push(error) })
  const running = consumer.run({ eachRecord: () => {} })
  await cluster.waitFor(() => errors.length === 1)
  await consumer.close()
  await running
  expect(errors[0]).toMatchObject({ topic: 't', partition: 1, offset: 1n, readFrom: null })
  expect(errors[0].message).not.toContain('read from')
})
