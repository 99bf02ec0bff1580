// @platformatic/kafka: an admin client, an idempotent producer, and a consumer in a group. Prints how many
// records it has read. Needs Node 22 or newer.

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const { packages, bootstrapServers, topic } = JSON.parse(process.argv[2])
const require = createRequire(`${packages}/package.json`)
const entry = pathToFileURL(require.resolve('@platformatic/kafka'))
const {
  Admin,
  Consumer,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  ProduceAcks,
  Producer,
  stringDeserializers,
  stringSerializers,
} = await import(entry)

const base = {
  clientId: 'platformatic',
  bootstrapBrokers: bootstrapServers.split(','),
  autocreateTopics: false,
}
const groupId = `${topic}-platformatic`
const records = 40

const admin = new Admin(base)
await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
await admin.listTopics()
await admin.metadata({ topics: [topic] })
await admin.describeConfigs({ resources: [{ resourceType: 2, resourceName: topic }] })

const producer = new Producer({ ...base, idempotent: true, serializers: stringSerializers })
for (const compression of ['none', 'gzip', 'snappy', 'lz4']) {
  const messages = Array.from({ length: records / 4 }, (_, index) => ({
    topic,
    key: `key ${index}`,
    value: `value ${index}`,
    headers: { from: 'platformatic' },
  }))
  await producer.send({ messages, acks: ProduceAcks.ALL, compression })
}
await producer.close()

const consumer = new Consumer({
  ...base,
  groupId,
  sessionTimeout: 10_000,
  heartbeatInterval: 500,
  deserializers: stringDeserializers,
})
const stream = await consumer.consume({
  topics: [topic],
  mode: MessagesStreamModes.COMMITTED,
  fallbackMode: MessagesStreamFallbackModes.EARLIEST,
  autocommit: true,
  maxWaitTime: 200,
  minBytes: 1,
})
let read = 0
for await (const _ of stream) {
  read++
  if (read === records) break
}
await admin.listGroups()
await admin.describeGroups({ groups: [groupId] })
await stream.close()
await consumer.close(true)
await admin.close()
console.log(read)
