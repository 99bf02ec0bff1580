// Our transactions, as Kafka's own Java client sees them: committed ones whole, aborted ones not at all
// with read_committed, at the offsets that were acknowledged; offsets with the records they belong to; and
// a pipe that copies a topic once.

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Producer } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import { Random } from '../chaos/random.ts'
import { runTool } from '../harness/command-tool.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import {
  type ClusterAddress,
  describeReal,
  javaTools,
  sharedCluster,
  uniqueName,
} from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { codecs, writeTransactions } from './our-transactions.ts'
import { shownPlaces } from './shown.ts'

const partitionCount = 6

for (const [version, nodes] of [
  ['4.4.0', 1],
  ['4.4.0', 3],
  ['3.9.2', 1],
  ['2.8.2', 1],
] as const) {
  describeReal(`our transactions on ${nodes} x ${version}`, () => {
    let cluster: ClusterAddress
    let java: JavaTools
    let kafka: Kafka

    beforeAll(async () => {
      cluster = await sharedCluster(version, nodes)
      java = await javaTools(cluster)
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    })
    afterAll(async () => {
      java?.close()
      await kafka?.close()
    })

    function open(options: Parameters<Kafka['producer']>[0] = {}): Producer {
      const producer = kafka.producer({ transactionalId: uniqueName('ours'), ...options })
      onTestFinished(() => producer.close())
      return producer
    }

    test.each([1, 2])('are what we say, seed %i', async (seed) => {
      const random = new Random(seed)
      const topic = await java.createTopic(uniqueName('ours'), { partitions: partitionCount })
      const producers = codecs.map((compressionType) => open({ compressionType }))
      const written = await writeTransactions(producers, topic, partitionCount, random)
      const committed = written.filter(({ isCommitted }) => isCommitted)
      expect(committed.length).toBeGreaterThan(500)
      expect(committed.length).toBeLessThan(written.length - 500)

      const all = await java.consume(topic, { isolation: 'read_uncommitted' })
      expect(shownPlaces(all)).toEqual(shownPlaces(written))
      const visible = await java.consume(topic, { isolation: 'read_committed' })
      expect(shownPlaces(visible)).toEqual(shownPlaces(committed))
      // Nothing is left open.
      expect(await java.offsets(topic, 'latest', 'read_committed')).toEqual(
        await java.offsets(topic, 'latest', 'read_uncommitted'),
      )
      // Ours sees the same.
      const consumer = kafka.consumer({ isolationLevel: 'read_committed' })
      onTestFinished(() => consumer.close())
      const places = Array.from({ length: partitionCount }, (_, partition) => partition)
      consumer.assign(places.map((partition) => ({ topic, partition, offset: 0n })))
      const got = []
      for await (const { partition, offset, value } of consumer) {
        got.push({ partition, offset, value })
        if (got.length === committed.length) break
      }
      expect(shownPlaces(got)).toEqual(shownPlaces(committed))
      if (version === '2.8.2') return
      const servers = ['--bootstrap-server', cluster.internalServers]
      const asked = [
        'find-hanging',
        '--topic',
        topic,
        '--partition',
        '0',
        '--max-transaction-timeout',
        '0',
      ]
      const main = 'org.apache.kafka.tools.TransactionsCommand'
      const lines = await runTool('4.4.0', main, [...servers, ...asked])
      expect(lines.slice(1).filter((line) => line.trim() !== '')).toEqual([])
    })

    test('one that is left open is aborted by its successor, and its producer is fenced', async () => {
      const topic = await java.createTopic(uniqueName('ours'))
      const transactionalId = uniqueName('same')
      const older = open({ transactionalId })
      await older.beginTransaction()
      await older.send({ topic, partition: 0, value: 'left open' })
      const newer = open({ transactionalId })
      await newer.transaction(async (tx) => {
        await tx.send({ topic, partition: 0, value: 'committed' })
      })
      await expect(older.commitTransaction()).rejects.toThrow('another one has taken over')
      const visible = await java.consume(topic, { isolation: 'read_committed' })
      expect(visible.map(({ value }) => String(value))).toEqual(['committed'])
      expect(await java.consume(topic)).toHaveLength(2)
    })

    test('a pipe copies each record once, and its offsets are those of its input', async () => {
      const input = await java.createTopic(uniqueName('in'), { partitions: 3 })
      const output = await java.createTopic(uniqueName('out'), { partitions: 3 })
      const groupId = uniqueName('group')
      const records = Array.from({ length: 3000 }, (_, i) => ({ partition: i % 3, value: `${i}` }))
      await java.produce(input, records)
      const stop = new AbortController()
      let done = 0
      const consumer = kafka.consumer({
        groupId,
        topics: [input],
        enableAutoCommit: false,
        autoOffsetReset: 'earliest',
        isolationLevel: 'read_committed',
      })
      onTestFinished(() => consumer.close())
      await kafka.pipe(
        consumer,
        (batch) =>
          batch.map(({ partition, value }) => ({
            topic: output,
            partition,
            value: `copy of ${value}`,
          })),
        {
          producer: open(),
          maxTransactionRecords: 400,
          signal: stop.signal,
          onCommit(commit) {
            done += commit.records
            if (done >= 3000) stop.abort()
          },
        },
      )
      const copies = await java.consume(output, { isolation: 'read_committed' })
      const expected = records.map(({ partition, value }) => `${partition}: copy of ${value}`)
      const found = copies.map(({ partition, value }) => `${partition}: ${value}`)
      expect(found.sort()).toEqual(expected.sort())
      await waitUntil('the offsets are committed', async () => {
        const offsets = await java.groupOffsets(groupId)
        return offsets.length === 3 && offsets.every(({ offset }) => offset === 1000n)
      })
    })
  })
}
