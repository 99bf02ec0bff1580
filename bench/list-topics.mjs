// npm run bench -- list-topics: listing 10,000 topics of the in-process broker, which is in a process of its own.

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import kafkajs from 'kafkajs'
import { Kafka } from 'kafkawire'

const TOPICS = 10_000

/** @returns the table, as lib/report.mjs takes it */
export async function runListTopics(rounds) {
  const topics = Array.from({ length: TOPICS }, (_, i) => `topic-${i}:1`)
  const script = fileURLToPath(new URL('./lib/testing-broker.mjs', import.meta.url))
  const broker = fork(script, ['1', ...topics], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const bootstrapServers = await new Promise((resolve) => broker.once('message', resolve))
  const kafka = new Kafka({ bootstrapServers })
  const ours = kafka.admin()
  const theirs = new kafkajs.Kafka({
    brokers: [bootstrapServers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin()
  const calls = {
    kafkawire: () => ours.listTopics(),
    kafkajs: () => theirs.listTopics(),
  }
  const times = new Map(Object.keys(calls).map((name) => [name, []]))
  try {
    await theirs.connect()
    for (const list of Object.values(calls)) await list()
    for (let round = 0; round < rounds * 5; round++) {
      for (const [name, list] of Object.entries(calls)) {
        const start = performance.now()
        const before = process.cpuUsage()
        const { length } = await list()
        const { user, system } = process.cpuUsage(before)
        if (length !== TOPICS) throw new Error(`${name} lists ${length} topics`)
        times.get(name).push({ wall: performance.now() - start, cpu: (user + system) / 1000 })
      }
    }
  } finally {
    await theirs.disconnect()
    await kafka.close()
    broker.kill()
  }
  const rows = [...times].map(([name, all]) => {
    const middle = (key) => all.map((one) => one[key]).sort((a, b) => a - b)[all.length >> 1]
    return { name, 'CPU ms': +middle('cpu').toFixed(1), 'wall ms': +middle('wall').toFixed(1) }
  })
  return { title: 'Admin: listing 10,000 topics', chart: 'CPU ms', rows }
}
