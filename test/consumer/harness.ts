// What the consumer's tests share: a cluster, batches in its logs, and a consumer that reads them.

import { vi } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import { deadLetterProducerOptions } from '../../src/consumer/delivery/dead-letters.ts'
import type { ConsumerLoop } from '../../src/consumer/delivery/iterators.ts'
import { type ConsumerOptions, resolveConsumerOptions } from '../../src/consumer/options.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { type KafkaOptions, resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import { resolveProducerOptions } from '../../src/producer/options.ts'
import { Producer } from '../../src/producer/producer.ts'
import { BatchBuilder, noProducer } from '../../src/records/batch-builder.ts'
import type { ConsumerRecord } from '../../src/records/consumer-record.ts'
import type { TestCluster } from '../../src/testing/test-cluster.ts'

/** One batch of text values. */
export async function batchOf(
  values: readonly string[],
  key: string | null = null,
): Promise<Buffer> {
  const builder = new BatchBuilder(1_000_000)
  for (const value of values) builder.append(key, value, [], 1_700_000_000_000)
  return builder.finish({ ...noProducer, compressionType: 'none' })
}

/** `count` records named after their partition and place, in batches of `perBatch`. */
export async function fill(
  cluster: TestCluster,
  topic: string,
  partition: number,
  count: number,
  perBatch = 10,
): Promise<string[]> {
  const log = cluster.partition(topic, partition)
  const from = Number(log.highWatermark)
  const values = Array.from({ length: count }, (_, i) => `${topic}-${partition}:${from + i}`)
  for (let i = 0; i < count; i += perBatch) {
    log.append(await batchOf(values.slice(i, i + perBatch)))
  }
  return values
}

/** A consumer with short times, so that tests need not wait. */
export function consumerOf<K = Buffer | null, V = Buffer | null>(
  cluster: TestCluster,
  options: ConsumerOptions<K, V> = {},
  kafka: Partial<KafkaOptions> = {},
): Consumer<K, V> {
  const connection = resolveKafkaOptions({
    bootstrapServers: cluster.bootstrapServers,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 50,
    reconnectBackoffMs: 5,
    reconnectBackoffMaxMs: 50,
    ...kafka,
  })
  const resolved = resolveConsumerOptions({
    autoOffsetReset: 'earliest',
    fetchMaxWaitMs: 50,
    heartbeatIntervalMs: 50,
    ...options,
  })
  const openDeadLetters = () =>
    new Producer(connection, resolveProducerOptions(deadLetterProducerOptions, connection))
  return new Consumer<K, V>(connection, resolved, openDeadLetters)
}

export function textOf(record: ConsumerRecord<unknown, unknown>): string {
  return String(record.rawValue)
}

/** The texts of the next `count` records, which are done then. */
export async function take(
  records: { [Symbol.asyncIterator](): ConsumerLoop<ConsumerRecord<unknown, unknown>> },
  count: number,
): Promise<string[]> {
  const texts: string[] = []
  if (count === 0) return texts
  const loop = records[Symbol.asyncIterator]()
  for await (const record of loop) {
    texts.push(textOf(record))
    if (texts.length < count) continue
    loop.markDone()
    break
  }
  return texts
}

/** Deletes a group as soon as it has no members. */
export async function deleteGroup(cluster: TestCluster, groupId: string): Promise<void> {
  const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
  const admin = kafka.admin()
  const attempt = (): Promise<void> => admin.deleteGroups([groupId]).then(() => {})
  await vi.waitFor(attempt, { timeout: 20_000 })
  await kafka.close()
}

/** Something to wait for, and what ends the wait. */
export function latch(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open: () => open() }
}
