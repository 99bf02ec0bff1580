// Groups with members of ours and one of Java's, in both protocols and while the group moves from one to the
// other: each partition has one owner, and nothing is lost or read twice while no member is killed.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Consumer, ConsumerOptions } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { type CommandTool, startTool } from '../harness/command-tool.ts'
import { type ClusterAddress, describeReal, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

const until = (what: string, look: () => boolean): Promise<boolean> =>
  waitUntil(what, () => look() || null, { timeoutMs: 90_000 })

const CONSOLE = 'org.apache.kafka.tools.consumer.ConsoleConsumer'
const cooperative: Partial<ConsumerOptions> = { partitionAssignors: ['cooperative-sticky'] }

/** What members of each protocol are given. */
const protocols = {
  'classic, cooperative': {
    ours: cooperative,
    javas: [
      'partition.assignment.strategy=org.apache.kafka.clients.consumer.CooperativeStickyAssignor',
    ],
  },
  'KIP-848': { ours: { groupProtocol: 'consumer' as const }, javas: ['group.protocol=consumer'] },
}

describeReal('groups with members of ours and of Java (Kafka 4.4.0)', () => {
  let kafka: Kafka
  let cluster: ClusterAddress

  beforeAll(async () => {
    cluster = await sharedCluster('4.4.0')
    kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
  })

  afterAll(async () => {
    await kafka?.close()
  })

  interface Member {
    readonly consumer: Consumer
    readonly got: string[]
    readonly ended: Promise<void>
  }

  function ours(groupId: string, topic: string, options: Partial<ConsumerOptions>): Member {
    const consumer = kafka.consumer({
      groupId,
      topics: [topic],
      autoOffsetReset: 'earliest',
      ...options,
    })
    const got: string[] = []
    const eachRecord = ({ value }: { value: Buffer | null }) => void got.push(String(value))
    return { consumer, got, ended: consumer.run({ eachRecord }) }
  }

  async function leave(member: Member): Promise<void> {
    await member.consumer.close()
    await member.ended
  }

  function javas(groupId: string, topic: string, properties: string[]): Promise<CommandTool> {
    const all = ['auto.offset.reset=earliest', 'auto.commit.interval.ms=500', ...properties]
    return startTool(cluster.version, CONSOLE, [
      ...['--bootstrap-server', cluster.internalServers, '--topic', topic, '--group', groupId],
      ...all.flatMap((property) => ['--command-property', property]),
    ])
  }

  async function createTopic(): Promise<string> {
    const topic = uniqueName('mixed')
    const admin = kafka.admin()
    await admin.createTopics([{ topic, numPartitions: 6, replicationFactor: 1 }])
    await admin.close()
    return topic
  }

  /** Writes `count` records that name themselves, over all partitions. */
  async function write(topic: string, from: number, count: number): Promise<void> {
    const producer = kafka.producer()
    const records = Array.from({ length: count }, (_, i) => {
      return { topic, partition: (from + i) % 6, value: `v${from + i}` }
    })
    await producer.sendBatch(records)
    await producer.close()
  }

  test.each(Object.entries(protocols))('%s: join, leave, and a kill', async (_, protocol) => {
    const topic = await createTopic()
    const groupId = uniqueName('mixed')
    const first = ours(groupId, topic, protocol.ours)
    await until('ours has all', () => first.consumer.assignment().length === 6)
    await write(topic, 0, 60)
    await until('60 are read', () => first.got.length === 60)
    const java = await javas(groupId, topic, protocol.javas)
    try {
      await until('Java has half', () => first.consumer.assignment().length === 3)
      await write(topic, 60, 60)
      const all = (): string[] => [...first.got, ...second.got, ...java.lines]
      const second = ours(groupId, topic, protocol.ours)
      const sizes = (): string =>
        [first, second].map(({ consumer }) => consumer.assignment().length).join()
      await until('each has two', () => sizes() === '2,2')
      await write(topic, 120, 60)
      await until('180 are read', () => all().length >= 180)
      expect(all().length).toBe(180)
      expect(new Set(all()).size).toBe(180)
      await leave(second)
      await until('two are left', () => first.consumer.assignment().length === 3)
      await java.kill()
      await write(topic, 180, 60)
      await until('ours has all again', () => first.consumer.assignment().length === 6)
      await until('240 are read', () => new Set(all()).size === 240)
      expect(new Set(all()).size).toBe(240)
      await leave(first)
    } finally {
      await java.kill()
    }
  })

  test('from classic to KIP-848 and back, with Java in between, under load', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('moved')
    const classic = ours(groupId, topic, cooperative)
    await until('the classic one has all', () => classic.consumer.assignment().length === 6)
    let written = 0
    let isWriting = true
    const writing = (async () => {
      for (; isWriting; written += 12) {
        await write(topic, written, 12)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    const members = [classic]
    let lines: readonly string[] = []
    const java = await javas(groupId, topic, protocols['KIP-848'].javas)
    try {
      await until('Java has half', () => classic.consumer.assignment().length === 3)
      const modern = ours(groupId, topic, { groupProtocol: 'consumer' })
      members.push(modern)
      await until('each has two', () => classic.consumer.assignment().length === 2)
      await leave(classic)
      await until('two are left', () => modern.consumer.assignment().length === 3)
      const again = ours(groupId, topic, cooperative)
      members.push(again)
      await until('the classic one is back', () => again.consumer.assignment().length === 2)
      await leave(modern)
      await until('it shares with Java', () => again.consumer.assignment().length === 3)
      lines = java.lines
    } finally {
      await java.kill()
    }
    await until('it has all', () => (members.at(-1)?.consumer.assignment().length ?? 0) === 6)
    isWriting = false
    await writing
    const all = (): Set<string> => new Set([...members.flatMap(({ got }) => got), ...lines])
    await until('everything is read', () => all().size === written)
    expect(all().size).toBe(written)
    await leave(members[2])
  })
})
