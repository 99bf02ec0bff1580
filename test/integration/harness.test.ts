// The harness itself, without the client: Kafka's own Java client writes and reads, brokers are killed
// and come back. What fails here is no fault of kafkawire.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startJavaMember } from '../harness/command-tool.ts'
import type { KafkaVersion } from '../harness/distribution.ts'
import type { JavaProducerRecord, JavaRecord, JavaTools } from '../harness/java-tools.ts'
import {
  type ClusterAddress,
  describeReal,
  javaTools,
  type RealCluster,
  sharedCluster,
  startCluster,
  uniqueName,
} from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule'

/** What is equal in a record that was written and the record that was read. */
function written(records: JavaRecord[]): JavaProducerRecord[] {
  return records.map(({ partition, timestamp, key, value, headers }) => ({
    partition,
    timestamp,
    key,
    value,
    headers,
  }))
}

const samples: JavaProducerRecord[] = [
  {
    partition: 0,
    timestamp: 1_700_000_000_000,
    key: Buffer.from('k1'),
    value: Buffer.from('v1'),
    headers: [
      ['trace', Buffer.from([0, 255])],
      ['trace', null],
    ],
  },
  { partition: 0, timestamp: 1_700_000_000_001, key: null, value: Buffer.alloc(0), headers: [] },
  { partition: 1, timestamp: 1_700_000_000_002, key: Buffer.from('ü'), value: null, headers: [] },
]

describeReal('shared cluster of one 4.4.0 broker', () => {
  let cluster: ClusterAddress
  let java: JavaTools

  beforeAll(async () => {
    cluster = await sharedCluster('4.4.0')
    java = await javaTools(cluster)
  })
  afterAll(() => java?.close())

  test('is the same one for everybody', async () => {
    expect(await sharedCluster('4.4.0')).toEqual(cluster)
  })

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'reads what was written with %s',
    async (codec) => {
      const topic = await java.createTopic(uniqueName('records'), { partitions: 2 })
      const config = { 'compression.type': codec }
      const places = await java.produce(topic, samples, { config })
      expect(places.map(({ partition, offset }) => [partition, offset])).toEqual([
        [0, 0n],
        [0, 1n],
        [1, 0n],
      ])
      expect(written(await java.consume(topic))).toEqual(samples)
      expect(await java.offsets(topic)).toEqual(
        new Map([
          [0, 2n],
          [1, 1n],
        ]),
      )
      expect(await java.consume(topic, { count: 2 })).toHaveLength(2)
    },
  )

  test('reads more records than one answer of the witness holds', async () => {
    const topic = await java.createTopic(uniqueName('many'))
    const records = Array.from({ length: 1201 }, (_, index) => ({ value: `value ${index}` }))
    await java.produce(topic, records)
    const read = await java.consume(topic)
    expect(read.map((record) => String(record.value))).toEqual(records.map(({ value }) => value))
  })

  test('tells committed from aborted and open transactions', async () => {
    const topic = await java.createTopic(uniqueName('transactions'))
    const write = (value: string, transaction: 'commit' | 'abort' | 'open'): Promise<unknown> => {
      const config = { 'transactional.id': uniqueName('tx') }
      return java.produce(topic, [{ value }], { transaction, config })
    }
    await write('committed', 'commit')
    await write('aborted', 'abort')
    await write('open', 'open')
    const committed = await java.consume(topic, { isolation: 'read_committed' })
    expect(committed.map(({ value }) => String(value))).toEqual(['committed'])
    const all = await java.consume(topic)
    expect(all.map(({ value }) => String(value))).toEqual(['committed', 'aborted', 'open'])
    const transactions = await java.transactions()
    expect(transactions.map(({ state }) => state)).toContain('Ongoing')
  })

  test('has topics, settings and groups that can be looked at and changed', async () => {
    const configs = { 'max.message.bytes': 1234 }
    const topic = await java.createTopic(uniqueName('admin'), { configs })
    await java.createPartitions(topic, 3)
    await java.alterConfigs('topic', topic, { 'retention.ms': 60_000, 'max.message.bytes': null })
    const described = await java.describeTopic(topic)
    expect(described.partitions).toHaveLength(3)
    expect(described.configs).toMatchObject({
      'retention.ms': '60000',
      'max.message.bytes': '1048588',
    })

    await java.produce(topic, [
      { partition: 0, value: 'a' },
      { partition: 0, value: 'b' },
    ])
    await java.deleteRecords(topic, 0, 1n)
    expect((await java.offsets(topic, 'earliest')).get(0)).toBe(1n)

    await java.deleteTopic(topic)
    await expect(java.describeTopic(topic)).rejects.toThrow('UnknownTopicOrPartition')
  })

  test('has Java members for a group', async () => {
    const topic = await java.createTopic(uniqueName('group'), { partitions: 2 })
    const groupId = uniqueName('group')
    await java.produce(topic, [
      { partition: 0, value: 'a' },
      { partition: 1, value: 'b' },
    ])
    const member = await startJavaMember(cluster, { topic, groupId })
    try {
      await member.waitForLine((line) => line.includes('"name":"partitions_assigned"'))
      const group = await java.describeGroup(groupId)
      expect(group.members.map(({ assignment }) => assignment.length)).toEqual([2])
      await waitUntil('both offsets are committed', async () => {
        const offsets = await java.groupOffsets(groupId)
        return offsets.length === 2 && offsets.every(({ offset }) => offset === 1n)
      })
    } finally {
      await member.kill()
    }
  })
})

