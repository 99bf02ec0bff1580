// A cluster gets KIP-890 while a producer writes transactions to it: kafka-features.sh raises
// transaction.version from 1 to 2, and nothing of before, meanwhile or afterwards is lost or doubled.
// A broker tells its levels on connecting, so the producer goes over when brokers are rolled next.
// Three nodes: a coordinator that shuts down forgets the end of a transaction whose partitions have no
// leader at that moment ("likely deleted already and hence can be skipped"), as those of a single node.

import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { startTool } from '../harness/command-tool.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import {
  describeReal,
  javaTools,
  type RealCluster,
  startCluster,
  uniqueName,
} from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { storedBatches } from './stored-batches.ts'

const partitions = [0, 1, 2]

describeReal('transaction.version of a running cluster', () => {
  let cluster: RealCluster
  let java: JavaTools
  let kafka: Kafka

  beforeAll(async () => {
    cluster = await startCluster({
      version: '4.4.0',
      nodes: 3,
      features: ['transaction.version=1'],
    })
    java = await javaTools(cluster)
    kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
  })
  afterAll(async () => {
    await kafka?.close()
    java?.close()
    await cluster?.stop()
  })

  test('is raised while transactions are written', async () => {
    const topic = await java.createTopic(uniqueName('raised'), { partitions: partitions.length })
    const producer = kafka.producer({ transactionalId: uniqueName('tx') })
    const committed: string[] = []
    let count = 0
    const stop = new AbortController()
    /** One record in each partition; every fifth is aborted. */
    const write = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const value = String(count)
        await producer.beginTransaction()
        for (const partition of partitions) void producer.send({ topic, partition, value })
        await producer.flush()
        if (count % 5 === 4) await producer.abortTransaction()
        else {
          await producer.commitTransaction()
          committed.push(value)
        }
        count++
        // So that all of it can be seen in one answer of a broker.
        await delay(20)
      }
    }
    let failure: unknown = null
    const writing = write().catch((error: unknown) => {
      failure = error
    })
    const more = async (number: number): Promise<void> => {
      const wanted = count + number
      const look = (): boolean => failure !== null || count >= wanted
      await waitUntil(`${number} more transactions`, look, { timeoutMs: 60_000 })
    }
    /** Those of the producer by their order in the log of a partition. */
    const epochs = async (): Promise<number[]> => {
      const batches = await storedBatches(kafka, topic, 0)
      return batches.filter(({ isControl }) => !isControl).map((batch) => batch.producerEpoch)
    }

    await more(20)
    // Before KIP-890 all transactions have one epoch.
    expect(new Set(await epochs()).size).toBe(1)
    const servers = ['--bootstrap-server', cluster.internalServers]
    const raise = ['upgrade', '--feature', 'transaction.version=2']
    const tool = await startTool('4.4.0', 'org.apache.kafka.tools.FeatureCommand', [
      ...servers,
      ...raise,
    ])
    const before = count
    await tool.ended(60_000)
    expect(failure).toBeNull()
    expect(count).toBeGreaterThan(before)
    await more(20)
    for (const { nodeId } of cluster.nodes) {
      await cluster.terminate(nodeId)
      await cluster.restart(nodeId)
      await cluster.waitForIsr(topic)
    }
    await more(20)
    stop.abort()
    await writing
    expect(failure).toBeNull()
    await producer.close()

    // One record a transaction: from some point on each has an epoch of its own, one above the last.
    const found = await epochs()
    expect(found).toHaveLength(count)
    const steps = found.slice(1).map((epoch, i) => epoch - found[i])
    expect(steps.slice(0, before - 1).every((step) => step === 0)).toBe(true)
    expect(steps.slice(-10)).toEqual(Array.from({ length: 10 }, () => 1))
    expect(steps.every((step) => step >= 0)).toBe(true)

    const visible = await java.consume(topic, { isolation: 'read_committed' })
    for (const partition of partitions) {
      const values = visible.filter((record) => record.partition === partition)
      expect(values.map(({ value }) => String(value))).toEqual(committed)
    }
    expect(await java.consume(topic)).toHaveLength(partitions.length * count)
    expect(await java.offsets(topic, 'latest', 'read_committed')).toEqual(
      await java.offsets(topic, 'latest', 'read_uncommitted'),
    )
  })
})
