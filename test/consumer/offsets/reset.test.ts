// Where a consumer begins without a valid offset: by policy, by time, and what is said when there is none.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { OffsetOutOfRangeError } from '../../../src/errors.ts'
import { silentLogger } from '../../../src/logger.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { listOffsets } from '../../../src/protocol/messages/list-offsets.ts'
import { BatchBuilder, noProducer } from '../../../src/records/batch-builder.ts'
import { noAnswer } from '../../../src/testing/interceptors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, take, textOf } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 2 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

function reader(options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, options)
  open.push(consumer)
  consumer.assign([t0])
  return consumer
}

async function batchAt(value: string, timestamp: number): Promise<Buffer> {
  const builder = new BatchBuilder(1000)
  builder.append(null, value, [], timestamp)
  return builder.finish({ ...noProducer, compressionType: 'none' })
}

/** Writes a record of now behind the response to the first ListOffsets. */
function writeBehindFirstQuestion(value: string): void {
  let isFirst = true
  cluster.intercept(listOffsets, async ({ next }) => {
    const response = await next()
    if (isFirst) {
      isFirst = false
      cluster.partition('t', 0).append(await batchAt(value, Date.now() + 1000))
    }
    return response
  })
}

describe('a time that no record is as young as', () => {
  beforeEach(() => fill(cluster, 't', 0, 5))

  it('by policy skips nothing that is written while the end is looked for', async () => {
    writeBehindFirstQuestion('young')
    expect(await take(reader({ autoOffsetReset: { durationMs: 60_000 } }), 1)).toEqual(['young'])
  })

  it('by timestamp skips nothing that is written while the end is looked for', async () => {
    writeBehindFirstQuestion('young')
    expect(await take(reader({ autoOffsetReset: { timestamp: Date.now() } }), 1)).toEqual(['young'])
  })

  it('by seek skips nothing that is written while the end is looked for', async () => {
    const consumer = reader()
    const records = consumer.records()
    await records.next()
    writeBehindFirstQuestion('young')
    consumer.seek(t0, { timestamp: Date.now() })
    const { value } = await records.next()
    expect(value === undefined ? '' : textOf(value)).toBe('young')
  })

  it('is where the end is, when nothing is written', async () => {
    const consumer = reader()
    consumer.seek(t0, { timestamp: Date.now() })
    expect(await consumer.position(t0)).toBe(5n)
  })

  it('goes to the end where the log has no timestamps to search', async () => {
    cluster.intercept(listOffsets, async ({ next, request }) => {
      const response = await next()
      if (request.topics[0].partitions[0].timestamp >= 0n) {
        Object.assign(response.topics[0].partitions[0], { errorCode: 43, offset: -1n })
      }
      return response
    })
    const consumer = reader()
    consumer.seek(t0, { timestamp: 1 })
    expect(await consumer.position(t0)).toBe(5n)
  })
})

it('a position that is outside of the log after each reset is a problem, and is asked for less and less', async () => {
  await fill(cluster, 't', 0, 5)
  const stop = cluster.intercept(fetch, async ({ next }) => {
    const response = await next()
    for (const { partitions } of response.responses) {
      for (const each of partitions) Object.assign(each, { errorCode: 1, records: null })
    }
    return response
  })
  const consumer = consumerOf(cluster, {}, { retryBackoffMs: 100, retryBackoffMaxMs: 100 })
  open.push(consumer)
  consumer.assign([{ ...t0, offset: 0n }])
  const loop = consumer.records()
  const next = loop.next()
  const times = (): number[] => cluster.requests(listOffsets).map(({ at }) => at)
  await cluster.waitFor(() => times().length >= 5)
  const waits = times().flatMap((at, i, all) => (i === 0 ? [] : at - all[i - 1]))
  // The backoff, less its jitter.
  expect(Math.min(...waits)).toBeGreaterThan(50)
  expect(consumer.health().partitions[0].problem?.reason).toMatch(/Offset 0 of t-0 is out of range/)
  stop()
  expect((await next).value?.offset).toBe(0n)
  expect(consumer.health().problems).toEqual([])
})

it('the warning of a position outside of the log says how it is reset', async () => {
  await fill(cluster, 't', 0, 1)
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (text: string) => warnings.push(text) }
  const consumer = consumerOf(cluster, { autoOffsetReset: 'earliest' }, { logger })
  open.push(consumer)
  consumer.assign([{ ...t0, offset: 100n }])
  expect(await take(consumer, 1)).toEqual(['t-0:0'])
  expect(warnings).toEqual([
    'Offset 100 of t-0 is out of range. The position is reset by autoOffsetReset: "earliest"',
  ])
})

