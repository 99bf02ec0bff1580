// The clients that the calls of the argument tables are made on.

import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import type { Subjects } from './argument-tables.ts'

/** A cluster for the clients, and a second one whose calls are subjects too. */
export interface Opened {
  readonly cluster: TestCluster
  readonly subjects: Subjects
  readonly end: () => Promise<void>
}

export async function openSubjects(): Promise<Opened> {
  const cluster = await TestCluster.start({ topics: { t: 1 } })
  const testCluster = await TestCluster.start({ nodes: 2, topics: { t: 1, again: 1, gone: 1 } })
  const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
  const transactional = kafka.producer({ transactionalId: 'x' })
  await transactional.beginTransaction()
  const consumer = kafka.consumer({ groupId: 'g', enableAutoCommit: false })
  const subjects = {
    kafka,
    producer: kafka.producer({ lingerMs: 0 }),
    transactional,
    consumer,
    subscriber: kafka.consumer({ groupId: 's' }),
    shareConsumer: kafka.shareConsumer({ groupId: 'share', topics: ['t'] }),
    admin: kafka.admin({ defaultApiTimeoutMs: 1000 }),
    testCluster,
  }
  consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
  const end = async (): Promise<void> => {
    await kafka.close({ timeoutMs: 0 })
    await cluster.close()
    await testCluster.close()
  }
  return { cluster, subjects, end }
}
