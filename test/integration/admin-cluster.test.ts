// Admin operations that change the cluster itself, on three nodes with a dynamic quorum and two log
// directories each: the effect of each is read back by Kafka's own script of the same purpose, and what is
// refused names the item and the way out.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Admin } from '../../src/index.ts'
import { AdminError, BrokerError, Kafka, type KafkaError } from '../../src/index.ts'
import { encodeBatch, findCoordinator, initProducerId, produce } from '../../src/protocol.ts'
import { runTool } from '../harness/command-tool.ts'
import { runScript } from '../harness/kafka-scripts.ts'
import { describeReal, type RealCluster, startCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { RawClient } from '../testing/raw-client.ts'

const version = '4.4.0'

/** What a call was refused for: item by item, `null` for one that was done. */
async function refusals(promise: Promise<unknown>): Promise<(string | null)[]> {
  try {
    await promise
  } catch (error) {
    const results = error instanceof AdminError ? error.results.map((one) => one.error) : [error]
    return results.map((one) => {
      if (one === null) return null
      const { message } = one as KafkaError
      return one instanceof BrokerError ? one.codeName : message
    })
  }
  return []
}

describeReal(`the admin client on a cluster of ${version} that it changes`, () => {
  const dirs = mkdtempSync(join(tmpdir(), 'kafkawire-dirs-'))
  let cluster: RealCluster
  let kafka: Kafka
  let admin: Admin
  const script = async (name: string, ...args: string[]): Promise<string> =>
    (await runScript(cluster, name, ...args)).join('\n')

  beforeAll(async () => {
    cluster = await startCluster({
      version,
      nodes: 3,
      hasDynamicQuorum: true,
      properties: {
        // So that a transaction can hang: its coordinator is not asked about it.
        'transaction.partition.verification.enable': false,
      },
      nodeProperties: (nodeId) => ({
        'log.dirs': `${join(dirs, `${nodeId}-a`)},${join(dirs, `${nodeId}-b`)}`,
      }),
    })
    kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    admin = kafka.admin()
  })
  afterAll(async () => {
    await kafka?.close()
    await cluster?.stop()
    rmSync(dirs, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  })

  async function newTopic(...replicas: number[]): Promise<string> {
    const topic = uniqueName('changed')
    await admin.createTopics([{ topic, assignments: [replicas] }], { waitUntilReady: true })
    return topic
  }

  test('a replica moves to another log directory', async () => {
    const topic = await newTopic(1, 2, 3)
    const producer = kafka.producer()
    await producer.send({ topic, value: 'moved' })
    await producer.close()
    const dirOf = async (): Promise<string | undefined> => {
      const [{ logDirs }] = await admin.describeLogDirs({ brokerIds: [2], topics: [topic] })
      return logDirs.find(({ replicas }) => replicas.some(({ isFuture }) => !isFuture))?.path
    }
    const before = await dirOf()
    const logDir = join(dirs, before?.endsWith('-a') === true ? '2-b' : '2-a')
    await admin.alterReplicaLogDirs([{ topic, partition: 0, brokerId: 2, logDir }])
    await waitUntil('it is there', async () => (await dirOf()) === logDir, { timeoutMs: 60_000 })
    const shown = await script('kafka-log-dirs', '--describe', '--topic-list', topic)
    const { brokers } = JSON.parse(shown.split('\n').find((line) => line.startsWith('{')) ?? '')
    const holders = brokers
      .find(({ broker }: { broker: number }) => broker === 2)
      .logDirs.filter(({ partitions }: { partitions: unknown[] }) => partitions.length > 0)
    expect(holders.map((each: { logDir: string }) => each.logDir)).toEqual([logDir])

    const place = { topic, partition: 0, brokerId: 2 }
    const error = await admin
      .alterReplicaLogDirs([
        { ...place, logDir: '/no/such/directory' },
        { ...place, brokerId: 1, logDir: join(dirs, '1-a') },
        { ...place, brokerId: 77, logDir },
      ])
      .then(
        () => null,
        (error: AdminError) => error,
      )
    expect(error?.results.map((one) => (one.error as BrokerError | null)?.codeName)).toEqual([
      'LOG_DIR_NOT_FOUND',
      undefined,
      'BROKER_ID_NOT_REGISTERED',
    ])
    expect(error?.message).toMatch(
      /on broker 2.*no such log directory.*Describe the broker's log dir/,
    )
  })

  test('preferred leaders are elected', async () => {
    const topic = await newTopic(1, 2, 3)
    await admin.alterPartitionReassignments([{ topic, partition: 0, replicas: [3, 1, 2] }])
    await waitUntil('nothing moves', async () => {
      return (await admin.listPartitionReassignments()).length === 0
    })
    expect(await script('kafka-topics', '--describe', '--topic', topic)).toMatch(/Leader: 1\b/)
    const place = { topic, partition: 0 }
    expect(await admin.electLeaders('PREFERRED', { partitions: [place] })).toEqual([
      { ...place, isElected: true },
    ])
    expect(await script('kafka-topics', '--describe', '--topic', topic)).toMatch(/Leader: 3\b/)

    expect(
      await refusals(
        admin.electLeaders('UNCLEAN', {
          partitions: [place, { topic, partition: 7 }, { topic: 'no-such-topic', partition: 0 }],
        }),
      ),
    ).toEqual([null, 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION'])
    expect(
      await refusals(
        admin.alterPartitionReassignments([
          { topic, partition: 0, replicas: [1, 99] },
          { topic, partition: 5, replicas: [1] },
        ]),
      ),
    ).toEqual(['INVALID_REPLICA_ASSIGNMENT', 'UNKNOWN_TOPIC_OR_PARTITION'])
    expect(
      await refusals(admin.alterPartitionReassignments([{ topic, partition: 0, replicas: null }])),
    ).toEqual(['NO_REASSIGNMENT_IN_PROGRESS'])
  })

  test('the starts of a share group are set, listed and deleted', async () => {
    const topic = await newTopic(1)
    const producer = kafka.producer()
    await producer.sendBatch(Array.from({ length: 8 }, (_, i) => ({ topic, value: `${i}` })))
    await producer.close()
    const group = uniqueName('share')
    // A group comes to be with its first member.
    await runTool(version, 'org.apache.kafka.tools.consumer.ConsoleShareConsumer', [
      ...['--bootstrap-server', cluster.internalServers, '--topic', topic, '--group', group],
      ...['--timeout-ms', '3000'],
    ])
    await waitUntil('its member has left', async () => {
      return (await admin.describeGroups([group]))[0].state === 'Empty'
    })
    expect(
      await refusals(
        admin.alterShareGroupOffsets(group, [{ topic: 'no-such-topic', partition: 0, offset: 1n }]),
      ),
    ).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
    expect(await refusals(admin.deleteGroups(['no-such-group']))).toEqual(['GROUP_ID_NOT_FOUND'])
    await admin.alterShareGroupOffsets(group, [{ topic, partition: 0, offset: 5n }])
    const [{ offsets }] = await admin.listShareGroupOffsets([group])
    expect(offsets).toMatchObject([{ topic, partition: 0, startOffset: 5n, lag: 3n }])
    expect(await script('kafka-share-groups', '--describe', '--offsets', '--group', group)).toMatch(
      new RegExp(`${group} +${topic} +0 +5\\b`),
    )
    await admin.deleteShareGroupOffsets(group, [topic])
    expect(
      await script('kafka-share-groups', '--describe', '--offsets', '--group', group),
    ).not.toContain(topic)
    await admin.deleteGroups([group])
    expect(await script('kafka-share-groups', '--list')).not.toContain(group)
  })

  test('a transaction that hangs is found and aborted', async () => {
    const topic = await newTopic(1)
    const transactionalId = uniqueName('hanging')
    const leader = await RawClient.connect(cluster.nodes[0].address.port)
    const { coordinators } = await waitUntil('a coordinator', async () => {
      const found = await leader.request(findCoordinator, 4, {
        key: '',
        keyType: 1,
        coordinatorKeys: [transactionalId],
      })
      return found.coordinators[0].errorCode === 0 ? found : null
    })
    const coordinator = await RawClient.connect(coordinators[0].port)
    const identity = await waitUntil('a producer id', async () => {
      const made = await coordinator.request(initProducerId, 4, {
        ...initProducerId.request(),
        transactionalId,
        transactionTimeoutMs: 60_000,
      })
      return made.errorCode === 0 ? made : null
    })
    // No AddPartitionsToTxn: the coordinator does not hear of the partition. The record is old enough.
    const hourAgo = BigInt(Date.now() - 3_600_000)
    const records = await encodeBatch({
      baseOffset: 0n,
      partitionLeaderEpoch: -1,
      attributes: 0x10,
      lastOffsetDelta: 0,
      baseTimestamp: hourAgo,
      maxTimestamp: hourAgo,
      producerId: identity.producerId,
      producerEpoch: identity.producerEpoch,
      baseSequence: 0,
      records: [{ timestampDelta: 0n, offsetDelta: 0, key: null, value: 'open', headers: [] }],
    })
    const { responses } = await leader.request(produce, 11, {
      transactionalId,
      acks: -1,
      timeoutMs: 30_000,
      topicData: [
        {
          ...produce.request({ topicData: [{}] }).topicData[0],
          name: topic,
          partitionData: [{ index: 0, records }],
        },
      ],
    })
    expect(responses[0].partitionResponses[0].errorCode).toBe(0)
    leader.socket.destroy()
    coordinator.socket.destroy()

    const found = await admin.findHangingTransactions({ partitions: [{ topic, partition: 0 }] })
    expect(found).toMatchObject([
      { topic, partition: 0, producerId: identity.producerId, startOffset: 0n },
    ])
    const ask = ['find-hanging', '--topic', topic, '--partition', '0']
    const theirs = await script('kafka-transactions', ...ask)
    expect(theirs).toContain(`${identity.producerId}`)
    await admin.abortTransaction(found[0])
    expect(await script('kafka-transactions', ...ask)).not.toContain(topic)
    const [{ producers }] = await admin.describeProducers([{ topic, partition: 0 }])
    expect(producers).toMatchObject([{ currentTxnStartOffset: null }])

    // An epoch that the producer has left behind, and a coordinator's that is over.
    const stale = { ...found[0], producerEpoch: -1 }
    expect((await refusals(admin.abortTransaction(stale)))[0]).toMatch(/producerEpoch/)
    expect(await refusals(admin.abortTransaction({ ...found[0], topic: 'no-such-topic' }))).toEqual(
      ['UNKNOWN_TOPIC_OR_PARTITION'],
    )
  })

  test('the level of a feature goes down and up', async () => {
    const level = async (): Promise<string | undefined> =>
      /transaction\.version.*FinalizedVersionLevel: (\d+)/.exec(
        await script('kafka-features', 'describe'),
      )?.[1]
    const to = (maxVersionLevel: number, upgradeType: 'UPGRADE' | 'SAFE_DOWNGRADE') =>
      admin.updateFeatures([{ feature: 'transaction.version', maxVersionLevel, upgradeType }])
    expect(await level()).toBe('2')
    await to(1, 'SAFE_DOWNGRADE')
    await waitUntil('it is down', async () => (await level()) === '1', { timeoutMs: 90_000 })
    await to(2, 'UPGRADE')
    await waitUntil('it is up', async () => (await level()) === '2', { timeoutMs: 90_000 })
    expect(
      await refusals(
        admin.updateFeatures([
          { feature: 'no.such.feature', maxVersionLevel: 1 },
          { feature: 'transaction.version', maxVersionLevel: 99 },
        ]),
      ),
    ).toEqual(['INVALID_UPDATE_VERSION', 'INVALID_UPDATE_VERSION'])
    expect(await level()).toBe('2')
  })

  test('voters of the quorum come and go', async () => {
    const voters = async (): Promise<string[]> => {
      const lines = await script('kafka-metadata-quorum', 'describe', '--replication')
      return lines
        .split('\n')
        .filter((line) => /(Leader|Follower)\s*$/.test(line))
        .map((line) => line.split(/\s+/)[0])
        .sort()
    }
    expect(await voters()).toEqual(['1'])
    const observer = await waitUntil('node 2 follows', async () => {
      const { observers } = await admin.describeMetadataQuorum()
      return observers.find(({ replicaId }) => replicaId === 2)
    })
    const voter = {
      voterId: 2,
      voterDirectoryId: observer.replicaDirectoryId,
      listeners: [{ name: 'CONTROLLER', ...cluster.controllerOf(2) }],
    }
    const wrong = { ...voter, voterDirectoryId: randomBytes(16).toString('base64url') }
    await expect(admin.removeRaftVoter(wrong)).rejects.toMatchObject({
      codeName: 'VOTER_NOT_FOUND',
    })
    await admin.addRaftVoter(voter)
    await waitUntil('it votes', async () => (await voters()).join() === '1,2', {
      timeoutMs: 90_000,
    })
    await expect(admin.addRaftVoter(voter)).rejects.toMatchObject({ codeName: 'DUPLICATE_VOTER' })
    await admin.removeRaftVoter(voter)
    await waitUntil('it votes no longer', async () => (await voters()).join() === '1', {
      timeoutMs: 90_000,
    })
  })

  test('a controller that is gone is unregistered', async () => {
    await cluster.terminate(3)
    await waitUntil('the controller knows', async () => {
      return (await admin.describeCluster()).brokers.length === 2
    })
    await admin.unregisterBroker(3)
    expect(await refusals(admin.unregisterBroker(3))).toEqual(['BROKER_ID_NOT_REGISTERED'])
    await admin.unregisterController(3)
    const again = await admin.unregisterController(3).then(
      () => null,
      (error: KafkaError) => error,
    )
    expect((again as BrokerError | null)?.codeName).toBe('CONTROLLER_ID_NOT_REGISTERED')
  })
})
