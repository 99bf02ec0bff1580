// What a scenario acts on: a cluster behind proxies, a topic that is being written, and the means to
// harm both. It notes what the oracle must know of the time line.

import { setTimeout as delay } from 'node:timers/promises'
import type { RealCluster } from '../harness/cluster.ts'
import { isAlive } from '../harness/java.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import type { PartitionView } from '../harness/probe.ts'
import type { Consumers } from './consumers.ts'
import type { Recovery } from './oracle.ts'
import type { Window } from './pauses.ts'
import type { FaultProxy, ProxyRules } from './proxy.ts'
import type { Random } from './random.ts'
import { watchRecovery } from './watcher.ts'

/** A promise about acknowledgements between two moments. */
export interface Expectation {
  what: string
  from: number
  to: number
  /** Partitions whose longest gap must not be longer than `mostGapMs`; or no acknowledgement at all. */
  kind: { partitions: readonly number[]; mostGapMs: number } | 'noAcks'
}

export class Stage {
  readonly cluster: RealCluster
  /** By node id. */
  readonly proxies: ReadonlyMap<number, FaultProxy>
  readonly tools: JavaTools
  readonly topic: string
  readonly partitions: readonly number[]
  readonly random: Random
  /** null: nobody reads beside the load. */
  readonly consumers: Consumers | null
  readonly recoveries: Recovery[] = []
  readonly expectations: Expectation[] = []
  /** While brokers were harmed: what stands still then is no fault of a group. */
  readonly disturbed: Window[] = []
  /** When the topic was there anew: what was acknowledged before went with the old one. */
  recreatedAt: number = Number.NEGATIVE_INFINITY
  readonly #end: number
  readonly #isVerbose: boolean

  constructor(
    given: Pick<
      Stage,
      'cluster' | 'proxies' | 'tools' | 'topic' | 'partitions' | 'random' | 'consumers'
    >,
    seconds: number,
    isVerbose: boolean,
  ) {
    this.cluster = given.cluster
    this.proxies = given.proxies
    this.tools = given.tools
    this.topic = given.topic
    this.partitions = given.partitions
    this.random = given.random
    this.consumers = given.consumers
    this.#end = Date.now() + seconds * 1000
    this.#isVerbose = isVerbose
  }

  get secondsLeft(): number {
    return Math.max(0, (this.#end - Date.now()) / 1000)
  }

  get nodeIds(): number[] {
    return this.cluster.nodes.map(({ nodeId }) => nodeId)
  }

  log(text: string): void {
    if (this.#isVerbose) console.log(`    ${new Date().toISOString().slice(11, 23)} ${text}`)
  }

  sleep(ms: number): Promise<void> {
    return delay(ms)
  }

  proxy(nodeId: number): FaultProxy {
    const proxy = this.proxies.get(nodeId)
    if (proxy === undefined) throw new Error(`no proxy of node ${nodeId}`)
    return proxy
  }

  setRules(rules: ProxyRules): void {
    for (const proxy of this.proxies.values()) proxy.rules = rules
  }

  async leaderOf(partition: number): Promise<number> {
    return this.cluster.waitForLeader(this.topic, partition)
  }

  async partitionsOf(nodeId: number): Promise<number[]> {
    const views = (await this.cluster.metadata(this.topic)).topics.get(this.topic) ?? []
    return views.filter(({ leader }) => leader === nodeId).map(({ partition }) => partition)
  }

  /** Notes when these partitions can be written again, and waits for it. */
  async awaitRecovery(
    partitions: readonly number[],
    isBack: (view: PartitionView) => boolean = () => true,
  ): Promise<void> {
    const from = Date.now()
    const recoveries = await watchRecovery(this.cluster, this.topic, partitions, isBack)
    this.recoveries.push(...recoveries)
    const times = recoveries.map(({ partition, at }) => `${partition}: ${at - from} ms`)
    this.log(`E of ${times.join(', ')}`)
  }

  /** The fault ends now: from here on a client has no excuse. */
  recoveredNow(partitions: readonly number[] = this.partitions): void {
    const at = Date.now()
    this.recoveries.push(...partitions.map((partition) => ({ partition, at })))
  }

  /** Takes every fault back and waits until the cluster is whole. */
  async heal(): Promise<void> {
    for (const proxy of this.proxies.values()) await proxy.heal()
    await healNodes(this.cluster)
    await this.cluster.waitForIsr(this.topic)
  }
}

/** Wakes and starts what is not running. */
export async function healNodes(cluster: RealCluster): Promise<void> {
  const isDown = ({ process }: RealCluster['nodes'][number]): boolean =>
    process === null || !isAlive(process)
  for (const node of cluster.nodes) if (node.isPaused) cluster.resume(node.nodeId)
  const down = cluster.nodes.filter(isDown).map(({ nodeId }) => nodeId)
  if (down.length > 0) await cluster.restart(...down)
}
