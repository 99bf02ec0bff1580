// What keeps the test broker honest, part one: writing and reading.

import { expect, test } from 'vitest'
import { deleteRecords } from '../../src/protocol/messages/delete-records.ts'
import { type FetchRequest, type FetchResponse, fetch } from '../../src/protocol/messages/fetch.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { type ProduceRequest, produce } from '../../src/protocol/messages/produce.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { describeReal } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { batch, fetchFrom, fetchPartition, produceTo, sequenced } from '../testing/requests.ts'
import { bothBrokers } from './broker-witness.ts'

const UNKNOWN_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

describeReal('the test broker answers as Apache Kafka does', () => {
  const { compare } = bothBrokers()

  test('to batches that are refused', () =>
    compare(async (broker) => {
      const { topic, topicId } = await broker.topic('t', 1, { 'max.message.bytes': '2000' })
      const flipped = batch(['a'])
      flipped[flipped.length - 2] ^= 1
      const oldMagic = batch(['a'])
      oldMagic[16] = 1
      const now = BigInt(Date.now())
      const sent = [
        batch(['a', 'b']),
        Buffer.alloc(0),
        batch(['a']).subarray(0, 65),
        Buffer.concat([batch(['a']), batch(['b'])]),
        batch(['a'], { baseOffset: 1n }),
        batch(['a'], { lastOffsetDelta: 1 }),
        batch(['a'], { producerId: 1n, producerEpoch: 0 }),
        batch(['a'], { attributes: 0x20 }),
        oldMagic,
        flipped,
        batch(['x'.repeat(3000)]),
        batch(['a'], { baseTimestamp: now + 7_200_000n, maxTimestamp: now + 7_200_000n }),
        batch(['c']),
      ]
      for (const records of sent) await broker.ask(produce, 12, produceTo(topic, 0, records))
      await broker.ask(produce, 12, produceTo(topic, 5, batch(['a'])))
      await broker.ask(produce, 12, produceTo(broker.name('none'), 0, batch(['a'])))
      await broker.ask(produce, 13, produceTo('', 0, batch(['d']), { topicId }))
      await broker.ask(produce, 13, produceTo('', 9, batch(['d']), { topicId }))
      await broker.ask(produce, 13, produceTo('', 0, batch(['d']), { topicId: UNKNOWN_ID }))
      await broker.ask(produce, 12, produceTo(topic, 0, batch(['e']), { acks: 2 }))
      await broker.ask(produce, 3, produceTo(topic, 0, batch(['f']), { acks: 1 }))
    }))

  test('to sequences', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const send = async (
        pid: bigint,
        epoch: number,
        sequence: number,
        count = 1,
      ): Promise<void> => {
        const records = sequenced(pid, epoch, sequence, count)
        await broker.ask(produce, 12, produceTo(topic, 0, records))
      }
      // Ids that no broker gives out so early.
      const a = 900_001n
      await send(a, 0, 7, 2)
      for (const sequence of [9, 10, 11, 12, 13, 14]) await send(a, 0, sequence)
      await send(a, 0, 7, 2)
      for (const sequence of [9, 10, 11, 14, 16]) await send(a, 0, sequence)
      await send(a, 0, 13, 2)
      await send(a, 2, 15)
      await send(a, 2, 0)
      await send(a, 2, 0)
      await send(a, 1, 0)
      await send(a, 0, 15)
      await send(a, 2, 1)
      const b = 900_002n
      await send(b, 0, 0x7fffffff - 1, 2)
      await send(b, 0, 0, 2)
      await send(b, 0, 0x7fffffff - 1, 2)
      await send(b, 0, 1)
      const c = 900_003n
      await send(c, 0, 0x7fffffff, 3)
      await send(c, 0, 0x7fffffff, 3)
      await send(c, 0, 2)
      const ask = {
        transactionalId: null,
        transactionTimeoutMs: 1000,
        producerId: -1n,
        producerEpoch: -1,
        enable2Pc: false,
        keepPreparedTxn: false,
      }
      await waitUntil('producer ids are given out', async () => {
        return (await broker.quietly(initProducerId, 4, ask)).errorCode === 0
      })
      await broker.ask(initProducerId, 4, ask)
      await broker.ask(initProducerId, 4, { ...ask, producerId: 5n, producerEpoch: 3 })
      await broker.ask(initProducerId, 4, { ...ask, transactionalId: '' })
    }))

  test('with the time of the append', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t', 1, { 'message.timestamp.type': 'LogAppendTime' })
      const answer = await broker.quietly(produce, 12, produceTo(topic, 0, batch(['a', 'b'])))
      const { logAppendTimeMs } = answer.responses[0].partitionResponses[0]
      expect(Number(logAppendTimeMs)).toBeGreaterThan(Date.now() - 10_000)
      const read = await broker.quietly(fetch, 12, fetchFrom(topic, [fetchPartition(0, 0n)]))
      const records = read.responses[0].partitions[0].records ?? Buffer.alloc(0)
      broker.keep('attributes', records.readInt16BE(21))
      broker.keep('base timestamp', records.readBigInt64BE(27))
      broker.keep('is append time', records.readBigInt64BE(35) === logAppendTimeMs)
      const found = await broker.quietly(listOffsets, 7, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [
          {
            name: topic,
            partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -3n }],
          },
        ],
        timeoutMs: 0,
      })
      broker.keep('offset of the greatest time', found.topics[0].partitions[0].offset)
    }))

  test('to fetches, with what is cut off and what is not', () =>
    compare(async (broker) => {
      const { topic, topicId } = await broker.topic('t', 3)
      for (const [p, values] of [['a', 'b'], ['c'], ['d', 'e', 'f']].entries()) {
        for (const value of values) await broker.write(topic, p, batch([value, value]))
      }
      const size = batch(['a', 'a']).length
      const ask = (request: FetchRequest, version = 12): Promise<FetchResponse> =>
        broker.ask(fetch, version, request)
      const all = (limit: number) =>
        [0, 1, 2].map((p) => fetchPartition(p, 0n, { partitionMaxBytes: limit }))
      await ask(fetchFrom(topic, all(1e6)))
      await ask(fetchFrom(topic, all(size + 10)))
      await ask(fetchFrom(topic, all(10)))
      await ask(fetchFrom(topic, all(1e6), { maxBytes: 1 }))
      await ask(fetchFrom(topic, all(1e6), { maxBytes: 3 * size + 5 }))
      await ask(fetchFrom(topic, [fetchPartition(0, 1n)]))
      await ask(fetchFrom(topic, [fetchPartition(0, 3n), fetchPartition(2, 6n)]))
      await ask(fetchFrom(topic, [fetchPartition(0, 5n), fetchPartition(2, -1n)]))
      await ask(fetchFrom(topic, [fetchPartition(0, 0n), fetchPartition(8, 0n)]))
      await ask(fetchFrom(topic, [fetchPartition(0, 0n, { currentLeaderEpoch: 0 })]))
      await ask(fetchFrom(topic, [fetchPartition(0, 0n, { currentLeaderEpoch: 3 })]))
      await ask(fetchFrom(topic, [fetchPartition(0, 4n, { lastFetchedEpoch: 0 })]))
      await ask(fetchFrom(topic, [fetchPartition(0, 2n, { lastFetchedEpoch: 5 })]))
      await ask(fetchFrom(topic, all(1e6), { isolationLevel: 1 }))
      await ask(fetchFrom(broker.name('none'), all(1e6), { maxWaitMs: 50 }))
      await ask(fetchFrom('', all(1e6), { topicId }), 13)
      await ask(fetchFrom('', all(1e6), { topicId: UNKNOWN_ID }), 16)
      await ask(fetchFrom(topic, all(1e6)), 4)
      for (const [partitionIndex, offset] of [3n, 9n, -1n].entries()) {
        const topics = [{ name: topic, partitions: [{ partitionIndex, offset }] }]
        await broker.ask(deleteRecords, 2, { topics, timeoutMs: 5000 })
      }
      await ask(
        fetchFrom(topic, [fetchPartition(0, 2n), fetchPartition(1, 0n), fetchPartition(2, 6n)]),
      )
      await ask(fetchFrom(topic, [fetchPartition(0, 3n)]))
    }))

  test('in fetch sessions', () =>
    compare(async (broker) => {
      const { topic, topicId } = await broker.topic('t', 3)
      const { topicId: otherId } = await broker.topic('u', 1)
      const all = [0, 1, 2].map((p) => fetchPartition(p, 0n))
      const opened = await broker.ask(fetch, 13, fetchFrom('', all, { topicId, sessionEpoch: 0 }))
      const { sessionId } = opened
      const next = (epoch: number, partitions = [] as typeof all, more: object = {}) =>
        broker.ask(
          fetch,
          13,
          fetchFrom('', partitions, { topicId, sessionId, sessionEpoch: epoch, ...more }),
        )
      await next(1)
      await broker.write(topic, 1, batch(['a']))
      await next(2)
      await next(3, [fetchPartition(1, 1n), fetchPartition(2, 9n)])
      await next(4)
      await next(5, [fetchPartition(2, 0n)])
      await next(6, [], { forgottenTopicsData: [{ topic: '', topicId, partitions: [0] }] })
      await next(6)
      await next(9)
      await next(7, [fetchPartition(0, 0n)], { topicId: otherId })
      await next(8, [fetchPartition(0, 0n)], { topicId: UNKNOWN_ID })
      await broker.ask(fetch, 12, fetchFrom(topic, [], { sessionId, sessionEpoch: 9 }))
      await broker.ask(fetch, 13, fetchFrom('', all, { topicId, sessionId, sessionEpoch: -1 }))
      await next(9)
      const last = await broker.ask(fetch, 12, fetchFrom(topic, all, { sessionEpoch: 0 }))
      const id = last.sessionId
      const forget = { topic, topicId: ZERO_UUID, partitions: [0, 1, 2] }
      await broker.ask(
        fetch,
        12,
        fetchFrom(topic, [], { sessionId: id, sessionEpoch: 1, forgottenTopicsData: [forget] }),
      )
      await broker.ask(fetch, 12, fetchFrom(topic, [], { sessionId: id, sessionEpoch: 2 }))
    }))

  test('to acks 0', () =>
    compare(async (broker) => {
      const { topic } = await broker.topic('t')
      const send = (request: ProduceRequest): Promise<unknown> => broker.ask(produce, 12, request)
      const client = await broker.other()
      client.send(produce, 12, produceTo(topic, 0, batch(['a']), { acks: 0 }))
      await waitUntil('it is written', async () => {
        const read = await broker.quietly(fetch, 12, fetchFrom(topic, [fetchPartition(0, 0n)]))
        return read.responses[0].partitions[0].highWatermark === 1n
      })
      client.send(produce, 12, produceTo(broker.name('none'), 0, batch(['a']), { acks: 0 }))
      await client.closed
      await send(produceTo(topic, 0, batch(['b'])))
    }))
})
