// Each gate of docs/internals/producer.md, section 3: what it holds back, and what opens it.

import { describe, expect, test } from 'vitest'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { Engine } from '../engine.ts'

const codes = errorCodes

/** A partition that has had its first success: no probe any more. */
function provenEngine(options: ConstructorParameters<typeof Engine>[0] = {}): Engine {
  const engine = new Engine(options)
  engine.appendBatch('first')
  engine.answer(engine.drainOne())
  return engine
}

describe('G1: a producer id comes first', () => {
  test('nothing is numbered without one, and the batch stays ready', () => {
    const engine = new Engine()
    engine.producer.adopt(-1n, -1)
    engine.append('a')
    expect(engine.drain()).toEqual([])
    expect([...engine.accumulator.readyNodes()]).toEqual([1])
    engine.producer.adopt(8n, 3)
    expect(engine.drainOne().stamp).toMatchObject({ producerId: 8n, producerEpoch: 3 })
  })

  test('a batch that has its numbers goes while a new id is asked for', () => {
    const engine = provenEngine()
    engine.append('a')
    const batch = engine.drainOne()
    engine.producer.adopt(-1n, -1)
    engine.answer(batch, codes.NOT_ENOUGH_REPLICAS)
    engine.now += 1000
    expect(engine.drainOne()).toBe(batch)
  })

  test('nothing goes after a fatal error', () => {
    const engine = provenEngine()
    engine.append('a')
    const batch = engine.drainOne()
    const waiting = engine.append('b')
    engine.answer(batch, codes.PRODUCER_FENCED)
    expect(waiting.error?.message).toMatch(/PRODUCER_FENCED/)
    engine.append('c')
    expect(engine.drain()).toEqual([])
  })
})

describe('G2: one broker at a time', () => {
  test('a new leader waits for the answer of the old one', () => {
    const engine = provenEngine()
    engine.appendBatch('a')
    const old = engine.drainOne(1)
    engine.appendBatch('b')
    engine.lead(2, 2)
    expect(engine.drain(2)).toEqual([])
    expect(engine.drain(1)).toEqual([])
    engine.answer(old, codes.NOT_LEADER_OR_FOLLOWER)
    expect(engine.drainOne(2)).toBe(old)
  })

  test('the loss of the connection opens it too, and needs no backoff', () => {
    const engine = provenEngine()
    engine.appendBatch('a')
    const old = engine.drainOne(1)
    engine.lead(2, 2)
    engine.lose(old)
    expect(engine.drainOne(2)).toBe(old)
  })
})

