// Share groups (KIP-932) on real brokers: what members get, beside Java's own share consumer, and when members,
// leaders and coordinators die.

import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type AcknowledgementResult,
  type ShareConsumer,
  type ShareConsumerOptions,
  UnsupportedVersionError,
} from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { startTool } from '../harness/command-tool.ts'
import {
  type ClusterAddress,
  describeReal,
  type RealCluster,
  sharedCluster,
  startCluster,
  uniqueName,
} from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

const until = (look: () => boolean, options: { timeoutMs?: number } = {}): Promise<boolean> =>
  waitUntil(String(look), () => look() || null, { timeoutMs: 90_000, ...options })

/** One share group on one topic, and everything that its members saw. */
class Group {
  readonly groupId = uniqueName('share')
  readonly topic: string
  /** Deliveries of each record, as `partition@offset`: their counts. */
  readonly deliveries = new Map<string, number[]>()
  /** How often each record was accepted with success. */
  readonly accepted = new Map<string, number>()
  readonly members: ShareConsumer[] = []
  readonly ended: Promise<void>[] = []
  private readonly kafka: Kafka

  constructor(kafka: Kafka, topic: string) {
    this.kafka = kafka
    this.topic = topic
  }

  static async create(
    kafka: Kafka,
    options: { partitions?: number; replicas?: number } = {},
  ): Promise<Group> {
    const { partitions = 3, replicas = 1 } = options
    const group = new Group(kafka, uniqueName('queue'))
    const admin = kafka.admin()
    await admin.createTopics([
      { topic: group.topic, numPartitions: partitions, replicationFactor: replicas },
    ])
    await group.configure({ 'share.auto.offset.reset': 'earliest' })
    return group
  }

  async configure(configs: Record<string, string>): Promise<void> {
    const entries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const admin = this.kafka.admin()
    await admin.incrementalAlterConfigs([{ type: 'GROUP', name: this.groupId, configs: entries }])
    await admin.close()
  }

  async write(count: number, perBatch = 20): Promise<void> {
    const producer = this.kafka.producer()
    for (let i = 0; i < count; i += perBatch) {
      const length = Math.min(perBatch, count - i)
      const batch = Array.from({ length }, (_, j) => ({ topic: this.topic, value: `v${i + j}` }))
      await producer.sendBatch(batch)
    }
    await producer.close()
  }

  consumer(options: Partial<ShareConsumerOptions> = {}): ShareConsumer {
    const { groupId, topic } = this
    const member = this.kafka.shareConsumer({
      groupId,
      topics: [topic],
      onAcknowledged: (result) => this.note(result),
      ...options,
    })
    this.members.push(member)
    return member
  }

  /** A member whose handlers take `handlerMs`. */
  run(handlerMs: number, options: Partial<ShareConsumerOptions> = {}): ShareConsumer {
    const member = this.consumer({ maxPollRecords: 20, ...options })
    const ended = member.run({
      concurrency: 4,
      eachRecord: async ({ partition, offset, deliveryCount }) => {
        const name = `${partition}@${offset}`
        const counts = this.deliveries.get(name) ?? []
        this.deliveries.set(name, [...counts, deliveryCount])
        await new Promise((resolve) => setTimeout(resolve, handlerMs))
      },
    })
    this.ended.push(ended)
    return member
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()))
    await Promise.all(this.ended)
  }

  /** No record was accepted with success twice. */
  get acceptedTwice(): string[] {
    return [...this.accepted].filter(([, times]) => times > 1).map(([name]) => name)
  }

  private note({ partition, offsets, error }: AcknowledgementResult): void {
    if (error !== null) return
    for (const offset of offsets) {
      const name = `${partition}@${offset}`
      this.accepted.set(name, (this.accepted.get(name) ?? 0) + 1)
    }
  }
}

function connect({ bootstrapServers }: ClusterAddress): Kafka {
  return new Kafka({ bootstrapServers, logger: silentLogger })
}

