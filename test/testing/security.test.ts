// Authentication and authorization in the test cluster, from outside: by the client of this library where
// it authenticates, by raw requests where one error code counts.

import { pbkdf2Sync } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import {
  aclOperations,
  aclPermissionTypes,
  aclResourceTypes,
  patternTypes,
} from '../../src/protocol/acl-constants.ts'
import { alterUserScramCredentials } from '../../src/protocol/messages/alter-user-scram-credentials.ts'
import { type AclCreation, createAcls } from '../../src/protocol/messages/create-acls.ts'
import { createTopics } from '../../src/protocol/messages/create-topics.ts'
import { deleteAcls } from '../../src/protocol/messages/delete-acls.ts'
import { describeAcls } from '../../src/protocol/messages/describe-acls.ts'
import { describeCluster } from '../../src/protocol/messages/describe-cluster.ts'
import { describeConfigs } from '../../src/protocol/messages/describe-configs.ts'
import { describeUserScramCredentials } from '../../src/protocol/messages/describe-user-scram-credentials.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { saslAuthenticate } from '../../src/protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/messages/sasl-handshake.ts'
import { ManualClock } from '../../src/testing/clock.ts'
import type { TestCluster } from '../../src/testing/test-cluster.ts'
import type { RawClient } from './raw-client.ts'
import { batch, fetchFrom, fetchPartition, metadataOf, produceTo } from './requests.ts'
import { connectTo, startCluster } from './with-cluster.ts'

function start(cluster: TestCluster, sasl: object): Kafka {
  const kafka = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    sasl: sasl as ConstructorParameters<typeof Kafka>[0]['sasl'],
  })
  onTestFinished(() => kafka.close())
  return kafka
}

