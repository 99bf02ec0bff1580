// KafkaJS: send() makes one request per call and never batches over calls: no linger, no batch size.
// Its batch API is send/sendBatch with an array. Compression: gzip built in; snappy, lz4, zstd by plug-in codec.

import zlib from 'node:zlib'
import { load, main } from '../lib/harness.mjs'

const { require, version } = load('kafkajs')
const { Kafka, logLevel, CompressionTypes, CompressionCodecs, Partitioners } = require('kafkajs')
const TYPE = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }

function codecs(name) {
  if (name === 'snappy') {
    // the documented kafkajs-snappy package is pure JS (snappyjs); used as documented
    CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
  } else if (name === 'lz4') {
    const lz4 = require('lz4-napi')
    CompressionCodecs[CompressionTypes.LZ4] = () => ({
      compress: (e) => lz4.compressFrame(e.buffer),
      decompress: (b) => lz4.decompressFrame(b),
    })
  } else if (name === 'zstd') {
    if (!zlib.zstdCompress) throw new Error('zstd needs Node 22.15 or later')
    const { promisify } = require('node:util')
    const c = promisify(zlib.zstdCompress)
    const d = promisify(zlib.zstdDecompress)
    CompressionCodecs[CompressionTypes.ZSTD] = () => ({
      compress: (e) => c(e.buffer),
      decompress: (b) => d(b),
    })
  }
}
const client = (o) => new Kafka({ brokers: o.brokers, clientId: 'pb', logLevel: logLevel.ERROR })
async function producer(o) {
  codecs(o.compression)
  const p = client(o).producer({
    idempotent: o.idempotent,
    maxInFlightRequests: o.idempotent ? 1 : 5,
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  await p.connect()
  return p
}
main({
  client: 'kafkajs',
  version,
  async produce(o, { key, value }) {
    const p = await producer(o)
    const compression = CompressionTypes[TYPE[o.compression]]
    const acks = -1
    const topic = o.topic
    return {
      single: (i) =>
        p.send({ topic, acks, compression, messages: [{ key: key(i), value: value(i) }] }),
      bulk: (a, b) => {
        const messages = []
        for (let i = a; i < b; i++) messages.push({ key: key(i), value: value(i) })
        return p.send({ topic, acks, compression, messages })
      },
      close: () => p.disconnect(),
    }
  },
  async pingpong(o, { key, value }) {
    const p = await producer(o)
    return {
      one: (i) =>
        p.send({ topic: o.topic, acks: -1, messages: [{ key: key(i), value: value(i) }] }),
      close: () => p.disconnect(),
    }
  },
  async consume(o) {
    codecs(o.compression)
    const c = client(o).consumer({
      groupId: o.group,
      maxBytesPerPartition: o.fetchpart,
      maxBytes: 52428800,
      minBytes: 1,
      maxWaitTimeInMs: 500,
    })
    await c.connect()
    return {
      async start(sink) {
        await c.subscribe({ topic: o.topic, fromBeginning: true })
        const auto = { autoCommit: true, autoCommitInterval: 5000 }
        if (o.mode === 'each')
          await c.run({
            ...auto,
            eachMessage: async ({ message }) => {
              sink.one(message.key, message.value)
            },
          })
        else {
          await c.run({
            ...auto,
            eachBatch: async ({ batch }) => {
              let s = 0
              const m = batch.messages
              for (let i = 0; i < m.length; i++) s += m[i].key.length + m[i].value.length
              sink.many(m.length, s)
            },
          })
        }
      },
      close: () => c.disconnect(),
    }
  },
})
