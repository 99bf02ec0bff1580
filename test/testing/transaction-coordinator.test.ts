// Transactions without sockets and without waiting. That the answers are those of Apache Kafka is tested
// in test/integration; here is what cannot be had from a real broker at will.

import { beforeEach, describe, expect, test } from 'vitest'
import {
  type BrokerProperties,
  resolveBrokerProperties,
} from '../../src/testing/broker-properties.ts'
import { Deadlines } from '../../src/testing/deadlines.ts'
import type { Transaction } from '../../src/testing/transaction.ts'
import {
  type CoordinatorResponse,
  TransactionCoordinator,
} from '../../src/testing/transaction-coordinator.ts'

const INVALID_TXN_STATE = 48
const INVALID_MAPPING = 49
const INVALID_TIMEOUT = 50
const CONCURRENT = 51
const FENCED = 90
const ABORTABLE = 120
const LAST = 32_766

const part = { topic: 't', partition: 0 }
const group = { groupId: 'g' }

let deadlines: Deadlines
let coordinator: TransactionCoordinator
let now: number
let nextId: bigint
let markers: string[]
let isReachable: (key: string) => boolean

function start(properties: Partial<BrokerProperties> = {}): void {
  deadlines = new Deadlines()
  now = 0
  nextId = 10n
  markers = []
  isReachable = () => true
  coordinator = new TransactionCoordinator({
    properties: resolveBrokerProperties(properties),
    deadlines,
    wallClock: () => Date.now(),
    newProducerId: () => nextId++,
    writeMarkers: ({ participants, producerId, producerEpoch }, type) => {
      const reached = [...participants.keys()].filter(isReachable)
      for (const key of reached) markers.push(`${type} ${key} ${producerId}/${producerEpoch}`)
      return reached
    },
  })
}

beforeEach(() => start())

function pass(ms: number): void {
  now += ms
  deadlines.run(now)
}

/** `id/epoch`, or the error code. */
function text({ errorCode, producerId, producerEpoch }: CoordinatorResponse): string | number {
  return errorCode === 0 ? `${producerId}/${producerEpoch}` : errorCode
}

function producer(identity: string): { producerId: bigint; producerEpoch: number } {
  const [id, epoch] = identity.split('/')
  return { producerId: BigInt(id), producerEpoch: Number(epoch) }
}

function init(expected: string | null = null, timeoutMs = 60_000): string | number {
  const who = expected === null ? null : producer(expected)
  return text(coordinator.initProducerId('x', timeoutMs, who, now))
}

function add(identity: string): number {
  return coordinator.add('x', producer(identity), [part, group], now)
}

function end(identity: string, committed: boolean, bumps = true): string | number {
  return text(coordinator.end('x', producer(identity), committed, bumps, now))
}

function transaction(): Transaction {
  const found = coordinator.transactions.get('x')
  if (found === undefined) throw new Error('there is no transaction')
  return found
}

describe('a producer that outlives its epochs', () => {
  test('gets another id at the end of the transaction', () => {
    init()
    transaction().producerEpoch = LAST
    add(`10/${LAST}`)
    expect(end(`10/${LAST}`, true)).toBe('11/0')
    expect(markers).toEqual([`COMMIT t 0 10/32767`, `COMMIT group g 10/32767`])
    // The answer was lost: it asks again under the old id.
    expect(end(`10/${LAST}`, true)).toBe('11/0')
    expect(end(`10/${LAST}`, false)).toBe(INVALID_TXN_STATE)
    expect(add('11/0')).toBe(0)
    expect(end(`10/${LAST}`, true)).toBe(FENCED)
    expect(end('11/0', false)).toBe('11/1')
  })

  test('gets another id when it begins anew, and again when that answer was lost', () => {
    init()
    transaction().producerEpoch = LAST
    expect(init(`10/${LAST}`)).toBe('11/0')
    expect(init(`10/${LAST}`)).toBe('11/0')
    expect(init(`10/${LAST - 1}`)).toBe(FENCED)
  })

  test('without KIP-890 keeps its epoch', () => {
    init()
    transaction().producerEpoch = LAST
    add(`10/${LAST}`)
    expect(end(`10/${LAST}`, true, false)).toBe(`10/${LAST}`)
    expect(init()).toBe('11/0')
  })
})

