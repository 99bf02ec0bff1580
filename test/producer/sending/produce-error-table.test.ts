// Every row of docs/internals/producer.md, section 5: what an error code in a Produce answer does to a batch.

import { describe, expect, test } from 'vitest'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { Engine } from '../engine.ts'

const codes = errorCodes
type Name = keyof typeof codes

/** A batch under way on a partition that has had its first success. */
function underWay(options: ConstructorParameters<typeof Engine>[0] = {}) {
  const engine = new Engine(options)
  engine.appendBatch('first')
  engine.answer(engine.drainOne())
  engine.refreshes.length = 0
  const fate = engine.appendBatch('record')
  return { engine, fate, batch: engine.drainOne() }
}

test('success acknowledges: offsets, and the time of the append where the broker gives it', () => {
  const engine = new Engine()
  const one = engine.append('a')
  const two = engine.append('b')
  engine.answer(engine.drainOne(), 0, { baseOffset: 41n, logAppendTimeMs: 123n })
  expect([one.metadata?.offset, two.metadata?.offset]).toEqual([41n, 42n])
  expect(two.metadata?.timestamp).toBe(123)
  expect(engine.partition.state.lastAckedOffset).toBe(42n)
  expect(engine.partition.state.lastAckedSequence).toBe(1)
})

test('a duplicate is a success whose offset is not known', () => {
  const { engine, fate, batch } = underWay()
  engine.answer(batch, codes.DUPLICATE_SEQUENCE_NUMBER, { baseOffset: 5n })
  expect(fate.error).toBeNull()
  expect(fate.metadata?.offset).toBe(-1n)
})

describe('retried', () => {
  /** Name, whether it leaves doubt, whether metadata is asked for. */
  test.each<[Name, boolean, boolean]>([
    ['NOT_LEADER_OR_FOLLOWER', true, true],
    ['FENCED_LEADER_EPOCH', false, true],
    ['UNKNOWN_TOPIC_OR_PARTITION', false, true],
    ['UNKNOWN_TOPIC_ID', false, true],
    ['INCONSISTENT_TOPIC_ID', false, true],
    ['LEADER_NOT_AVAILABLE', false, true],
    ['REPLICA_NOT_AVAILABLE', false, true],
    ['LISTENER_NOT_FOUND', false, true],
    ['KAFKA_STORAGE_ERROR', true, true],
    ['REQUEST_TIMED_OUT', true, true],
    ['NETWORK_EXCEPTION', true, true],
    ['NOT_ENOUGH_REPLICAS', false, false],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', true, false],
    ['CORRUPT_MESSAGE', false, false],
    ['THROTTLING_QUOTA_EXCEEDED', false, false],
    ['CONCURRENT_TRANSACTIONS', false, false],
    ['COORDINATOR_LOAD_IN_PROGRESS', true, false],
  ])('%s', (name, leavesDoubt, refreshes) => {
    const { engine, fate, batch } = underWay()
    const { stamp } = batch
    const bytes = batch.builder.stamp(stamp!)
    engine.answer(batch, codes[name])
    expect(fate.outcomes).toBe(0)
    expect(batch.isAmbiguous).toBe(leavesDoubt)
    expect(engine.refreshes.length).toBe(refreshes ? 1 : 0)
    // After its backoff, and with the same bytes and numbers (I1).
    expect(engine.drain()).toEqual([])
    engine.now += 100
    expect(engine.drainOne()).toBe(batch)
    expect(batch.stamp).toBe(stamp)
    expect(batch.builder.stamp(stamp!)).toBe(bytes)
    engine.answer(batch)
    expect(fate.error).toBeNull()
  })

  test('at once if another broker leads now', () => {
    const { engine, batch } = underWay()
    engine.answer(batch, codes.NOT_LEADER_OR_FOLLOWER)
    engine.lead(2, 2)
    expect(engine.drainOne(2)).toBe(batch)
  })

  test('a lost connection leaves doubt, unless nothing was written', () => {
    for (const wasSent of [true, false]) {
      const { engine, batch } = underWay()
      engine.lose(batch, wasSent)
      expect(batch.isAmbiguous).toBe(wasSent)
      expect(batch.attempts).toBe(wasSent ? 1 : 0)
    }
  })
})

