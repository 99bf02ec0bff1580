// Gaps, expiry and epoch bumps: docs/internals/producer.md, section 6.

import { describe, expect, test } from 'vitest'
import type { ProducerBatch } from '../../../src/producer/batching/partition-queue.ts'
import {
  isSequenceBefore,
  sequenceAfter,
} from '../../../src/producer/idempotence/partition-sequences.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { Engine, type Fate } from '../engine.ts'

const codes = errorCodes
const outOfOrder = codes.OUT_OF_ORDER_SEQUENCE_NUMBER

/** Batches under way on a partition with one acknowledged record, whose offset is 0. */
function underWay(
  values: readonly string[],
  options: ConstructorParameters<typeof Engine>[0] = {},
): { engine: Engine; fates: Fate[]; batches: ProducerBatch[] } {
  const engine = new Engine(options)
  engine.appendBatch('first')
  engine.answer(engine.drainOne())
  const fates = values.map((value) => engine.appendBatch(value))
  return { engine, fates, batches: values.map(() => engine.drainOne()) }
}

test('numbers wrap from 2^31 - 1 to 0', () => {
  expect(sequenceAfter(0x7fffffff, 1)).toBe(0)
  expect(sequenceAfter(0x7ffffffe, 3)).toBe(1)
  expect(isSequenceBefore(0x7fffffff, 0)).toBe(true)
  expect(isSequenceBefore(0, 0x7fffffff)).toBe(false)
  expect(isSequenceBefore(5, 5)).toBe(false)
})

