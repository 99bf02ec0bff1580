// A member of a group by KafkaJS: record by record, or in batches, committing by itself.

import { createRequire } from 'node:module'
import { runConsumer, work } from './consume.mjs'

const require = createRequire(new URL('../../../bench/package.json', import.meta.url))
const { Kafka, logLevel } = require('kafkajs')

await runConsumer(async (options, note) => {
  const kafka = new Kafka({
    brokers: options.bootstrapServers.split(','),
    clientId: 'chaos-consumer',
    logLevel: options.isVerbose ? logLevel.INFO : logLevel.NOTHING,
    requestTimeout: options.requestTimeoutMs,
    enforceRequestTimeout: true,
  })
  const consumer = kafka.consumer({
    groupId: options.groupId,
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: 1000,
    maxWaitTimeInMs: 500,
    allowAutoTopicCreation: false,
  })
  let owned = []
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    note.revoked(owned)
    owned = payload.memberAssignment[options.topic] ?? []
    note.assigned(owned)
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => console.error('crash', payload.error))
  await consumer.connect()
  await consumer.subscribe({ topics: [options.topic], fromBeginning: true })
  const commits = { autoCommit: true, autoCommitInterval: options.commitIntervalMs }
  await consumer.run(
    options.by === 'record' || options.by === 'partitions'
      ? {
          ...commits,
          async eachMessage({ partition, message }) {
            note.delivered(partition, [message])
            if (Number(message.offset) % 100 === 0) await work(options.workMs)
            note.done(partition, message.offset)
          },
        }
      : {
          ...commits,
          async eachBatch({ batch }) {
            if (batch.messages.length === 0) return
            note.delivered(batch.partition, batch.messages)
            await work(options.workMs)
            note.done(batch.partition, batch.lastOffset())
          },
        },
  )
  return { close: () => consumer.disconnect() }
})
