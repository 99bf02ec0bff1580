// What keeps records from flowing: it reaches the caller or health(), and passes when its cause does.

import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { PartitionHealth } from '../../../src/consumer/liveness/health.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import type { KafkaOptions } from '../../../src/options/kafka-options.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { listOffsets } from '../../../src/protocol/messages/list-offsets.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { BatchBuilder, noProducer } from '../../../src/records/batch-builder.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, take } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 2 } })
  await fill(cluster, 't', 0, 10)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function reader(
  options: ConsumerOptions = {},
  partitions: readonly { topic: string; partition: number; offset?: bigint }[] = [t0],
  kafka: Partial<KafkaOptions> = {},
): Consumer {
  const consumer = consumerOf(cluster, options, kafka)
  open.push(consumer)
  consumer.assign(partitions)
  return consumer
}

function healthOf(consumer: Consumer, partition = 0): PartitionHealth {
  const found = consumer.health().partitions.find((each) => each.partition === partition)
  if (found === undefined) throw new Error(`partition ${partition} is not assigned`)
  return found
}

it('a batch whose last offset is the last of all is an error of its partition, and the others are read and committed', async () => {
  await fill(cluster, 't', 1, 10)
  cluster.intercept(fetch, async ({ next }) => {
    const response = await next()
    for (const { partitions } of response.responses) {
      for (const { partitionIndex, records } of partitions) {
        if (partitionIndex === 0 && records?.length) records.writeBigInt64BE(2n ** 63n - 5n)
      }
    }
    return response
  })
  const options = { groupId: 'g', autoCommitIntervalMs: 10 }
  const consumer = reader(options, [t0, { topic: 't', partition: 1 }])
  const texts: string[] = []
  const errors: Error[] = []
  expect(await consumer.position(t0)).toBe(0n)
  const takeOne = (): Promise<unknown> =>
    take(consumer, 1).then(
      (taken) => texts.push(...taken),
      (error: unknown) => errors.push(error as Error),
    )
  while (texts.length < 10 || errors.length < 3) await takeOne()
  await fill(cluster, 't', 1, 10)
  while (texts.length < 20) await takeOne()
  expect(new Set(texts)).toEqual(new Set(Array.from({ length: 20 }, (_, i) => `t-1:${i}`)))
  expect(errors[0].message).toMatch(/^t-0, batch at offset \d+: no offset is left behind its last/)
  expect(await consumer.position(t0)).toBe(0n)
  await cluster.waitFor(() => cluster.committedOffset('g', 't', 1) === 20n)
})

describe('a permission that is missing', () => {
  it.each([
    ['Fetch', fetch],
    ['ListOffsets', listOffsets],
  ] as const)(
    'for %s is an error of every pull until it is given, without new metadata',
    async (_, api) => {
      const consumer = reader({}, [t0], { metadataMaxAgeMs: 3_600_000 })
      const allow = cluster.intercept(api as typeof fetch, async ({ next }) => {
        const response = await next()
        const topics = 'topics' in response ? response.topics : response.responses
        for (const { partitions } of topics as typeof response.responses) {
          for (const partition of partitions) {
            Object.assign(partition, { errorCode: 29, records: null })
          }
        }
        return response
      })
      for (let pull = 0; pull < 3; pull++) {
        await expect(consumer.records().next()).rejects.toThrow(/TOPIC_AUTHORIZATION_FAILED/)
      }
      expect(healthOf(consumer).problem?.reason).toContain('TOPIC_AUTHORIZATION_FAILED')
      allow()
      await expect
        .poll(() => take(consumer, 1).catch(() => null), { timeout: 5000 })
        .toEqual(['t-0:0'])
      expect(healthOf(consumer).problem).toBe(null)
    },
  )

  it('for OffsetFetch of a topic is an error of every pull until it is given', async () => {
    const consumer = reader({ groupId: 'g' }, [t0], { metadataMaxAgeMs: 3_600_000 })
    const allow = cluster.intercept(offsetFetch, async ({ next }) => {
      const response = await next()
      for (const { topics } of response.groups) {
        for (const { partitions } of topics) for (const each of partitions) each.errorCode = 29
      }
      return response
    })
    for (let pull = 0; pull < 2; pull++) {
      await expect(consumer.records().next()).rejects.toThrow(/TOPIC_AUTHORIZATION_FAILED/)
    }
    allow()
    await expect
      .poll(() => take(consumer, 1).catch(() => null), { timeout: 5000 })
      .toEqual(['t-0:0'])
  })
})

