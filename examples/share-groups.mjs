// A queue of jobs: members of a share group take records from the same partition side by side, and
// acknowledge each of them.
//
//   npx kafkawire broker --port 9092 --topic jobs:1
//   node share-groups.mjs

import { Kafka } from 'kafkawire'

const kafka = new Kafka({ bootstrapServers: process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092' })

const admin = kafka.admin()
// A new share group starts at the end of the log, unless its configuration says otherwise.
await admin.incrementalAlterConfigs([
  {
    type: 'GROUP',
    name: 'workers',
    configs: [{ name: 'share.auto.offset.reset', value: 'earliest' }],
  },
])
const producer = kafka.producer()
for (let i = 0; i < 10; i++) await producer.send({ topic: 'jobs', value: `job ${i}` })

const done = new AbortController()
let count = 0
async function work(name) {
  const member = kafka.shareConsumer({ groupId: 'workers', topics: ['jobs'], maxPollRecords: 2 })
  await member.run({
    concurrency: 2,
    signal: done.signal,
    eachRecord: async (record) => {
      const job = record.value.toString()
      // Not now: the group delivers it again, here or to the other member.
      if (job === 'job 3' && record.deliveryCount === 1) return record.release()
      console.log(`${name}: ${job}, delivery ${record.deliveryCount}`)
      if (++count === 10) done.abort()
    },
  })
}
await Promise.all([work('first'), work('second')])
await kafka.close()