describe('expiry', () => {
  test('of what was never sent leaves no trace', () => {
    const { engine } = underWay([])
    engine.lead(-1, 1)
    const fate = engine.appendBatch('a')
    engine.now += 120_000
    engine.delivery.expire(engine.now)
    expect(fate.error).toMatchObject({
      name: 'DeliveryTimeoutError',
      persisted: 'no',
      attempts: 0,
      retriable: true,
    })
    expect(fate.error?.message).toMatch(/never sent, as the partition has no leader/)
    engine.lead(1, 2)
    engine.appendBatch('b')
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 0, baseSequence: 1 })
    expect(engine.memory.used).toBeGreaterThan(0)
  })

  test('under way, then a late success: no gap', () => {
    const { engine, fates, batches } = underWay(['a', 'b'])
    engine.now += 120_000
    engine.delivery.expire(engine.now)
    expect(fates.map(({ error }) => error?.persisted)).toEqual(['maybe', 'maybe'])
    expect(fates.map(({ error }) => error?.retriable)).toEqual([true, true])
    // The bytes may still be in a socket: they are not free yet.
    expect(engine.memory.used).toBeGreaterThan(0)
    for (const batch of batches) engine.answer(batch)
    expect(engine.memory.used).toBe(0)
    engine.appendBatch('c')
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 0, baseSequence: 3 })
    expect(fates.every(({ outcomes }) => outcomes === 1)).toBe(true)
  })

  test('under way, then a late failure: a gap, and a new epoch', () => {
    const { engine, batches } = underWay(['a'])
    engine.now += 120_000
    engine.delivery.expire(engine.now)
    const next = engine.appendBatch('b')
    engine.lose(batches[0])
    const b = engine.drainOne()
    expect(b.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
    engine.answer(b)
    expect(next.error).toBeNull()
  })

  test('between two attempts: a gap at once; it is not sent again', () => {
    const { engine, fates, batches } = underWay(['a'])
    engine.now += 119_950
    engine.lose(batches[0])
    engine.now += 60
    engine.appendBatch('b')
    const b = engine.drainOne()
    expect(b).not.toBe(batches[0])
    expect(fates[0].error).toMatchObject({ name: 'DeliveryTimeoutError', persisted: 'maybe' })
    expect(fates[0].error?.cause).toMatchObject({ name: 'ConnectionError' })
    expect(b.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  test('a retry that would come after the timeout is a timeout', () => {
    const { engine, fates, batches } = underWay(['a'])
    engine.now += 120_000
    engine.answer(batches[0], codes.NOT_ENOUGH_REPLICAS)
    expect(fates[0].error).toMatchObject({ name: 'DeliveryTimeoutError', persisted: 'no' })
  })

  test('checks the oldest batch of each partition, however many came since', () => {
    const engine = new Engine({ deliveryTimeoutMs: 1000, partitions: 3 })
    engine.lead(-1, 1)
    const fates: Fate[] = []
    for (let i = 0; i < 20; i++) {
      fates.push(engine.appendBatch(`v${i}`))
      engine.now += 100
      engine.delivery.expire(engine.now)
    }
    expect(fates.map(({ outcomes }) => outcomes)).toEqual([
      ...Array(11).fill(1),
      ...Array(9).fill(0),
    ])
    expect(engine.accumulator.nextDeadline).toBe(fates[11] && engine.now - 900 + 1000)
  })
})

describe('OUT_OF_ORDER_SEQUENCE_NUMBER', () => {
  test('behind a batch that is retried is expected: in order, no retry counted', () => {
    const { engine, fates, batches } = underWay(['a', 'b', 'c'], { retries: 1 })
    const [a, b, c] = batches
    engine.answer(a, codes.NOT_ENOUGH_REPLICAS)
    engine.answer(b, outOfOrder)
    engine.answer(c, outOfOrder)
    engine.now += 100
    for (const batch of batches) {
      expect(engine.drainOne()).toBe(batch)
      engine.answer(batch)
    }
    expect(fates.every(({ error }) => error === null)).toBe(true)
    expect(b.retries).toBe(0)
    expect(engine.producer.epoch).toBe(0)
  })

  test('behind a tombstone waits for its end', () => {
    const engine = new Engine({ deliveryTimeoutMs: 1000 })
    engine.appendBatch('first')
    engine.answer(engine.drainOne())
    engine.appendBatch('a')
    const a = engine.drainOne()
    engine.now += 500
    const fate = engine.appendBatch('b')
    const b = engine.drainOne()
    engine.now += 500
    engine.delivery.expire(engine.now)
    engine.answer(b, outOfOrder)
    expect(engine.drain()).toEqual([])
    engine.lose(a)
    expect(engine.drainOne()).toBe(b)
    expect(b.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
    engine.answer(b)
    expect(fate.error).toBeNull()
  })

  test('behind a gap goes with the bump', () => {
    const { engine, fates, batches } = underWay(['a', 'b', 'c'])
    const [a, b, c] = batches
    engine.answer(a, codes.INVALID_RECORD)
    engine.answer(b, outOfOrder)
    expect(engine.drain()).toEqual([])
    engine.answer(c, outOfOrder)
    expect(engine.producer.epoch).toBe(1)
    expect(engine.drainOne()).toBe(b)
    expect(b.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
    engine.answer(b)
    expect(engine.drainOne()).toBe(c)
    expect(c.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 1 })
    engine.answer(c)
    expect(fates.map(({ error }) => error?.persisted ?? null)).toEqual(['no', null, null])
    expect(engine.dataLosses).toEqual([])
  })

  test('next in turn, the log head deleted: nothing is lost, a new epoch', () => {
    const { engine, fates, batches } = underWay(['a'])
    engine.answer(batches[0], outOfOrder, { logStartOffset: 1n })
    expect(engine.dataLosses).toEqual([])
    engine.now += 100
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
    engine.answer(batches[0])
    expect(fates[0].error).toBeNull()
  })

  test('next in turn, without that excuse: the loss is told, and it is sent anew', () => {
    const { engine, fates, batches } = underWay(['a'])
    engine.answer(batches[0], outOfOrder, { logStartOffset: 0n })
    expect(engine.dataLosses).toEqual([{ topic: 't', partition: 0, lastAckedOffset: 0n }])
    engine.now += 100
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
    engine.answer(batches[0])
    expect(fates[0].error).toBeNull()
  })

  test('the same in doubt: it is not renumbered, as that might double it', () => {
    const { engine, fates, batches } = underWay(['a'])
    engine.lose(batches[0])
    engine.now += 100
    engine.drainOne()
    engine.answer(batches[0], outOfOrder, { logStartOffset: 0n })
    expect(engine.dataLosses.length).toBe(1)
    expect(fates[0].error?.persisted).toBe('maybe')
    engine.appendBatch('b')
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  test('of a batch that a later one has overtaken: it fails rather than break the order', () => {
    const { engine, fates, batches } = underWay(['a', 'b'])
    const [a, b] = batches
    engine.answer(a, codes.NOT_ENOUGH_REPLICAS)
    engine.answer(b)
    engine.now += 100
    expect(engine.drainOne()).toBe(a)
    engine.answer(a, outOfOrder)
    expect(fates[0].error?.persisted).toBe('no')
    engine.appendBatch('c')
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  test('an overtaken batch is not renumbered by a bump either', () => {
    const { engine, fates, batches } = underWay(['a', 'b', 'c'])
    const [a, b, c] = batches
    engine.answer(a, codes.NOT_ENOUGH_REPLICAS)
    engine.answer(b)
    engine.answer(c, codes.INVALID_RECORD)
    expect(fates.map(({ error }) => error?.persisted ?? null)).toEqual(['no', null, 'no'])
  })
})

describe('UNKNOWN_PRODUCER_ID', () => {
  test('without a log start offset: once more the same', () => {
    const { engine, batches } = underWay(['a'])
    engine.answer(batches[0], codes.UNKNOWN_PRODUCER_ID, { logStartOffset: -1n })
    engine.now += 100
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 0, baseSequence: 1 })
  })

  test('with one beyond what was acknowledged: a new epoch', () => {
    const { engine, batches } = underWay(['a'])
    engine.answer(batches[0], codes.UNKNOWN_PRODUCER_ID, { logStartOffset: 9n })
    engine.now += 100
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
    expect(engine.dataLosses).toEqual([])
  })

  test('else something is lost', () => {
    const { engine, batches } = underWay(['a'])
    engine.answer(batches[0], codes.UNKNOWN_PRODUCER_ID, { logStartOffset: 0n })
    expect(engine.dataLosses.length).toBe(1)
  })
})

describe('INVALID_PRODUCER_EPOCH', () => {
  test('goes with a bump beyond what the producer has now', () => {
    const { engine, batches } = underWay(['a'])
    engine.producer.bumpPast(7n, 0)
    engine.answer(batches[0], codes.INVALID_PRODUCER_EPOCH)
    engine.now += 100
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 2, baseSequence: 0 })
  })

  test('in doubt it fails', () => {
    const { engine, fates, batches } = underWay(['a'])
    engine.lose(batches[0])
    engine.now += 100
    engine.drainOne()
    engine.answer(batches[0], codes.INVALID_PRODUCER_EPOCH)
    expect(fates[0].error?.persisted).toBe('maybe')
  })
})

describe('bump', () => {
  test('first asks once more for what is in doubt, under the old numbers, in order', () => {
    const { engine, fates, batches } = underWay(['a', 'b', 'c', 'd', 'e'])
    const [a, b, c, d, e] = batches
    engine.answer(a, codes.INVALID_RECORD)
    engine.answer(b, outOfOrder)
    engine.answer(c, codes.REQUEST_TIMED_OUT)
    engine.answer(d, codes.NOT_LEADER_OR_FOLLOWER)
    expect(engine.drain()).toEqual([])
    engine.answer(e, outOfOrder)
    engine.now += 100
    // b is not in doubt, but before c and d, which are; e is behind them and waits for new numbers.
    expect(engine.drainOne()).toBe(b)
    expect(engine.drain()).toEqual([])
    expect(b.stamp?.producerEpoch).toBe(0)
    engine.answer(b, outOfOrder)
    expect(engine.drainOne()).toBe(c)
    expect(c.stamp?.producerEpoch).toBe(0)
    engine.answer(c, outOfOrder)
    expect(fates[2].error?.persisted).toBe('maybe')
    expect(engine.drainOne()).toBe(d)
    expect(engine.producer.epoch).toBe(0)
    engine.answer(d, 0, { baseOffset: 9n })
    expect(fates[3].metadata?.offset).toBe(9n)
    // d was written under the old epoch, so b before it can be written no more.
    expect(fates[1].error?.persisted).toBe('no')
    expect(engine.drainOne()).toBe(e)
    expect(e.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  test('an attempt that ends without an answer is made again', () => {
    const { engine, batches } = underWay(['a', 'b'])
    const [a, b] = batches
    engine.answer(a, codes.INVALID_RECORD)
    engine.lose(b)
    engine.now += 100
    expect(engine.drainOne()).toBe(b)
    engine.lose(b)
    engine.now += 100
    expect(engine.drainOne()).toBe(b)
    expect(b.stamp?.producerEpoch).toBe(0)
    engine.answer(b, outOfOrder)
    expect(engine.producer.epoch).toBe(1)
  })

  test('leaves a partition with a batch in doubt alone (librdkafka #4953)', () => {
    const engine = new Engine({ partitions: 2 })
    const [p0, p1] = engine.topic.partitions
    engine.appendBatch('a', p0)
    engine.appendBatch('b', p1)
    const [a, b] = engine.drain()
    engine.answer(b, codes.NOT_LEADER_OR_FOLLOWER)
    engine.answer(a, codes.INVALID_RECORD)
    expect(engine.producer.epoch).toBe(1)
    engine.lead(1, 2, p1)
    const later = engine.appendBatch('c', p1)
    expect(engine.drainOne()).toBe(b)
    expect(b.stamp).toMatchObject({ producerEpoch: 0, baseSequence: 0 })
    expect(engine.drain()).toEqual([])
    engine.answer(b)
    const c = engine.drainOne()
    expect(c.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
    engine.answer(c)
    expect(later.error).toBeNull()
  })

  test('two partitions with a gap share one new epoch', () => {
    const engine = new Engine({ partitions: 2 })
    const [p0, p1] = engine.topic.partitions
    engine.appendBatch('a', p0)
    engine.appendBatch('b', p1)
    for (const batch of engine.drain()) engine.answer(batch, codes.INVALID_RECORD)
    expect(engine.producer.epoch).toBe(1)
    engine.appendBatch('c', p0)
    engine.appendBatch('d', p1)
    expect(engine.drain().map(({ stamp }) => stamp?.producerEpoch)).toEqual([1, 1])
  })

  test('after the last epoch a new producer id is needed', () => {
    const engine = new Engine()
    engine.producer.adopt(7n, 32_767)
    engine.appendBatch('a')
    engine.answer(engine.drainOne(), codes.INVALID_RECORD)
    engine.appendBatch('b')
    expect(engine.producer.canNumber).toBe(false)
    expect(engine.drain()).toEqual([])
    engine.producer.adopt(8n, 0)
    expect(engine.drainOne().stamp).toMatchObject({
      producerId: 8n,
      producerEpoch: 0,
      baseSequence: 0,
    })
  })
})

describe('a topic made anew', () => {
  test('what is in doubt fails, the rest starts at 0 under a new epoch', () => {
    const { engine, fates, batches } = underWay(['a', 'b'])
    const [a, b] = batches
    engine.lose(a)
    engine.answer(b, codes.UNKNOWN_TOPIC_ID)
    engine.delivery.topicRecreated(engine.topic, engine.now)
    expect(fates[0].error?.persisted).toBe('maybe')
    engine.now += 100
    expect(engine.drainOne()).toBe(b)
    expect(b.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
    expect(engine.partition.state.lastAckedOffset).toBe(-1n)
  })

  test('waits for what is under way', () => {
    const { engine, batches } = underWay(['a'])
    engine.delivery.topicRecreated(engine.topic, engine.now)
    engine.appendBatch('b')
    expect(engine.drain()).toEqual([])
    engine.answer(batches[0], codes.UNKNOWN_TOPIC_ID)
    engine.now += 100
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })
})

test('sequences outlive metadata that forgets the topic (I6)', () => {
  const { engine, batches } = underWay(['a'])
  engine.answer(batches[0])
  engine.lead(-1, 1)
  engine.appendBatch('b')
  expect(engine.drain()).toEqual([])
  expect(engine.accumulator.leaderless.size).toBe(1)
  engine.lead(1, 1)
  expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 0, baseSequence: 2 })
  expect(engine.accumulator.leaderless.size).toBe(0)
})

describe('gapless', () => {
  test('what waits behind a failed batch fails with it, what comes later does not', () => {
    const { engine, fates, batches } = underWay(['a', 'b'], { gapless: true })
    const queued = engine.appendBatch('c')
    const open = engine.append('d')
    engine.answer(batches[0], codes.INVALID_RECORD)
    expect([queued, open].map(({ error }) => error?.persisted)).toEqual(['no', 'no'])
    expect(queued.error?.message).toMatch(/behind a batch of its partition that failed/)
    engine.answer(batches[1], outOfOrder)
    expect(fates[1].error?.persisted).toBe('no')
    const later = engine.appendBatch('e')
    engine.answer(engine.drainOne())
    expect(later.error).toBeNull()
    expect(engine.memory.used).toBe(0)
  })

  test('off, later records are written', () => {
    const { engine, fates, batches } = underWay(['a', 'b'])
    engine.answer(batches[0], codes.INVALID_RECORD)
    engine.answer(batches[1], outOfOrder)
    engine.answer(engine.drainOne())
    expect(fates[1].error).toBeNull()
  })
})