describe('health() says what is in the way of', () => {
  it('a partition that does not exist', async () => {
    const consumer = reader({}, [t0, { topic: 't', partition: 7 }])
    expect(await take(consumer, 10)).toHaveLength(10)
    await cluster.waitFor(() => {
      void consumer.records().next()
      return healthOf(consumer, 7).problem !== null
    })
    expect(healthOf(consumer, 7).problem).toMatchObject({
      reason: expect.stringContaining('Topic "t" has 2 partitions (0 to 1)'),
      since: expect.any(Number),
    })
    expect(healthOf(consumer, 0).problem).toBe(null)
  })

  it('a topic whose name is misspelt, and no longer when it comes into being', async () => {
    const consumer = reader({ allowAutoCreateTopics: false }, [{ topic: 'tt', partition: 0 }])
    const next = consumer.records().next()
    await cluster.waitFor(() => healthOf(consumer).problem?.reason.includes('does not exist'))
    expect(healthOf(consumer).problem?.reason).toContain('Topic "tt" does not exist')
    const { since } = healthOf(consumer).problem ?? { since: 0 }
    expect(Math.abs(Date.now() - since)).toBeLessThan(5000)
    cluster.createTopic('tt')
    await fill(cluster, 'tt', 0, 1)
    expect((await next).done).toBe(false)
    expect(healthOf(consumer).problem).toBe(null)
  })

  it('a topic that may not be described', async () => {
    cluster.intercept(metadata, async ({ next }) => {
      const response = await next()
      for (const topic of response.topics) Object.assign(topic, { errorCode: 29, partitions: [] })
      return response
    })
    const consumer = reader()
    await expect(consumer.records().next()).rejects.toThrow(/TOPIC_AUTHORIZATION_FAILED/)
    await cluster.waitFor(() => healthOf(consumer).problem?.reason.includes('AUTHORIZATION'))
  })

  it('a partition whose broker refuses to read', async () => {
    const end = cluster.intercept(fetch, async ({ next }) => {
      const response = await next()
      for (const { partitions } of response.responses) {
        for (const each of partitions) Object.assign(each, { errorCode: 56, records: null })
      }
      return response
    })
    const consumer = reader()
    const next = consumer.records().next()
    await cluster.waitFor(() => healthOf(consumer).problem?.reason.includes('KAFKA_STORAGE_ERROR'))
    end()
    expect((await next).done).toBe(false)
    expect(healthOf(consumer).problem).toBe(null)
  })
})

describe('a response that cannot be read', () => {
  async function appendLarge(partition: number): Promise<void> {
    const builder = new BatchBuilder(4_000_000)
    builder.append(null, Buffer.alloc(3_000_000), [], 1)
    const batch = await builder.finish({ ...noProducer, compressionType: 'none' })
    cluster.partition('large', partition).append(batch)
  }
  const partitions = Array.from({ length: 9 }, (_, partition) => ({
    topic: 'large',
    partition,
    offset: 0n,
  }))
  const small = [{ fetchMaxBytes: 500_000 }, partitions, { maxResponseSize: 2_000_000 }] as const

  beforeEach(async () => {
    cluster.createTopic('large', { partitions: partitions.length })
    for (const { partition } of partitions) await fill(cluster, 'large', partition, 3)
    await appendLarge(4)
    await fill(cluster, 'large', 4, 2)
  })

  it('is an error of its partition, and the others of its broker are read', async () => {
    const consumer = reader(...small)
    const errors: Error[] = []
    const got: string[] = []
    while (got.length < 27 || errors.length === 0) {
      await take(consumer, 1).then(
        (texts) => got.push(...texts),
        (error: unknown) => errors.push(error as Error),
      )
    }
    expect(errors[0].message).toMatch(/Fetch of large-4 at offset 3 .*maxResponseSize/)
    expect(healthOf(consumer, 4).problem?.reason).toContain('maxResponseSize')
    for (const { partition } of partitions) await fill(cluster, 'large', partition, 1)
    const more = new Set<string>()
    while (more.size < 8) {
      await take(consumer, 1).then(
        ([text]) => more.add(text),
        () => {},
      )
    }
    consumer.seek({ topic: 'large', partition: 4 }, 4n)
    const rest = new Set<string>()
    while (rest.size < 3) {
      await take(consumer, 1).then(
        ([text]) => rest.add(text),
        () => {},
      )
    }
    expect(rest).toEqual(new Set(['large-4:4', 'large-4:5', 'large-4:6']))
  })
})

