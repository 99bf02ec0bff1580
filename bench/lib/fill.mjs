// Fills a topic once for the consumers to read: 16 KiB batches, 8-byte keys, values as the producers write.

import { Kafka } from 'kafkawire'
import { makeKeys, makeValues } from './harness.mjs'

export async function fillTopic(bootstrapServers, { topic, size, compression, filled }) {
  const kafka = new Kafka({ bootstrapServers, clientId: 'bench-fill' })
  let failed = null
  const producer = kafka.producer({
    compressionType: compression,
    onDelivery: (error) => {
      failed ??= error
    },
  })
  const values = makeValues(size, compression === 'none' ? 'random' : 'json')
  const keys = makeKeys()
  try {
    for (let i = 0; i < filled; i++) {
      const record = { topic, key: keys[i % keys.length], value: values[i % values.length] }
      if (!producer.enqueue(record)) await producer.drained()
    }
    await producer.flush()
  } finally {
    await kafka.close()
  }
  if (failed !== null) throw failed
}