describe('G3: a new epoch starts on an empty partition', () => {
  test('new numbers wait for what is unresolved of the old epoch', () => {
    const engine = provenEngine({ partitions: 2 })
    engine.appendBatch('a')
    const old = engine.drainOne()
    engine.appendBatch('b')
    engine.producer.bumpPast(7n, 0)
    expect(engine.drain()).toEqual([])
    engine.answer(old)
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  test('an idle partition starts anew as well (KAFKA-12152)', () => {
    const engine = provenEngine()
    engine.producer.bumpPast(7n, 0)
    engine.append('a')
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  test('nothing new is numbered behind a tombstone', () => {
    const engine = provenEngine({ deliveryTimeoutMs: 1000 })
    const dead = engine.appendBatch('a')
    const tombstone = engine.drainOne()
    engine.now += 1000
    engine.delivery.expire(engine.now)
    expect(dead.error?.persisted).toBe('maybe')
    engine.append('b')
    expect(engine.drain()).toEqual([])
    engine.answer(tombstone)
    expect(engine.drainOne().stamp).toMatchObject({ producerEpoch: 0, baseSequence: 2 })
  })

  test('nothing new is numbered while a gap waits to be closed', () => {
    const engine = provenEngine()
    engine.appendBatch('a')
    engine.appendBatch('b')
    engine.appendBatch('c')
    const [a] = engine.drain()
    const [b] = engine.drain()
    engine.answer(a, codes.INVALID_RECORD)
    expect(engine.drain()).toEqual([])
    engine.answer(b, codes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(engine.drainOne()).toBe(b)
    expect(b.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })
})

describe('G4: retries go one at a time, in order', () => {
  test('the second retry waits for the first to be resolved', () => {
    const engine = provenEngine()
    for (const value of ['a', 'b', 'c']) engine.appendBatch(value)
    const [a] = engine.drain()
    const [b] = engine.drain()
    const [c] = engine.drain()
    for (const batch of [a, b, c]) engine.lose(batch)
    engine.now += 1000
    expect(engine.drainOne()).toBe(a)
    expect(engine.drain()).toEqual([])
    engine.answer(a)
    expect(engine.drainOne()).toBe(b)
    expect(engine.drain()).toEqual([])
    engine.answer(b)
    expect(engine.drainOne()).toBe(c)
  })

  test('the first is found by place: numbers wrap', () => {
    const engine = provenEngine()
    engine.partition.state.nextSequence = 0x7fffffff
    engine.appendBatch('a')
    engine.appendBatch('b')
    const [a] = engine.drain()
    const [b] = engine.drain()
    expect([a, b].map(({ stamp }) => stamp?.baseSequence)).toEqual([0x7fffffff, 0])
    engine.lose(b)
    engine.lose(a)
    engine.now += 1000
    expect(engine.drainOne()).toBe(a)
  })
})

describe('G5: the first batch goes alone', () => {
  test('under a new producer id', () => {
    const engine = new Engine()
    engine.appendBatch('a')
    engine.appendBatch('b')
    const first = engine.drainOne()
    expect(engine.drain()).toEqual([])
    engine.answer(first)
    expect(engine.drainOne().count).toBe(1)
  })

  test('under a new leader, until its first success there', () => {
    const engine = provenEngine()
    for (const value of ['a', 'b', 'c']) engine.appendBatch(value)
    engine.lead(2, 2)
    const [a] = engine.drain(2)
    expect(engine.drain(2)).toEqual([])
    engine.answer(a, codes.NOT_ENOUGH_REPLICAS, {}, 2)
    engine.now += 1000
    expect(engine.drainOne(2)).toBe(a)
    expect(engine.drain(2)).toEqual([])
    engine.answer(a, 0, {}, 2)
    expect(engine.drain(2).length + engine.drain(2).length).toBe(2)
  })

  test('KAFKA-15591: a first batch that the leader refuses is not overtaken by the second', () => {
    const engine = new Engine()
    const a = engine.appendBatch('a')
    engine.appendBatch('b')
    const first = engine.drainOne()
    engine.answer(first, codes.NOT_LEADER_OR_FOLLOWER)
    engine.lead(2, 2)
    expect(engine.drainOne(2)).toBe(first)
    engine.answer(first, 0, {}, 2)
    expect(a.metadata?.offset).toBe(0n)
    expect(engine.drainOne(2).stamp?.baseSequence).toBe(1)
  })
})

describe('G6: five batches at most', () => {
  test('the sixth waits for the first', () => {
    const engine = provenEngine()
    for (let i = 0; i < 6; i++) engine.appendBatch(`v${i}`)
    const batches = Array.from({ length: 5 }, () => engine.drainOne())
    expect(engine.drain()).toEqual([])
    engine.answer(batches[0])
    expect(engine.drainOne().stamp?.baseSequence).toBe(6)
  })

  test('counts those behind the oldest that were acknowledged already: the broker has them in mind', () => {
    const engine = provenEngine()
    for (let i = 0; i < 6; i++) engine.appendBatch(`v${i}`)
    const batches = Array.from({ length: 5 }, () => engine.drainOne())
    engine.answer(batches[0], codes.NOT_ENOUGH_REPLICAS_AFTER_APPEND)
    for (const batch of batches.slice(1)) engine.answer(batch)
    engine.now += 1000
    expect(engine.drainOne()).toBe(batches[0])
    expect(engine.drain()).toEqual([])
    engine.answer(batches[0])
    expect(engine.drainOne().stamp?.baseSequence).toBe(6)
  })
})

describe('without idempotence', () => {
  test('a partition has one batch under way', () => {
    const engine = new Engine({ isIdempotent: false })
    engine.appendBatch('a')
    engine.appendBatch('b')
    const first = engine.drainOne()
    expect(first.stamp).toBeNull()
    expect(engine.drain()).toEqual([])
    engine.answer(first, codes.NOT_ENOUGH_REPLICAS)
    engine.now += 1000
    expect(engine.drainOne()).toBe(first)
  })

  test('unless more were asked for', () => {
    const engine = new Engine({ isIdempotent: false, mutesPartitions: false })
    engine.appendBatch('a')
    engine.appendBatch('b')
    expect([engine.drain().length, engine.drain().length]).toEqual([1, 1])
  })
})
