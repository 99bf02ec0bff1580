// Makes an invoice of each order, exactly once, until Ctrl-C. Kill it and start it again: no order gets
// none, and none gets two.
//
//   node transactions.mjs 0     in one terminal
//   node transactions.mjs 1     in another

import { Kafka } from 'kafkawire'

const kafka = new Kafka({
  bootstrapServers: process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092',
  clientId: 'example-invoicer',
})
const name = `example-invoicer-${process.argv[2] ?? 0}`
const producer = kafka.producer({ transactionalId: name })
const consumer = kafka.consumer({
  groupId: 'example-invoicer',
  groupInstanceId: name,
  topics: ['orders'],
  autoOffsetReset: 'earliest',
  enableAutoCommit: false,
  isolationLevel: 'read_committed',
})
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

let invoices = 0
const toInvoice = ({ key, value }) => ({ topic: 'invoices', key, value: `invoice for ${value}` })
try {
  await kafka.pipe(consumer, (orders) => orders.map(toInvoice), {
    producer,
    signal: stop.signal,
    onCommit: ({ records }) => {
      if (invoices === 0) console.log('running; Ctrl-C ends it')
      invoices += records
    },
    onAbort: (error) => console.error('aborted, will be repeated:', error.message),
  })
} finally {
  await kafka.close()
  console.log(`${invoices} invoices written`)
}