describeReal('own cluster of three 4.4.0 brokers', () => {
  let cluster: RealCluster
  let java: JavaTools

  beforeAll(async () => {
    cluster = await startCluster({ version: '4.4.0', nodes: 3 })
    java = await javaTools(cluster)
  })
  afterAll(async () => {
    java?.close()
    await cluster?.stop()
  })

  test('elects another leader after kill -9, and takes the killed one back', async () => {
    const topic = await java.createTopic(uniqueName('kill'), { assignments: [[1, 2, 3]] })
    await java.produce(topic, [{ value: 'before' }])
    await cluster.kill(1)
    expect(await cluster.waitForLeader(topic, 0, 1)).toBe(2)
    await java.produce(topic, [{ value: 'between' }])

    await cluster.restart(1)
    await cluster.waitForIsr(topic)
    await java.electLeader(topic, 0)
    expect(await cluster.waitForLeader(topic, 0, 2)).toBe(1)
    const read = await java.consume(topic)
    expect(read.map(({ value }) => String(value))).toEqual(['before', 'between'])
    expect(await cluster.logs(1)).toContain('started')
  })

  test('elects another leader while one is paused', async () => {
    const topic = await java.createTopic(uniqueName('pause'), { assignments: [[2, 3, 1]] })
    cluster.pause(2)
    expect(await cluster.waitForLeader(topic, 0, 2)).toBe(3)
    cluster.resume(2)
    await cluster.waitForIsr(topic)
  })

  test('hands leadership over on a clean shutdown, and survives its whole quorum', async () => {
    const topic = await java.createTopic(uniqueName('roll'), { assignments: [[3, 1, 2]] })
    await java.produce(topic, [{ value: 'kept' }])
    await cluster.terminate(3)
    expect(await cluster.waitForLeader(topic, 0, 3)).toBe(1)
    await cluster.kill(1)
    await cluster.kill(2)
    await cluster.restart(1, 2, 3)
    await cluster.waitForIsr(topic)
    expect((await java.consume(topic)).map(({ value }) => String(value))).toEqual(['kept'])
    expect([1, 2, 3]).toContain(await java.quorumLeader())
  })

  test('moves a partition', async () => {
    const topic = await java.createTopic(uniqueName('move'), { assignments: [[1, 2]] })
    await java.reassign(topic, 0, [3, 2])
    expect(await cluster.waitForLeader(topic, 0, 1)).toBeGreaterThan(1)
    await waitUntil('the old replica is gone', async () => {
      return !(await cluster.partition(topic, 0)).replicas.includes(1)
    })
  })
})

describeReal('own cluster with other listeners', () => {
  test('tells clients another address, and asks SCRAM users who they are', async () => {
    const cluster = await startCluster({
      version: '4.4.0',
      listeners: { CLIENT: 'PLAINTEXT', SASL: 'SASL_PLAINTEXT' },
      properties: {
        'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
        'listener.name.sasl.scram-sha-256.sasl.jaas.config': `${scram} required;`,
        'message.max.bytes': 4321,
      },
      scramUsers: ['SCRAM-SHA-256=[name=alice,password=secret]'],
      advertise: (nodeId, address, listener) =>
        listener === 'CLIENT' ? { host: 'proxy.invalid', port: 1000 + nodeId } : address,
    })
    const tools: JavaTools[] = []
    const login = async (password: string): Promise<JavaTools> => {
      const java = await javaTools(cluster, {
        'bootstrap.servers': cluster.bootstrapOf('SASL'),
        'security.protocol': 'SASL_PLAINTEXT',
        'sasl.mechanism': 'SCRAM-SHA-256',
        'sasl.jaas.config': `${scram} required username="alice" password="${password}";`,
      })
      tools.push(java)
      return java
    }
    try {
      expect(cluster.bootstrapServers).toBe('proxy.invalid:1001')
      const alice = await login('secret')
      const topic = await alice.createTopic(uniqueName('sasl'))
      const { configs } = await alice.describeTopic(topic)
      expect(configs['max.message.bytes']).toBe('4321')
      const mallory = await login('wrong')
      await expect(mallory.describeTopic(topic)).rejects.toThrow('SaslAuthenticationException')
    } finally {
      for (const java of tools) java.close()
      await cluster.stop()
    }
  })
})

describeReal('own cluster with ZooKeeper', () => {
  test('takes a broker back right after kill -9, while its former session lasts', async () => {
    // Longer than a broker needs to start on a busy machine, so that it comes too early.
    const properties = { 'zookeeper.session.timeout.ms': 15_000 }
    const cluster = await startCluster({ version: '2.8.2', nodes: 2, properties })
    const java = await javaTools(cluster)
    try {
      const topic = await java.createTopic(uniqueName('kill'), { assignments: [[1, 2]] })
      await java.produce(topic, [{ value: 'kept' }])
      await cluster.kill(1)
      await cluster.restart(1)
      await cluster.waitForIsr(topic)
      expect((await java.consume(topic)).map(({ value }) => String(value))).toEqual(['kept'])
    } finally {
      java.close()
      await cluster.stop()
    }
  })
})

describeReal('brokers of every age', () => {
  const versions: KafkaVersion[] = ['4.3.0', '4.1.0', '3.9.2', '2.8.2', '2.1.1', '1.1.1']
  test.each(versions)(
    '%s keeps records and gives them back, over a restart too',
    async (version) => {
      const cluster = await startCluster({ version })
      const java = await javaTools(cluster)
      try {
        const topic = await java.createTopic(uniqueName('old'), { partitions: 2 })
        await java.produce(topic, samples, { config: { 'compression.type': 'gzip' } })
        await cluster.terminate(1)
        await cluster.restart(1)
        expect(written(await java.consume(topic))).toEqual(samples)
      } finally {
        java.close()
        await cluster.stop()
      }
    },
  )
})
