// Each admin operation against three real brokers: its effect is read back by Kafka's own script of the
// same purpose, and each refusal names the item and the broker's reason.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Admin } from '../../src/index.ts'
import { type AdminError, BrokerError, Kafka, type KafkaError } from '../../src/index.ts'
import { runScript } from '../harness/kafka-scripts.ts'
import { describeReal, type RealCluster, startCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

async function failure<E = AdminError>(promise: Promise<unknown>): Promise<E> {
  try {
    await promise
  } catch (error) {
    return error as E
  }
  throw new Error('it resolved')
}

const codeName = (error: KafkaError | null | undefined): unknown =>
  error instanceof BrokerError ? error.codeName : error

describe.each(['4.4.0', '3.9.2'] as const)('Kafka %s', (version) => {
  const is4 = version === '4.4.0'

  describeReal('the admin client', () => {
    let cluster: RealCluster
    let kafka: Kafka
    let admin: Admin
    let secure: Kafka
    const folder = mkdtempSync(join(tmpdir(), 'kafkawire-admin-'))
    const aliceFile = join(folder, 'alice.properties')
    const script = (name: string, ...args: string[]) => runScript(cluster, name, ...args)

    beforeAll(async () => {
      cluster = await startCluster({
        version,
        nodes: 3,
        listeners: { CLIENT: 'PLAINTEXT', SASL: 'SASL_PLAINTEXT' },
        scramUsers: ['SCRAM-SHA-256=[name=alice,password=secret]'],
        properties: {
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users': 'User:ANONYMOUS;User:alice',
          'delegation.token.secret.key': 'some-secret',
          'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
          'listener.name.sasl.sasl.enabled.mechanisms': 'SCRAM-SHA-256',
          'listener.name.sasl.scram-sha-256.sasl.jaas.config':
            'org.apache.kafka.common.security.scram.ScramLoginModule required;',
          'transaction.max.timeout.ms': 60_000,
        },
      })
      writeFileSync(
        aliceFile,
        [
          'security.protocol=SASL_PLAINTEXT',
          'sasl.mechanism=SCRAM-SHA-256',
          'sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="alice" password="secret";',
        ].join('\n'),
      )
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
      admin = kafka.admin()
      secure = new Kafka({
        bootstrapServers: cluster.bootstrapOf('SASL'),
        sasl: { mechanism: 'SCRAM-SHA-256', username: 'alice', password: 'secret' },
      })
    })
    afterAll(async () => {
      await kafka?.close()
      await secure?.close()
      await cluster?.stop()
      rmSync(folder, { recursive: true, force: true })
    })

    async function newTopic(partitions = 3, configs: Record<string, string> = {}): Promise<string> {
      const topic = uniqueName('admin')
      const wanted = [{ topic, numPartitions: partitions, replicationFactor: 3, configs }]
      await admin.createTopics(wanted, { waitUntilReady: true })
      return topic
    }

    async function write(topic: string, count: number, partition = 0): Promise<void> {
      const producer = kafka.producer()
      const records = Array.from({ length: count }, (_, i) => ({
        topic,
        partition,
        value: `v${i}`,
      }))
      await producer.sendBatch(records)
      await producer.close()
    }

    test('topics: create, describe, list, add partitions, delete', async () => {
      const topic = await newTopic(2, { 'retention.ms': '3600000' })
      const placed = uniqueName('placed')
      const assignments = [
        [1, 2],
        [3, 1],
      ]
      await admin.createTopics([{ topic: placed, assignments }], { waitUntilReady: true })
      const described = await script('kafka-topics', '--describe', '--topic', `${topic}|${placed}`)
      expect(described.join('\n')).toContain('retention.ms=3600000')
      expect(described.join('\n')).toMatch(/Partition: 1\s+Leader: 3\s+Replicas: 3,1/)
      const names = (await admin.listTopics()).map(({ topic }) => topic)
      expect(await script('kafka-topics', '--list', '--exclude-internal')).toEqual(names)
      await admin.createPartitions([{ topic, totalCount: 5 }])
      expect((await script('kafka-topics', '--describe', '--topic', topic))[0]).toMatch(
        /PartitionCount: 5/,
      )
      const [{ topicId, partitions }] = await admin.describeTopics([placed])
      expect(partitions.map(({ replicas }) => replicas)).toEqual(assignments)
      expect(await admin.describeTopics({ topicIds: [topicId] })).toMatchObject([{ topic: placed }])
      await admin.deleteTopics({ topicIds: [topicId] })
      await admin.deleteTopics([topic])
      const left = await script('kafka-topics', '--list')
      expect(left).not.toContain(topic)
      expect(left).not.toContain(placed)
    })

    test('topics: each refusal, and the others are done', async () => {
      const topic = await newTopic(3)
      const fresh = uniqueName('fresh')
      const error = await failure(
        admin.createTopics([
          { topic },
          { topic: 'a b' },
          { topic: uniqueName('x'), replicationFactor: 9, numPartitions: 1 },
          { topic: uniqueName('x'), configs: { 'no.such.config': 'x' } },
          { topic: fresh },
        ]),
      )
      expect(error.results.map(({ error }) => codeName(error))).toEqual([
        'TOPIC_ALREADY_EXISTS',
        'INVALID_TOPIC_EXCEPTION',
        'INVALID_REPLICATION_FACTOR',
        'INVALID_CONFIG',
        null,
      ])
      expect(error.message).toContain(`"${topic}"`)
      expect(await script('kafka-topics', '--list')).toContain(fresh)
      const fewer = await failure(admin.createPartitions([{ topic, totalCount: 2 }]))
      expect(codeName(fewer.errors[0])).toBe('INVALID_PARTITIONS')
      const missing = await failure(admin.deleteTopics(['no-such-topic', fresh]))
      expect(missing.results.map(({ error }) => codeName(error))).toEqual([
        'UNKNOWN_TOPIC_OR_PARTITION',
        null,
      ])
      const unknown = await failure(admin.describeTopics(['no-such-topic', topic]))
      expect(unknown.results[1].value).toMatchObject({ topic })
    })

    test('validateOnly changes nothing', async () => {
      const topic = uniqueName('not')
      await admin.createTopics([{ topic }], { validateOnly: true })
      const there = await newTopic(1)
      await admin.createPartitions([{ topic: there, totalCount: 9 }], { validateOnly: true })
      await admin.incrementalAlterConfigs(
        [{ type: 'TOPIC', name: there, configs: [{ name: 'retention.ms', value: 5 }] }],
        { validateOnly: true },
      )
      const lines = await script('kafka-topics', '--describe', '--topic', there)
      expect(lines[0]).toMatch(/PartitionCount: 1\b/)
      expect(lines[0]).not.toContain('retention.ms')
      expect(await script('kafka-topics', '--list')).not.toContain(topic)
    })

    test('configs of topics, brokers, groups and client metrics', async () => {
      const topic = await newTopic(1)
      await admin.incrementalAlterConfigs([
        {
          type: 'TOPIC',
          name: topic,
          configs: [
            { name: 'retention.ms', value: 1234567 },
            { name: 'cleanup.policy', operation: 'APPEND', value: 'compact' },
          ],
        },
        { type: 'BROKER', name: '1', configs: [{ name: 'log.cleaner.threads', value: 2 }] },
        { type: 'CLIENT_METRICS', name: 'm1', configs: [{ name: 'interval.ms', value: 5000 }] },
      ])
      const shown = await script('kafka-configs', '--describe', '--topic', topic)
      expect(shown.join()).toContain('retention.ms=1234567')
      expect(shown.join()).toContain('cleanup.policy=delete,compact')
      const broker = await script('kafka-configs', '--describe', '--broker', '1')
      expect(broker.join()).toContain('log.cleaner.threads=2')
      const metrics = await script('kafka-client-metrics', '--describe', '--name', 'm1')
      expect(metrics.join()).toContain('interval.ms=5000')
      const [described] = await admin.describeConfigs(
        [{ type: 'TOPIC', name: topic, configNames: ['retention.ms'] }],
        { includeSynonyms: true },
      )
      expect(described.configs).toMatchObject([
        { name: 'retention.ms', value: '1234567', source: 'DYNAMIC_TOPIC_CONFIG', type: 'LONG' },
      ])
      const resources = await admin.listConfigResources({ types: ['CLIENT_METRICS'] })
      expect(resources).toContainEqual({ type: 'CLIENT_METRICS', name: 'm1' })
      await admin.incrementalAlterConfigs([
        { type: 'TOPIC', name: topic, configs: [{ name: 'retention.ms', operation: 'DELETE' }] },
      ])
      const after = await script('kafka-configs', '--describe', '--topic', topic)
      expect(after.join()).not.toContain('retention.ms=1234567')
      const error = await failure(
        admin.incrementalAlterConfigs([
          { type: 'TOPIC', name: topic, configs: [{ name: 'retention.ms', value: 'long' }] },
          { type: 'TOPIC', name: topic.repeat(2), configs: [{ name: 'retention.ms', value: 5 }] },
        ]),
      )
      expect(error.errors.map(codeName)).toEqual(['INVALID_CONFIG', 'UNKNOWN_TOPIC_OR_PARTITION'])
      const none = await failure(admin.describeConfigs([{ type: 'BROKER', name: '99' }]))
      expect(none.message).toContain('running are 1, 2, 3')
    })

    test('offsets, records, elections', async () => {
      const topic = await newTopic(2)
      await write(topic, 10)
      const place = { topic, partition: 0 }
      await admin.deleteRecords([{ ...place, beforeOffset: 4n }])
      expect(await script('kafka-get-offsets', '--topic', topic, '--time', '-2')).toContain(
        `${topic}:0:4`,
      )
      const offsets = await admin.listOffsets([
        { ...place, offset: 'earliest' },
        { ...place, offset: 'latest' },
        { ...place, offset: 'max_timestamp' },
        { ...place, offset: { timestamp: Date.now() + 60_000 } },
        { topic, partition: 1, offset: 'latest' },
      ])
      expect(offsets.map(({ offset }) => offset)).toEqual([4n, 10n, expect.any(BigInt), -1n, 0n])
      const error = await failure(
        admin.deleteRecords([
          { ...place, beforeOffset: 99n },
          { topic, partition: 1, beforeOffset: 'latest' },
          { topic, partition: 7, beforeOffset: 1n },
        ]),
      )
      expect(error.results.map(({ error }) => codeName(error))).toEqual([
        'OFFSET_OUT_OF_RANGE',
        null,
        'UNKNOWN_TOPIC_OR_PARTITION',
      ])
      const elected = await admin.electLeaders('PREFERRED', { partitions: [place] })
      expect(elected).toEqual([{ ...place, isElected: false }])
    })

    test('groups: list, describe, lag, offsets, reset, remove members, delete', async () => {
      const topic = await newTopic(2)
      await write(topic, 10)
      const group = uniqueName('group')
      const consumer = kafka.consumer({
        groupId: group,
        topics: [topic],
        autoOffsetReset: 'earliest',
        enableAutoCommit: false,
      })
      let read = 0
      for await (const record of consumer) {
        if (record !== undefined && ++read === 10) break
      }
      await consumer.commit([{ topic, partition: 0, offset: 6n }])
      const [described] = await admin.describeGroups([group])
      expect(described).toMatchObject({
        type: 'classic',
        state: 'Stable',
        protocolType: 'consumer',
      })
      expect(described.members[0].assignment).toHaveLength(2)
      const [{ totalLag, partitions }] = await admin.groupLag([group])
      expect([totalLag, partitions[0].lag, partitions[0].member?.memberId]).toEqual([
        4n,
        4n,
        described.members[0].memberId,
      ])
      const shown = await script('kafka-consumer-groups', '--describe', '--group', group)
      expect(shown.join('\n')).toMatch(new RegExp(`${topic} +0 +6 +10 +4 `))
      const active = await failure<BrokerError>(
        admin.resetConsumerGroupOffsets(group, { to: 'earliest' }),
      )
      expect(codeName(active)).toBe('NON_EMPTY_GROUP')
      expect(active.message).toContain('Stop its members first')
      const notEmpty = await failure(admin.deleteGroups([group, 'no-such-group']))
      expect(notEmpty.errors.map(codeName)).toEqual(['NON_EMPTY_GROUP', 'GROUP_ID_NOT_FOUND'])
      await consumer.close()
      await waitUntil('the group is empty', async () => {
        return (await admin.describeGroups([group]))[0].state === 'Empty'
      })
      const resets = await admin.resetConsumerGroupOffsets(group, { to: { shiftBy: -2n } })
      expect(resets.find(({ partition }) => partition === 0)).toMatchObject({ from: 6n, to: 4n })
      await admin.alterConsumerGroupOffsets(group, [{ topic, partition: 1, offset: 0n }])
      await admin.deleteConsumerGroupOffsets(group, [{ topic, partition: 0 }])
      const after = await script('kafka-consumer-groups', '--describe', '--group', group)
      expect(after.filter((line) => line.includes(` ${topic} `))).toHaveLength(1)
      const listed = await admin.listGroups({ states: ['Empty'] })
      expect(listed.map(({ groupId }) => groupId)).toContain(group)
      await admin.deleteGroups([group])
      expect(await script('kafka-consumer-groups', '--list')).not.toContain(group)
      expect(codeName((await failure(admin.describeGroups([group]))).errors[0])).toBe(
        'GROUP_ID_NOT_FOUND',
      )
    })

    test('groups: members of another process are removed', async () => {
      const topic = await newTopic(1)
      const group = uniqueName('kicked')
      const consumer = kafka.consumer({ groupId: group, topics: [topic] })
      const reading = (async () => {
        for await (const record of consumer) if (record === null) break
      })().catch(() => {})
      const member = await waitUntil('the member is there', async () => {
        const [found] = await admin.describeGroups([group]).catch(() => [])
        return found?.state === 'Stable' ? found.members[0] : null
      })
      await admin.removeMembersFromConsumerGroup(group, {
        members: [{ memberId: member.memberId }],
      })
      await waitUntil('it came back as another', async () => {
        const [found] = await admin.describeGroups([group])
        return found.members[0]?.memberId !== member.memberId
      })
      await consumer.close()
      await reading
    })

    test('ACLs', async () => {
      const topic = uniqueName('acl')
      const acls = [
        { resourceType: 'TOPIC', resourceName: topic, principal: 'User:x', operation: 'READ' },
        {
          resourceType: 'GROUP',
          resourceName: topic,
          patternType: 'PREFIXED',
          principal: 'User:x',
          host: '10.0.0.1',
          operation: 'ALL',
          permissionType: 'DENY',
        },
      ] as const
      await admin.createAcls(acls)
      const shown = (await script('kafka-acls', '--list', '--topic', topic)).join()
      expect(shown).toMatch(/principal=User:x, host=\*, operation=READ, permissionType=ALLOW/)
      const found = await waitUntil('both are known', async () => {
        const found = await admin.describeAcls({ principal: 'User:x' })
        return found.length === 2 ? found : null
      })
      expect(found).toContainEqual({ ...acls[1] })
      const matching = await admin.describeAcls({
        resourceType: 'GROUP',
        resourceName: `${topic}-1`,
        patternType: 'MATCH',
      })
      expect(matching).toHaveLength(1)
      expect(await admin.deleteAcls([{ principal: 'User:x' }])).toHaveLength(2)
      expect((await script('kafka-acls', '--list', '--principal', 'User:x')).join()).not.toContain(
        topic,
      )
    })

    test('SCRAM users, and the login that they allow', async () => {
      const user = uniqueName('user')
      const mechanism = 'SCRAM-SHA-256'
      await admin.alterUserScramCredentials([{ user, mechanism, password: 'pw', iterations: 8192 }])
      const shown = await script('kafka-configs', '--describe', '--user', user)
      expect(shown.join()).toContain('SCRAM-SHA-256=iterations=8192')
      const login = new Kafka({
        bootstrapServers: cluster.bootstrapOf('SASL'),
        sasl: { mechanism, username: user, password: 'pw' },
      })
      // The broker hears of the user a moment after the controller.
      await waitUntil('it can log in', () =>
        login
          .admin()
          .describeCluster()
          .then(
            () => true,
            () => false,
          ),
      )
      const refused = await failure(login.admin().createTopics([{ topic: uniqueName('no') }]))
      expect(codeName(refused.errors[0])).toBe('TOPIC_AUTHORIZATION_FAILED')
      expect(refused.message).toContain('Grant it the operation')
      await login.close()
      await admin.alterUserScramCredentials([{ user, mechanism, delete: true }])
      await waitUntil('it is gone', async () => {
        const users = await admin.describeUserScramCredentials()
        return users.every((entry) => entry.user !== user)
      })
      // Each broker hears of it at its own time.
      const gone = await waitUntil('every broker knows', () =>
        admin.describeUserScramCredentials([user]).then(
          () => null,
          (error: AdminError) => error,
        ),
      )
      expect(codeName(gone.errors[0])).toBe('RESOURCE_NOT_FOUND')
    })

    test('client quotas', async () => {
      const user = uniqueName('quota')
      await admin.alterClientQuotas([
        { entity: { user, 'client-id': null }, quotas: { producer_byte_rate: 1000 } },
      ])
      const entity = ['--entity-type', 'users', '--entity-name', user, '--entity-type', 'clients']
      const shown = await script('kafka-configs', '--describe', ...entity, '--entity-default')
      expect(shown.join()).toContain('producer_byte_rate=1000')
      const error = await failure(
        admin.alterClientQuotas([
          { entity: { user }, quotas: { no_such_quota: 1 } },
          { entity: { ip: '10.0.0.9' }, quotas: { connection_creation_rate: 9 } },
        ]),
      )
      expect(error.results.map(({ error }) => codeName(error))).toEqual(['INVALID_REQUEST', null])
      const found = await waitUntil('it is known', async () => {
        const found = await admin.describeClientQuotas({ components: { ip: '10.0.0.9' } })
        return found.length > 0 ? found : null
      })
      expect(found).toEqual([
        { entity: { ip: '10.0.0.9' }, quotas: { connection_creation_rate: 9 } },
      ])
    })

    test('delegation tokens', async () => {
      const owner = secure.admin()
      const token = await owner.createDelegationToken({
        renewers: ['User:alice'],
        maxLifetimeMs: 3_600_000,
      })
      const found = await waitUntil('it is known', async () => {
        const found = await owner.describeDelegationTokens({ owners: ['User:alice'] })
        return found.find(({ tokenId }) => tokenId === token.tokenId)
      })
      expect(found).toMatchObject({ owner: 'User:alice', renewers: ['User:alice'] })
      expect(found.hmac.equals(token.hmac)).toBe(true)
      expect(await owner.renewDelegationToken(token.hmac)).toBeGreaterThan(Date.now())
      const login = new Kafka({
        bootstrapServers: cluster.bootstrapOf('SASL'),
        sasl: {
          mechanism: 'SCRAM-SHA-256',
          username: token.tokenId,
          password: token.hmac.toString('base64'),
          tokenAuth: true,
        },
      })
      // Another broker than the one that made the token hears of it a moment later.
      await waitUntil('the token can log in', () =>
        login
          .admin()
          .describeCluster()
          .then(
            () => true,
            () => false,
          ),
      )
      await login.close()
      const tokens = (): Promise<string[]> =>
        script(
          'kafka-delegation-tokens',
          ...['--bootstrap-server', cluster.bootstrapOf('SASL'), '--command-config', aliceFile],
          ...['--describe', '--owner-principal', 'User:alice'],
        )
      const shown = await waitUntil(
        'the script shows it',
        async () => (await tokens()).find((line) => line.startsWith(token.tokenId)),
        { timeoutMs: 60_000 },
      )
      expect(shown.split(/\s+/).slice(0, 5)).toEqual([
        token.tokenId,
        token.hmac.toString('base64'),
        ...['User:alice', 'User:alice', '[User:alice]'],
      ])
      await owner.expireDelegationToken(token.hmac)
      await waitUntil(
        'the script shows it no longer',
        async () => {
          return !(await tokens()).some((line) => line.startsWith(token.tokenId))
        },
        { timeoutMs: 60_000 },
      )
      const plain = await failure<BrokerError>(admin.createDelegationToken())
      expect(codeName(plain)).toBe('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED')
    })

    test('cluster, features and quorum', async () => {
      const { clusterId, brokers } = await admin.describeCluster()
      expect((await script('kafka-cluster', 'cluster-id')).join()).toContain(String(clusterId))
      expect(brokers.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3])
      const { finalized } = await admin.describeFeatures()
      const metadata = finalized.find(
        ({ feature }) => feature === 'metadata.version',
      )?.maxVersionLevel
      expect(metadata).toBeGreaterThan(1)
      const quorum = await admin.describeMetadataQuorum()
      const status = (await script('kafka-metadata-quorum', 'describe', '--status')).join('\n')
      expect(status).toMatch(new RegExp(`LeaderId:\\s+${quorum.leaderId}\\n`))
      expect(quorum.voters.map(({ replicaId }) => replicaId).sort()).toEqual([1, 2, 3])
      const voter = { voterId: 9, voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAQ' }
      const refused = await failure<BrokerError>(admin.removeRaftVoter(voter))
      expect(codeName(refused)).toBe('UNSUPPORTED_VERSION')
      const unknown = await failure<BrokerError>(admin.unregisterBroker(77))
      expect(codeName(unknown)).toBe('BROKER_ID_NOT_REGISTERED')
      const controller = await failure<KafkaError>(admin.unregisterController(77))
      if (is4) expect(controller).toBeInstanceOf(BrokerError)
      else expect(controller.code).toBe('ERR_KAFKA_UNSUPPORTED_VERSION')
      const level = (maxVersionLevel: number) => [
        { feature: 'group.version', maxVersionLevel, upgradeType: 'SAFE_DOWNGRADE' as const },
      ]
      if (is4) await admin.updateFeatures(level(0), { validateOnly: true })
      const features = await failure(admin.updateFeatures(level(99), { validateOnly: true }))
      expect(codeName(features.errors[0])).toBe('INVALID_UPDATE_VERSION')
    })

    // Asked of one version: they are the same requests.
    if (is4) {
      test('controllers in place of brokers', async () => {
        const addresses = [1, 2, 3].map((id) => {
          const { host, port } = cluster.controllerOf(id)
          return `${host}:${port}`
        })
        const controllers = kafka.admin({ bootstrapControllers: addresses })
        const { leaderId } = await admin.describeMetadataQuorum()
        const described = await controllers.describeCluster()
        expect(described.controllerId).toBe(leaderId)
        expect(described.brokers.map(({ host, port }) => `${host}:${port}`)).toEqual(addresses)
        const quorum = await controllers.describeMetadataQuorum()
        expect(quorum.voters.map(({ replicaId }) => replicaId).sort()).toEqual([1, 2, 3])
        expect(quorum.leaderId).toBe(leaderId)
        expect(await controllers.describeFeatures()).toMatchObject({
          finalized: expect.arrayContaining([
            expect.objectContaining({ feature: 'metadata.version' }),
          ]),
        })
        const onController = (...args: string[]): Promise<string[]> =>
          script('kafka-configs', '--bootstrap-controller', addresses.join(), ...args)

        // One that is not active knows where the active one is.
        const standby = addresses[[1, 2, 3].findIndex((id) => id !== leaderId)]
        const viaStandby = kafka.admin({ bootstrapControllers: standby })
        const topic = await newTopic(1)
        await viaStandby.incrementalAlterConfigs([
          { type: 'TOPIC', name: topic, configs: [{ name: 'retention.ms', value: '7654321' }] },
          { type: 'BROKER', name: '', configs: [{ name: 'message.max.bytes', value: '1234567' }] },
          { type: 'BROKER', name: '2', configs: [{ name: 'log.retention.ms', value: '99999999' }] },
        ])
        const shown = await script('kafka-configs', '--describe', '--topic', topic)
        expect(shown.join()).toContain('retention.ms=7654321')
        const ofBroker = ['--describe', '--entity-type', 'brokers', '--entity-name', '2']
        await waitUntil('the broker has it', async () => {
          return (await script('kafka-configs', ...ofBroker)).join().includes('ms=99999999')
        })
        expect(
          (await onController('--describe', '--entity-type', 'brokers', '--entity-default')).join(),
        ).toContain('message.max.bytes=1234567')
        const [{ configs }] = await controllers.describeConfigs([{ type: 'BROKER', name: '2' }])
        expect(configs.find(({ name }) => name === 'node.id')?.value).toBe('2')
        await controllers.incrementalAlterConfigs([
          {
            type: 'BROKER',
            name: '',
            configs: [{ name: 'message.max.bytes', operation: 'DELETE' }],
          },
        ])

        const acl = {
          resourceType: 'TOPIC' as const,
          resourceName: topic,
          principal: 'User:c',
          operation: 'READ' as const,
        }
        await controllers.createAcls([acl])
        await waitUntil('brokers have it', async () => {
          return (await script('kafka-acls', '--list', '--topic', topic)).join().includes('User:c')
        })
        expect(await controllers.describeAcls({ resourceName: topic })).toMatchObject([acl])
        expect(await controllers.deleteAcls([{ resourceName: topic }])).toHaveLength(1)

        // What controllers do not serve, and what is no controller.
        const refusal = await failure<KafkaError>(controllers.listTopics())
        expect(refusal.code).toBe('ERR_KAFKA_UNSUPPORTED_VERSION')
        expect(refusal.message).toMatch(/Metadata.*This is a controller, which serves only/)
        for (const [call, reason] of [
          [
            () => controllers.describeUserScramCredentials(),
            /controllers do not describe SCRAM users/,
          ],
          [
            () => controllers.describeDelegationTokens(),
            /controllers do not describe delegation tokens/,
          ],
          [
            () => controllers.createTopics([{ topic: 'never' }], { waitUntilReady: true }),
            /controllers do not know when brokers are ready/,
          ],
          [() => controllers.listGroups(), /ListGroups.*This is a controller/],
        ] as const) {
          expect((await failure<KafkaError>(call())).message).toMatch(reason)
        }
        const missing = await failure(controllers.describeConfigs([{ type: 'BROKER', name: '77' }]))
        expect(missing.errors[0].message).toMatch(/controller 77.*running are 1, 2, 3/)
        const mistaken = kafka.admin({ bootstrapControllers: cluster.bootstrapServers })
        const mismatch = await failure<BrokerError>(mistaken.describeMetadataQuorum())
        expect(codeName(mismatch)).toBe('MISMATCHED_ENDPOINT_TYPE')
        expect(mismatch.message).toMatch(/is a broker: 'bootstrapControllers' must be controllers/)
        const reversed = new Kafka({ bootstrapServers: addresses })
        for (const call of [
          () => reversed.admin().listTopics(),
          () => reversed.admin().createTopics([{ topic: 'never' }]),
          () => reversed.producer().send({ topic: 'never', value: 'v' }),
        ]) {
          const error = await failure<KafkaError>(call())
          expect(error.message).toMatch(/This is a controller/)
          // None of them waited until its time was over.
          expect(error.code).not.toMatch(/TIMEOUT/)
        }
        await reversed.close()
        await Promise.all([controllers, viaStandby, mistaken].map((each) => each.close()))
      })
    }

    test('log directories and reassignments', async () => {
      const topic = await newTopic(1)
      await write(topic, 5)
      const dirs = await admin.describeLogDirs({ topics: [topic] })
      expect(dirs.map(({ brokerId }) => brokerId)).toEqual([1, 2, 3])
      expect(dirs[0].logDirs[0].replicas).toMatchObject([{ topic, partition: 0, isFuture: false }])
      const wrongDir = { topic, partition: 0, brokerId: 1, logDir: '/no/such' }
      const refused = await failure(admin.alterReplicaLogDirs([wrongDir]))
      expect(codeName(refused.errors[0])).toBe('LOG_DIR_NOT_FOUND')
      await admin.alterReplicaLogDirs([{ ...wrongDir, logDir: dirs[0].logDirs[0].path }])
      await admin.alterPartitionReassignments([{ topic, partition: 0, replicas: [2, 3] }])
      await waitUntil('it is moved', async () => {
        return (await admin.listPartitionReassignments()).length === 0
      })
      const lines = await script('kafka-topics', '--describe', '--topic', topic)
      expect(lines.join('\n')).toMatch(/Replicas: 2,3/)
      const error = await failure(
        admin.alterPartitionReassignments([
          { topic, partition: 0, replicas: null },
          { topic, partition: 1, replicas: [1] },
        ]),
      )
      expect(error.errors.map(codeName)).toEqual([
        'NO_REASSIGNMENT_IN_PROGRESS',
        'UNKNOWN_TOPIC_OR_PARTITION',
      ])
    })

    test('producers and transactions', async () => {
      const topic = await newTopic(1)
      const transactionalId = uniqueName('tx')
      const producer = kafka.producer({ transactionalId })
      await producer.beginTransaction()
      await producer.send({ topic, value: 'open' })
      const [{ producers }] = await admin.describeProducers([{ topic, partition: 0 }])
      expect(producers).toMatchObject([{ currentTxnStartOffset: 0n }])
      expect(await admin.describeTransactions([transactionalId])).toMatchObject([
        {
          state: 'Ongoing',
          producerId: producers[0].producerId,
          partitions: [{ topic, partition: 0 }],
        },
      ])
      const listed = await admin.listTransactions({ states: ['Ongoing'] })
      expect(listed.map((entry) => entry.transactionalId)).toContain(transactionalId)
      expect((await script('kafka-transactions', 'list')).join('\n')).toContain(transactionalId)
      expect(await admin.findHangingTransactions()).toEqual([])
      const [fenced] = await admin.fenceProducers([transactionalId])
      await expect(producer.commitTransaction()).rejects.toThrow()
      await producer.close().catch(() => {})
      await waitUntil('it is aborted', async () => {
        const [{ state }] = await admin.describeTransactions([transactionalId])
        return state === 'CompleteAbort' || state === 'Empty'
      })
      const described = await script(
        ...(['kafka-transactions', 'describe', '--transactional-id', transactionalId] as const),
      )
      const row = described.find((line) => line.includes(transactionalId)) ?? ''
      expect(row.split(/\s+/).slice(1, 4)).toEqual([
        transactionalId,
        String(fenced.producerId),
        String(fenced.producerEpoch),
      ])
      const error = await failure(admin.describeTransactions(['no-such-id']))
      expect(codeName(error.errors[0])).toBe('TRANSACTIONAL_ID_NOT_FOUND')
    })

    test('a broker that is gone is unregistered', async () => {
      await cluster.terminate(3)
      await waitUntil('the controller knows', async () => {
        const { brokers } = await admin.describeCluster()
        return brokers.length === 2
      })
      if (is4) {
        const { brokers } = await admin.describeCluster({ includeFencedBrokers: true })
        expect(brokers.find(({ nodeId }) => nodeId === 3)?.isFenced).toBe(true)
      }
      await admin.unregisterBroker(3)
      if (is4) {
        await waitUntil('it is gone', async () => {
          const { brokers } = await admin.describeCluster({ includeFencedBrokers: true })
          return brokers.length === 2
        })
        const fenced = ['list-endpoints', '--include-fenced-brokers']
        const shown = (await script('kafka-cluster', ...fenced)).join('\n')
        expect(shown).toMatch(/^1\s[\s\S]*^2\s/m)
        expect(shown).not.toMatch(/^3\s/m)
      }
      await expect(script('kafka-cluster', 'unregister', '--id', '3')).rejects.toThrow(
        /Broker ID 3 is not currently registered|BrokerIdNotRegistered/,
      )
    })
  })
})
