// Rights on a real broker (StandardAuthorizer), for each kind of client: each one missing at the start and given
// then, and taken away and given again in mid-life. What fails says which right is missing, also in health(); with
// the right the client works, and nothing acknowledged is lost or doubled.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AclOperation, AclResourceType } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import {
  describeReal,
  javaTools,
  type RealCluster,
  startCluster,
  uniqueName,
} from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

const DONE = 'done'

type Right = readonly [AclResourceType, string, AclOperation]

/** A client, and what it is asked to do again and again. */
interface Tried {
  act(): Promise<string>
  /** What the errors in health() say. */
  known(): string[]
}

const login = 'org.apache.kafka.common.security.plain.PlainLoginModule'

describeReal('rights that are given and taken', () => {
  let cluster: RealCluster
  let java: JavaTools
  let boss: Kafka
  let ann: Kafka

  beforeAll(async () => {
    cluster = await startCluster({
      version: '4.4.0',
      listeners: { PASSWORD: 'SASL_PLAINTEXT' },
      properties: {
        'sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.password.plain.sasl.jaas.config': `${login} required user_ann="secret";`,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        // The listener of brokers and witnesses has no users.
        'super.users': 'User:ANONYMOUS',
      },
    })
    java = await javaTools(cluster)
    boss = new Kafka({ bootstrapServers: cluster.internalServers })
    ann = new Kafka({
      bootstrapServers: cluster.bootstrapServers,
      sasl: { mechanism: 'PLAIN', username: 'ann', password: 'secret', allowUnencrypted: true },
      logger: silentLogger,
    })
  })
  afterAll(async () => {
    await ann?.close()
    await boss?.close()
    java?.close()
    await cluster?.stop()
  })

  const entry = ([resourceType, resourceName, operation]: Right) =>
    ({ resourceType, resourceName, operation, principal: 'User:ann' }) as const
  async function give(right: Right): Promise<void> {
    await boss.admin().createAcls([entry(right)])
    await reaches(right, 1)
  }
  async function take(right: Right): Promise<void> {
    await boss.admin().deleteAcls([entry(right)])
    await reaches(right, 0)
  }
  /** The controller responds before the authorizer of the broker has the change. */
  const reaches = (right: Right, count: number) =>
    waitUntil('the broker has the change', async () => {
      return (await boss.admin().describeAcls(entry(right))).length === count
    })

  /** An error of before may still be on its way to the caller. */
  const succeeds = (tried: Tried) => expect.poll(tried.act, { timeout: 30_000 }).toBe(DONE)

  async function isRefused(tried: Tried, [type, , operation]: Right): Promise<void> {
    const resource = type === 'TRANSACTIONAL_ID' ? 'transactional id' : type.toLowerCase()
    const wanted = `User:ann needs ${operation} on the ${resource}`
    await waitUntil(`an error that says: ${wanted}`, async () => {
      const error = await tried.act().then(
        () => null,
        (error: Error) => error,
      )
      return error?.message.includes(wanted) && { error }
    })
    expect(tried.known().every((text) => text.includes('User:ann needs'))).toBe(true)
  }

  /**
   * @param rights in the order in which the client misses them
   * @param taken those of which the last is missed in mid-life; READ and WRITE include DESCRIBE
   */
  async function climb(tried: Tried, rights: readonly Right[], taken: readonly Right[]) {
    for (const right of rights) {
      await isRefused(tried, right)
      await give(right)
    }
    await succeeds(tried)
    for (const right of taken) {
      await take(right)
      await isRefused(tried, right)
      await give(right)
      await succeeds(tried)
    }
  }

  const idempotent: Right = ['CLUSTER', 'kafka-cluster', 'IDEMPOTENT_WRITE']
  const valuesOf = async (topic: string) =>
    (await java.consume(topic, { isolation: 'read_committed' })).map(({ value }) => String(value))

  test('a producer', async () => {
    const topic = await java.createTopic(uniqueName('written'))
    const producer = ann.producer()
    const acknowledged: string[] = []
    let next = 0
    const act = async () => {
      const value = String(next++)
      await producer.send({ topic, value })
      acknowledged.push(value)
      return DONE
    }
    const known = () => producer.health().problems.map(({ reason }) => reason)
    const write: Right = ['TOPIC', topic, 'WRITE']
    await climb({ act, known }, [['TOPIC', topic, 'DESCRIBE'], idempotent, write], [write])
    // Not needed beside WRITE on a topic.
    await take(idempotent)
    await succeeds({ act, known })
    await producer.close()
    expect(await valuesOf(topic)).toEqual(acknowledged)
  })

  test('transactions', async () => {
    const input = await java.createTopic(uniqueName('input'))
    const topic = await java.createTopic(uniqueName('output'))
    const [transactionalId, groupId] = [uniqueName('tx'), uniqueName('group')]
    const producer = ann.producer({ transactionalId })
    const committed: string[] = []
    let next = 0
    const group = { groupId, generationId: -1, memberId: '', groupInstanceId: null }
    const act = async () => {
      const value = String(next++)
      await producer.transaction(async (tx) => {
        await tx.send({ topic, value })
        await tx.sendOffsets([{ topic: input, partition: 0, offset: BigInt(value) }], group)
      })
      committed.push(value)
      return DONE
    }
    const known = () => producer.health().problems.map(({ reason }) => reason)
    const id: Right = ['TRANSACTIONAL_ID', transactionalId, 'WRITE']
    const rights: Right[] = [
      ['TOPIC', topic, 'WRITE'],
      ['GROUP', groupId, 'READ'],
      ['TOPIC', input, 'READ'],
    ]
    const [write, readGroup, readTopic] = rights
    await climb(
      { act, known },
      [
        ['TRANSACTIONAL_ID', transactionalId, 'DESCRIBE'],
        id,
        ['TOPIC', topic, 'DESCRIBE'],
        write,
        ['GROUP', groupId, 'DESCRIBE'],
        readGroup,
        readTopic,
      ],
      [...rights, id],
    )
    // Taken between the records and the end: neither a commit nor an abort has an outcome then.
    const isOpen = producer.transaction(async (tx) => {
      await tx.send({ topic, value: 'none' })
      await take(id)
    })
    await expect(isOpen).rejects.toMatchObject({
      name: 'OutcomeUnknownError',
      message: expect.stringContaining('User:ann needs WRITE on the transactional id'),
    })
    await give(id)
    await succeeds({ act, known })
    await producer.close()
    expect(await valuesOf(topic)).toEqual(committed)
    expect(await java.groupOffsets(groupId)).toMatchObject([{ offset: BigInt(next - 1) }])
  })

  test.each(['classic', 'consumer', 'share'] as const)('a member of a group: %s', async (type) => {
    const topic = await java.createTopic(uniqueName('read'), { partitions: 2 })
    const groupId = uniqueName('group')
    if (type === 'share') {
      await java.alterConfigs('group', groupId, { 'share.auto.offset.reset': 'earliest' })
    }
    const open = () =>
      type === 'share'
        ? ann.shareConsumer({ groupId, topics: [topic] })
        : ann.consumer({
            groupId,
            topics: [topic],
            groupProtocol: type,
            autoOffsetReset: 'earliest',
            autoCommitIntervalMs: 200,
            // A member that has lost its right to the group cannot leave it.
            ...(type === 'classic' ? { sessionTimeoutMs: 6000, heartbeatIntervalMs: 1000 } : {}),
          })
    let consumer = open()
    const writer = boss.producer()
    const read = new Set<string>()
    let written = 0
    /** Reads what there is, with one more record in each partition. */
    const act = async () => {
      // A right to the group that is taken away ends a consumer.
      if (consumer.health().state === 'failed') {
        await consumer.close()
        consumer = open()
      }
      for (const partition of [0, 1]) {
        await writer.send({ topic, partition, value: String(written++) })
      }
      for await (const record of consumer) {
        read.add(String(record.value))
        if (read.size === written) break
      }
      return DONE
    }
    const known = () => {
      const { problems, error } = consumer.health()
      const texts = problems.map(({ reason }) => reason)
      expect(texts.length > 0 || error !== null).toBe(true)
      return texts
    }
    const readGroup: Right = ['GROUP', groupId, 'READ']
    const readTopic: Right = ['TOPIC', topic, 'READ']
    await climb(
      { act, known },
      [['TOPIC', topic, 'DESCRIBE'], ['GROUP', groupId, 'DESCRIBE'], readGroup, readTopic],
      [readTopic, readGroup],
    )
    await consumer.close()
    expect(read.size).toBe(written)
  })
})
