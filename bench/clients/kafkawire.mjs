// kafkawire, as its users call it: `enqueue` (no promise, outcomes by the hook), `single` (a promise per
// record), `bulk` (arrays); `batch` and `each` to read. With `--transaction N`: transactions of N records.
// What a record is made of, by `enqueue`: `strings` (key and value), `headers` (two of them); by `batch`: `strings`.

import { readFileSync } from 'node:fs'
import { main } from '../lib/harness.mjs'

// Another build of it, where two are compared.
const { Kafka, serdes } = await import(process.env.KAFKAWIRE_ENTRY ?? 'kafkawire')

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

const headerValue = Buffer.from('4bf92f3577b34da6')
const headers = [
  { key: 'trace-id', value: headerValue },
  { key: 'content-type', value: headerValue },
]

/** A fresh object for each record, as a program would make it. */
function recordMaker(mode, topic, key, value) {
  if (mode === 'headers') return (i) => ({ topic, key: key(i), value: value(i), headers })
  if (mode !== 'strings') return (i) => ({ topic, key: key(i), value: value(i) })
  const texts = (of) => Array.from({ length: 10_000 }, (_, i) => of(i).toString())
  const [keys, values] = [texts(key), texts(value)]
  return (i) => ({ topic, key: keys[i % keys.length], value: values[i % values.length] })
}

main({
  client: 'kafkawire',
  version,
  async produce(o, { key, value }) {
    const kafka = new Kafka({ bootstrapServers: o.bootstrap, clientId: 'pb' })
    const { topic } = o
    const isEnqueued = ['enqueue', 'strings', 'headers'].includes(o.mode)
    const make = recordMaker(o.mode, topic, key, value)
    let delivered = 0
    let failed = 0
    const producer = kafka.producer({
      acks: o.acks,
      enableIdempotence: o.idempotent,
      lingerMs: o.linger,
      batchSize: o.batch,
      maxRequestSize: Math.max(1048576, o.batch + 65536),
      compressionType: o.compression,
      ...(o.transaction > 0 && { transactionalId: o.topic }),
      ...(isEnqueued && {
        onDelivery: (error) => {
          if (error === null) delivered++
          else failed++
        },
      }),
    })
    const enqueue = async (from, to) => {
      for (let i = from; i < to; i++) {
        if (!producer.enqueue(make(i))) await producer.drained()
      }
    }
    const send = async (from, to) => {
      const sending = []
      for (let i = from; i < to; i++) {
        sending.push(producer.send({ topic, key: key(i), value: value(i) }))
      }
      await producer.flush()
      delivered += (await Promise.all(sending)).length
    }
    const run = async (n) => {
      delivered = 0
      failed = 0
      if (o.transaction === 0) {
        await enqueue(0, n)
        await producer.flush()
      }
      for (let from = 0; o.transaction > 0 && from < n; from += o.transaction) {
        const to = Math.min(n, from + o.transaction)
        await producer.beginTransaction()
        await (isEnqueued ? enqueue : send)(from, to)
        await producer.commitTransaction()
      }
      return { errors: failed + (n - delivered - failed) }
    }
    return {
      ...((isEnqueued || o.transaction > 0) && { run }),
      single: (i) => producer.send({ topic, key: key(i), value: value(i) }),
      bulk: (a, b) => {
        const records = []
        for (let i = a; i < b; i++) records.push({ topic, key: key(i), value: value(i) })
        return producer.sendBatch(records)
      },
      close: () => kafka.close(),
    }
  },
  async pingpong(o, { key, value }) {
    const kafka = new Kafka({ bootstrapServers: o.bootstrap, clientId: 'pb' })
    const producer = kafka.producer({ enableIdempotence: o.idempotent, lingerMs: 0 })
    return {
      one: (i) => producer.send({ topic: o.topic, key: key(i), value: value(i) }),
      close: () => kafka.close(),
    }
  },
  async consume(o) {
    const kafka = new Kafka({ bootstrapServers: o.bootstrap, clientId: 'pb' })
    const consumer = kafka.consumer({
      groupId: o.group,
      topics: [o.topic],
      autoOffsetReset: 'earliest',
      maxPartitionFetchBytes: o.fetchpart,
      ...(o.mode === 'strings' && {
        keyDeserializer: serdes.string,
        valueDeserializer: serdes.string,
      }),
      ...(o.buffered && { maxBufferedBytes: Number(o.buffered) }),
    })
    return {
      async start(sink) {
        if (o.mode === 'each') {
          for await (const record of consumer) sink.one(record.key, record.value)
          return
        }
        for await (const batch of consumer.batches()) {
          let bytes = 0
          let n = 0
          for (const record of batch) {
            bytes += record.key.length + record.value.length
            n++
          }
          sink.many(n, bytes)
        }
      },
      close: () => kafka.close(),
    }
  },
})