/** What holds on every broker with share groups. */
function testBehaviour(open: () => Kafka): void {
  test('members share the records; each is accepted once', async () => {
    const group = await Group.create(open())
    group.run(1)
    group.run(1)
    await group.write(300)
    await until(() => group.accepted.size === 300)
    expect(group.acceptedTwice).toEqual([])
    expect([...group.deliveries.values()].flat().every((count) => count === 1)).toBe(true)
    await group.close()
    // The group remembers.
    await group.write(1)
    const later = group.run(0)
    await until(() => group.accepted.size === 301)
    expect(later.acquisitionLockTimeoutMs()).toBe(30_000)
    await group.close()
  })

  test('released records come again with a higher count, rejected ones never', async () => {
    const group = await Group.create(open(), { partitions: 1 })
    await group.write(3)
    const consumer = group.consumer({ shareAcknowledgementMode: 'explicit' })
    const seen: string[] = []
    for await (const record of consumer) {
      seen.push(`${record.value?.toString()}@${record.deliveryCount}`)
      if (record.offset === 1n && record.deliveryCount < 3) record.release()
      else if (record.offset === 2n) record.reject()
      else record.accept()
      if (seen.length === 5) break
    }
    await consumer.commit()
    expect(seen).toEqual(['v0@1', 'v1@1', 'v2@1', 'v1@2', 'v1@3'])
    await group.write(1)
    for await (const record of consumer) {
      expect(record.offset).toBe(3n)
      break
    }
    await group.close()
  })

  test('what a closed member had in hand comes to another one at once', async () => {
    const group = await Group.create(open(), { partitions: 1 })
    await group.write(10)
    const first = group.consumer()
    for await (const record of first) {
      expect(record.deliveryCount).toBe(1)
      await first.close()
    }
    group.run(0)
    await until(() => group.accepted.size === 10, { timeoutMs: 20_000 })
    const counts = [...group.deliveries.values()].flat()
    // Brokers of 4.1 do not count what a session that is closed gives back.
    expect(counts.every((count) => count === 1 || count === 2)).toBe(true)
    await group.close()
  })

  test('a group of another type is refused before anything is read', async () => {
    const group = await Group.create(open(), { partitions: 1 })
    const member = open().consumer({ groupId: group.groupId, topics: [group.topic] })
    void member.records().next()
    await until(() => member.health().state === 'stable')
    const shared = group.consumer()
    await expect(shared.records().next()).rejects.toThrow(
      /a group of another type has this id: choose another groupId/,
    )
    await member.close()
    await group.close()
  })
}

const CONSOLE = 'org.apache.kafka.tools.consumer.ConsoleShareConsumer'

describeReal('share groups on Kafka 4.4.0', () => {
  let kafka: Kafka
  let cluster: ClusterAddress

  beforeAll(async () => {
    cluster = await sharedCluster('4.4.0')
    kafka = connect(cluster)
  })

  afterAll(async () => {
    await kafka?.close()
  })

  testBehaviour(() => kafka)

  test("record_limit acquires part of a batch, and a handler's lock is renewed", async () => {
    const group = await Group.create(kafka, { partitions: 1 })
    await group.write(20)
    const options = { shareAcquireMode: 'record_limit', maxPollRecords: 5 } as const
    const consumer = group.consumer(options)
    const sizes: number[] = []
    for await (const batch of consumer.batches()) {
      sizes.push(batch.length)
      const before = batch.lockExpiresAt
      // The clocks count whole milliseconds, and a request takes less than one.
      await new Promise((resolve) => setTimeout(resolve, 20))
      await batch.renew()
      expect(batch.lockExpiresAt).toBeGreaterThan(before)
      if (sizes.length === 3) break
    }
    expect(sizes).toEqual([5, 5, 5])
    await group.close()
  })

  test("Java's share consumer beside ours: nothing is lost when it is killed", async () => {
    const group = await Group.create(kafka)
    const java = await startTool(cluster.version, CONSOLE, [
      ...['--bootstrap-server', cluster.internalServers],
      ...['--topic', group.topic, '--group', group.groupId],
    ])
    try {
      await group.write(50)
      await java.waitFor('all records at Java', () => java.lines.length >= 50, 90_000)
      const ours = group.run(1)
      await until(() => ours.assignment().length > 0)
      // Both at work: no value is printed by Java and accepted here.
      let written = 50
      while (java.lines.length === 50 || group.accepted.size === 0) {
        await group.write(60, 3)
        written += 60
        await until(() => java.lines.length + group.accepted.size >= written)
      }
      expect(java.lines.length + group.accepted.size).toBe(written)
    } finally {
      await java.kill()
    }
    const before = group.accepted.size
    await group.write(100, 5)
    await until(() => group.accepted.size >= before + 100)
    expect(group.acceptedTwice).toEqual([])
    await group.close()
  })
})