describe("with autoOffsetReset 'none'", () => {
  it('every pull gets the error while there is no offset, and health tells of it', async () => {
    const consumer = reader({ groupId: 'g', autoOffsetReset: 'none' })
    for (let pull = 0; pull < 3; pull++) {
      await expect(consumer.records().next()).rejects.toThrow(OffsetOutOfRangeError)
    }
    expect(consumer.health().partitions[0].problem?.reason).toContain("autoOffsetReset is 'none'")
    await fill(cluster, 't', 0, 1)
    consumer.seek(t0, 0n)
    expect(await take(consumer, 1)).toEqual(['t-0:0'])
    expect(consumer.health().partitions[0].problem).toBe(null)
  })

  it('every pull gets the error while the position is outside the log', async () => {
    await fill(cluster, 't', 0, 20)
    const consumer = reader({ autoOffsetReset: 'none' })
    consumer.assign([{ ...t0, offset: 2n }])
    cluster.partition('t', 0).deleteRecordsBefore(10n)
    for (let pull = 0; pull < 3; pull++) {
      await expect(consumer.records().next()).rejects.toThrow(/Offset 2 of t-0 is out of range/)
    }
  })

  it('every pull gets the error after the topic was recreated, however long its log becomes', async () => {
    await fill(cluster, 't', 0, 10)
    const consumer = reader({ autoOffsetReset: 'none' })
    consumer.assign([{ ...t0, offset: 0n }])
    expect(await take(consumer, 10)).toHaveLength(10)
    cluster.recreateTopic('t')
    await fill(cluster, 't', 0, 30)
    for (let pull = 0; pull < 3; pull++) {
      await expect(consumer.records().next()).rejects.toThrow(/deleted and created again/)
    }
    consumer.seek(t0, 'beginning')
    expect(await take(consumer, 1)).toEqual(['t-0:0'])
  })
})

describe('questions about offsets', () => {
  beforeEach(async () => {
    await fill(cluster, 't', 0, 3)
    await fill(cluster, 't', 1, 7)
    cluster.createTopic('a', { partitions: 1 })
    // A broker may respond in any order.
    cluster.intercept(listOffsets, async ({ next }) => {
      const response = await next()
      response.topics.reverse()
      for (const { partitions } of response.topics) partitions.reverse()
      return response
    })
  })
  const asked = [
    { topic: 't', partition: 1 },
    { topic: 'a', partition: 0 },
    { topic: 't', partition: 0 },
    { topic: 't', partition: 1 },
  ]

  it('are answered in the order asked, also when one is asked twice', async () => {
    const consumer = reader()
    expect(await consumer.endOffsets(asked)).toEqual([
      { topic: 't', partition: 1, offset: 7n },
      { topic: 'a', partition: 0, offset: 0n },
      { topic: 't', partition: 0, offset: 3n },
      { topic: 't', partition: 1, offset: 7n },
    ])
    expect((await consumer.beginningOffsets(asked)).map(({ offset }) => offset)).toEqual([
      0n,
      0n,
      0n,
      0n,
    ])
    const times = asked.map((partition) => ({ ...partition, timestamp: 1 }))
    expect(
      (await consumer.offsetsForTimes(times)).map(({ topic, partition }) => [topic, partition]),
    ).toEqual([
      ['t', 1],
      ['t', 0],
      ['t', 1],
    ])
  })

  it('are answered in the order asked when one partition had to be asked again', async () => {
    let isFirst = true
    cluster.intercept(listOffsets, async ({ next }) => {
      const response = await next()
      if (isFirst) response.topics[0].partitions[0].errorCode = 6
      isFirst = false
      return response
    })
    const partitions = (await reader().endOffsets(asked)).map(({ topic, partition }) => [
      topic,
      partition,
    ])
    expect(partitions).toEqual(asked.map(({ topic, partition }) => [topic, partition]))
  })

  it('about committed offsets are answered in the order asked', async () => {
    const consumer = reader({ groupId: 'g' })
    await consumer.commit(asked.map((partition) => ({ ...partition, offset: 1n })))
    const found = await consumer.committed(asked.slice(0, 3))
    expect(found.map(({ topic, partition }) => [topic, partition])).toEqual([
      ['t', 1],
      ['a', 0],
      ['t', 0],
    ])
  })
})

it('a broker that leaves ListOffsets without a response holds up its own partitions only', async () => {
  const two = await TestCluster.start({ nodes: 2, topics: { t: 2 } })
  two.moveLeader('t', 0, 1)
  two.moveLeader('t', 1, 2)
  for (const partition of [0, 1]) await fill(two, 't', partition, 5)
  const stop = two.intercept(listOffsets, ({ nodeId, next }) => (nodeId === 2 ? noAnswer : next()))
  const consumer = consumerOf(two, {}, { requestTimeoutMs: 3000 })
  consumer.assign([0, 1].map((partition) => ({ topic: 't', partition })))
  const startedAt = performance.now()
  const first = await take(consumer, 5)
  expect(performance.now() - startedAt).toBeLessThan(2500)
  expect(first).toEqual([0, 1, 2, 3, 4].map((i) => `t-0:${i}`))
  stop()
  expect(await take(consumer, 5)).toEqual([0, 1, 2, 3, 4].map((i) => `t-1:${i}`))
  await consumer.close()
  await two.close()
})
