// The producer's options: what is refused, and what follows from combinations.

import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { silentLogger } from '../../src/logger.ts'
import {
  type ProducerOptions,
  type ResolvedProducerOptions,
  resolveProducerOptions,
} from '../../src/producer/options.ts'

const warnings: string[] = []
const connection = {
  requestTimeoutMs: 30_000,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1000,
  logger: { ...silentLogger, warn: (message: string) => warnings.push(message) },
}

function resolve(options: ProducerOptions): ResolvedProducerOptions {
  warnings.length = 0
  return resolveProducerOptions(options, connection)
}

test("the defaults are Java's", () => {
  expect(resolve({})).toMatchObject({
    acks: -1,
    enableIdempotence: true,
    retries: 2_147_483_647,
    deliveryTimeoutMs: 120_000,
    requestTimeoutMs: 30_000,
    lingerMs: 5,
    batchSize: 16_384,
    bufferMemory: 33_554_432,
    maxBlockMs: 60_000,
    maxRequestSize: 1_048_576,
    maxInFlightRequestsPerConnection: 5,
    compressionType: 'none',
    partitioner: 'murmur2',
    retryBackoffMs: 100,
    retryBackoffMaxMs: 1000,
    mutesPartitions: false,
  })
  expect(warnings).toEqual([])
})

test('the result is frozen', () => {
  expect(Object.isFrozen(resolve({ acks: 'all' }))).toBe(true)
})

test.each<[object, RegExp]>([
  [{ linger: 5 }, /unknown option 'linger'.*lingerMs/],
  [{ 'linger.ms': 5 }, /unknown option 'linger.ms': did you mean 'lingerMs'/],
  [{ acks: 2 }, /'acks' must be/],
  [{ lingerMs: -1 }, /'lingerMs' must be/],
  [{ batchSize: 1.5 }, /'batchSize' must be/],
  [{ compressionType: 'brotli' }, /'compressionType' must be one of/],
  [{ compressionType: 'gzip', compressionLevel: 77 }, /level/],
  [{ compressionLevel: 3 }, /compressionType/],
  [{ partitioner: 'sticky' }, /'partitioner' must be one of/],
  [{ interceptors: {} }, /'interceptors' must be/],
  [{ interceptors: [{ onSend: 5 }] }, /'interceptors' must be/],
  [{ interceptors: [{ onSned: () => {} }] }, /'interceptors' must be/],
  [{ onDelivery: 'log' }, /'onDelivery' must be a function/],
  [{ retryBackoffMs: 2000 }, /'retryBackoffMaxMs'.*must not be below/],
  [{ deliveryTimeoutMs: 30_000 }, /'deliveryTimeoutMs'.*at least.*30005/],
])('refuses %o', (options, message) => {
  expect(() => resolve(options as ProducerOptions)).toThrow(ConfigError)
  expect(() => resolve(options as ProducerOptions)).toThrow(message)
})

test('a delivery timeout that was not given is long enough for one attempt', () => {
  expect(resolve({ requestTimeoutMs: 200_000 }).deliveryTimeoutMs).toBe(200_005)
})

describe('idempotence', () => {
  test.each<ProducerOptions>([{ acks: 1 }, { acks: 0 }, { retries: 0 }])(
    'asked for and contradicted by %o is an error',
    (options) => {
      expect(() => resolve({ ...options, enableIdempotence: true })).toThrow(ConfigError)
    },
  )

  test.each<ProducerOptions>([{ acks: 1 }, { acks: 0 }, { retries: 0 }])(
    'by default is switched off by %o, with one warning',
    (options) => {
      expect(resolve(options).enableIdempotence).toBe(false)
      expect(warnings.length).toBe(1)
    },
  )

  test('said to be off, it is off without a word', () => {
    expect(resolve({ enableIdempotence: false, acks: 0 }).enableIdempotence).toBe(false)
    expect(warnings).toEqual([])
  })

  test('more than five requests in flight are an error, as in Java, unless it is off', () => {
    expect(() => resolve({ maxInFlightRequestsPerConnection: 6 })).toThrow(/at most 5/)
    const options = { maxInFlightRequestsPerConnection: 6, enableIdempotence: false }
    expect(resolve(options).mutesPartitions).toBe(false)
  })

  test('without it a partition has one batch under way, unless more were asked for', () => {
    const enableIdempotence = false
    const mutes = (options: ProducerOptions): boolean =>
      resolve({ enableIdempotence, ...options }).mutesPartitions
    expect(mutes({})).toBe(true)
    expect(mutes({ maxInFlightRequestsPerConnection: 1 })).toBe(true)
    expect(mutes({ maxInFlightRequestsPerConnection: 2 })).toBe(false)
  })
})

describe('a transactionalId', () => {
  test('is none by default, and implies idempotence', () => {
    expect(resolve({})).toMatchObject({ transactionalId: null, transactionTimeoutMs: 60_000 })
    expect(resolve({ transactionalId: 'x' })).toMatchObject({ enableIdempotence: true })
  })

  test.each<[ProducerOptions, RegExp]>([
    [{ enableIdempotence: false }, /'transactionalId' needs idempotence/],
    [{ acks: 1 }, /'transactionalId' needs acks: 'all'.*not acks: 1/],
    [{ acks: 0 }, /not acks: 0/],
    [{ retries: 0 }, /not retries: 0/],
    [{ maxInFlightRequestsPerConnection: 6 }, /at most 5/],
    [{ transactionTimeoutMs: 0 }, /'transactionTimeoutMs' must be/],
    [{ transactionalId: '' }, /'transactionalId' must be/],
  ])('is refused beside %j', (options, text) => {
    expect(() => resolve({ transactionalId: 'x', ...options })).toThrow(text)
    expect(() => resolve({ transactionalId: 'x', ...options })).toThrow(ConfigError)
  })
})
