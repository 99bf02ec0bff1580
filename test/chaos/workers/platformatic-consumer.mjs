// A member of a group by @platformatic/kafka: record by record, committing by itself. Needs Node 22 or
// newer.

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { runConsumer, work } from './consume.mjs'

const require = createRequire(new URL('../../../bench/package.json', import.meta.url))
const entry = pathToFileURL(require.resolve('@platformatic/kafka'))
const { Consumer, MessagesStreamModes, MessagesStreamFallbackModes } = await import(entry)

await runConsumer(async (options, note) => {
  const consumer = new Consumer({
    clientId: 'chaos-consumer',
    groupId: options.groupId,
    bootstrapBrokers: options.bootstrapServers.split(','),
    autocreateTopics: false,
    timeout: options.requestTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: 1000,
  })
  let owned = []
  consumer.on('consumer:group:join', ({ assignments }) => {
    note.revoked(owned)
    const ofTopic = assignments?.find(({ topic }) => topic === options.topic)
    owned = ofTopic?.partitions ?? []
    note.assigned(owned)
  })
  const stream = await consumer.consume({
    topics: [options.topic],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    autocommit: options.commitIntervalMs,
    maxWaitTime: 500,
    minBytes: 1,
  })
  const read = async () => {
    for await (const { partition, offset, value } of stream) {
      note.delivered(partition, [{ offset, value }])
      if (Number(offset) % 100 === 0) await work(options.workMs)
      note.done(partition, offset)
    }
  }
  const reading = read().catch((error) => {
    console.error(error)
    process.exitCode = 1
  })
  return {
    async close() {
      await stream.close()
      await consumer.close(true)
      await reading
    },
  }
})
