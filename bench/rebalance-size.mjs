// npm run bench -- rebalance, its second table: how long 10, 50 and 200 members in one process take to share the
// partitions of a topic, and then to take one more in. By each protocol, beside Java's consumer, on one real broker.

import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Kafka } from 'kafkawire'

const PARTITIONS = 400
const SIZES = [10, 50, 200]
const TIMEOUT_MS = 120_000

const protocols = {
  eager: { groupProtocol: 'classic', partitionAssignors: ['range'] },
  cooperative: { groupProtocol: 'classic', partitionAssignors: ['cooperative-sticky'] },
  consumer: { groupProtocol: 'consumer' },
}

/** @returns the table, as lib/report.mjs takes it */
export async function runRebalanceSize(target, rounds, sizes = SIZES) {
  const { bootstrapServers } = target
  const topic = `bench-members-${process.pid}`
  const kafka = new Kafka({ bootstrapServers })
  await kafka.admin().createTopics([{ topic, numPartitions: PARTITIONS }], { waitUntilReady: true })
  const java = await startJava(bootstrapServers, topic)
  // What is compiled when it is first used is no part of a rebalance; Java does the same.
  await ours(kafka, topic, `${topic}-warm`, 'eager', 2)
  const rows = []
  for (const members of sizes) {
    for (const protocol of Object.keys(protocols)) {
      const results = { kafkawire: [], java: [] }
      for (let round = 0; round < rounds; round++) {
        const group = `${topic}-${protocol}-${members}-${round}`
        results.kafkawire.push(await ours(kafka, topic, group, protocol, members))
        results.java.push(await java(`${group}-java`, protocol, members))
      }
      for (const [name, times] of Object.entries(results)) {
        const middle = (key) => times.map((one) => one[key]).sort((a, b) => a - b)[rounds >> 1]
        rows.push({
          name: `${name}, ${protocol}, ${members} members`,
          'ms to share the partitions': Math.round(middle('formed')),
          'ms to take one more in': Math.round(middle('joined')),
        })
      }
    }
  }
  await kafka.close()
  return {
    title: `Rebalance: members in one process, ${PARTITIONS} partitions`,
    chart: 'ms to take one more in',
    rows,
  }
}

async function ours(kafka, topic, groupId, protocol, members) {
  const options = { groupId, topics: [topic], autoOffsetReset: 'earliest', ...protocols[protocol] }
  const consumers = Array.from({ length: members + 1 }, () => kafka.consumer(options))
  const read = async (consumer) => {
    for await (const _ of consumer);
  }
  let start = performance.now()
  const reading = consumers.slice(0, members).map(read)
  const formed = await settled(consumers.slice(0, members), start)
  start = performance.now()
  reading.push(read(consumers[members]))
  const joined = await settled(consumers, start)
  await Promise.all(consumers.map((consumer) => consumer.close()))
  await Promise.all(reading)
  return { formed, joined }
}

/** Milliseconds from `start` until these share all partitions evenly. */
async function settled(consumers, start) {
  const least = Math.floor(PARTITIONS / consumers.length)
  const most = Math.ceil(PARTITIONS / consumers.length)
  while (performance.now() - start < TIMEOUT_MS) {
    const sizes = consumers.map((consumer) => consumer.assignment().length)
    const sum = sizes.reduce((total, size) => total + size, 0)
    if (sum === PARTITIONS && sizes.every((size) => size === least || size === most)) {
      return performance.now() - start
    }
    await sleep(1)
  }
  throw new Error(`the group has not settled within ${TIMEOUT_MS} ms`)
}

/** Runs peers/java/RebalanceBench.java with the Java client of the broker's version. */
async function startJava(bootstrapServers, topic) {
  const { classPath } = await import('../test/harness/distribution.ts')
  const path = await classPath('4.4.0')
  const source = fileURLToPath(new URL('peers/java/RebalanceBench.java', import.meta.url))
  const run = promisify(execFile)
  return async (group, protocol, members) => {
    const log = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
    const args = ['-Xmx1g', log, '-cp', path, source, bootstrapServers, topic, group, protocol]
    const { stdout } = await run('java', [...args, String(members)])
    return JSON.parse(stdout)
  }
}