describe('batches that all end before the offset that was asked for', () => {
  it('are a problem of their partition, and are not asked for without a pause', async () => {
    let stale = 0
    const restore = cluster.intercept(fetch, async ({ request, next }) => {
      for (const { partitions } of request.topics) {
        for (const asked of partitions) if (asked.fetchOffset === 10n) asked.fetchOffset = 0n
      }
      const response = await next()
      const given = response.responses.flatMap(({ partitions }) => partitions)
      for (const { partitionIndex, records } of given) {
        if (partitionIndex === 0 && records !== null && records.length > 0) stale++
      }
      return response
    })
    const both = [t0, { topic: 't', partition: 1 }]
    const consumer = reader({}, both, { retryBackoffMs: 60_000, retryBackoffMaxMs: 60_000 })
    await take(consumer, 10)
    stale = 0
    for (let round = 0; round < 9; round++) {
      await fill(cluster, 't', 1, 1)
      expect(await take(consumer, 1)).toEqual([`t-1:${round}`])
    }
    expect(stale).toBe(1)
    expect(healthOf(consumer).problem?.reason).toMatch(
      /asked for t-0 from offset 10 on, and sent only batches that end at 9/,
    )
    restore()
    consumer.seek(t0, 10n)
    await fill(cluster, 't', 0, 1)
    expect(await take(consumer, 1)).toEqual(['t-0:10'])
    expect(healthOf(consumer).problem).toBe(null)
  })
})

describe('records that cannot be read', () => {
  /** Behind the 10 that are there. */
  async function appendDamaged(compressionType: 'none' | 'gzip'): Promise<void> {
    const builder = new BatchBuilder(10_000_000)
    builder.append(null, Buffer.from(randomBytes(500_000).toString('hex')), [], 1)
    const batch = await builder.finish({ ...noProducer, compressionType })
    batch[batch.length - 1000] ^= 1
    cluster.partition('t', 0).append(batch)
  }

  it.each([
    ['a wrong CRC', 'none', {}, /CRC/],
    ['what a codec refuses off the main thread', 'gzip', { checkCrcs: false }, /gzip/],
  ] as const)(
    'are a problem of their partition between the errors: %s',
    async (_text, compressionType, options, reason) => {
      await appendDamaged(compressionType)
      const consumer = reader(options)
      expect(await take(consumer, 10)).toHaveLength(10)
      await expect(consumer.records().next()).rejects.toThrow(reason)
      let lasts = -1
      for (let pull = 0; pull < 3; pull++) {
        // A fetch of them succeeds, which does not make them readable.
        await cluster.waitFor(() => consumer.health().bufferedBytes > 0)
        const [problem] = consumer.health().problems
        expect(problem).toMatchObject({ reason: expect.stringMatching(reason), ...t0 })
        expect(problem.durationMs).toBeGreaterThan(lasts)
        lasts = problem.durationMs
        await expect(consumer.records().next()).rejects.toThrow(reason)
      }
      expect(consumer.health().problems).toHaveLength(1)
      await fill(cluster, 't', 0, 1)
      consumer.seek(t0, 11n)
      expect(healthOf(consumer).problem).toBe(null)
      expect(await take(consumer, 1)).toEqual(['t-0:11'])
      expect(consumer.health()).toMatchObject({ isReady: true, problems: [] })
    },
  )
})

describe('a replica that the leader prefers', () => {
  let two: TestCluster
  beforeEach(async () => {
    two = await TestCluster.start({ nodes: 2, topics: { t: 1 } })
    await fill(two, 't', 0, 20)
    two.moveLeader('t', 0, 1)
  })
  afterEach(() => two.close())

  function prefer(nodeId: number): void {
    two.intercept(fetch, async ({ next, request, nodeId: asked }) => {
      const response = await next()
      if (asked !== 1 || request.rackId === '') return response
      for (const { partitions } of response.responses) {
        for (const each of partitions) {
          Object.assign(each, { preferredReadReplica: nodeId, records: Buffer.alloc(0) })
        }
      }
      return response
    })
  }

  it.each([
    ['is not in the metadata', 7],
    ['cannot be reached', 2],
  ])('and that %s does not keep its partition from being read', async (_text, nodeId) => {
    prefer(nodeId)
    if (nodeId === 2) await two.stopNode(2, { electLeaders: false })
    const consumer = consumerOf(two, { clientRack: 'near' })
    open.push(consumer)
    consumer.assign([{ ...t0, offset: 0n }])
    expect(await take(consumer, 20)).toHaveLength(20)
  })
})

describe('a mistake of this client', () => {
  it('in the fetch path ends the consumer with the error', async () => {
    vi.spyOn(performance, 'eventLoopUtilization').mockImplementation(() => {
      throw new TypeError('a mistake')
    })
    const consumer = reader()
    await expect(consumer.records().next()).rejects.toThrow(/a mistake/)
    expect(consumer.health()).toMatchObject({ state: 'failed', isReady: false })
  })
})
