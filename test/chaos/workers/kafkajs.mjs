// Load by KafkaJS, idempotent, several `send` calls out at a time.

import { createRequire } from 'node:module'
import { runLoad } from './load.mjs'
import { sendCalls } from './send-calls.mjs'

const require = createRequire(new URL('../../../bench/package.json', import.meta.url))
const { Kafka, logLevel, Partitioners } = require('kafkajs')

await runLoad(async (options, facts) => {
  const kafka = new Kafka({
    brokers: options.bootstrapServers.split(','),
    clientId: 'chaos',
    logLevel: logLevel.NOTHING,
    requestTimeout: options.requestTimeoutMs,
    enforceRequestTimeout: true,
  })
  const producer = kafka.producer({
    idempotent: true,
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  await producer.connect()
  const { topic } = options
  const calls = sendCalls(facts, options.mostOut, async (records) => {
    const messages = records.map(({ partition, value }) => ({ partition, value }))
    const answers = await producer.send({
      topic,
      acks: -1,
      timeout: options.requestTimeoutMs,
      messages,
    })
    return new Map(
      answers.map(({ partition, baseOffset }) => [partition, Number(baseOffset ?? -1)]),
    )
  })
  return {
    ...calls,
    settle: () => calls.settle(options.deliveryTimeoutMs + options.requestTimeoutMs),
    close: () => producer.disconnect(),
  }
})