describeReal('share groups on Kafka 4.1.0', () => {
  let kafka: Kafka
  let cluster: RealCluster

  beforeAll(async () => {
    cluster = await startCluster({ version: '4.1.0', features: ['share.version=1'] })
    kafka = connect(cluster)
  })

  afterAll(async () => {
    await kafka?.close()
    await cluster?.stop()
  })

  testBehaviour(() => kafka)

  test('says what these brokers lack', async () => {
    const group = await Group.create(kafka, { partitions: 1 })
    await group.write(1)
    const consumer = group.consumer()
    for await (const record of consumer) {
      await expect(record.renew()).rejects.toThrow(UnsupportedVersionError)
      break
    }
    await consumer.close()
    const limited = group.consumer({ shareAcquireMode: 'record_limit' })
    await expect(limited.records().next()).rejects.toThrow(/need brokers of 4.2 or later/)
    await group.close()
  })
})

describeReal('share groups when nodes die (Kafka 4.4.0, three nodes)', () => {
  let kafka: Kafka
  let cluster: RealCluster

  beforeAll(async () => {
    cluster = await startCluster({
      version: '4.4.0',
      nodes: 3,
      properties: { 'group.share.min.record.lock.duration.ms': 1000 },
    })
    kafka = connect(cluster)
  })

  afterAll(async () => {
    await kafka?.close()
    await cluster?.stop()
  })

  test('each node in turn, leaders and share coordinators: every record is accepted, none twice', async () => {
    const group = await Group.create(kafka, { replicas: 3 })
    await group.configure({ 'share.record.lock.duration.ms': '3000' })
    group.run(2)
    group.run(2)
    let written = 0
    const write = async (count: number): Promise<void> => {
      await group.write(count)
      written += count
    }
    await write(200)
    await until(() => group.deliveries.size === written)
    for (const { nodeId } of cluster.nodes) {
      const killed = cluster.kill(nodeId)
      await write(200)
      await killed
      await cluster.restart(nodeId)
      await until(() => group.deliveries.size === written, { timeoutMs: 120_000 })
    }
    expect(group.acceptedTwice).toEqual([])
    await group.close()
  }, 300_000)

  test('a lock that runs out brings the record to another member', async () => {
    const group = await Group.create(kafka, { partitions: 1, replicas: 3 })
    await group.configure({ 'share.record.lock.duration.ms': '1000' })
    await group.write(1)
    const first = group.consumer({ shareAcknowledgementMode: 'explicit' })
    const { value: record } = await first.records().next()
    group.run(0)
    await until(() => group.accepted.size === 1)
    expect([...group.deliveries.values()]).toEqual([[2]])
    record?.accept()
    await expect(first.commit()).rejects.toThrow('INVALID_RECORD_STATE')
    expect(first.health().failedAcknowledgements).toBe(1)
    await group.close()
  })
})
