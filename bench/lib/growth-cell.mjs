// One measurement of growth.mjs in a process of its own: produces or consumes `records` of `size` bytes
// and prints its CPU time per record as JSON. Arguments: one JSON object.

import { makeKeys, makeValues } from './harness.mjs'

const { Kafka } = await import(process.env.KAFKAWIRE_ENTRY ?? 'kafkawire')

const { operation, bootstrapServers, topic, size, records, producers } = JSON.parse(process.argv[2])
const kafka = new Kafka({ bootstrapServers, clientId: 'growth' })

async function produce() {
  const values = makeValues(size, 'random', size > 10_000 ? 20 : 1000)
  const keys = makeKeys(100_000)
  let failed = null
  const all = Array.from({ length: producers }, () =>
    kafka.producer({
      maxRequestSize: Math.max(1_048_576, size + 4096),
      onDelivery: (error) => {
        failed ??= error
      },
    }),
  )
  const run = async (producer, count, seed) => {
    for (let i = 0; i < count; i++) {
      const at = i + seed
      const record = { topic, key: keys[at % keys.length], value: values[at % values.length] }
      if (!producer.enqueue(record)) await producer.drained()
    }
    await producer.flush()
  }
  const share = Math.ceil(records / producers)
  await Promise.all(all.map((producer, i) => run(producer, Math.ceil(share / 4), i * 7)))
  const start = process.cpuUsage()
  await Promise.all(all.map((producer, i) => run(producer, share, i * 7)))
  const { user, system } = process.cpuUsage(start)
  if (failed !== null) throw failed
  return (user + system) / (share * producers)
}

async function consume() {
  const consumer = kafka.consumer({
    groupId: `growth-${process.pid}`,
    topics: [topic],
    autoOffsetReset: 'earliest',
  })
  let read = 0
  let start
  let from = 0
  for await (const batch of consumer.batches()) {
    for (const record of batch) if (record.value.length === size) read++
    if (start === undefined && read >= records / 4) {
      start = process.cpuUsage()
      from = read
    }
    if (read >= records) break
  }
  const { user, system } = process.cpuUsage(start)
  return (user + system) / (read - from)
}

const cpuMicros = operation === 'produce' ? await produce() : await consume()
await kafka.close()
console.log(JSON.stringify({ cpuMicros, rssMb: process.resourceUsage().maxRSS / 1024 }))
