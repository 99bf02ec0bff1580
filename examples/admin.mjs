// Creates a topic, describes it, shows how far each group is behind, and deletes it again.

import { AdminError, Kafka } from 'kafkawire'

const kafka = new Kafka({
  bootstrapServers: process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092',
  clientId: 'example-admin',
})
const admin = kafka.admin()
const topic = `example-${process.pid}`
try {
  await admin.createTopics([{ topic, numPartitions: 3, configs: { 'retention.ms': '86400000' } }])
  const [description] = await admin.describeTopics([topic])
  console.log(`${description.topic} has ${description.partitions.length} partitions`)

  // Each item of a call has its own outcome.
  await admin.createTopics([{ topic }, { topic: `${topic}-2` }]).catch((error) => {
    if (!(error instanceof AdminError)) throw error
    for (const { item, error: reason } of error.results) {
      console.log(item, reason === null ? 'created' : reason.codeName)
    }
  })
  await admin.deleteTopics([topic, `${topic}-2`])
  console.log('deleted')
} finally {
  await kafka.close()
}
