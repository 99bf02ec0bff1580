// Log lines of the client as JSON, one a line, with their details.

import { Kafka } from 'kafkawire'

const write = (level) => (message, details) =>
  console.log(JSON.stringify({ level, message, ...details }, (_, value) => shown(value)))
const shown = (value) => {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return value
}

const kafka = new Kafka({
  bootstrapServers: process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092',
  clientId: 'example-logging',
  logger: {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  },
})
try {
  const consumer = kafka.consumer({ groupId: 'example-logging', topics: ['orders'] })
  const loop = consumer.records()
  const first = loop.next()
  while (consumer.health().state !== 'stable') await new Promise((wake) => setTimeout(wake, 20))
  console.log(JSON.stringify({ level: 'info', message: 'a member of the group' }))
  await consumer.close()
  await first
} finally {
  await kafka.close()
}
