import { expect, test } from 'vitest'
import { apiVersions } from '../../../src/protocol/messages/api-versions.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { metadataOf } from '../requests.ts'
import { connectTo, startCluster } from '../with-cluster.ts'

const named = {
  clientSoftwareName: 'kafkawire',
  clientSoftwareVersion: '1.0.0',
  clusterId: null,
  nodeId: -1,
}

test.each([0, 1, 2, 3, 4])('v%i lists what is served', async (version) => {
  const client = await connectTo(await startCluster())
  const { errorCode, apiKeys } = await client.request(apiVersions, version, named)
  expect(errorCode).toBe(0)
  expect(apiKeys).toContainEqual({ apiKey: 1, minVersion: 4, maxVersion: fetch.maxVersion })
  expect(apiKeys).toContainEqual({ apiKey: 0, minVersion: 0, maxVersion: 13 })
})

test('an unknown version is answered in v0, with the versions that are known', async () => {
  const client = await connectTo(await startCluster())
  const frame = Buffer.from('000000090012006300000007ffff00', 'hex')
  frame.writeInt32BE(frame.length - 4, 0)
  client.socket.write(frame)
  const answer = await client.receive(apiVersions, 0, 7)
  expect(answer).toMatchObject({
    errorCode: 35,
    apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: apiVersions.maxVersion }],
  })
  expect((await client.request(apiVersions, 0, named)).errorCode).toBe(0)
})

test.each(['', ' kafkawire', 'kafka/wire', '-a'])(
  'v3 wants a proper name, not %j',
  async (name) => {
    const client = await connectTo(await startCluster())
    const request = { ...named, clientSoftwareName: name }
    expect((await client.request(apiVersions, 3, request)).errorCode).toBe(42)
  },
)

test('v5 refuses the id of a node without that of its cluster, and the other way round (KIP-1242)', async () => {
  const cluster = await startCluster()
  const client = await connectTo(cluster)
  const { clusterId } = await client.request(metadata, 12, metadataOf([]))
  for (const [meant, errorCode] of [
    [{ clusterId: null, nodeId: 1 }, 42],
    [{ clusterId, nodeId: -1 }, 42],
    [{ clusterId, nodeId: 1 }, 0],
    [{ clusterId, nodeId: 2 }, 129],
  ] as const) {
    expect(await client.request(apiVersions, 5, { ...named, ...meant })).toMatchObject({
      errorCode,
    })
  }
})

test('an older broker offers less, and ends the connection of who asks for more', async () => {
  const cluster = await startCluster({
    versions: { Fetch: { maxVersion: 11 }, ApiVersions: { maxVersion: 2 }, InitProducerId: null },
  })
  const client = await connectTo(cluster)
  const { apiKeys } = await client.request(apiVersions, 2, named)
  expect(apiKeys).toContainEqual({ apiKey: 1, minVersion: 4, maxVersion: 11 })
  expect(apiKeys.map(({ apiKey }) => apiKey)).not.toContain(initProducerId.key)
  client.send(heartbeat, 4, { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null })
  await client.nextFrame()
  const transactionalId = null
  client.send(initProducerId, 4, {
    transactionalId,
    transactionTimeoutMs: 1,
    producerId: -1n,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  })
  await client.closed
  expect(cluster.protocolErrors.map(({ message }) => message)).toEqual([
    'a request of API 22 v4, which is not offered',
  ])
})

test('Produce is offered from v0, as Kafka 4 does, and refused below v3', async () => {
  const cluster = await startCluster()
  const client = await connectTo(cluster)
  const frame = Buffer.from('0000000e0000000200000001ffff0001000003e800000000', 'hex')
  frame.writeInt32BE(frame.length - 4, 0)
  client.socket.write(frame)
  await client.closed
  expect(cluster.protocolErrors[0].message).toBe('a request of Produce v2, offered are 3 to 13')
})

test('options that mean nothing are refused', async () => {
  await expect(startCluster({ versions: { fetch: null } })).rejects.toThrow(/serve 'fetch'/)
  await expect(
    startCluster({ properties: { messageMaxByte: 1 } as Record<string, number> }),
  ).rejects.toThrow(/messageMaxByte is not a property of the test broker/)
})

test.each([
  [3, ['metadata.version']],
  [
    4,
    [
      'metadata.version',
      'group.version',
      'share.version',
      'transaction.version',
      'eligible.leader.replicas.version',
      'kraft.version',
    ],
  ],
])('v%i names the features that its clients can read', async (version, names) => {
  const client = await connectTo(await startCluster())
  const response = await client.request(apiVersions, version, named)
  expect(response.supportedFeatures.map(({ name }) => name)).toEqual(names)
  expect(response.finalizedFeatures).toContainEqual({
    name: 'group.version',
    minVersionLevel: 1,
    maxVersionLevel: 1,
  })
})

test('a feature at level 0 is not finalized', async () => {
  const properties = { groupVersion: 0, shareVersion: 0, transactionVersion: 0 }
  const client = await connectTo(await startCluster({ properties }))
  const { finalizedFeatures } = await client.request(apiVersions, 4, named)
  const names = finalizedFeatures.map(({ name }) => name)
  expect(names).toEqual(['metadata.version', 'eligible.leader.replicas.version'])
})
