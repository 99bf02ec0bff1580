// npm run bench -- large-cluster: a client of 100 nodes and 100,000 partitions. The brokers are in a process
// beside it. Times are wall clock of the client, memory is the growth of its resident set.

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const NODES = 100
const TOPICS = 1000
const PARTITIONS = 100

const file = fileURLToPath(import.meta.url)

export async function runLargeCluster(rounds) {
  const runs = []
  for (let round = 0; round < rounds; round++) runs.push(await measureOnce())
  console.log(`\n### large-cluster: ${NODES} nodes, ${TOPICS * PARTITIONS} partitions\n`)
  console.log('| what | median |\n| --- | --- |')
  for (const what of Object.keys(runs[0])) {
    const values = runs.map((run) => run[what]).sort((a, b) => a - b)
    console.log(`| ${what} | ${values[values.length >> 1]} |`)
  }
}

async function measureOnce() {
  const broker = fork(file, ['broker'])
  try {
    const bootstrapServers = await message(broker)
    const client = fork(file, ['client', bootstrapServers], { execArgv: ['--expose-gc'] })
    return await message(client)
  } finally {
    broker.kill()
  }
}

function message(child) {
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}`)))
  })
}

async function serve() {
  const { TestCluster } = await import('kafkawire/testing')
  const topics = Object.fromEntries(Array.from({ length: TOPICS }, (_, i) => [`t${i}`, PARTITIONS]))
  const cluster = await TestCluster.start({ nodes: NODES, topics })
  process.send(cluster.bootstrapServers.split(',').slice(0, 3).join(','))
}

async function work(bootstrapServers) {
  const { Kafka } = await import('kafkawire')
  const result = {}
  const timed = async (what, call) => {
    const startedAt = performance.now()
    await call()
    result[what] = Math.round(performance.now() - startedAt)
  }
  const rssMiB = () => {
    globalThis.gc()
    return Math.round(process.memoryUsage.rss() / 1_048_576)
  }
  const emptyMiB = rssMiB()
  const kafka = new Kafka({ bootstrapServers })
  const producer = kafka.producer()
  await timed('first record sent, ms', () =>
    producer.send({ topic: 't5', partition: 7, value: 'v' }),
  )
  const reader = kafka.consumer()
  reader.assign([{ topic: 't5', partition: 7, offset: 0n }])
  await timed('first record read of one partition, ms', () => reader.records().next())
  const member = kafka.consumer({ groupId: 'one', topics: ['t5'], autoOffsetReset: 'earliest' })
  await timed('first record read in a group, ms', () => member.records().next())
  await timed('metadata of everything, ms', () => kafka.metadata())
  await timed('metadata of everything again, ms', () => kafka.metadata())
  result['memory of a client of one topic, MiB'] = rssMiB() - emptyMiB
  await Promise.all([reader.close(), member.close()])
  const beforeMiB = rssMiB()
  const all = kafka.consumer({ groupId: 'all', topics: [/^t/], autoOffsetReset: 'earliest' })
  await timed('first record read in a group of everything, ms', () => all.records().next())
  result['memory of a consumer of everything, MiB'] = rssMiB() - beforeMiB
  process.send(result, () => process.exit())
}

if (process.argv[2] === 'broker') await serve()
else if (process.argv[2] === 'client') await work(process.argv[3])
