// Three brokers, each behind a proxy, and the neutral witness. One serves any number of runs.

import { type RealCluster, startCluster } from '../harness/cluster.ts'
import type { KafkaVersion } from '../harness/distribution.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { FaultProxy } from './proxy.ts'
import { healNodes } from './stage.ts'

export interface ChaosCluster {
  cluster: RealCluster
  /** By node id. */
  proxies: ReadonlyMap<number, FaultProxy>
  tools: JavaTools
  /** Makes it whole again, whatever was done to it. */
  repair(): Promise<void>
  stop(): Promise<void>
}

/** `toolsFor` connects to a witness that runs already. */
export async function startChaosCluster(
  version: KafkaVersion,
  toolsFor: (cluster: RealCluster) => JavaTools | Promise<JavaTools>,
): Promise<ChaosCluster> {
  const proxies = new Map<number, FaultProxy>()
  const cluster = await startCluster({
    version,
    nodes: 3,
    jvmArgs: ['-Xmx400m'],
    properties: {
      // A node that is ended cleanly and started again must not lead at once what it led before.
      'auto.leader.rebalance.enable': false,
      'replica.lag.time.max.ms': 10_000,
      // A follower that asks too early who leads waits so long, and with it every ack. The default is 1 s:
      // longer than what is measured here.
      'replica.fetch.backoff.ms': 100,
      // With KIP-848 and share groups the broker says when a silent member is gone; by itself after 45 s.
      'group.consumer.min.session.timeout.ms': 6000,
      'group.consumer.session.timeout.ms': 6000,
      'group.consumer.min.heartbeat.interval.ms': 1000,
      'group.consumer.heartbeat.interval.ms': 1000,
    },
    async advertise(nodeId, broker) {
      const proxy = await FaultProxy.listen(broker)
      proxies.set(nodeId, proxy)
      return proxy.address
    },
  })
  const tools = await toolsFor(cluster)
  return {
    cluster,
    proxies,
    tools,
    async repair() {
      for (const proxy of proxies.values()) await proxy.heal()
      await healNodes(cluster)
    },
    async stop() {
      tools.close()
      for (const proxy of proxies.values()) await proxy.close()
      await cluster.stop()
    },
  }
}
