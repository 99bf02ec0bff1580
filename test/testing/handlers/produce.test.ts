import { describe, expect, test } from 'vitest'
import type { CompressionType } from '../../../src/compression/codec.ts'
import { codecByName } from '../../../src/compression/codecs.ts'
import {
  type PartitionProduceResponse,
  type ProduceRequest,
  produce,
} from '../../../src/protocol/messages/produce.ts'
import { batchOffsets, recordBatchOverhead, writeCrc } from '../../../src/records/record-batch.ts'
import type { RawClient } from '../raw-client.ts'
import { batch, produceTo, sequenced } from '../requests.ts'
import { connectTo, startCluster } from '../with-cluster.ts'

async function one(
  client: RawClient,
  request: ProduceRequest,
  version = 12,
): Promise<PartitionProduceResponse> {
  const { responses } = await client.request(produce, version, request)
  expect(responses.length).toBe(1)
  expect(responses[0].partitionResponses.length).toBe(1)
  return responses[0].partitionResponses[0]
}

test('appends and answers with the offset, with acks 1 as with acks -1', async () => {
  const cluster = await startCluster({ topics: { t: 2 } })
  const client = await connectTo(cluster)
  expect(await one(client, produceTo('t', 1, batch(['a', 'b'])))).toEqual({
    index: 1,
    errorCode: 0,
    baseOffset: 0n,
    logAppendTimeMs: -1n,
    logStartOffset: 0n,
    recordErrors: [],
    errorMessage: null,
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
  })
  expect(await one(client, produceTo('t', 1, batch(['c']), { acks: 1 }))).toMatchObject({
    baseOffset: 2n,
  })
  const records = (await cluster.partition('t', 1).decode()).flatMap((b) => b.records)
  expect(records.map(({ offset, value }) => `${offset} ${value}`)).toEqual(['0 a', '1 b', '2 c'])
})

describe('acks 0', () => {
  test('is not answered', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const client = await connectTo(cluster)
    client.send(produce, 12, produceTo('t', 0, batch(['a']), { acks: 0 }))
    expect(await one(client, produceTo('t', 0, batch(['b'])))).toMatchObject({ baseOffset: 1n })
  })

  test('an error ends the connection', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const client = await connectTo(cluster)
    client.send(produce, 12, produceTo('none', 0, batch(['a']), { acks: 0 }))
    await client.closed
    expect(cluster.protocolErrors).toEqual([])
  })
})

test.each([
  ['a topic that is not there', 12, { topic: 'none' }, 3],
  ['a partition that is not there', 12, { partition: 9 }, 3],
  ['an id that is not there', 13, { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }, 100],
  ['acks that do not exist', 12, { acks: 2 }, 21],
  ['no batch', 12, { records: null }, 87],
])('%s', async (_, version, fields, errorCode) => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const {
    topic = 't',
    partition = 0,
    records = batch(['a']),
    ...rest
  } = fields as {
    topic?: string
    partition?: number
    records?: Buffer | null
  }
  const result = await one(client, produceTo(topic, partition, records, rest), version)
  expect(result).toMatchObject({ errorCode, baseOffset: -1n })
})

test('v13 names topics by id alone', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const topicId = cluster.topicId('t')
  const request = produceTo('', 0, batch(['a']), { topicId })
  expect(await one(client, request, 13)).toMatchObject({ errorCode: 0, baseOffset: 0n })
  cluster.recreateTopic('t')
  expect((await one(client, request, 13)).errorCode).toBe(100)
})

test('a duplicate is answered with its first offset, a gap with an error', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const send = async (epoch: number, sequence: number, count: number): Promise<unknown> => {
    const sent = sequenced(3n, epoch, sequence, count)
    const { errorCode, baseOffset } = await one(client, produceTo('t', 0, sent))
    return errorCode === 0 ? baseOffset : errorCode
  }
  expect(await send(0, 0, 2)).toBe(0n)
  expect(await send(0, 2, 2)).toBe(2n)
  expect(await send(0, 0, 2)).toBe(0n)
  expect(await send(0, 5, 1)).toBe(45)
  expect(await send(1, 4, 1)).toBe(45)
  expect(await send(1, 0, 1)).toBe(4n)
  expect(await send(0, 4, 1)).toBe(47)
  cluster.forgetProducerState('t', 0)
  expect(await send(1, 70, 1)).toBe(5n)
})

test('who does not lead says who does', async () => {
  const cluster = await startCluster({ nodes: 3 })
  cluster.createTopic('t', { assignments: [[1, 2]] })
  cluster.moveLeader('t', 0, 2)
  for (const nodeId of [1, 3]) {
    const client = await connectTo(cluster, nodeId)
    const response = await client.request(produce, 10, produceTo('t', 0, batch(['a'])))
    expect(response.responses[0].partitionResponses[0]).toMatchObject({
      errorCode: 6,
      currentLeader: { leaderId: 2, leaderEpoch: 1 },
    })
    expect(response.nodeEndpoints).toEqual([
      { nodeId: 2, host: '127.0.0.1', port: cluster.portOf(2), rack: null },
    ])
    const older = await client.request(produce, 9, produceTo('t', 0, batch(['a'])))
    expect(older.responses[0].partitionResponses[0].currentLeader.leaderId).toBe(-1)
    expect(older.nodeEndpoints).toEqual([])
  }
  expect(cluster.partition('t', 0).logEndOffset).toBe(0n)
})

