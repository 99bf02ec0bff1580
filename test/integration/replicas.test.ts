// Reading where there are several replicas: from a follower in the consumer's own rack (KIP-392), as the
// brokers' request logs tell it; and from a log that an unclean election has cut off (KIP-320).

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Consumer, LogTruncation } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import {
  describeReal,
  javaTools,
  type RealCluster,
  startCluster,
  uniqueName,
} from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

describeReal('a consumer where there are several replicas', () => {
  let cluster: RealCluster
  let java: JavaTools

  beforeAll(async () => {
    cluster = await startCluster({
      version: '4.4.0',
      nodes: 3,
      nodeProperties: (nodeId) => ({ 'broker.rack': `rack-${nodeId}` }),
      properties: {
        'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      },
      // Every request and its answer, in the log of the broker.
      jvmArgs: ['-Dorg.slf4j.simpleLogger.log.kafka.request.logger=debug'],
    })
    java = await javaTools(cluster)
  })

  afterAll(async () => {
    java?.close()
    await cluster?.stop()
  })

  /** How many bytes of records a node's own log says that it gave to this client. */
  async function bytesGiven(nodeId: number, clientId: string): Promise<number> {
    const lines = (await cluster.logs(nodeId)).split('\n')
    const fetches = lines.filter(
      (line) => line.includes('"requestApiKeyName":"FETCH"') && line.includes(`"${clientId}"`),
    )
    const sizes = fetches.flatMap((line) => [...line.matchAll(/"recordsSizeInBytes":(\d+)/g)])
    return sizes.reduce((sum, [, size]) => sum + Number(size), 0)
  }

  function read(consumer: Consumer): { offsets: bigint[]; values: number[]; ended: Promise<void> } {
    const offsets: bigint[] = []
    const values: number[] = []
    const ended = (async () => {
      for await (const record of consumer) {
        offsets.push(record.offset)
        values.push(Number(record.value))
      }
    })()
    return { offsets, values, ended }
  }

  async function write(topic: string, from: number, to: number): Promise<void> {
    const records = Array.from({ length: to - from }, (_, i) => ({ value: String(from + i) }))
    await java.produce(topic, records)
  }

  test('reads from the follower in its rack, and from the leader when that one is killed', async () => {
    const topic = await java.createTopic(uniqueName('racks'), { assignments: [[1, 2, 3]] })
    const place = { topic, partition: 0 }
    const clientId = uniqueName('near')
    const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, clientId })
    const consumer = kafka.consumer({ clientRack: 'rack-2', autoOffsetReset: 'earliest' })
    consumer.assign([place])
    const { offsets, values, ended } = read(consumer)
    let isKilled = false
    try {
      await write(topic, 0, 100)
      await waitUntil('the first are read', () => values.length === 100)
      // The leader has to say first who is nearer, and gives records itself until then.
      let before = 0
      for (let i = 100; i < 1000; i += 300) {
        before = await bytesGiven(1, clientId)
        const near = await bytesGiven(2, clientId)
        await write(topic, i, i + 300)
        await waitUntil('they are read', () => values.length === i + 300)
        if (i < 700) continue
        await waitUntil('the follower says so', async () => {
          return (await bytesGiven(2, clientId)) > near + 1000
        })
      }
      expect(await bytesGiven(1, clientId)).toBe(before)
      expect(await bytesGiven(3, clientId)).toBe(0)

      isKilled = true
      await cluster.kill(2)
      for (let i = 1000; i < 1500; i += 250) await write(topic, i, i + 250)
      await waitUntil('the rest is read', () => values.length >= 1500)
      await waitUntil('the leader says so', async () => {
        return (await bytesGiven(1, clientId)) > before + 1000
      })
      expect(values).toEqual(Array.from({ length: 1500 }, (_, i) => i))
      expect(offsets).toEqual(values.map(BigInt))
      expect(await consumer.position(place)).toBe(1500n)
    } finally {
      await consumer.close()
      await ended
      await kafka.close()
      if (isKilled) await cluster.restart(2)
    }
  })

  test('is told what an unclean election has cut off, and goes on from there', async () => {
    const configs = { 'unclean.leader.election.enable': true, 'min.insync.replicas': 1 }
    const topic = await java.createTopic(uniqueName('cut'), { assignments: [[1, 2]], configs })
    const place = { topic, partition: 0 }
    const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    const told: LogTruncation[] = []
    const consumer = kafka.consumer({
      autoOffsetReset: 'latest',
      onLogTruncated: (truncation) => told.push(truncation),
    })
    consumer.assign([{ ...place, offset: 0n }])
    const { offsets, values, ended } = read(consumer)
    try {
      await write(topic, 0, 10)
      await waitUntil('all are read', () => values.length === 10)
      // The follower misses what comes now; the leader alone acknowledges it, and is then gone.
      await cluster.kill(2)
      await waitUntil('the leader is alone', async () => {
        return (await cluster.partition(topic, 0)).isr.length === 1
      })
      await write(topic, 10, 30)
      await waitUntil('they are read', () => values.length === 30)
      await cluster.kill(1)
      await cluster.restart(2)
      expect(await cluster.waitForLeader(topic, 0, 1)).toBe(2)
      // Fewer than were lost: to the consumer's position there is nothing at all.
      await write(topic, 100, 105)
      await waitUntil('the new ones are read', () => values.length >= 35)
      expect(told).toEqual([{ ...place, from: 30n, to: 10n }])
      expect(values.slice(30)).toEqual([100, 101, 102, 103, 104])
      expect(offsets.slice(30)).toEqual([10n, 11n, 12n, 13n, 14n])
      const stands = await java.consume(topic)
      expect(stands.map(({ value }) => Number(value))).toEqual([
        ...Array.from({ length: 10 }, (_, i) => i),
        ...[100, 101, 102, 103, 104],
      ])
    } finally {
      await consumer.close()
      await ended
      await kafka.close()
    }
  })
})
