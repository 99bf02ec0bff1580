// Groups of the consumer protocol (KIP-848) on real brokers, beside Java's own members of the same group.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Consumer, ConsumerOptions } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

const until = (look: () => boolean, options: { timeoutMs?: number } = {}): Promise<boolean> =>
  waitUntil(String(look), () => look() || null, { timeoutMs: 60_000, ...options })

for (const version of ['4.4.0', '4.3.0'] as const) {
  describeReal(`the consumer protocol on Kafka ${version}`, () => {
    let java: JavaTools
    let kafka: Kafka

    beforeAll(async () => {
      const cluster = await sharedCluster(version)
      java = await javaTools(cluster)
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    })

    afterAll(async () => {
      await kafka?.close()
      await java?.close()
    })

    interface Member {
      readonly consumer: Consumer
      readonly got: string[]
      readonly ended: Promise<void>
    }

    function member(options: ConsumerOptions): Member {
      const consumer = kafka.consumer({
        groupProtocol: 'consumer',
        autoOffsetReset: 'earliest',
        ...options,
      })
      const got: string[] = []
      const ended = consumer.run({
        eachRecord: ({ partition, offset }) => void got.push(`${partition}@${offset}`),
      })
      return { consumer, got, ended }
    }

    async function write(topic: string, count: number): Promise<void> {
      const values = Array.from({ length: count }, (_, i) => ({
        partition: i % 6,
        key: `k${i}`,
        value: `${i}`,
      }))
      await java.produce(topic, values)
    }

    const sizes = (...members: Member[]): number[] =>
      members.map(({ consumer }) => consumer.assignment().length)

    test.each(['uniform', 'range'])(
      'shares partitions by %s; members come and go, nothing is read twice',
      async (groupRemoteAssignor) => {
        const topic = await java.createTopic(uniqueName('modern'), { partitions: 6 })
        const options = { groupId: uniqueName('group'), topics: [topic], groupRemoteAssignor }
        const first = member(options)
        await until(() => String(sizes(first)) === '6')
        await write(topic, 60)
        await until(() => first.got.length === 60)
        const second = member(options)
        const third = member(options)
        await until(() => String(sizes(first, second, third)) === '2,2,2')
        await write(topic, 60)
        const all = (): string[] => [...first.got, ...second.got, ...third.got]
        await until(() => all().length === 120)
        await second.consumer.close()
        await until(() => String(sizes(first, third)) === '3,3')
        await write(topic, 60)
        await until(() => all().length === 180)
        expect(new Set(all()).size).toBe(180)
        const { group } = first.consumer.health()
        expect(group).toMatchObject({ protocol: 'consumer' })
        await Promise.all([first.consumer.close(), third.consumer.close()])
        await Promise.all([first.ended, second.ended, third.ended])
        const committed = await readCommitted(options.groupId, topic)
        expect(committed).toBe(180n)
      },
    )

    async function readCommitted(groupId: string, topic: string): Promise<bigint> {
      const consumer = kafka.consumer({ groupId })
      const partitions = Array.from({ length: 6 }, (_, partition) => ({ topic, partition }))
      const committed = await consumer.committed(partitions)
      await consumer.close()
      return committed.reduce((sum, { offset }) => sum + offset, 0n)
    }

    test('reads the topics of an expression that the broker evaluates', async () => {
      const prefix = uniqueName('pattern')
      const topics = await Promise.all(
        ['-a', '-b', 'x'].map((end) => java.createTopic(`${prefix}${end}`, { partitions: 1 })),
      )
      const one = member({
        groupId: uniqueName('group'),
        topics: [new RegExp(`^${prefix}-[a-z]$`)],
      })
      await until(() => one.consumer.assignment().length === 2)
      expect(one.consumer.assignment().map(({ topic }) => topic)).toEqual(topics.slice(0, 2))
      const late = await java.createTopic(`${prefix}-c`, { partitions: 1 })
      await until(() => one.consumer.assignment().some(({ topic }) => topic === late), {
        timeoutMs: 60_000,
      })
      await one.consumer.close()
      await one.ended
    })

    test('a static member that restarts keeps its partitions, and moves nobody', async () => {
      const topic = await java.createTopic(uniqueName('static'), { partitions: 6 })
      const options = { groupId: uniqueName('group'), topics: [topic] }
      const first = member({ ...options, groupInstanceId: 'one' })
      const second = member({ ...options, groupInstanceId: 'two' })
      await until(() => String(sizes(first, second)) === '3,3')
      const before = first.consumer.assignment()
      const { rebalances } = second.consumer.health().group ?? {}
      await first.consumer.close()
      await first.ended
      const again = member({ ...options, groupInstanceId: 'one' })
      await until(() => again.consumer.assignment().length === 3)
      expect(again.consumer.assignment()).toEqual(before)
      expect(second.consumer.health().group?.rebalances).toBe(rebalances)
      await Promise.all([
        again.consumer.close({ leave: true }),
        second.consumer.close({ leave: true }),
      ])
      await Promise.all([again.ended, second.ended])
    })

    test('a group moves from the classic protocol to this one and back, online', async () => {
      const topic = await java.createTopic(uniqueName('moving'), { partitions: 6 })
      const groupId = uniqueName('group')
      const classic = {
        groupId,
        topics: [topic],
        groupProtocol: 'classic',
        partitionAssignors: ['cooperative-sticky'],
      } as const
      const modern = { groupId, topics: [topic] }
      const members = [member(classic), member(classic)]
      const got = (): string[] => members.flatMap((each) => each.got)
      let written = 0
      for (const options of [null, modern, modern, classic, classic]) {
        if (options !== null) {
          const old = members[members.length - 2]
          await old.consumer.close()
          members.push(member(options))
        }
        const [one, two] = members.slice(-2)
        await until(() => String(sizes(one, two)) === '3,3', { timeoutMs: 60_000 })
        await write(topic, 60)
        written += 60
        await until(() => got().length >= written)
      }
      await Promise.all(members.map(({ consumer }) => consumer.close()))
      await Promise.all(members.map(({ ended }) => ended))
      expect(got()).toHaveLength(written)
      expect(new Set(got()).size).toBe(written)
    }, 240_000)

    test('an assignor that the broker does not have ends the consumer by name', async () => {
      const topic = await java.createTopic(uniqueName('assignor'), { partitions: 1 })
      const groupId = uniqueName('group')
      const one = member({ groupId, topics: [topic], groupRemoteAssignor: 'nonesuch' })
      await expect(one.ended).rejects.toThrow(/UNSUPPORTED_ASSIGNOR.*groupRemoteAssignor/)
    })
  })
}

describeReal("groupProtocol 'auto' on Kafka 3.9.2", () => {
  test('speaks the classic protocol', async () => {
    const cluster = await sharedCluster('3.9.2')
    const java = await javaTools(cluster)
    const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    const topic = await java.createTopic(uniqueName('auto'), { partitions: 1 })
    await java.produce(topic, [{ partition: 0, key: 'k', value: 'v' }])
    const consumer = kafka.consumer({
      groupId: uniqueName('group'),
      topics: [topic],
      groupProtocol: 'auto',
      autoOffsetReset: 'earliest',
    })
    const { value: record } = await consumer.records().next()
    expect(String(record?.value)).toBe('v')
    expect(consumer.health().group?.protocol).toBe('classic')
    await kafka.close()
    await java.close()
  })
})
