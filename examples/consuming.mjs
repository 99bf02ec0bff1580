// Reads orders as a member of a group until Ctrl-C, with several handlers at once, retries, and a dead
// letter topic for orders that keep failing.
//
//   npx kafkawire broker --port 9092 --topic orders:6
//   node producing.mjs && node consuming.mjs

import { Kafka } from 'kafkawire'

const kafka = new Kafka({
  bootstrapServers: process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092',
  clientId: 'example-consumer',
})
const consumer = kafka.consumer({
  groupId: 'example-consumer',
  topics: ['orders'],
  autoOffsetReset: 'earliest',
  onError: (error) => console.error(error.code, error.message),
})
process.once('SIGINT', () => consumer.close())

let handled = 0
try {
  await consumer.run({
    concurrency: 8,
    concurrencyBy: 'key',
    retry: { retries: 3, retryBackoffMs: 50 },
    deadLetterTopic: 'orders-dead',
    eachRecord: async (record) => {
      if (record.value === null) throw new Error('an order without a value')
      handled++
      if (handled === 1) console.log('reading; Ctrl-C ends it')
    },
  })
} finally {
  await kafka.close() // the offsets of everything handled are committed
  console.log(`${handled} orders handled`)
}
