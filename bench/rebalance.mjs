// npm run bench -- rebalance: how long a second member of a group waits for its half of 100 partitions, and for
// how long the first one delivers nothing meanwhile. By the classic protocol and by that of KIP-848, real Kafka.

import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka } from 'kafkawire'
import { startTarget } from './lib/target.mjs'
import { runRebalanceSize } from './rebalance-size.mjs'

const PARTITIONS = 100

const protocols = {
  'kafkawire, classic, cooperative': {
    groupProtocol: 'classic',
    partitionAssignors: ['cooperative-sticky'],
  },
  'kafkawire, classic, range': { groupProtocol: 'classic', partitionAssignors: ['range'] },
  'kafkawire, consumer (KIP-848)': { groupProtocol: 'consumer' },
}

/** @returns the tables, as lib/report.mjs takes them */
export async function runRebalance(rounds) {
  const target = await startTarget('kafka')
  try {
    return [await runSecondMember(target, rounds), await runRebalanceSize(target, rounds)]
  } finally {
    await target.stop()
  }
}

async function runSecondMember(target, rounds) {
  const { bootstrapServers } = target
  const topic = `bench-rebalance-${process.pid}`
  const kafka = new Kafka({ bootstrapServers })
  await kafka.admin().createTopics([{ topic, numPartitions: PARTITIONS }], { waitUntilReady: true })
  const writer = new Writer(kafka, topic)
  // The first record of a partition has the broker write files to disk, for seconds where disks are slow.
  await writer.writeOnce()
  const rows = []
  for (const [name, options] of Object.entries(protocols)) {
    const results = []
    for (let round = 0; round < rounds; round++) {
      const groupId = `${topic}-${rows.length}-${round}`
      const all = { groupId, topics: [topic], autoOffsetReset: 'latest', ...options }
      results.push(await join(writer, kafka.consumer(all), kafka.consumer(all)))
    }
    const middle = (key) => results.map((one) => one[key]).sort((a, b) => a - b)[rounds >> 1]
    rows.push({
      name,
      'ms to the new assignment': Math.round(middle('joined')),
      'longest pause of the first member, ms': Math.round(middle('pause')),
      'slowest acknowledgement meanwhile, ms': Math.round(middle('slowest')),
    })
  }
  await kafka.close()
  return {
    title: 'Rebalance: a second member joins',
    chart: 'ms to the new assignment',
    rows,
  }
}

/** Writes a record to each partition every 10 ms, and knows the slowest acknowledgement. */
class Writer {
  slowest = 0
  isOver = false

  constructor(kafka, topic) {
    this.producer = kafka.producer({ lingerMs: 1 })
    this.records = Array.from({ length: PARTITIONS }, (_, partition) => ({
      topic,
      partition,
      value: 'x',
    }))
  }

  async writeOnce() {
    const start = performance.now()
    await this.producer.sendBatch(this.records)
    this.slowest = Math.max(this.slowest, performance.now() - start)
  }

  async run() {
    this.isOver = false
    const writing = []
    while (!this.isOver) {
      writing.push(this.writeOnce())
      await sleep(10)
    }
    await Promise.all(writing)
  }
}

async function join(writer, first, second) {
  let longestPause = 0
  let last = 0
  const read = async (consumer, onRecord) => {
    for await (const _ of consumer) onRecord()
  }
  const writing = writer.run()
  const reading = [
    read(first, () => {
      const now = performance.now()
      if (last > 0) longestPause = Math.max(longestPause, now - last)
      last = now
    }),
  ]
  const until = async (isDone) => {
    const deadline = performance.now() + 60_000
    while (!isDone()) {
      if (performance.now() > deadline) throw new Error('no assignment within 60 s')
      await sleep(5)
    }
  }
  await until(() => first.assignment().length === PARTITIONS && last > 0)
  await sleep(1000)
  longestPause = 0
  writer.slowest = 0
  const start = performance.now()
  reading.push(read(second, () => {}))
  await until(
    () =>
      second.assignment().length === PARTITIONS / 2 && first.assignment().length === PARTITIONS / 2,
  )
  const joined = performance.now() - start
  await sleep(500)
  const { slowest } = writer
  writer.isOver = true
  await writing
  await Promise.all([first.close(), second.close(), ...reading])
  return { joined, pause: longestPause, slowest }
}
