// A client that works in slices, for hooks.mjs: each message names what to do and how often, the response is the CPU
// time that it took (µs, user and system). Arguments: the build, the broker, the topic.

const [entry, bootstrapServers, topic] = process.argv.slice(2)
const { Kafka, silentLogger } = await import(entry)

const IN_FLIGHT = 1000
const kafka = new Kafka({ bootstrapServers, clientId: 'slices', logger: silentLogger })
const value = Buffer.alloc(100, 120)
const producer = kafka.producer()

function reader() {
  // What is fetched ahead while nothing is measured is little beside a slice.
  const consumer = kafka.consumer({ maxBufferedBytes: 4 * 1024 * 1024 })
  consumer.assign([{ topic, partition: 0, offset: 0n }])
  return consumer
}
const consumers = [reader(), reader()]
const batches = consumers[0].batches()
const records = consumers[1].records()

/** Records of one Produce request, and of one Fetch response. */
function perRequest() {
  const of = (client, name) => client.metrics().find((metric) => metric.name === name)?.value ?? 0
  const sent = of(producer, 'record-send-total') / of(producer, 'request-total')
  const fetched = consumers.map(
    (each) => of(each, 'records-consumed-total') / of(each, 'fetch-total'),
  )
  return { produce: sent, fetch: Math.min(...fetched) }
}

const work = {
  async 'produce enqueue'(count) {
    for (let i = 0; i < count; i++) {
      if (!producer.enqueue({ topic, value })) await producer.drained()
    }
    await producer.flush()
  },
  async 'produce send'(count) {
    for (let sent = 0; sent < count; sent += IN_FLIGHT) {
      const sending = []
      for (let i = 0; i < IN_FLIGHT; i++) sending.push(producer.send({ topic, value }))
      await Promise.all(sending)
    }
  },
  async 'consume batches'(count) {
    for (let read = 0; read < count; ) {
      const { value: batch } = await batches.next()
      for (const record of batch) if (record.value.length > 0) read++
    }
  },
  async 'consume for await'(count) {
    for (let read = 0; read < count; read++) {
      const { value: record } = await records.next()
      if (record.value.length === 0) throw new Error('an empty value')
    }
  },
}

process.on('message', async ({ what, count }) => {
  if (what === 'perRequest') {
    process.send(perRequest())
    return
  }
  globalThis.gc()
  const before = process.cpuUsage()
  await work[what](count)
  const { user, system } = process.cpuUsage(before)
  process.send(user + system)
})
process.once('disconnect', () => process.exit(0))
process.send('ready')
