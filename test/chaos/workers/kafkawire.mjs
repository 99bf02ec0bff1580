// Load by kafkawire: `enqueue` and the onDelivery hook, five requests in flight, idempotent: the defaults.

import { acked, failedMaybe, failedNo } from './facts.mjs'
import { runLoad } from './load.mjs'

function timedLogger() {
  const log = (text) => console.error(new Date().toISOString().slice(11, 23), text)
  return { debug: log, info: log, warn: log, error: log }
}

await runLoad(async (options, facts) => {
  // Another build of the same package: how mutants of the client are put to the test.
  const { Kafka } = await import(options.package ?? 'kafkawire')
  const { bootstrapServers, metadataMaxAgeMs } = options
  const logger = options.isVerbose ? timedLogger() : undefined
  const kafka = new Kafka({ bootstrapServers, metadataMaxAgeMs, logger, clientId: 'chaos' })
  const errors = new Set()
  const report = (error) => {
    const text = `${error.name}: ${error.message}`.replace(/\d+/g, 'N')
    if (!errors.has(text)) console.error(error)
    errors.add(text)
  }
  const producer = kafka.producer({
    requestTimeoutMs: options.requestTimeoutMs,
    deliveryTimeoutMs: options.deliveryTimeoutMs,
    maxBlockMs: options.maxBlockMs,
    bufferMemory: options.bufferMemory,
    maxRequestSize: options.maxRequestSize,
    onDelivery: (error, metadata, { partition, sequence }) => {
      if (error === null) {
        facts.add(acked, partition, sequence, Number(metadata.offset))
        return
      }
      facts.add(error.persisted === 'no' ? failedNo : failedMaybe, partition, sequence)
      report(error)
    },
    onDataLoss: (loss) => console.error('onDataLoss', loss),
  })
  let mostWaitMs = 0
  // What does not fit when the wait for room has failed is refused by the next `enqueue`.
  const roomFor = async () => {
    const start = Date.now()
    try {
      await producer.drained()
    } catch (error) {
      report(error)
    } finally {
      mostWaitMs = Math.max(mostWaitMs, Date.now() - start)
    }
  }
  return {
    mostWaitMs: () => mostWaitMs,
    async send(records) {
      for (const { partition, sequence, value } of records) {
        try {
          const context = { partition, sequence }
          const record = { topic: options.topic, partition, value }
          if (!producer.enqueue(record, context)) await roomFor()
        } catch (error) {
          // A record that is refused at once is not taken, and the hook is not called.
          facts.add(failedNo, partition, sequence)
          report(error)
        }
      }
    },
    settle: () => producer.flush(),
    close: () => kafka.close(),
  }
})
