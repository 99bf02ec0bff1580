// What stands around the snippets that are parts of a program. `SNIPPET` is where the snippet goes.

const imports = `import * as library from 'kafkawire'
const { Kafka, KafkaError, BrokerError, ConnectionError, DeliveryError, DeserializationError, TimeoutError,
  TransactionAbortableError, CommitFailedError, OutcomeUnknownError, FencedError, BatchDeliveryError, serdes } = library
`

const kafka = `${imports}
const kafka = new Kafka({ bootstrapServers: 'localhost:9092' })
`

const filled = `
const filler = kafka.producer()
for (let i = 0; i < 20; i++) await filler.send({ topic: 'orders', key: 'k' + (i % 3), value: 'v' + i })
await filler.close()
const toInvoice = ({ key, value }) => ({ topic: 'invoices', key, value: 'invoice for ' + value })
const handle = async (record) => {}
`

/** A group that has committed. */
const billing = `
{
  const member = kafka.consumer({ groupId: 'billing', topics: ['orders'], autoOffsetReset: 'earliest' })
  for await (const record of member) { await member.commit(record); break }
  await member.close()
}
`

/** A share group that starts at the beginning. */
const shared = `
{
  const configs = [{ name: 'share.auto.offset.reset', value: 'earliest' }]
  await kafka.admin().incrementalAlterConfigs([{ type: 'GROUP', name: 's' + process.pid, configs }])
}
${filled}
const shareConsumer = kafka.shareConsumer({ groupId: 's' + process.pid, topics: ['orders'] })
`

const groupId = "groupId: 'g' + process.pid, autoOffsetReset: 'earliest'"

export const preludes: Readonly<Record<string, string>> = {
  imports: `${imports}\nSNIPPET\n`,
  kafka: `${kafka}\ntry {\nSNIPPET\n} finally { await kafka.close() }\n`,
  producer: `${kafka}
const producer = kafka.producer()
try {
SNIPPET
} finally { await kafka.close() }
`,
  consumer: `${kafka}${filled}
const consumer = kafka.consumer({ ${groupId}, topics: ['orders'] })
try {
SNIPPET
} finally { await kafka.close() }
`,
  migrated: `${kafka}${filled}
const producer = kafka.producer()
try {
SNIPPET
} finally { await kafka.close() }
`,
  admin: `${kafka}${filled}${billing}
const admin = kafka.admin()
try {
SNIPPET
} finally { await kafka.close() }
`,
  billing: `import * as prelude from 'kafkawire'
{
  const kafka = new prelude.Kafka({ bootstrapServers: 'localhost:9092' })
  const cleaner = kafka.admin()
  await cleaner.deleteTopics(['orders'])
  await kafka.producer().send({ topic: 'other', value: 'v' })
  const consumer = kafka.consumer({ groupId: 'billing', topics: ['other'], autoOffsetReset: 'earliest' })
  for await (const record of consumer) { await consumer.commit(record); break }
  await kafka.close()
}
SNIPPET
`,
  /** The loop ends by itself after a second. */
  loop: `${kafka}${filled}
const consumer = kafka.consumer({ ${groupId}, topics: ['orders'] })
setTimeout(() => void consumer.close(), 1000)
try {
SNIPPET
} finally { await kafka.close() }
`,
  /** The same for handlers that fail on purpose: their errors are not logged. */
  'failing-loop': `${imports}
const logger = { debug() {}, info() {}, warn() {}, error: console.error }
const kafka = new Kafka({ bootstrapServers: 'localhost:9092', logger })
${filled}
const consumer = kafka.consumer({ ${groupId}, topics: ['orders'] })
setTimeout(() => void consumer.close(), 4000)
try {
SNIPPET
} finally { await kafka.close() }
`,
  'share-loop': `${kafka}${shared}
setTimeout(() => void shareConsumer.close(), 2000)
try {
SNIPPET
} finally { await kafka.close() }
`,
  'share-explicit': `${kafka}${shared.replace("topics: ['orders']", "topics: ['orders'], shareAcknowledgementMode: 'explicit'")}
setTimeout(() => void shareConsumer.close(), 2000)
try {
SNIPPET
} finally { await kafka.close() }
`,
  transaction: `${kafka}${filled}
const name = 't' + process.pid
const producer = kafka.producer({ transactionalId: name })
const consumer = kafka.consumer({ ${groupId}, topics: ['orders'], enableAutoCommit: false })
setTimeout(() => void consumer.close(), 1500)
try {
SNIPPET
} finally { await kafka.close() }
`,
}
