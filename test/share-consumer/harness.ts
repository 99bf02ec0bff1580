// What the share consumer's tests share: a cluster whose groups begin at the start of the logs, and consumers
// with short times.

import { onTestFinished } from 'vitest'
import { type KafkaOptions, resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import {
  resolveShareConsumerOptions,
  type ShareConsumerOptions,
} from '../../src/share-consumer/options.ts'
import { ShareConsumer } from '../../src/share-consumer/share-consumer.ts'
import type { ShareRecord } from '../../src/share-consumer/share-record.ts'
import type { BrokerProperties } from '../../src/testing/broker-properties.ts'
import { TestCluster, type TestClusterOptions } from '../../src/testing/test-cluster.ts'

/** Closed at the end of the test. */
export async function startShareCluster(
  options: TestClusterOptions & { properties?: Partial<BrokerProperties> } = {},
): Promise<TestCluster> {
  const cluster = await TestCluster.start({
    topics: { t: 1 },
    ...options,
    properties: {
      shareAutoOffsetReset: 'earliest',
      groupShareHeartbeatIntervalMs: 50,
      ...options.properties,
    },
  })
  onTestFinished(() => cluster.close())
  return cluster
}

/** Closed at the end of the test. */
export function shareConsumerOf<K = Buffer | null, V = Buffer | null>(
  cluster: { readonly bootstrapServers: string },
  options: Partial<ShareConsumerOptions<K, V>> = {},
  kafka: Partial<KafkaOptions> = {},
): ShareConsumer<K, V> {
  const connection = resolveKafkaOptions({
    bootstrapServers: cluster.bootstrapServers,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 50,
    reconnectBackoffMs: 5,
    reconnectBackoffMaxMs: 50,
    ...kafka,
  })
  const resolved = resolveShareConsumerOptions({
    groupId: 'g',
    topics: ['t'],
    fetchMaxWaitMs: 50,
    ...options,
  })
  const consumer = new ShareConsumer<K, V>(connection, resolved)
  onTestFinished(() => consumer.close({ timeoutMs: 2000 }))
  return consumer
}

/** `value@deliveryCount`. */
export function seen(record: ShareRecord<unknown, unknown>): string {
  return `${String(record.rawValue)}@${record.deliveryCount}`
}

/** The next `count` records of a new loop, which are accepted, as `value@deliveryCount`. */
export async function takeShared(consumer: ShareConsumer, count: number): Promise<string[]> {
  const texts: string[] = []
  const loop = consumer.records()
  for await (const record of loop) {
    texts.push(seen(record))
    if (texts.length < count) continue
    loop.markDone()
    break
  }
  return texts
}
