// A cluster and raw clients for one test, closed when it ends.

import { onTestFinished } from 'vitest'
import { TestCluster, type TestClusterOptions } from '../../src/testing/test-cluster.ts'
import { RawClient } from './raw-client.ts'

/** Starts a cluster that is closed when the running test ends. */
export async function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = await TestCluster.start(options)
  onTestFinished(async () => await cluster.close())
  return cluster
}

/** Connects to a node; closed when the running test ends. */
export async function connectTo(cluster: TestCluster, nodeId = 1): Promise<RawClient> {
  const client = await RawClient.connect(cluster.portOf(nodeId))
  onTestFinished(() => client.close())
  return client
}
