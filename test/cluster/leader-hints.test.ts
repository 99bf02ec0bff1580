// Brokers name new leaders in their responses (KIP-951). A broker whose partitions move names thousands at once, and
// each change of metadata is a copy of all topics and a look at all partitions.

import { expect, test } from 'vitest'
import type { Cluster } from '../../src/cluster/cluster.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { latch } from '../consumer/harness.ts'
import { shareConsumerOf, startShareCluster } from '../share-consumer/harness.ts'

const COUNT = 40
const places = Array.from({ length: COUNT }, (_, partition) => ({ topic: 't', partition }))

test.each(['producer', 'consumer', 'share consumer'])(
  'the leaders that a response names to a %s make one change of metadata',
  async (kind) => {
    const brokers = await startShareCluster({ nodes: 2, topics: { t: COUNT } })
    const { bootstrapServers } = brokers
    const kafka = new Kafka({ bootstrapServers, logger: silentLogger })
    for (const { topic, partition } of places) brokers.moveLeader(topic, partition, 1)
    const writer = kafka.producer()
    const write = (): Promise<unknown> =>
      writer.sendBatch(places.map((place) => ({ ...place, value: 'v' })))
    await write()
    const assigned = kafka.consumer({ fetchMaxWaitMs: 50 })
    assigned.assign(places.map((place) => ({ ...place, offset: 0n })))
    const sharing = shareConsumerOf(brokers)
    const client = { producer: writer, consumer: assigned, 'share consumer': sharing }[kind]
    if (client === undefined) throw new Error(`${kind} is not known`)
    const { cluster } = Reflect.get(client, 'core') as { cluster: Cluster }
    let count = 0
    const read = async (): Promise<void> => {
      const loop = kind === 'consumer' ? assigned.records() : sharing.records()
      while (!(await loop.next()).done) count++
    }
    const reading = kind === 'producer' ? undefined : read()
    const hasAll = (node: number): boolean =>
      places.every(({ topic, partition }) => cluster.leaderOf(topic, partition)?.nodeId === node)
    if (reading !== undefined) await brokers.waitFor(() => count === COUNT)
    expect(hasAll(1)).toBe(true)
    const held = latch()
    brokers.intercept(metadata, async ({ next }) => {
      await held.promise
      return next()
    })
    let changes = 0
    cluster.onMetadata(() => changes++)
    for (const { topic, partition } of places) brokers.moveLeader(topic, partition, 2)
    const writing = kind === 'producer' ? write() : undefined
    await brokers.waitFor(() => hasAll(2))
    expect(changes).toBeLessThan(5)
    held.open()
    await writing
    await kafka.close()
    await sharing.close()
    await reading
  },
)