describe('authentication', () => {
  test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])('by %s', async (mechanism) => {
    const sasl = { users: { alice: 'secret' } }
    const cluster = await startCluster({ sasl, topics: { t: 1 } })
    const allowUnencrypted = mechanism === 'PLAIN' ? { allowUnencrypted: true } : {}
    const alice = { mechanism, username: 'alice', ...allowUnencrypted }
    const kafka = start(cluster, { ...alice, password: 'secret' })
    const producer = kafka.producer()
    onTestFinished(() => producer.close())
    const { offset } = await producer.send({ topic: 't', value: 'x' })
    expect(offset).toBe(0n)
    const mallory = start(cluster, { ...alice, password: 'wrong' })
    await expect(mallory.connect()).rejects.toThrow(/Authentication failed/)
  })

  test('is needed before anything else, and by a mechanism that is offered', async () => {
    const cluster = await startCluster({ sasl: { mechanisms: ['PLAIN'] } })
    const client = await connectTo(cluster)
    const { errorCode, mechanisms } = await client.request(saslHandshake, 1, {
      mechanism: 'GSSAPI',
    })
    expect([errorCode, mechanisms]).toEqual([33, ['PLAIN']])
    client.send(metadata, 12, metadataOf(null))
    await client.closed
    expect(cluster.protocolErrors[0].message).toBe(
      'a request of Metadata before the connection has authenticated',
    )
  })

  test('ends after its lifetime, by the clock of the cluster', async () => {
    const clock = new ManualClock()
    const sasl = { users: { alice: 'secret' }, maxReauthMs: 60_000 }
    const cluster = await startCluster({ clock, sasl })
    const client = await connectTo(cluster)
    await client.request(saslHandshake, 1, { mechanism: 'PLAIN' })
    const authBytes = Buffer.from('\0alice\0secret')
    const { sessionLifetimeMs } = await client.request(saslAuthenticate, 2, { authBytes })
    expect(sessionLifetimeMs).toBe(60_000n)
    clock.advance(59_999)
    expect((await client.request(metadata, 12, metadataOf(null))).errorCode).toBe(0)
    clock.advance(1)
    client.send(metadata, 12, metadataOf(null))
    await client.closed
  })

  test('by a token, until the token expires', async () => {
    const cluster = await startCluster({ sasl: { mechanisms: ['OAUTHBEARER'] } })
    const client = await connectTo(cluster)
    const attempt = async (exp: number) => {
      await client.request(saslHandshake, 1, { mechanism: 'OAUTHBEARER' })
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const token = `${part({ alg: 'none' })}.${part({ sub: 'alice', exp })}.`
      const authBytes = Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`)
      return (await client.request(saslAuthenticate, 2, { authBytes })).errorCode
    }
    expect(await attempt(Date.now() / 1000 - 1)).toBe(58)
    expect(await attempt(Date.now() / 1000 + 60)).toBe(0)
  })

  test('without SASL a handshake is out of place', async () => {
    const client = await connectTo(await startCluster())
    const { errorCode } = await client.request(saslHandshake, 1, { mechanism: 'PLAIN' })
    expect(errorCode).toBe(34)
  })

  test('SCRAM credentials are created, used, described and deleted', async () => {
    const cluster = await startCluster({ sasl: { users: { admin: 'admin' } } })
    const client = await connectTo(cluster)
    await client.request(saslHandshake, 1, { mechanism: 'PLAIN' })
    await client.request(saslAuthenticate, 2, { authBytes: Buffer.from('\0admin\0admin') })
    const salt = Buffer.from('salt')
    const saltedPassword = pbkdf2Sync('pw', salt, 8192, 32, 'sha256')
    const credential = { name: 'bob', mechanism: 1, iterations: 8192, salt, saltedPassword }
    const alter = async (deletions: object[], upsertions: object[]) => {
      const request = { deletions, upsertions } as never
      return (await client.request(alterUserScramCredentials, 0, request)).results[0]
    }
    expect(await alter([], [{ ...credential, iterations: 100 }])).toMatchObject({ errorCode: 93 })
    const twice = { errorCode: 92, errorMessage: expect.stringContaining('altered twice') }
    expect(await alter([], [credential, { ...credential, mechanism: 2 }])).toMatchObject(twice)
    expect(await alter([{ name: 'bob', mechanism: 1 }], [credential])).toMatchObject({
      errorCode: 91,
    })
    expect(await alter([], [credential])).toMatchObject({ user: 'bob', errorCode: 0 })
    expect(await alter([{ name: 'bob', mechanism: 1 }], [credential])).toMatchObject(twice)
    const scram = { mechanism: 'SCRAM-SHA-256', username: 'bob', password: 'pw' }
    await start(cluster, scram).connect()
    const described = await client.request(describeUserScramCredentials, 0, {
      users: [{ name: 'bob' }, { name: 'nobody' }],
    })
    expect(described.results).toMatchObject([
      { user: 'bob', errorCode: 0, credentialInfos: [{ mechanism: 1, iterations: 8192 }] },
      { user: 'nobody', errorCode: 91 },
    ])
    const everyone = await client.request(describeUserScramCredentials, 0, { users: [] })
    expect(everyone.results.map(({ user }) => user)).toEqual(['admin', 'bob'])
    expect(await alter([{ name: 'bob', mechanism: 1 }], [])).toMatchObject({ errorCode: 0 })
    expect(await alter([{ name: 'bob', mechanism: 1 }], [])).toMatchObject({ errorCode: 91 })
    await expect(start(cluster, scram).connect()).rejects.toThrow(/Authentication failed/)
  })
})

describe('authorization', () => {
  const authorizer = { superUsers: ['User:admin'] }
  const sasl = { users: { admin: 'a', alice: 'b' } }

  async function loginAs(cluster: TestCluster, user: 'admin' | 'alice'): Promise<RawClient> {
    const client = await connectTo(cluster)
    await client.request(saslHandshake, 1, { mechanism: 'PLAIN' })
    const authBytes = Buffer.from(`\0${user}\0${sasl.users[user]}`)
    expect((await client.request(saslAuthenticate, 2, { authBytes })).errorCode).toBe(0)
    return client
  }

  async function begin() {
    const cluster = await startCluster({ sasl, authorizer, topics: { t: 1, tt: 1 } })
    const admin = await loginAs(cluster, 'admin')
    return { cluster, admin, alice: await loginAs(cluster, 'alice') }
  }

  async function grant(admin: RawClient, fields: Partial<AclCreation>): Promise<number> {
    const creation = {
      resourceType: aclResourceTypes.TOPIC,
      resourceName: 't',
      resourcePatternType: patternTypes.LITERAL,
      principal: 'User:alice',
      host: '*',
      operation: aclOperations.READ,
      permissionType: aclPermissionTypes.ALLOW,
      ...fields,
    }
    return (await admin.request(createAcls, 3, { creations: [creation] })).results[0].errorCode
  }

  async function write(client: RawClient, topic = 't'): Promise<number> {
    const { responses } = await client.request(produce, 12, produceTo(topic, 0, batch(['x'])))
    return responses[0].partitionResponses[0].errorCode
  }

  async function read(cluster: TestCluster, client: RawClient): Promise<number> {
    const topicId = cluster.topicId('t')
    const request = fetchFrom('t', [fetchPartition(0, 0n)], { topicId })
    return (await client.request(fetch, 13, request)).responses[0].partitions[0].errorCode
  }

  test('everything is refused that no entry allows', async () => {
    const { cluster, alice } = await begin()
    expect(await write(alice)).toBe(29)
    expect(await read(cluster, alice)).toBe(29)
    const described = await alice.request(metadata, 12, metadataOf(['t']))
    expect(described.topics[0].errorCode).toBe(29)
    expect((await alice.request(metadata, 12, metadataOf(null))).topics).toEqual([])
    const beat = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
    expect((await alice.request(heartbeat, 4, beat)).errorCode).toBe(30)
    const find = { key: '', keyType: 0, coordinatorKeys: ['g'] }
    expect((await alice.request(findCoordinator, 4, find)).coordinators[0].errorCode).toBe(30)
    const init = {
      transactionalId: null,
      transactionTimeoutMs: 1000,
      producerId: -1n,
      producerEpoch: -1,
      enable2Pc: false,
      keepPreparedTxn: false,
    }
    expect((await alice.request(initProducerId, 4, init)).errorCode).toBe(31)
    const topic = {
      name: 'n',
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }
    const create = { topics: [topic], timeoutMs: 1000, validateOnly: false }
    expect((await alice.request(createTopics, 7, create)).topics[0].errorCode).toBe(29)
    const resources = [{ resourceType: 2, resourceName: 't', configurationKeys: null }]
    const configs = { resources, includeSynonyms: false, includeDocumentation: false }
    expect((await alice.request(describeConfigs, 4, configs)).results[0].errorCode).toBe(29)
    expect(await grant(alice, {})).toBe(31)
  })

  test('an entry allows what it names, and what that implies', async () => {
    const { cluster, admin, alice } = await begin()
    expect(await grant(admin, { operation: aclOperations.READ })).toBe(0)
    expect(await read(cluster, alice)).toBe(0)
    expect(await write(alice)).toBe(29)
    const described = await alice.request(metadata, 12, metadataOf(null))
    expect(described.topics.map(({ name }) => name)).toEqual(['t'])
  })

  test('a description says what the principal may do', async () => {
    const { admin, alice } = await begin()
    await grant(admin, { operation: aclOperations.READ })
    const ask = async (client: RawClient) => {
      const options = { includeTopicAuthorizedOperations: true }
      const answer = await client.request(metadata, 12, { ...metadataOf(['t']), ...options })
      const fields = { includeClusterAuthorizedOperations: true }
      const cluster = await client.request(describeCluster, 1, describeCluster.request(fields))
      return [answer.topics[0].topicAuthorizedOperations, cluster.clusterAuthorizedOperations]
    }
    expect(await ask(alice)).toEqual([(1 << aclOperations.READ) | (1 << aclOperations.DESCRIBE), 0])
    expect(await ask(admin)).toEqual([3576, 8096])
    const cluster = { resourceType: aclResourceTypes.CLUSTER, resourceName: 'kafka-cluster' }
    await grant(admin, { ...cluster, operation: aclOperations.DESCRIBE })
    expect((await ask(alice))[1]).toBe(1 << aclOperations.DESCRIBE)
  })

  test('a denial wins, prefixes and wildcards count', async () => {
    const { admin, alice } = await begin()
    const prefixed = { resourcePatternType: patternTypes.PREFIXED, operation: aclOperations.WRITE }
    await grant(admin, prefixed)
    expect([await write(alice), await write(alice, 'tt')]).toEqual([0, 0])
    const deny = { permissionType: aclPermissionTypes.DENY, operation: aclOperations.ALL }
    await grant(admin, { resourceName: '*', principal: 'User:*', host: '127.0.0.9', ...deny })
    expect(await write(alice)).toBe(0)
    await grant(admin, { resourceName: 'tt', ...deny })
    expect([await write(alice), await write(alice, 'tt')]).toEqual([0, 29])
    expect(await write(admin, 'tt')).toBe(0)
  })

  test('entries are found and deleted by filters', async () => {
    const { admin, alice } = await begin()
    await grant(admin, { operation: aclOperations.WRITE })
    await grant(admin, { resourceType: aclResourceTypes.GROUP, resourceName: 'g' })
    const any = {
      resourceTypeFilter: 1,
      resourceNameFilter: null,
      patternTypeFilter: 1,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    }
    const { resources } = await admin.request(describeAcls, 3, any)
    expect(resources.map(({ resourceName }) => resourceName)).toEqual(['t', 'g'])
    const filters = [{ ...any, resourceTypeFilter: aclResourceTypes.TOPIC }]
    const { filterResults } = await admin.request(deleteAcls, 3, { filters })
    expect(filterResults[0].matchingAcls).toMatchObject([{ resourceName: 't', operation: 4 }])
    expect(await write(alice)).toBe(29)
  })

  test.each([
    [{ principal: 'alice' }, 42],
    [{ resourceName: '' }, 42],
    [{ resourceType: aclResourceTypes.CLUSTER, resourceName: 'x' }, 42],
    [{ resourcePatternType: patternTypes.MATCH }, 42],
  ])('an entry of %o is refused', async (fields, errorCode) => {
    const { admin } = await begin()
    expect(await grant(admin, fields)).toBe(errorCode)
  })

  test('without an authorizer there is nothing to create', async () => {
    const client = await connectTo(await startCluster())
    expect(await grant(client, {})).toBe(54)
  })
})
