// A producer of one test against the in-process broker, closed when the test ends, and what is in a log.

import { onTestFinished } from 'vitest'
import type { Logger } from '../../src/logger.ts'
import { resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import { type ProducerOptions, resolveProducerOptions } from '../../src/producer/options.ts'
import { Producer } from '../../src/producer/producer.ts'
import { decodeBatches, type RecordBatch } from '../../src/records/decode-batch.ts'
import { TestCluster, type TestClusterOptions } from '../../src/testing/test-cluster.ts'

/** A cluster that is closed when the running test ends. */
export async function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = await TestCluster.start({ topics: { t: 1 }, ...options })
  onTestFinished(async () => await cluster.close())
  return cluster
}

/** A producer that is closed when the running test ends; without linger and with short backoffs. */
export function startProducer(
  cluster: TestCluster,
  options: ProducerOptions = {},
  logger?: Logger,
): Producer {
  const connection = resolveKafkaOptions({
    bootstrapServers: cluster.bootstrapServers,
    reconnectBackoffMs: 5,
    reconnectBackoffMaxMs: 20,
    ...(logger && { logger }),
  })
  const resolved = resolveProducerOptions(
    { lingerMs: 0, retryBackoffMs: 5, retryBackoffMaxMs: 20, ...options },
    connection,
  )
  const producer = new Producer(connection, resolved)
  onTestFinished(async () => await producer.close({ timeoutMs: 0 }))
  return producer
}

/** The batches of a partition's log. */
export async function batchesOf(
  cluster: TestCluster,
  topic = 't',
  partition = 0,
): Promise<RecordBatch[]> {
  const { batches } = cluster.partition(topic, partition)
  return (await Promise.all(batches.map((bytes) => decodeBatches(bytes)))).flat()
}

/** The values in a partition's log, in order. */
export async function valuesOf(
  cluster: TestCluster,
  topic = 't',
  partition = 0,
): Promise<string[]> {
  const batches = await batchesOf(cluster, topic, partition)
  return batches.flatMap(({ records }) => records.map(({ value }) => String(value)))
}
