// @confluentinc/kafka-javascript, its promisified KafkaJS-like API (librdkafka).
import { load, main } from '../lib/harness.mjs'
import { lab } from '../lib/target.mjs'

const { require, version } = load('@confluentinc/kafka-javascript', `${lab}/confluent`)
const { KafkaJS } = require('@confluentinc/kafka-javascript')
const base = (o) => ({
  'bootstrap.servers': o.bootstrap,
  'client.id': 'pb',
  'broker.address.family': 'v4',
  log_level: 3,
})
const conf = (o) => ({
  ...base(o),
  'linger.ms': o.linger,
  'batch.size': o.batch,
  'batch.num.messages': 100000,
  acks: -1,
  'enable.idempotence': o.idempotent,
  'compression.codec': o.compression,
  'queue.buffering.max.messages': 500000,
  'queue.buffering.max.kbytes': 1048576,
  partitioner: 'murmur2_random',
})
async function producer(o) {
  const p = new KafkaJS.Kafka().producer(conf(o))
  await p.connect()
  return p
}
main({
  client: 'confluent',
  version,
  async produce(o, { key, value }) {
    const p = await producer(o)
    const topic = o.topic
    return {
      single: (i) => p.send({ topic, messages: [{ key: key(i), value: value(i) }] }),
      bulk: (a, b) => {
        const messages = []
        for (let i = a; i < b; i++) messages.push({ key: key(i), value: value(i) })
        return p.send({ topic, messages })
      },
      close: () => p.disconnect(),
    }
  },
  async pingpong(o, { key, value }) {
    const p = await producer({ ...o, linger: 0 })
    return {
      one: (i) => p.send({ topic: o.topic, messages: [{ key: key(i), value: value(i) }] }),
      close: () => p.disconnect(),
    }
  },
  async consume(o) {
    const c = new KafkaJS.Kafka().consumer({
      ...base(o),
      'group.id': o.group,
      'auto.offset.reset': 'earliest',
      'enable.auto.commit': true,
      'fetch.max.bytes': 52428800,
      'js.consumer.max.batch.size': -1,
    })
    await c.connect()
    return {
      async start(sink) {
        await c.subscribe({ topic: o.topic })
        if (o.mode === 'each')
          await c.run({
            eachMessage: async ({ message }) => {
              sink.one(message.key, message.value)
            },
          })
        else
          await c.run({
            eachBatch: async ({ batch }) => {
              let s = 0
              const m = batch.messages
              for (let i = 0; i < m.length; i++) s += m[i].key.length + m[i].value.length
              sink.many(m.length, s)
            },
          })
      },
      close: () => c.disconnect(),
    }
  },
})
