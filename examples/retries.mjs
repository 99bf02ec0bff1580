// Handles orders while a service that they need is away: an order that fails is tried again later, without
// holding up the others, and is a dead letter when nothing helps. Ends when every order is one or the other.
//
//   npx kafkawire broker --port 9092 --topic orders:6
//   node retries.mjs
//
// Send the dead letters back once the fault is mended:
//
//   npx kafkawire dlq redrive --topic <the topic that is printed> --bootstrap-server localhost:9092

import { Kafka } from 'kafkawire'

const kafka = new Kafka({
  bootstrapServers: process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092',
  clientId: 'example-retries',
  // What becomes of each failure is a warning, with the error.
  logger: {
    debug() {},
    info() {},
    warn: (message) => console.log(`  ${message}`),
    error: console.error,
  },
})
const run = Date.now() // so that each run of this example has topics to itself
const topic = `payments-${run}`
const deadLetterTopic = `${topic}-dead`
const groupId = `example-retries-${run}`
const delays = ['200ms', '500ms'] // in production such as 5s, 1m, 10m

const admin = kafka.admin()
const topics = [topic, deadLetterTopic, ...delays.map((delay) => `${groupId}-retry-${delay}`)]
await admin.createTopics(topics.map((name) => ({ topic: name, numPartitions: 2 })))

const producer = kafka.producer()
const orders = ['paid', 'declined', 'bank is away', 'paid', 'bank is away']
await producer.sendBatch(orders.map((value, i) => ({ topic, key: `order-${i}`, value })))

const consumer = kafka.consumer({ groupId, topics: [topic], autoOffsetReset: 'earliest' })
const letters = kafka.consumer({
  groupId: `${groupId}-letters`,
  topics: [deadLetterTopic],
  autoOffsetReset: 'earliest',
})
let left = orders.length

const finished = () => {
  left--
  if (left > 0) return
  console.log(`all are done; see: kafkawire dlq list --topic ${deadLetterTopic}`)
  void consumer.close()
  void letters.close()
}

/** The bank is back when an order is tried for the third time. */
function pay(value, attempt) {
  if (value === 'declined') throw new RangeError('the card was declined')
  if (value === 'bank is away' && attempt < 3) throw new Error('the bank is away')
}

try {
  await Promise.all([
    consumer.run({
      retryTopics: delays,
      retry: { shouldRetry: (error) => !(error instanceof RangeError) },
      deadLetterTopic,
      eachRecord: (order, { attempt }) => {
        pay(order.value.toString(), attempt)
        console.log(`${order.key}: paid at attempt ${attempt}`)
        finished()
      },
    }),
    letters.run({
      eachRecord: ({ key, headers }) => {
        console.log(`${key}: ${headers.get('__kafkawire.errors.message')}`)
        finished()
      },
    }),
  ])
} finally {
  await kafka.close()
}
