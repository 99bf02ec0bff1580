// Load by @platformatic/kafka, idempotent, several `send` calls out at a time. Needs Node 22 or newer.

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { runLoad } from './load.mjs'
import { sendCalls } from './send-calls.mjs'

const require = createRequire(new URL('../../../bench/package.json', import.meta.url))
const entry = pathToFileURL(require.resolve('@platformatic/kafka'))
const { Producer, ProduceAcks } = await import(entry)

await runLoad(async (options, facts) => {
  const producer = new Producer({
    clientId: 'chaos',
    bootstrapBrokers: options.bootstrapServers.split(','),
    autocreateTopics: false,
    idempotent: true,
    timeout: options.requestTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
  })
  const { topic } = options
  const calls = sendCalls(facts, options.mostOut, async (records) => {
    const messages = records.map(({ partition, value }) => ({ topic, partition, value }))
    const { offsets } = await producer.send({ messages, acks: ProduceAcks.ALL })
    return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]))
  })
  return {
    ...calls,
    settle: () => calls.settle(options.deliveryTimeoutMs + options.requestTimeoutMs),
    close: () => producer.close(true),
  }
})