describe('failed', () => {
  test.each<[Name, 'no' | 'maybe']>([
    ['RECORD_LIST_TOO_LARGE', 'no'],
    ['MESSAGE_TOO_LARGE', 'no'],
    ['INVALID_TXN_STATE', 'no'],
    ['TRANSACTION_ABORTABLE', 'no'],
    ['INVALID_RECORD', 'no'],
    ['INVALID_TIMESTAMP', 'no'],
    ['INVALID_TOPIC_EXCEPTION', 'no'],
    ['INVALID_REQUIRED_ACKS', 'no'],
    ['TOPIC_AUTHORIZATION_FAILED', 'no'],
    ['INVALID_REQUEST', 'no'],
    ['UNSUPPORTED_FOR_MESSAGE_FORMAT', 'no'],
    ['UNSUPPORTED_COMPRESSION_TYPE', 'no'],
    ['UNKNOWN_SERVER_ERROR', 'maybe'],
    ['SECURITY_DISABLED', 'maybe'],
    ['INVALID_PRODUCER_ID_MAPPING', 'no'],
    ['CLUSTER_AUTHORIZATION_FAILED', 'no'],
    ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'no'],
  ])('%s', (name, persisted) => {
    const { engine, fate, batch } = underWay()
    engine.answer(batch, codes[name], { errorMessage: 'the broker says why' })
    expect(fate.error).toMatchObject({
      name: 'DeliveryError',
      persisted,
      attempts: 1,
      topic: 't',
      partition: 0,
      cause: { name: 'BrokerError', errorCode: codes[name] },
    })
    expect(fate.error?.message).toContain(name)
    expect(fate.error?.message).toContain('the broker says why')
    expect(engine.fatal).toEqual([])
  })

  test('a code that this client does not know leaves doubt', () => {
    for (const code of [134, 9999, 32_767, -2]) {
      const { engine, fate, batch } = underWay()
      engine.answer(batch, code)
      expect(fate.error?.persisted, String(code)).toBe('maybe')
      expect(engine.fatal).toEqual([])
    }
  })

  test.each<Name>(['PRODUCER_FENCED'])('%s, and the producer with it', (name) => {
    const { engine, fate, batch } = underWay()
    const next = engine.append('next')
    engine.answer(batch, codes[name])
    expect(engine.fatal.length).toBe(1)
    expect(fate.error?.persisted).toBe('no')
    expect(next.error?.message).toContain(name)
    expect(engine.memory.used).toBe(0)
  })

  test('what was in doubt before stays in doubt', () => {
    const { engine, fate, batch } = underWay()
    engine.answer(batch, codes.NOT_ENOUGH_REPLICAS_AFTER_APPEND)
    engine.now += 100
    engine.drainOne()
    engine.answer(batch, codes.INVALID_RECORD)
    expect(fate.error?.persisted).toBe('maybe')
  })

  test('CORRUPT_MESSAGE after a few retries, naming what older brokers mean by it', () => {
    const { engine, fate, batch } = underWay()
    for (let attempt = 0; attempt < 3; attempt++) {
      engine.answer(batch, codes.CORRUPT_MESSAGE)
      engine.now += 100
      expect(engine.drainOne()).toBe(batch)
    }
    engine.answer(batch, codes.CORRUPT_MESSAGE)
    expect(fate.error?.message).toMatch(/without a key for a compacted topic/)
  })

  test('a record that is too large: its sizes and the setting are named', () => {
    const { engine, fate, batch } = underWay()
    engine.answer(batch, codes.MESSAGE_TOO_LARGE)
    expect(fate.error?.message).toMatch(/1 record\(s\), \d+ bytes, \d+ as sent.*max.message.bytes/)
  })

  test('INVALID_RECORD names the culprits, and tells the others', () => {
    const engine = new Engine()
    const fates = ['a', 'b', 'c'].map((value) => engine.append(value))
    engine.answer(engine.drainOne(), codes.INVALID_RECORD, {
      recordErrors: [{ batchIndex: 1, batchIndexErrorMessage: 'no key' }],
    })
    expect(fates[1].error?.message).toMatch(/was refused: no key/)
    expect(fates[0].error?.message).toMatch(/because of a neighbour/)
    expect(fates[2].error?.message).toMatch(/because of a neighbour/)
  })

  test('when the retries are used up, the first error is told', () => {
    const { engine, fate, batch } = underWay({ retries: 1 })
    engine.answer(batch, codes.NOT_ENOUGH_REPLICAS)
    engine.now += 100
    engine.drainOne()
    engine.answer(batch, codes.NOT_ENOUGH_REPLICAS)
    expect(fate.error).toMatchObject({ persisted: 'no', attempts: 2 })
  })

  test('a batch in doubt ignores the number of retries', () => {
    const { engine, fate, batch } = underWay({ retries: 1 })
    for (let i = 0; i < 5; i++) {
      engine.lose(batch)
      engine.now += 100
      expect(engine.drainOne()).toBe(batch)
    }
    expect(fate.outcomes).toBe(0)
  })

  test('without idempotence it does not: a retry may double it', () => {
    const engine = new Engine({ isIdempotent: false, retries: 0 })
    const fate = engine.append('a')
    engine.lose(engine.drainOne())
    expect(fate.error?.persisted).toBe('maybe')
  })

  test('sequence errors without idempotence are failures', () => {
    for (const code of [codes.OUT_OF_ORDER_SEQUENCE_NUMBER, codes.INVALID_PRODUCER_EPOCH]) {
      const engine = new Engine({ isIdempotent: false })
      const fate = engine.append('a')
      engine.answer(engine.drainOne(), code)
      expect(fate.error?.persisted).toBe('no')
    }
  })
})

