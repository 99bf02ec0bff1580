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
  const rows = []
  for (const [name, options] of Object.entries(protocols)) {
    const results = []
    for (let round = 0; round < rounds; round++) results.push(await join(target, options))
    const middle = (key) => results.map((one) => one[key]).sort((a, b) => a - b)[rounds >> 1]
    rows.push({
      name,
      'ms to the new assignment': Math.round(middle('joined')),
      'longest pause of the first member, ms': Math.round(middle('pause')),
    })
  }
  return {
    title: 'Rebalance: a second member joins',
    chart: 'ms to the new assignment',
    rows,
  }
}

let topics = 0

async function join({ bootstrapServers }, options) {
  const topic = `bench-rebalance-${process.pid}-${topics++}`
  const kafka = new Kafka({ bootstrapServers })
  const admin = kafka.admin()
  await admin.createTopics([{ topic, numPartitions: PARTITIONS }], { waitUntilReady: true })
  const producer = kafka.producer({ lingerMs: 1 })
  let isOver = false
  let longestPause = 0
  let last = 0
  const all = { groupId: topic, topics: [topic], autoOffsetReset: 'earliest', ...options }
  const read = async (consumer, onRecord) => {
    for await (const _ of consumer) onRecord()
  }
  const first = kafka.consumer(all)
  const second = kafka.consumer(all)
  const write = async () => {
    while (!isOver) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        producer.enqueue({ topic, partition, value: 'x' })
      }
      await sleep(10)
    }
  }
  const writing = write()
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
      if (performance.now() > deadline) throw new Error(`${topic}: no assignment within 60 s`)
      await sleep(5)
    }
  }
  await until(() => first.assignment().length === PARTITIONS && last > 0)
  longestPause = 0
  const start = performance.now()
  reading.push(read(second, () => {}))
  await until(
    () =>
      second.assignment().length === PARTITIONS / 2 && first.assignment().length === PARTITIONS / 2,
  )
  const joined = performance.now() - start
  await sleep(500)
  isOver = true
  await writing
  await Promise.all([first.close(), second.close(), ...reading])
  await admin.deleteTopics([topic])
  await kafka.close()
  return { joined, pause: longestPause }
}
