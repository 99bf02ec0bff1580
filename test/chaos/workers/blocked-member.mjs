// A member of a group whose event loop is blocked for a while when it is told to: by a handler that computes.
// A line of the ledger is one JSON array: [kind, time, partition, offset, deliveryCount], the kind is "delivered",
// or "blocks" for the record in whose handler it is blocked; ["woke", time] follows that.

import { appendFileSync } from 'node:fs'

const options = JSON.parse(process.argv[2])
const { Kafka } = await import(options.package ?? 'kafkawire')
const note = (...fact) => appendFileSync(options.ledger, `${JSON.stringify(fact)}\n`)
const log = (text) => console.error(new Date().toISOString().slice(11, 23), text)

const kafka = new Kafka({ bootstrapServers: options.bootstrapServers, clientId: options.name })
const isShare = options.consumer.groupProtocol === undefined
const consumer = isShare
  ? kafka.shareConsumer(options.consumer)
  : kafka.consumer({ ...options.consumer, onStall: ({ durationMs }) => log(`stall ${durationMs}`) })
let isToBlock = false

function spin(ms) {
  const end = performance.now() + ms
  while (performance.now() < end);
}

async function read() {
  for await (const { partition, offset, deliveryCount = 1 } of consumer) {
    if (!isToBlock) {
      note('delivered', Date.now(), partition, Number(offset), deliveryCount)
      continue
    }
    isToBlock = false
    // A share group: what was accepted. A consumer group: the record in hand too.
    await consumer.commit()
    note('blocks', Date.now(), partition, Number(offset), deliveryCount)
    spin(options.blockMs)
    note('woke', Date.now())
  }
}

const reading = read().catch((error) => {
  log(error.stack)
  process.exitCode = 1
})
console.log('started')
process.stdin.on('data', () => {
  isToBlock = true
})
process.stdin.on('end', async () => {
  await kafka.close()
  await reading
})
