// Calls about very many partitions take time in proportion.

import { expect, test } from 'vitest'
import { AdminCall } from '../../src/admin/engine.ts'
import { toLeaders } from '../../src/admin/routing.ts'
import { Cluster } from '../../src/cluster/cluster.ts'
import { resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import type { TopicPartition } from '../../src/types.ts'
import { startAdmin } from './with-admin.ts'

// With a search of the topic for each partition: more than 20 s of CPU time.
test('leaders of all partitions of one topic', async () => {
  const { cluster: brokers } = await startAdmin({ nodes: 1, topics: { big: 100_000 } })
  const { bootstrapServers } = brokers
  const cluster = new Cluster(resolveKafkaOptions({ bootstrapServers }))
  const call = new AdminCall(cluster, 'test()', 60_000, undefined)
  const items = Array.from({ length: 100_000 }, (_, partition) => ({ topic: 'big', partition }))
  const started = process.cpuUsage()
  for (let i = 0; i < 4; i++) {
    const batches = await toLeaders((item: TopicPartition) => item)(items, call, () => {})
    expect(batches.map((batch) => batch.items.length)).toEqual([100_000])
  }
  const { user } = process.cpuUsage(started)
  await cluster.close()
  expect(user).toBeLessThan(12_000_000)
}, 120_000)
