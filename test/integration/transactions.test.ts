// Transactions on real brokers, with KIP-890 (4.4.0) and before it: what is committed is read back by our
// consumer at both isolation levels and by Java's, offsets are asked for by Java.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { FencedError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

for (const version of ['4.4.0', '4.3.0', '3.9.2', '2.8.2'] as const) {
  describeReal(`transactions on Kafka ${version}`, () => {
    let java: JavaTools
    let kafka: Kafka

    beforeAll(async () => {
      const cluster = await sharedCluster(version)
      java = await javaTools(cluster)
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    })

    afterAll(async () => {
      await kafka?.close()
      await java?.close()
    })

    /** The values that our consumer gets, all there are. */
    async function read(
      topic: string,
      isolationLevel: 'read_committed' | 'read_uncommitted',
    ): Promise<string[]> {
      const consumer = kafka.consumer({ isolationLevel, autoOffsetReset: 'earliest' })
      const [{ offset: end }] = await consumer.endOffsets([{ topic, partition: 0 }])
      consumer.assign([{ topic, partition: 0 }])
      const values: string[] = []
      const stop = new AbortController()
      const reading = (async () => {
        for await (const { value } of consumer.records({ signal: stop.signal })) {
          values.push(String(value))
        }
      })().catch(() => {})
      await waitUntil(
        `all of ${topic} is read`,
        async () => (await consumer.position({ topic, partition: 0 })) >= end,
      )
      stop.abort()
      await reading
      await consumer.close()
      return values
    }

    async function readByJava(topic: string): Promise<string[]> {
      const records = await java.consume(topic, { isolation: 'read_committed' })
      return records.map(({ value }) => String(value))
    }

    test('commits and aborts, one after the other', async () => {
      const topic = await java.createTopic(uniqueName('commits'))
      const producer = kafka.producer({ transactionalId: uniqueName('tx'), compressionType: 'lz4' })
      const all: string[] = []
      const kept: string[] = []
      for (let i = 0; i < 20; i++) {
        await producer.beginTransaction()
        for (let n = 0; n < 10; n++) {
          const value = `${i}.${n}`
          void producer.send({ topic, value })
          all.push(value)
          if (i % 3 !== 1) kept.push(value)
        }
        await producer.flush()
        if (i % 3 === 1) await producer.abortTransaction()
        else await producer.commitTransaction()
      }
      await producer.close()
      expect(await read(topic, 'read_committed')).toEqual(kept)
      expect(await read(topic, 'read_uncommitted')).toEqual(all)
      expect(await readByJava(topic)).toEqual(kept)
    })

    test('a record that fails keeps all from the commit; the next one goes well', async () => {
      const topic = await java.createTopic(uniqueName('fails'), {
        configs: { 'max.message.bytes': 2000 },
      })
      const producer = kafka.producer({ transactionalId: uniqueName('tx') })
      for (let i = 0; i < 3; i++) {
        const run = producer.transaction((tx) => {
          void tx.send({ topic, value: `good ${i}` })
          if (i === 1) void tx.send({ topic, value: 'x'.repeat(10_000) })
        })
        if (i === 1) await expect(run).rejects.toThrow(/MESSAGE_TOO_LARGE/)
        else await run
      }
      await producer.close()
      expect(await read(topic, 'read_committed')).toEqual(['good 0', 'good 2'])
      expect(await readByJava(topic)).toEqual(['good 0', 'good 2'])
    })

    test('offsets are part of it: every input has one output, whatever was aborted', async () => {
      const input = await java.createTopic(uniqueName('input'))
      const output = await java.createTopic(uniqueName('output'))
      const values = Array.from({ length: 60 }, (_, i) => `${i}`)
      await java.produce(
        input,
        values.map((value) => ({ partition: 0, value })),
      )
      const groupId = uniqueName('group')
      const consumer = kafka.consumer({
        groupId,
        topics: [input],
        autoOffsetReset: 'earliest',
        enableAutoCommit: false,
        maxPollRecords: 7,
        isolationLevel: 'read_committed',
      })
      const producer = kafka.producer({ transactionalId: uniqueName('tx') })
      let runs = 0
      for await (const batch of consumer.batches()) {
        const fails = ++runs % 3 === 2
        const run = producer.transaction(async (tx) => {
          for (const record of batch) void tx.send({ topic: output, value: String(record.value) })
          await tx.sendOffsets(consumer)
          if (fails) throw new Error('mine')
        })
        if (fails) await expect(run).rejects.toThrow('mine')
        else await run
        if (!fails && batch.nextOffset >= 60n) break
      }
      await consumer.close()
      await producer.close()
      expect(await read(output, 'read_committed')).toEqual(values)
      expect(await readByJava(output)).toEqual(values)
      const committed = await java.groupOffsets(groupId)
      expect(committed).toMatchObject([{ topic: input, partition: 0, offset: 60n }])
    })

    test('the older of two producers with one transactionalId is fenced', async () => {
      const topic = await java.createTopic(uniqueName('fenced'))
      const transactionalId = uniqueName('tx')
      const older = kafka.producer({ transactionalId })
      await older.beginTransaction()
      await older.send({ topic, value: 'old' })
      const newer = kafka.producer({ transactionalId })
      await newer.transaction((tx) => tx.send({ topic, value: 'new' }))
      await expect(older.commitTransaction()).rejects.toThrow(FencedError)
      await expect(older.send({ topic, value: 'late' })).rejects.toThrow(FencedError)
      await older.close()
      await newer.transaction((tx) => tx.send({ topic, value: 'next' }))
      await newer.close()
      expect(await read(topic, 'read_committed')).toEqual(['new', 'next'])
      expect(await readByJava(topic)).toEqual(['new', 'next'])
    })

    test('what a producer left open is aborted by the next of its name', async () => {
      const topic = await java.createTopic(uniqueName('left'))
      const transactionalId = uniqueName('tx')
      const crashed = new Kafka({
        bootstrapServers: (await sharedCluster(version)).bootstrapServers,
      })
      const lost = crashed.producer({ transactionalId })
      await lost.beginTransaction()
      await lost.send({ topic, value: 'lost' })
      // As if it had crashed: nothing tells the brokers.
      await lost.close({ timeoutMs: 0 })
      const heir = kafka.producer({ transactionalId })
      await heir.initTransactions()
      await heir.transaction((tx) => tx.send({ topic, value: 'heir' }))
      await heir.close()
      await crashed.close()
      expect(await read(topic, 'read_committed')).toEqual(['heir'])
      // Brokers before 3.0 do not list them.
      if (version === '2.8.2') return
      const mine = (await java.transactions()).filter((t) => t.transactionalId === transactionalId)
      expect(mine).toMatchObject([{ state: 'CompleteCommit' }])
    })
  })
}