describe('a transaction that takes too long', () => {
  test('is aborted, and its producer is fenced', () => {
    init(null, 5000)
    pass(10_000)
    expect(add('10/0')).toBe(0)
    pass(4999)
    expect(markers).toEqual([])
    pass(1)
    expect(markers).toEqual(['ABORT t 0 10/1', 'ABORT group g 10/1'])
    expect(transaction().state).toBe('CompleteAbort')
    expect(add('10/0')).toBe(FENCED)
    expect(end('10/0', true)).toBe(INVALID_TXN_STATE)
    expect(end('10/0', true, false)).toBe(FENCED)
    // Before KIP-890 an owner that asks for its next epoch would be fenced; since then it gets it.
    expect(init('10/0')).toBe('10/1')
  })

  test('fences its producer for good without KIP-890', () => {
    start({ transactionVersion: 1 })
    init(null, 5000)
    add('10/0')
    pass(5000)
    expect(init('10/0')).toBe(FENCED)
  })

  test('lives anew with each transaction, not with each partition', () => {
    init(null, 5000)
    add('10/0')
    pass(4000)
    add('10/0')
    pass(999)
    expect(end('10/0', true)).toBe('10/1')
    expect(deadlines.next).toBe(Infinity)
    add('10/1')
    pass(4999)
    expect(transaction().state).toBe('Ongoing')
    pass(1)
    expect(transaction().state).toBe('CompleteAbort')
  })

  test.each([0, -1, 900_001])('may not ask for %i ms', (timeoutMs) => {
    expect(init(null, timeoutMs)).toBe(INVALID_TIMEOUT)
  })
})

describe('while the markers are on their way', () => {
  beforeEach(() => start({ transactionMarkerDelayMs: 100 }))

  test('the next transaction must wait, and so must a new producer', () => {
    init()
    add('10/0')
    expect(end('10/0', true)).toBe('10/1')
    expect(transaction().state).toBe('PrepareCommit')
    expect(add('10/1')).toBe(CONCURRENT)
    expect(init()).toBe(CONCURRENT)
    expect(init('10/1')).toBe(CONCURRENT)
    expect(end('10/0', true)).toBe(CONCURRENT)
    expect(end('10/0', false)).toBe(INVALID_TXN_STATE)
    expect(end('10/1', true)).toBe(FENCED)
    pass(100)
    expect(add('10/1')).toBe(0)
  })

  test('the same without KIP-890', () => {
    init()
    add('10/0')
    expect(end('10/0', false, false)).toBe('10/0')
    expect(end('10/0', false, false)).toBe(CONCURRENT)
    expect(end('10/0', true, false)).toBe(INVALID_TXN_STATE)
    expect(add('10/0')).toBe(CONCURRENT)
    pass(100)
    expect(end('10/0', false, false)).toBe('10/0')
    expect(add('10/0')).toBe(0)
  })

  test('a partition without a leader is waited for', () => {
    isReachable = (key) => key !== 't 0'
    init()
    add('10/0')
    end('10/0', true)
    pass(100)
    expect(markers).toEqual(['COMMIT group g 10/1'])
    pass(1000)
    expect(add('10/1')).toBe(CONCURRENT)
    isReachable = () => true
    pass(20)
    expect(markers).toEqual(['COMMIT group g 10/1', 'COMMIT t 0 10/1'])
    expect(transaction().state).toBe('CompleteCommit')
  })
})

test('a new producer fences one whose transaction is open', () => {
  init()
  add('10/0')
  expect(init()).toBe(CONCURRENT)
  expect(markers).toEqual(['ABORT t 0 10/1', 'ABORT group g 10/1'])
  expect(init()).toBe('10/2')
  expect(init('10/0')).toBe(FENCED)
})

test('only what was added takes part', () => {
  expect(coordinator.verify('x', producer('10/0'), part)).toBe(INVALID_MAPPING)
  init()
  expect(coordinator.verify('x', producer('10/0'), part)).toBe(ABORTABLE)
  add('10/0')
  expect(coordinator.verify('x', producer('10/0'), part)).toBe(0)
  expect(coordinator.verify('x', producer('10/0'), { topic: 't', partition: 1 })).toBe(ABORTABLE)
  expect(coordinator.verify('x', producer('10/1'), part)).toBe(FENCED)
  expect(coordinator.verify('x', producer('11/0'), part)).toBe(INVALID_MAPPING)
  end('10/0', true)
  expect(coordinator.verify('x', producer('10/1'), part)).toBe(ABORTABLE)
})
