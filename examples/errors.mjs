// What a program learns from failures: a record that was not written, a batch of which a part failed, a
// call that ran out of time, and one that was aborted.

import { BatchDeliveryError, DeliveryError, Kafka, silentLogger, TimeoutError } from 'kafkawire'

const kafka = new Kafka({
  bootstrapServers: process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092',
  clientId: 'example-errors',
})
const producer = kafka.producer({ maxBlockMs: 500, allowAutoCreateTopics: false })

try {
  await producer.send({ topic: 'no-such-topic', value: 'v' }).catch((error) => {
    if (!(error instanceof DeliveryError)) throw error
    console.log(error.code, '- persisted:', error.persisted, '- attempts:', error.attempts)
  })

  const records = [
    { topic: 'orders', value: 'good' },
    { topic: 'no-such-topic', value: 'bad' },
  ]
  await producer.sendBatch(records).catch((error) => {
    if (!(error instanceof BatchDeliveryError)) throw error
    for (const [index, result] of error.results.entries()) {
      console.log(records[index].value, result.error === null ? 'written' : result.error.code)
    }
  })

  // Nothing listens on this port.
  const nowhere = new Kafka({ bootstrapServers: '127.0.0.1:1', logger: silentLogger })
  await nowhere.connect({ timeoutMs: 300 }).catch((error) => {
    console.log(error.name, error instanceof TimeoutError ? '(in time)' : '', '- see error.cause')
  })
  await nowhere.close()

  const stop = new AbortController()
  const consumer = kafka.consumer({ groupId: 'example-errors', topics: ['orders'] })
  setTimeout(() => stop.abort(new Error('the user went away')), 200)
  try {
    for await (const record of consumer.records({ signal: stop.signal })) await record
  } catch (reason) {
    console.log('aborted:', reason.message) // the signal's own reason
  }
} finally {
  await kafka.close()
}
