// @platformatic/kafka: send() makes one request per call; the per-record API that batches is producer.asStream()
// (batchSize in records, batchTime in ms; one batch under way at a time). mode single = asStream, mode raw = send() per record.
import { Consumer, MessagesStreamModes, ProduceAcks, Producer } from '@platformatic/kafka'
import { load, main } from '../lib/harness.mjs'

const { version } = load('@platformatic/kafka')
const base = (o) => ({ clientId: 'pb', bootstrapBrokers: o.brokers, autocreateTopics: false })
const producer = (o) =>
  new Producer({
    ...base(o),
    idempotent: o.idempotent,
    acks: ProduceAcks.ALL,
    compression: o.compression,
  })
main({
  client: 'platformatic',
  version,
  async produce(o, { key, value }) {
    const topic = o.topic
    const p = producer(o)
    const bulk = (a, b) => {
      const messages = []
      for (let i = a; i < b; i++) messages.push({ topic, key: key(i), value: value(i) })
      return p.send({ messages, acks: ProduceAcks.ALL })
    }
    if (o.idempotent) o.inflight = 1 // maxInflights 1 is forced by the client, and concurrent sends would reuse sequence numbers
    const r = { bulk, close: () => p.close(true) }
    if (o.mode === 'raw') {
      o.mode = 'single'
      r.single = (i) =>
        p.send({ messages: [{ topic, key: key(i), value: value(i) }], acks: ProduceAcks.ALL })
      r.note = { mode: 'raw' }
      return r
    }
    if (o.mode === 'single') {
      const batchSize = Number(o.streambatch ?? 2000)
      r.run = (n) =>
        new Promise((resolve) => {
          const s = p.asStream({
            batchSize,
            batchTime: o.linger,
            highWaterMark: 2 * batchSize,
            acks: ProduceAcks.ALL,
          })
          let i = 0
          let flushed = 0
          s.on('flush', (f) => {
            flushed += f.count
          })
          s.on('error', (e) => {
            console.error(e.message, e.errors?.[0]?.message)
            resolve({ errors: n - flushed })
          })
          const write = () => {
            while (i < n) {
              const k = i++
              if (!s.write({ topic, key: key(k), value: value(k) })) {
                s.once('drain', write)
                return
              }
            }
            s.end()
          }
          s.on('finish', () => resolve({ errors: n - flushed }))
          write()
        })
      r.note = { note: `asStream batchSize ${batchSize}` }
    }
    return r
  },
  async pingpong(o, { key, value }) {
    const p = producer(o)
    return {
      one: (i) =>
        p.send({
          messages: [{ topic: o.topic, key: key(i), value: value(i) }],
          acks: ProduceAcks.ALL,
        }),
      close: () => p.close(true),
    }
  },
  async consume(o) {
    const c = new Consumer({ ...base(o), groupId: o.group })
    return {
      async start(sink) {
        const stream = await c.consume({
          topics: [o.topic],
          mode: MessagesStreamModes.EARLIEST,
          autocommit: 5000,
          sessionTimeout: 30000,
          heartbeatInterval: 3000,
          maxBytes: 52428800,
          maxBytesPerPartition: o.fetchpart,
          maxWaitTime: 500,
          minBytes: 1,
          highWaterMark: Number(o.hwm ?? 1024),
        })
        stream.on('error', (e) => {
          console.error(e)
          process.exit(4)
        })
        if (o.mode === 'iter') {
          for await (const m of stream) sink.one(m.key, m.value)
        } else stream.on('data', (m) => sink.one(m.key, m.value))
      },
      close: () => c.close(true),
    }
  },
})
