// What is no record is refused at once, whether its topic is known or not: the error names the field, says
// what came and what may come, and nothing else of the same call fails with it.

import { expect, test } from 'vitest'
import { BatchDeliveryError, InvalidArgumentError } from '../../../src/errors.ts'
import type { ProducerRecord } from '../../../src/producer/record.ts'
import { serdes } from '../../../src/serialization/serdes.ts'
import { startCluster, startProducer, valuesOf } from '../with-producer.ts'

const unknown = 'asked-for-never'

const wrong: [what: string, record: unknown, text: RegExp][] = [
  ['nothing', undefined, /a record must be an object \{ topic, value, ... \}, got undefined/],
  ['null', null, /a record must be an object.*got null/],
  ['a number', 5, /a record must be an object.*got 5 \(number\)/],
  ['a text', 'value', /a record must be an object.*got "value" \(string\)/],
  [
    'no topic',
    { value: 'v' },
    /the topic of a record must be a name or a kafka.topic\(\), got undef/,
  ],
  ['an empty topic', { topic: '', value: 'v' }, /the topic of a record.*got an empty string/],
  ['a number as topic', { topic: 7, value: 'v' }, /the topic of a record.*got 7 \(number\)/],
  ['an object as topic', { topic: {}, value: 'v' }, /the topic of a record.*got an object/],
  ['a topic without serializers', { topic: { name: 't' }, value: 'v' }, /the topic of a record/],
  ['no value', { topic: unknown }, /value must be a string, a Uint8Array or null, got undefined/],
  ['a number as value', { topic: unknown, value: 7 }, /value must be.*got number: serialize it/],
  ['an object as value', { topic: unknown, value: {} }, /value must be.*got object/],
  ['a list as value', { topic: unknown, value: [1] }, /value must be.*got an array/],
  ['a number as key', { topic: unknown, key: 7, value: 'v' }, /key must be.*got number/],
  ['a float array', { topic: unknown, value: new Float64Array(2) }, /value must be a string, a Ui/],
  [
    'headers of a number',
    { topic: unknown, value: 'v', headers: 7 },
    /headers must be a list or an/,
  ],
  ['headers of a text', { topic: unknown, value: 'v', headers: 'h' }, /headers must be a list or/],
  [
    'a header without a key',
    { topic: unknown, value: 'v', headers: [{}] },
    /headers\[0\].key must/,
  ],
  [
    'a number as header',
    { topic: unknown, value: 'v', headers: { a: 'x', b: 7 } },
    /headers\[1\].value must be.*got number/,
  ],
  [
    'a negative partition',
    { topic: unknown, value: 'v', partition: -1 },
    /partition.*got -1 \(number\): leave/,
  ],
  ['half a partition', { topic: unknown, value: 'v', partition: 1.5 }, /whole number from 0, got/],
  ['a text as partition', { topic: unknown, value: 'v', partition: '1' }, /partition of a record/],
  ['null as partition', { topic: unknown, value: 'v', partition: null }, /partition.*got null/],
  [
    'a negative time',
    { topic: unknown, value: 'v', timestamp: -5 },
    /timestamp.*whole number of ms/,
  ],
  [
    'a bigint as time',
    { topic: unknown, value: 'v', timestamp: 5n },
    /timestamp.*got 5n \(bigint\)/,
  ],
  [
    'a Date as time',
    { topic: unknown, value: 'v', timestamp: new Date(5) },
    /timestamp of a record/,
  ],
]

test.each(wrong)('%s is refused at once', async (_, record, text) => {
  const cluster = await startCluster()
  const producer = startProducer(cluster)
  const given = record as ProducerRecord
  const refused = await producer.send(given).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(InvalidArgumentError)
  expect(String(refused)).toMatch(text)
  expect(() => producer.enqueue(given)).toThrow(InvalidArgumentError)
  const batch = await producer.sendBatch([given, { topic: 't', value: 'good' }]).then(
    () => null,
    (error: unknown) => error,
  )
  expect(batch).toBeInstanceOf(BatchDeliveryError)
  const { results } = batch as BatchDeliveryError
  expect(results[0].error).toBeInstanceOf(InvalidArgumentError)
  expect(results[1].error).toBeNull()
  expect(await valuesOf(cluster)).toEqual(['good'])
})

test.each([5, null, undefined, 'records', { topic: 't', value: 'v' }])(
  'sendBatch(%j) is refused, by its promise',
  async (given) => {
    const producer = startProducer(await startCluster())
    const sent = producer.sendBatch(given as unknown as ProducerRecord[])
    await expect(sent).rejects.toThrow(InvalidArgumentError)
    await expect(sent).rejects.toThrow(/sendBatch\(\) takes an array .* got .*send\(\)/)
  },
)

test('what a serializer throws fails its own record', async () => {
  const producer = startProducer(await startCluster())
  const topic = { name: 't', key: serdes.string, value: serdes.json<unknown>() }
  const circle: { self?: unknown } = {}
  circle.self = circle
  const sent = producer.send({ topic, key: 'k', value: circle })
  await expect(sent).rejects.toThrow(/The value of a record for topic "t" .*circular/)
  await expect(sent).rejects.toMatchObject({
    code: 'ERR_KAFKA_SERIALIZATION',
    topic: 't',
    part: 'value',
    cause: expect.any(TypeError),
  })
})
