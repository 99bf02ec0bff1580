// Load for a long run by kafkawire, in slices of time: one client throughout, a topic and a ledger for
// each slice, so that a slice can be judged and forgotten while the next one goes on. Slice 0 goes as fast
// as it can; the others at half of that, or at the rate that was given.

import { writeFileSync } from 'node:fs'
import { acked, Facts, failedMaybe, failedNo, sent } from './facts.mjs'
import { watchHealth } from './health.mjs'
import { makeValue } from './record.mjs'

const options = JSON.parse(process.argv[2])
const health = watchHealth()
let isStopping = false
process.stdin.on('end', () => {
  isStopping = true
})
process.stdin.resume()

const { Kafka } = await import(options.package ?? 'kafkawire')
const kafka = new Kafka({ bootstrapServers: options.bootstrapServers, clientId: 'chaos-soak' })
const producer = kafka.producer({
  onDelivery: (error, metadata, { facts, partition, sequence }) => {
    if (error === null) facts.add(acked, partition, sequence, Number(metadata.offset))
    else {
      facts.add(error.persisted === 'no' ? failedNo : failedMaybe, partition, sequence)
      console.error(error)
    }
  },
  onDataLoss: (loss) => console.error('onDataLoss', loss),
})

const tickMs = 5
let rate = options.rate ?? 0
console.log('started')
for (const [index, slice] of options.slices.entries()) {
  if (isStopping) break
  const facts = new Facts(slice.ledger)
  const sequences = new Array(options.partitions).fill(0)
  const start = Date.now()
  const isFull = index === 0 || rate === 0
  let partition = 0
  let made = 0
  for (let now = start; !isStopping && now < start + slice.ms; now = Date.now()) {
    // What the client had no room for in time is not made up for: at most a tenth of a second of it.
    const due = ((now - start) * rate) / 1000 - made
    const count = isFull ? 500 : Math.min(due, rate / 10)
    if (!isFull && due > count) made += due - count
    for (let i = 0; i < count; i++) {
      const sequence = sequences[partition]++
      facts.add(sent, partition, sequence)
      const value = makeValue(options.producer, partition, sequence, 200)
      const context = { facts, partition, sequence }
      const hasRoom = producer.enqueue({ topic: slice.topic, partition, value }, context)
      partition = (partition + 1) % options.partitions
      made++
      if (!hasRoom) await producer.drained()
    }
    await new Promise((resolve) => setTimeout(resolve, isFull ? 0 : tickMs))
  }
  await producer.flush()
  const seconds = (Date.now() - start) / 1000
  facts.close()
  if (index === 0 && rate === 0) rate = made / seconds / 2
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  const memory = { rss, heapUsed, external, arrayBuffers }
  console.log(`slice ${JSON.stringify({ index, seconds, rate, memory })}`)
}
const closing = Date.now()
await kafka.close()
writeFileSync(options.summary, JSON.stringify({ ...health(), closeMs: Date.now() - closing }))
console.log('closed')