test('acks -1 needs min.insync.replicas, acks 1 does not', async () => {
  const cluster = await startCluster({ nodes: 3 })
  cluster.createTopic('t', { assignments: [[1, 2, 3]], configs: { 'min.insync.replicas': '2' } })
  await cluster.stopNode(2)
  const client = await connectTo(cluster, 1)
  expect((await one(client, produceTo('t', 0, batch(['a'])))).errorCode).toBe(0)
  await cluster.stopNode(3)
  expect((await one(client, produceTo('t', 0, batch(['a'])))).errorCode).toBe(19)
  expect((await one(client, produceTo('t', 0, batch(['a']), { acks: 1 }))).errorCode).toBe(0)
  await cluster.startNode(3)
  expect((await one(client, produceTo('t', 0, batch(['a'])))).errorCode).toBe(0)
})

test('zstd is too new for v6', async () => {
  const cluster = await startCluster({ topics: { t: 1 } })
  const client = await connectTo(cluster)
  const zstd = await compressed('zstd', batch(['a']))
  expect((await one(client, produceTo('t', 0, zstd), 6)).errorCode).toBe(76)
  expect((await one(client, produceTo('t', 0, zstd), 7)).errorCode).toBe(0)
})

async function compressed(type: CompressionType, plain: Buffer): Promise<Buffer> {
  const { id, compress } = codecByName(type)
  const records = await compress(plain.subarray(recordBatchOverhead))
  return rebuilt(Buffer.concat([plain.subarray(0, recordBatchOverhead), records]), id)
}

function rebuilt(bytes: Buffer, attributes: number): Buffer {
  bytes.writeInt16BE(attributes, batchOffsets.attributes)
  bytes.writeInt32BE(bytes.length - 12, batchOffsets.batchLength)
  writeCrc(bytes, 0)
  return bytes
}

/** A batch whose records are replaced by these bytes, with a right CRC. */
function withRecords(attributes: number, records: Buffer): Buffer {
  const head = batch(['x']).subarray(0, recordBatchOverhead)
  return rebuilt(Buffer.concat([head, records]), attributes)
}

describe('the contents of a batch', () => {
  const garbage = Buffer.from('garbage garbage garbage')

  test.each([
    ['an unknown codec', withRecords(5, garbage), -1],
    ['garbage as gzip', withRecords(1, garbage), -1],
    ['garbage as snappy', withRecords(2, garbage), -1],
    ['garbage as lz4', withRecords(3, garbage), -1],
    ['garbage as zstd', withRecords(4, garbage), -1],
    ['garbage as records', withRecords(0, garbage), 87],
    ['fewer records than counted', withRecords(0, batch(['x']).subarray(61, 65)), 87],
    ['more records than counted', withRecords(0, batch(['x', 'y']).subarray(61)), 87],
  ])('%s is refused', async (_, records, errorCode) => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const response = await one(await connectTo(cluster), produceTo('t', 0, records), 12)
    expect(response.errorCode).toBe(errorCode)
    expect(cluster.partition('t', 0).logEndOffset).toBe(0n)
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('%s is read', async (type) => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const records = await compressed(type, batch(['a', 'b']))
    const client = await connectTo(cluster)
    expect((await one(client, produceTo('t', 0, records), 12)).errorCode).toBe(0)
    const cut = rebuilt(Buffer.from(records.subarray(0, records.length - 3)), codecByName(type).id)
    expect((await one(client, produceTo('t', 0, cut), 12)).errorCode).not.toBe(0)
  })

  test('a newer format is corrupt, three bytes behind a batch are dropped', async () => {
    const client = await connectTo(await startCluster({ topics: { t: 1 } }))
    const newer = batch(['a'])
    newer[batchOffsets.magic] = 3
    expect((await one(client, produceTo('t', 0, newer), 12)).errorCode).toBe(2)
    const trailing = Buffer.concat([batch(['a']), Buffer.alloc(3)])
    expect((await one(client, produceTo('t', 0, trailing), 12)).errorCode).toBe(0)
  })

  test('a compacted topic refuses records without a key, and names them', async () => {
    const cluster = await startCluster()
    cluster.createTopic('c', { configs: { 'cleanup.policy': 'compact' } })
    const client = await connectTo(cluster)
    const response = await one(client, produceTo('c', 0, batch(['a', 'b'])), 12)
    expect(response).toMatchObject({
      errorCode: 87,
      recordErrors: [{ batchIndex: 0 }, { batchIndex: 1 }],
    })
    expect(response.recordErrors[0].batchIndexErrorMessage).toBe(
      'Compacted topic cannot accept message without key in topic partition c-0',
    )
  })

  test.each(['gzip', 'uncompressed', 'lz4'])(
    'compression.type=%s is what is stored',
    async (type) => {
      const cluster = await startCluster()
      cluster.createTopic('c', { configs: { 'compression.type': type } })
      const client = await connectTo(cluster)
      const sent = await compressed('snappy', batch(['a'.repeat(500)]))
      expect((await one(client, produceTo('c', 0, sent), 12)).errorCode).toBe(0)
      const log = cluster.partition('c', 0)
      const id = type === 'uncompressed' ? 0 : codecByName(type as CompressionType).id
      expect(log.batches[0].readInt16BE(batchOffsets.attributes)).toBe(id)
      const [stored] = await log.decode()
      expect(stored.records[0].value?.toString()).toBe('a'.repeat(500))
    },
  )
})
