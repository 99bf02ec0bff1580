// Reads the output of the copy job with read_committed while it is being written, and writes down what
// was delivered, in order: partition, offset, life and transaction, 20 bytes each. Ends by itself when it
// has seen as many records as a line on standard input says.

import { closeSync, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { readCopy } from './copied.mjs'

const options = JSON.parse(process.argv[2])
const { Kafka } = await import(options.package ?? 'kafkawire')
const file = openSync(options.seen, 'w')
const kafka = new Kafka({ bootstrapServers: options.bootstrapServers, clientId: 'reader' })
const consumer = kafka.consumer({ isolationLevel: 'read_committed' })
consumer.assign(
  Array.from({ length: options.partitions }, (_, partition) => {
    return { topic: options.output, partition, offset: 0n }
  }),
)

let count = 0
let wanted = Number.POSITIVE_INFINITY
const stop = new AbortController()
const look = () => {
  if (count >= wanted) stop.abort()
}
const lines = createInterface(process.stdin)
lines
  .on('line', (line) => {
    wanted = Number(line)
    look()
  })
  .on('close', () => stop.abort())

console.log('started')
try {
  for await (const batch of consumer.batches({ signal: stop.signal })) {
    const facts = Buffer.alloc(20 * batch.length)
    let at = 0
    for (const { offset, value } of batch) {
      const { life, transaction } = readCopy(value)
      facts.writeUInt32BE(batch.partition, at)
      facts.writeBigInt64BE(offset, at + 4)
      facts.writeUInt32BE(life, at + 12)
      facts.writeUInt32BE(transaction, at + 16)
      at += 20
    }
    writeSync(file, facts)
    count += batch.length
    look()
  }
} catch (error) {
  if (!stop.signal.aborted || error !== stop.signal.reason) throw error
} finally {
  closeSync(file)
  lines.close()
  process.stdin.destroy()
  await kafka.close()
}
