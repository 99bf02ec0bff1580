// A member of a share group: takes records, holds each for some milliseconds, accepts it, and notes what it
// was given and what was accepted. A line of the ledger is one JSON array:
// ["d", time, partition, offset, deliveryCount] for a delivery, ["a", time, partition, ...offsets] for
// acknowledgements that took effect, ["f", time, partition, ...offsets] for those that did not.

import { appendFileSync } from 'node:fs'

const options = JSON.parse(process.argv[2])
const { Kafka } = await import(options.package ?? 'kafkawire')
const note = (...fact) => appendFileSync(options.ledger, `${JSON.stringify(fact)}\n`)
const log = (text) => console.error(new Date().toISOString().slice(11, 23), text)

const kafka = new Kafka({
  bootstrapServers: options.bootstrapServers,
  clientId: options.name,
  requestTimeoutMs: 5000,
  logger: { debug: log, info: log, warn: log, error: log },
})
const consumer = kafka.shareConsumer({
  groupId: options.groupId,
  topics: [options.topic],
  maxPollRecords: 20,
  onError: (error) => log(String(error)),
  onAcknowledged: ({ partition, offsets, error }) =>
    note(error === null ? 'a' : 'f', Date.now(), partition, ...offsets.map(Number)),
})
const running = consumer.run({
  concurrency: 4,
  eachRecord: async ({ partition, offset, deliveryCount }) => {
    note('d', Date.now(), partition, Number(offset), deliveryCount)
    await new Promise((resolve) => setTimeout(resolve, options.workMs))
  },
})
running.catch((error) => {
  log(`the run has ended: ${error.stack}`)
  process.exitCode = 1
})
console.log('started')
process.stdin.resume()
process.stdin.on('end', async () => {
  await kafka.close()
  await running
})
