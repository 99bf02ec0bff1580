// Sends orders in the three ways a producer has, and prints what became of them.
//
//   npx kafkawire broker --port 9092 --topic orders:6
//   node producing.mjs

import { Kafka } from 'kafkawire'

const kafka = new Kafka({
  bootstrapServers: process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092',
  clientId: 'example-producer',
})
let delivered = 0
const producer = kafka.producer({
  compressionType: 'lz4',
  onDelivery: (error) => {
    if (error === null) delivered++
    else console.error(error.message, error.persisted)
  },
})

const order = (id) => ({ topic: 'orders', key: `customer-${id % 10}`, value: `order ${id}` })

try {
  // 1. One record, one promise.
  const { partition, offset } = await producer.send(order(0))
  console.log(`order 0 is at offset ${offset} of partition ${partition}`)

  // 2. An array, one promise for all.
  const results = await producer.sendBatch([1, 2, 3].map(order))
  console.log(`${results.length} orders acknowledged`)

  // 3. Many records, no promise. `false` means that the buffer is full.
  for (let id = 4; id < 10_000; id++) {
    if (!producer.enqueue(order(id))) await producer.drained()
  }
  await producer.flush()
  console.log(`${delivered} records delivered`)
} finally {
  await kafka.close()
}