describe('a topic that metadata does not know', () => {
  test.each<Name>(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'INCONSISTENT_TOPIC_ID'])(
    '%s fails only after 30 s of that without a break',
    (name) => {
      const { engine, fate, batch } = underWay()
      engine.topic.unknownSince = engine.now
      engine.now += 29_999
      engine.answer(batch, codes[name])
      expect(fate.outcomes).toBe(0)
      engine.now += 100
      engine.drainOne()
      engine.answer(batch, codes[name])
      expect(fate.error?.message).toContain(name)
    },
  )
})

describe('splitting', () => {
  test('children take over numbers, age, budget and promises of their parent', () => {
    const engine = new Engine()
    const fates = Array.from({ length: 10 }, (_, i) => engine.append(`value-${i}`))
    const used = engine.memory.used
    const parent = engine.drainOne()
    engine.now += 50
    const behind = engine.appendBatch('behind')
    engine.answer(parent, codes.MESSAGE_TOO_LARGE)
    expect(engine.memory.used).toBeGreaterThanOrEqual(used)
    let sequence = 0
    for (let count = 0; count < 10; ) {
      const child = engine.drainOne()
      // One at a time, in order (G4), and what was behind the parent after the last of them.
      if (count + child.count < 10) expect(engine.drain().length).toBe(0)
      expect(child.stamp).toMatchObject({ producerEpoch: 0, baseSequence: sequence })
      expect(child.createdAt).toBe(parent.createdAt)
      engine.answer(child, 0, { baseOffset: BigInt(count) })
      count += child.count
      sequence += child.count
    }
    expect(fates.map(({ metadata }) => metadata?.offset)).toEqual(fates.map((_, i) => BigInt(i)))
    engine.answer(engine.drainOne())
    expect(behind.error).toBeNull()
    expect(engine.memory.used).toBe(0)
    expect(engine.flushes.isEmpty).toBe(true)
  })

  test('two batches in flight behind it wait for its children', () => {
    const engine = new Engine()
    engine.appendBatch('first')
    engine.answer(engine.drainOne())
    engine.append('a')
    engine.append('b')
    engine.accumulator.closeOpen(engine.partition, engine.now)
    const fates = ['c', 'd'].map((value) => engine.appendBatch(value))
    const [large] = engine.drain()
    const [c] = engine.drain()
    const [d] = engine.drain()
    engine.answer(large, codes.MESSAGE_TOO_LARGE)
    engine.answer(c, codes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    engine.answer(d, codes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    const order: (number | undefined)[] = []
    for (let i = 0; i < 4; i++) {
      const batch = engine.drainOne()
      order.push(batch.stamp?.baseSequence)
      engine.answer(batch)
    }
    expect(order).toEqual([1, 2, 3, 4])
    expect(fates.every(({ error }) => error === null)).toBe(true)
    expect(engine.producer.epoch).toBe(0)
  })

  test('goes on by halves until a single record is too large', () => {
    const engine = new Engine()
    const fates = Array.from({ length: 5 }, (_, i) => engine.append('x'.repeat(10 * i)))
    for (let i = 0; i < 40 && !engine.flushes.isEmpty; i++) {
      for (const batch of engine.drain()) engine.answer(batch, codes.MESSAGE_TOO_LARGE)
      engine.now += 1
    }
    expect(fates.every(({ error, outcomes }) => error?.persisted === 'no' && outcomes === 1)).toBe(
      true,
    )
    expect(engine.memory.used).toBe(0)
  })

  test('a batch in doubt is not split: its parts would not be recognised as written', () => {
    const engine = new Engine()
    const fates = ['a', 'b'].map((value) => engine.append(value))
    const batch = engine.drainOne()
    engine.lose(batch)
    engine.now += 100
    engine.drainOne()
    engine.answer(batch, codes.MESSAGE_TOO_LARGE)
    expect(fates.map(({ error }) => error?.persisted)).toEqual(['maybe', 'maybe'])
  })

  test('works without idempotence, in order', () => {
    const engine = new Engine({ isIdempotent: false })
    const fates = Array.from({ length: 6 }, (_, i) => engine.append(`value-${i}`))
    const behind = engine.appendBatch('behind')
    engine.answer(engine.drainOne(), codes.MESSAGE_TOO_LARGE)
    let offset = 0n
    while (!engine.flushes.isEmpty) {
      const batch = engine.drainOne()
      engine.answer(batch, 0, { baseOffset: offset })
      offset += BigInt(batch.count)
    }
    expect(fates.map(({ metadata }) => metadata?.offset)).toEqual([0n, 1n, 2n, 3n, 4n, 5n])
    expect(behind.metadata?.offset).toBe(6n)
  })
})
