// KafkaJS: an admin client, an idempotent and a transactional producer, and a consumer in a group. Prints how
// many records it has read.

import { createRequire } from 'node:module'

const { packages, bootstrapServers, topic } = JSON.parse(process.argv[2])
const require = createRequire(`${packages}/package.json`)
const { CompressionTypes, ConfigResourceTypes, Kafka, Partitioners, logLevel } = require('kafkajs')

const kafka = new Kafka({
  brokers: bootstrapServers.split(','),
  clientId: 'kafkajs',
  logLevel: logLevel.ERROR,
})
const groupId = `${topic}-kafkajs`
const records = 20

const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true })
await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] })
await admin.describeCluster()
await admin.fetchTopicMetadata({ topics: [topic] })
const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }]
await admin.describeConfigs({ includeSynonyms: true, resources })
const configEntries = [{ name: 'retention.ms', value: '3600000' }]
await admin.alterConfigs({ resources: [{ ...resources[0], configEntries }] })

const createPartitioner = Partitioners.DefaultPartitioner
const producer = kafka.producer({ idempotent: true, createPartitioner })
await producer.connect()
for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
  const messages = Array.from({ length: records / 2 }, (_, index) => ({
    key: `key ${index}`,
    value: `value ${index}`,
    headers: { from: 'kafkajs' },
  }))
  await producer.send({ topic, compression, messages })
}
await producer.disconnect()

const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, readUncommitted: false })
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
let read = 0
await new Promise((resolve, reject) => {
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
  consumer
    .run({
      eachMessage: () => {
        // Later ones are those of the transaction, if they come before the consumer leaves.
        if (read < records) read++
        if (read === records) resolve()
        return Promise.resolve()
      },
    })
    .catch(reject)
})
// Behind the consumer: KafkaJS does not wait for a coordinator of groups that is new.
const transactional = kafka.producer({
  transactionalId: `${topic}-kafkajs`,
  idempotent: true,
  maxInFlightRequests: 1,
  createPartitioner,
})
await transactional.connect()
for (const end of ['commit', 'abort']) {
  const transaction = await transactional.transaction()
  const messages = Array.from({ length: records / 2 }, (_, index) => ({ value: `${end} ${index}` }))
  await transaction.send({ topic, messages })
  await transaction.sendOffsets({
    consumerGroupId: `${groupId}-other`,
    topics: [{ topic, partitions: [{ partition: 0, offset: '1' }] }],
  })
  await transaction[end]()
}
await transactional.disconnect()

await admin.listGroups()
await admin.describeGroups([groupId])
await consumer.disconnect()
await admin.fetchOffsets({ groupId, topics: [topic] })
await admin.fetchTopicOffsets(topic)
await admin.deleteGroups([groupId])
await admin.disconnect()
console.log(read)
