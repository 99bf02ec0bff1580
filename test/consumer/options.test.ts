import { describe, expect, it } from 'vitest'
import { consumerOptionTable, resolveConsumerOptions } from '../../src/consumer/options.ts'
import { ConfigError } from '../../src/errors.ts'
import { serdes } from '../../src/serialization/serdes.ts'

const resolve = (options: object) => resolveConsumerOptions(options)

describe("a consumer's options", () => {
  it('have the defaults of the Java client', () => {
    expect(resolve({})).toMatchObject({
      autoOffsetReset: 'latest',
      enableAutoCommit: true,
      autoCommitIntervalMs: 5000,
      fetchMaxWaitMs: 500,
      fetchMaxBytes: 52428800,
      maxPartitionFetchBytes: 1048576,
      maxPollIntervalMs: 300000,
      maxPollRecords: 500,
      sessionTimeoutMs: 45000,
      heartbeatIntervalMs: 3000,
      isolationLevel: 'read_uncommitted',
      partitionAssignors: ['range', 'cooperative-sticky'],
    })
    expect(Object.isFrozen(resolve({}))).toBe(true)
  })

  it('are refused when unknown, with the nearest name', () => {
    expect(() => resolve({ groupid: 'g' })).toThrow(/did you mean 'groupId'/)
    expect(() => resolve({ 'auto.offset.reset': 'earliest' })).toThrow(/autoOffsetReset/)
  })

  it.each([
    [{ autoOffsetReset: 'newest' }],
    [{ autoOffsetReset: { durationMs: -1 } }],
    [{ autoOffsetReset: { durationMs: 1, timestamp: 1 } }],
    [{ groupId: '' }],
    [{ groupId: 'g', topics: 't' }],
    [{ groupId: 'g', topics: [''] }],
    [{ groupId: 'g', topics: [{ name: 't' }] }],
    [{ partitionAssignors: [] }],
    [{ partitionAssignors: ['stickyy'] }],
    [{ valueDeserializer: () => null }],
    [{ maxPollRecords: 0 }],
    [{ isolationLevel: 1 }],
    [{ onAssigned: 'x' }],
    // Combinations.
    [{ topics: ['t'] }],
    [{ groupInstanceId: 'i' }],
    [{ enableAutoCommit: true }],
    [{ heartbeatIntervalMs: 3000, sessionTimeoutMs: 6000 }],
  ])('are refused when wrong: %j', (options) => {
    expect(() => resolve(options)).toThrow(ConfigError)
  })

  it('take what they should', () => {
    const topic = { name: 't', key: serdes.string, value: serdes.json<{ a: number }>() }
    const given = {
      groupId: 'g',
      topics: ['a', /^b/, topic],
      autoOffsetReset: { timestamp: 5 },
      keyDeserializer: serdes.int32,
    }
    expect(resolve(given)).toMatchObject({ groupId: 'g', autoOffsetReset: { timestamp: 5 } })
    expect(resolve({ autoOffsetReset: { durationMs: 1000 } }).autoOffsetReset).toEqual({
      durationMs: 1000,
    })
  })

  it('are each in one table', () => {
    expect(Object.keys(consumerOptionTable).length).toBe(Object.keys(resolve({})).length)
  })
})
