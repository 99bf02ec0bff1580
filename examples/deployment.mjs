// A service as it runs in a cluster: probes over HTTP, and a shutdown that finishes what is in hand.

import { createServer } from 'node:http'
import { Kafka } from 'kafkawire'

const kafka = new Kafka({
  bootstrapServers: process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092',
  clientId: 'example-service',
})
const consumer = kafka.consumer({
  groupId: 'example-service',
  groupInstanceId: process.env.HOSTNAME ? `example-service-${process.env.HOSTNAME}` : undefined,
  partitionAssignors: ['cooperative-sticky'],
  topics: ['orders'],
})

const probes = createServer((request, response) => {
  const health = consumer.health()
  const isFine = request.url === '/ready' ? health.isReady : health.state !== 'failed'
  response.writeHead(isFine ? 200 : 503, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ state: health.state, lag: String(health.lag) }))
})
probes.listen(Number(process.env.PROBE_PORT ?? 0), '127.0.0.1', () => {
  console.log(`running; probes on port ${probes.address().port}`)
})

const stop = () => void consumer.close({ timeoutMs: 20_000 })
process.once('SIGTERM', stop)
process.once('SIGINT', stop)

try {
  await consumer.run({ concurrency: 4, eachRecord: async (record) => void record.value })
} finally {
  await kafka.close()
  probes.close()
  console.log('stopped')
}
