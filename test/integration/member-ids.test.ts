// Which side makes the member id of a KIP-848 group (KIP-1082), how long it lasts, and committed() by a live member,
// on real brokers.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/consumer-group-heartbeat.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { shareGroupHeartbeat } from '../../src/protocol/messages/share-group-heartbeat.ts'
import { type ClusterAddress, describeReal, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { RawClient } from '../testing/raw-client.ts'

const UUID = /^[\w-]{22}$/

for (const version of ['4.4.0', '4.1.0'] as const) {
  describeReal(`member ids on Kafka ${version}`, () => {
    let kafka: Kafka
    let cluster: ClusterAddress

    beforeAll(async () => {
      cluster = await sharedCluster(version)
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    })
    afterAll(async () => {
      await kafka?.close()
    })

    async function topicOf(partitions: number): Promise<string> {
      const topic = uniqueName('ids')
      const admin = kafka.admin()
      await admin.createTopics([{ topic, numPartitions: partitions, replicationFactor: 1 }])
      await admin.close()
      return topic
    }

    test('the broker makes the id of a heartbeat of version 0, and refuses one of version 1 without', async () => {
      const topic = await topicOf(1)
      const raw = await RawClient.connect(cluster.nodes[0].address.port)
      const groupId = uniqueName('group')
      const ask = { key: '', keyType: 0, coordinatorKeys: [groupId] }
      const beat = (heartbeatVersion: number) =>
        raw.request(consumerGroupHeartbeat, heartbeatVersion, {
          groupId,
          memberId: '',
          memberEpoch: 0,
          instanceId: null,
          rackId: null,
          rebalanceTimeoutMs: 5000,
          subscribedTopicNames: [topic],
          subscribedTopicRegex: null,
          serverAssignor: null,
          topicPartitions: [],
        })
      let made: Awaited<ReturnType<typeof beat>> | null = null
      await waitUntil('the group is loaded', async () => {
        if ((await raw.request(findCoordinator, 4, ask)).coordinators[0].errorCode !== 0)
          return false
        made = await beat(0)
        return ![14, 15, 16].includes(made.errorCode)
      })
      expect(made).toMatchObject({ errorCode: 0, memberId: expect.stringMatching(UUID) })
      expect(await beat(1)).toMatchObject({
        errorCode: 42,
        errorMessage: "MemberId can't be empty.",
      })
      raw.close()
    })

    test('a consumer has one id for its life, and committed() is answered to it', async () => {
      const topic = await topicOf(2)
      const groupId = uniqueName('group')
      const producer = kafka.producer()
      for (const partition of [0, 1]) await producer.send({ topic, partition, value: 'v' })
      const consumer = kafka.consumer({
        groupId,
        topics: [topic],
        groupProtocol: 'consumer',
        autoOffsetReset: 'earliest',
        enableAutoCommit: false,
      })
      const loop = consumer.records()
      const admin = kafka.admin()
      const ids: string[] = []
      const memberIds = async (): Promise<string[]> => {
        const [{ members }] = await admin.describeGroups([groupId])
        return members.map((member) => member.memberId)
      }
      for (const committed of [0, 2]) {
        await loop.next()
        expect(await consumer.committed()).toHaveLength(committed)
        if (committed === 0) await loop.next()
        await consumer.commit([0, 1].map((partition) => ({ topic, partition, offset: 1n })))
        const offsets = (await consumer.committed()).map(({ offset }) => offset)
        expect(offsets).toEqual([1n, 1n])
        const { memberId } = consumer.groupMetadata()
        expect(await memberIds()).toEqual([memberId])
        ids.push(memberId)
        await consumer.unsubscribe()
        expect(await memberIds()).toEqual([])
        consumer.subscribe([topic])
        for (const partition of [0, 1]) await producer.send({ topic, partition, value: 'v' })
      }
      expect(new Set(ids).size).toBe(1)
      expect(ids[0]).toMatch(UUID)
      await consumer.close()
      await Promise.all([admin.close(), producer.close()])
    })

    test.each(version === '4.4.0' ? (['consumer', 'share'] as const) : (['consumer'] as const))(
      'a member of a %s group that was removed, and the group deleted, joins again',
      async (type) => {
        const topic = await topicOf(1)
        const groupId = uniqueName('group')
        const admin = kafka.admin()
        const got: string[] = []
        const eachRecord = ({ value }: { value: Buffer | null }): void =>
          void got.push(String(value))
        const options = { groupId, topics: [topic] }
        const setting = { name: 'share.auto.offset.reset', value: 'earliest' }
        if (type === 'share') {
          await admin.incrementalAlterConfigs([
            { type: 'GROUP', name: groupId, configs: [setting] },
          ])
        }
        const consumer =
          type === 'share'
            ? kafka.shareConsumer(options)
            : kafka.consumer({ ...options, groupProtocol: 'consumer', autoOffsetReset: 'earliest' })
        const running = consumer.run({ eachRecord })
        await waitUntil('it has the partition', () => consumer.assignment().length === 1 || null)
        const [{ members }] = await admin.describeGroups([groupId])
        const [{ memberId }] = members
        const raw = await RawClient.connect(cluster.nodes[0].address.port)
        const leave = {
          groupId,
          memberId,
          memberEpoch: -1,
          rackId: null,
          subscribedTopicNames: null,
        }
        const unchanged = {
          rebalanceTimeoutMs: -1,
          subscribedTopicRegex: null,
          topicPartitions: null,
        }
        const nothing = { ...unchanged, instanceId: null, serverAssignor: null }
        // A heartbeat of the member may come in between.
        await waitUntil('the group is deleted', async () => {
          await (type === 'share'
            ? raw.request(shareGroupHeartbeat, 1, leave)
            : raw.request(consumerGroupHeartbeat, 1, { ...leave, ...nothing }))
          return await admin.deleteGroups([groupId]).then(
            () => true,
            () => null,
          )
        })
        raw.close()
        await waitUntil('it is a member again', async () => {
          const [again] = await admin.describeGroups([groupId]).catch(() => [{ members: [] }])
          return again.members.length === 1 && again.members[0].memberId === memberId ? true : null
        })
        const producer = kafka.producer()
        await producer.send({ topic, value: 'later' })
        await waitUntil('it reads on', () => got.includes('later') || null)
        expect(consumer.health().error).toBeNull()
        await Promise.all([consumer.close(), producer.close(), admin.close()])
        await running
      },
    )
  })
}
