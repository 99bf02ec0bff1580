// npm run bench -- share-group: a share consumer beside a consumer of a group, on a real broker. The acknowledgement
// of each record, which a share group keeps, is what it costs more.

import { Kafka } from 'kafkawire'
import { openAdmin } from './lib/admin.mjs'
import { fillTopic } from './lib/fill.mjs'
import { startTarget } from './lib/target.mjs'

const SIZE = 100

/** @returns the table, as lib/report.mjs takes it */
export async function runShareGroup(rounds, records) {
  const target = await startTarget('kafka')
  const { bootstrapServers } = target
  const topic = `bench-share-${process.pid}`
  const runs = new Map()
  const admin = await openAdmin(bootstrapServers)
  try {
    await admin.create(topic, 6)
    await fillTopic(bootstrapServers, { topic, size: SIZE, compression: 'none', filled: records })
    for (let round = 0; round < rounds; round++) {
      const groupId = `${topic}-${round}`
      const kafka = new Kafka({ bootstrapServers })
      await kafka.admin().incrementalAlterConfigs([
        {
          type: 'GROUP',
          name: `${groupId}-share`,
          configs: [{ name: 'share.auto.offset.reset', value: 'earliest' }],
        },
      ])
      const consumers = {
        'kafkawire, share group': kafka.shareConsumer({
          groupId: `${groupId}-share`,
          topics: [topic],
        }),
        'kafkawire, consumer group': kafka.consumer({
          groupId,
          topics: [topic],
          autoOffsetReset: 'earliest',
        }),
      }
      for (const [name, consumer] of Object.entries(consumers)) {
        const of = runs.get(name) ?? []
        of.push(await read(consumer, records))
        runs.set(name, of)
        await consumer.close()
      }
      await kafka.close()
    }
  } finally {
    await admin.close()
    await target.stop()
  }
  const rows = [...runs].map(([name, all]) => {
    const middle = (key) => all.map((one) => one[key]).sort((a, b) => a - b)[all.length >> 1]
    return {
      name,
      'CPU µs per record': +middle('cpu').toFixed(3),
      'records/s': Math.round(middle('rate')),
    }
  })
  return {
    title: `Share group: ${records} records of ${SIZE} B, one by one`,
    chart: 'CPU µs per record',
    rows,
  }
}

/** From the first record, so that joining the group is no part of it. */
async function read(consumer, records) {
  let count = 0
  let start = 0
  let cpu
  for await (const record of consumer) {
    if (count === 0) {
      start = performance.now()
      cpu = process.cpuUsage()
    }
    if (record.value.length !== SIZE) throw new Error('what was read is not what was written')
    if (++count === records) break
  }
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (user + system) / count, rate: (count / (performance.now() - start)) * 1000 }
}
