// Real Apache Kafka brokers on this machine, of any version the tests know, one JVM a node, with
// everything a fault test does to them. A started cluster is stopped by whoever started it; what is
// left when the process ends is killed (java.ts), and its folder removed.

import { type ChildProcess, execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, rmSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { dataFolder, hostedTopics, isRegisteredStill, logFile } from './broker-folder.ts'
import { classPath, type KafkaVersion, usesKraft } from './distribution.ts'
import { atProcessEnd, compileJava, endProcess, isAlive, startJava } from './java.ts'
import { freePorts } from './ports.ts'
import { type Address, askMetadata, type ClusterView, type PartitionView } from './probe.ts'
import {
  type Listener,
  type NodeSettings,
  type Properties,
  type SecurityProtocol,
  serverProperties,
  zooKeeperProperties,
} from './server-properties.ts'
import { GiveUpError, waitUntil } from './wait-until.ts'

const run = promisify(execFile)

/** How long a cluster may take to start; two busy cores and three JVMs need some of it. */
const startTimeoutMs = 300_000

export interface ClusterOptions {
  version: KafkaVersion
  /** How many nodes; their ids are 1, 2, ... Default: 1. */
  nodes?: number
  /** Broker settings, added to those of server-properties.ts; values are literal text. */
  properties?: Properties
  /** Settings of one node, added to those of all. */
  nodeProperties?: (nodeId: number) => Properties
  /**
   * The listeners for clients, by name in capitals; the first is the one of `bootstrapServers`.
   * Default: `{ CLIENT: 'PLAINTEXT' }`. Brokers (and the Java tools) always use another, INTERNAL.
   */
  listeners?: Record<string, SecurityProtocol>
  /**
   * The address that clients are told instead of the broker's own, so that a proxy can stand
   * between. It is asked once for each client listener of each node, before the cluster starts.
   */
  advertise?: (nodeId: number, broker: Address, listener: string) => Address | Promise<Address>
  /** SCRAM users that exist from the first moment: `SCRAM-SHA-256=[name=alice,password=secret]`. */
  scramUsers?: string[]
  /** Levels of features that the cluster begins with in place of its version's own: `transaction.version=1`. */
  features?: string[]
  /**
   * Whether voters of the quorum can be added and removed (KIP-853). The first node is then the only
   * voter, and the others are observers. Default: false, all are voters.
   */
  hasDynamicQuorum?: boolean
  /** Sources in `java/`, compiled and put on the class path of each broker. */
  plugins?: string[]
  /** More arguments for each broker's JVM; a later one wins, so `-Xmx` may be given again. */
  jvmArgs?: string[]
}

/** What one has to know to reach a cluster; it can be handed to another process. */
export interface ClusterAddress {
  version: KafkaVersion
  /** For the client under test. */
  bootstrapServers: string
  /** For neutral witnesses: the brokers' own listener, past any proxy, without security. */
  internalServers: string
  nodes: readonly NodeAddress[]
}

export interface NodeAddress {
  nodeId: number
  /** Where the node's first client listener really is, which a proxy may hide. */
  address: Address
  /** The listener INTERNAL, for askMetadata(). */
  internal: Address
}

interface Node extends NodeAddress {
  folder: string
  listeners: Map<string, Listener>
  process: ChildProcess | null
  isPaused: boolean
  /** Where the log of its last start begins. */
  logFrom: number
}

/** Starts a cluster and waits until every node sees all others. */
export async function startCluster(options: ClusterOptions): Promise<RealCluster> {
  const cluster = await RealCluster.create(options)
  try {
    await cluster.start()
  } catch (error) {
    await cluster.stop()
    throw error
  }
  return cluster
}

/** A running cluster, and the faults it can be given. Made by {@link startCluster}. */
export class RealCluster implements ClusterAddress {
  readonly version: KafkaVersion
  readonly nodes: readonly Node[]
  readonly #options: ClusterOptions
  readonly #folder: string
  readonly #controllerPorts: Map<number, number>
  readonly #zooKeeperPort: number
  #zooKeeper: ChildProcess | null = null
  readonly #forgetFolder: () => void

  private constructor(
    options: ClusterOptions,
    folder: string,
    nodes: Node[],
    controllerPorts: Map<number, number>,
    zooKeeperPort: number,
  ) {
    this.version = options.version
    this.nodes = nodes
    this.#options = options
    this.#folder = folder
    this.#controllerPorts = controllerPorts
    this.#zooKeeperPort = zooKeeperPort
    this.#forgetFolder = atProcessEnd(() => {
      // A broker that is being killed may write a last file meanwhile.
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
    })
  }

  /** Chooses folders and ports; nothing runs yet. */
  static async create(options: ClusterOptions): Promise<RealCluster> {
    const ids = Array.from({ length: options.nodes ?? 1 }, (_, index) => index + 1)
    const folder = await mkdtemp(join(tmpdir(), `kafkawire-${options.version}-`))
    const nodes = await Promise.all(ids.map((nodeId) => makeNode(nodeId, folder, options)))
    const [zooKeeperPort, ...ports] = await freePorts(1 + ids.length)
    const controllerPorts = new Map(ids.map((nodeId, index) => [nodeId, ports[index]]))
    return new RealCluster(options, folder, nodes, controllerPorts, zooKeeperPort)
  }

  get bootstrapServers(): string {
    return this.bootstrapOf(this.nodes[0].listeners.keys().next().value ?? '')
  }

  /** Where a node's controller listens. */
  controllerOf(nodeId: number): Address {
    const port = this.#controllerPorts.get(nodeId)
    if (port === undefined) throw new Error(`no controller ${nodeId}`)
    return { host: '127.0.0.1', port }
  }

  get internalServers(): string {
    return this.bootstrapOf('INTERNAL')
  }

  /** The bootstrap servers of one listener, as clients are told. */
  bootstrapOf(listener: string): string {
    const addresses = this.nodes.map(({ listeners }) => {
      const found = listeners.get(listener)
      if (found === undefined) throw new Error(`no listener ${listener}`)
      return `${found.advertised.host}:${found.advertised.port}`
    })
    return addresses.join(',')
  }

  /** The part that another process can use. */
  toAddress(): ClusterAddress {
    const nodes = this.nodes.map(({ nodeId, address, internal }) => ({ nodeId, address, internal }))
    const { version, bootstrapServers, internalServers } = this
    return { version, bootstrapServers, internalServers, nodes }
  }

  /** First start. */
  async start(): Promise<void> {
    if (usesKraft(this.version)) await this.#format()
    else await this.#startZooKeeper()
    await this.restart(...this.nodes.map((node) => node.nodeId))
  }

  /** `kill -9`. */
  async kill(nodeId: number): Promise<void> {
    await this.#end(nodeId, 'SIGKILL')
  }

  /** SIGTERM: a clean shutdown, with leadership handed over. Waits for its end. */
  async terminate(nodeId: number): Promise<void> {
    await this.#end(nodeId, 'SIGTERM')
  }

  /** SIGSTOP: the process stands still, its connections stay open. */
  pause(nodeId: number): void {
    const node = this.#node(nodeId)
    node.process?.kill('SIGSTOP')
    node.isPaused = true
  }

  /** SIGCONT. */
  resume(nodeId: number): void {
    const node = this.#node(nodeId)
    node.process?.kill('SIGCONT')
    node.isPaused = false
  }

  /**
   * Starts nodes that were ended, on the same ports and data, and waits until they and all other
   * running nodes see each other. Nodes that need each other for a quorum go into one call. With
   * ZooKeeper, a node that was killed is started again until its former session has expired.
   */
  async restart(...nodeIds: number[]): Promise<void> {
    const starting = nodeIds.map((nodeId) => this.#node(nodeId))
    await Promise.all(starting.map((node) => this.#launch(node)))
    const running = this.#running()
    await Promise.all(running.map((node) => this.#waitForView(node, running)))
  }

  /** Ends everything at once and removes the data. May be called again. */
  async stop(): Promise<void> {
    const children = [...this.nodes.map((node) => node.process), this.#zooKeeper]
    await Promise.all(children.map((child) => child && endProcess(child, 'SIGKILL')))
    this.#forgetFolder()
    if (process.env.KAFKAWIRE_KEEP) console.warn(`Kafka ${this.version} was in ${this.#folder}`)
    else await rm(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** What a node has written so far, over all its starts. */
  async logs(nodeId: number): Promise<string> {
    return readFile(logFile(this.#node(nodeId).folder), 'utf8')
  }

  /** The cluster as a running node sees it, by a frame made by hand. */
  async metadata(...topics: string[]): Promise<ClusterView> {
    return Promise.any(this.#running().map((node) => askMetadata(node.internal, topics)))
  }

  /** The partition as the cluster itself sees it now. */
  async partition(topic: string, partition: number): Promise<PartitionView> {
    const { topics } = await this.metadata(topic)
    const found = topics.get(topic)?.find((view) => view.partition === partition)
    if (found === undefined) throw new Error(`${topic}-${partition} is not known`)
    return found
  }

  /** Waits until the partition has a leader, another one than `not` if that is given. */
  async waitForLeader(topic: string, partition: number, not = -1): Promise<number> {
    const { leader } = await waitUntil(
      `a leader of ${topic}-${partition}${not === -1 ? '' : ` other than ${not}`}`,
      async () => {
        const view = await this.partition(topic, partition)
        return view.leader !== -1 && view.leader !== not ? view : null
      },
      { timeoutMs: 60_000 },
    )
    return leader
  }

  /** Waits until every partition of the topic has this many replicas in sync. */
  async waitForIsr(topic: string, size: number = this.nodes.length): Promise<void> {
    await waitUntil(
      `${size} replicas of ${topic} in sync`,
      async () => {
        const partitions = (await this.metadata(topic)).topics.get(topic)
        return partitions?.every((view) => view.isr.length >= size)
      },
      { timeoutMs: 60_000 },
    )
  }

  #node(nodeId: number): Node {
    const node = this.nodes.find((node) => node.nodeId === nodeId)
    if (node === undefined) throw new Error(`no node ${nodeId}`)
    return node
  }

  #running(): Node[] {
    return this.nodes.filter((node) => node.process && isAlive(node.process) && !node.isPaused)
  }

  async #end(nodeId: number, signal: NodeJS.Signals): Promise<void> {
    const node = this.#node(nodeId)
    if (node.process !== null) await endProcess(node.process, signal)
    node.isPaused = false
  }

  async #format(): Promise<void> {
    let clusterId: string
    // Kafka's own ids have this form, and a leading dash would be read as an option.
    do clusterId = randomBytes(16).toString('base64url')
    while (clusterId.startsWith('-'))
    const jars = await classPath(this.version)
    const users = (this.#options.scramUsers ?? []).flatMap((user) => ['--add-scram', user])
    const features = (this.#options.features ?? []).flatMap((level) => ['--feature', level])
    const format = async (node: Node): Promise<void> => {
      const file = await this.#writeProperties(node)
      const jvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', jars]
      const tool = [
        'kafka.tools.StorageTool',
        'format',
        '-t',
        clusterId,
        '-c',
        file,
        ...users,
        ...features,
        ...(this.#options.hasDynamicQuorum === true
          ? [node === this.nodes[0] ? '--standalone' : '--no-initial-controllers']
          : []),
      ]
      await run('java', [...jvm, ...tool])
    }
    await Promise.all(this.nodes.map(format))
  }

  async #startZooKeeper(): Promise<void> {
    const folder = join(this.#folder, 'zookeeper')
    await mkdir(folder)
    const file = join(folder, 'zookeeper.properties')
    await writeFile(file, zooKeeperProperties(this.#zooKeeperPort, join(folder, 'data')))
    this.#zooKeeper = await startJava({
      mainClass: 'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      args: [file],
      classPath: await classPath(this.version),
      jvmArgs: ['-Xmx128m'],
      logFile: join(folder, 'zookeeper.log'),
    })
  }

  async #launch(node: Node): Promise<void> {
    if (node.process !== null && isAlive(node.process)) {
      throw new Error(`node ${node.nodeId} is running: kill or terminate it first`)
    }
    node.logFrom = existsSync(logFile(node.folder)) ? statSync(logFile(node.folder)).size : 0
    node.process = await startJava({
      mainClass: 'kafka.Kafka',
      args: [await this.#writeProperties(node)],
      classPath: await this.#brokerClassPath(),
      jvmArgs: ['-Xmx640m', ...(this.#options.jvmArgs ?? [])],
      logFile: logFile(node.folder),
    })
  }

  async #brokerClassPath(): Promise<string> {
    const jars = await classPath(this.version)
    const { plugins = [] } = this.#options
    if (plugins.length === 0) return jars
    return [await compileJava(plugins, jars), jars].join(delimiter)
  }

  async #writeProperties(node: Node): Promise<string> {
    const settings: NodeSettings = {
      nodeId: node.nodeId,
      nodeCount: this.nodes.length,
      dataFolder: dataFolder(node.folder),
      listeners: node.listeners,
      coordination: usesKraft(this.version)
        ? {
            controllers: this.#controllerPorts,
            isDynamic: this.#options.hasDynamicQuorum === true,
          }
        : { zooKeeperPort: this.#zooKeeperPort },
      properties: {
        ...this.#options.properties,
        ...this.#options.nodeProperties?.(node.nodeId),
      },
    }
    const file = join(node.folder, 'server.properties')
    await writeFile(file, serverProperties(settings))
    return file
  }

  async #waitForView(node: Node, others: Node[]): Promise<void> {
    // A broker of the ZooKeeper kind answers before its controller has told it about topics.
    const hosted = usesKraft(this.version) ? [] : await hostedTopics(dataFolder(node.folder))
    const sees = async (): Promise<boolean> => {
      if (node.process === null || !isAlive(node.process)) {
        const log = (await readFile(logFile(node.folder))).subarray(node.logFrom).toString()
        if (isRegisteredStill(log)) {
          await this.#launch(node)
          return false
        }
        const bad = log.split('\n').filter((line) => !line.includes(' INFO '))
        const what = `Kafka ${this.version} node ${node.nodeId} ended`
        throw new GiveUpError(`${what}:\n${bad.join('\n').slice(0, 4000)}`)
      }
      const { brokers, topics } = await askMetadata(node.internal, hosted)
      const known = hosted.every((topic) => topics.get(topic)?.every((view) => view.leader !== -1))
      return known && others.every(({ nodeId }) => brokers.some((one) => one.nodeId === nodeId))
    }
    const what = `Kafka ${this.version} node ${node.nodeId} sees its cluster`
    await waitUntil(what, sees, { timeoutMs: startTimeoutMs, intervalMs: 100 })
  }
}

async function makeNode(nodeId: number, root: string, options: ClusterOptions): Promise<Node> {
  const folder = join(root, `node-${nodeId}`)
  await mkdir(folder)
  const clients = Object.entries(options.listeners ?? { CLIENT: 'PLAINTEXT' as const })
  const [internalPort, ...ports] = await freePorts(1 + clients.length)
  const internal = { host: '127.0.0.1', port: internalPort }
  const listeners = new Map<string, Listener>()
  for (const [index, [name, protocol]] of clients.entries()) {
    const address = { host: '127.0.0.1', port: ports[index] }
    const advertised = (await options.advertise?.(nodeId, address, name)) ?? address
    listeners.set(name, { protocol, address, advertised })
  }
  const address = { host: '127.0.0.1', port: ports[0] }
  listeners.set('INTERNAL', { protocol: 'PLAINTEXT', address: internal, advertised: internal })
  return {
    nodeId,
    address,
    internal,
    folder,
    listeners,
    process: null,
    isPaused: false,
    logFrom: 0,
  }
}
