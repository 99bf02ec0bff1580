// kafkawire, as its users call it: `enqueue` (no promise, outcomes by the hook), `single` (a promise per
// record), `bulk` (arrays); `batch` and `each` to read.

import { readFileSync } from 'node:fs'
import { Kafka } from 'kafkawire'
import { main } from '../lib/harness.mjs'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

main({
  client: 'kafkawire',
  version,
  async produce(o, { key, value }) {
    const kafka = new Kafka({ bootstrapServers: o.bootstrap, clientId: 'pb' })
    const { topic } = o
    let delivered = 0
    let failed = 0
    const producer = kafka.producer({
      acks: o.acks,
      enableIdempotence: o.idempotent,
      lingerMs: o.linger,
      batchSize: o.batch,
      maxRequestSize: Math.max(1048576, o.batch + 65536),
      compressionType: o.compression,
      ...(o.mode === 'enqueue' && {
        onDelivery: (error) => {
          if (error === null) delivered++
          else failed++
        },
      }),
    })
    const run = async (n) => {
      delivered = 0
      failed = 0
      for (let i = 0; i < n; i++) {
        if (!producer.enqueue({ topic, key: key(i), value: value(i) })) await producer.drained()
      }
      await producer.flush()
      return { errors: failed + (n - delivered - failed) }
    }
    return {
      ...(o.mode === 'enqueue' && { run }),
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
