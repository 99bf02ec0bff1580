// An admin client on an in-process cluster, closed when the running test ends.

import { onTestFinished } from 'vitest'
import type { Admin } from '../../src/admin/admin.ts'
import type { AdminOptions } from '../../src/admin/options.ts'
import type { KafkaError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { TestCluster, type TestClusterOptions } from '../../src/testing/test-cluster.ts'

export interface AdminOnCluster {
  admin: Admin
  cluster: TestCluster
  kafka: Kafka
}

/** Three nodes and a topic `orders` with three partitions, unless the options say otherwise. */
export async function startAdmin(
  options: TestClusterOptions & { admin?: AdminOptions } = {},
): Promise<AdminOnCluster> {
  const { admin: adminOptions, ...clusterOptions } = options
  const cluster = await TestCluster.start({ nodes: 3, topics: { orders: 3 }, ...clusterOptions })
  const kafka = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 20,
  })
  onTestFinished(async () => {
    await kafka.close()
    await cluster.close()
  })
  return { admin: kafka.admin(adminOptions), cluster, kafka }
}

/** What a promise that must reject rejects with. */
export async function failure<E extends KafkaError = KafkaError>(
  promise: Promise<unknown>,
): Promise<E> {
  try {
    await promise
  } catch (error) {
    return error as E
  }
  throw new Error('it resolved')
}
