// Silence is never mistaken for health: what keeps records from flowing is in health(), and reaches onError.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import { ProblemReports } from '../../../src/consumer/liveness/consumer-problems.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { apiVersions } from '../../../src/protocol/messages/api-versions.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { noAnswer } from '../../../src/testing/interceptors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

let cluster: TestCluster
const open: Consumer[] = []
const errors: string[] = []
const warnings: string[] = []
beforeEach(async () => {
  errors.length = 0
  warnings.length = 0
  cluster = await TestCluster.start({ topics: { t: 1 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close({ timeoutMs: 100 })))
  await cluster.close()
})

const quiet = (): void => {}
const logger = {
  debug: quiet,
  info: quiet,
  warn: (message: string) => void warnings.push(message),
  error: quiet,
}

function reader(options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(
    cluster,
    {
      defaultApiTimeoutMs: 200,
      onError: (error) => void errors.push(error.message),
      ...options,
    },
    { logger },
  )
  open.push(consumer)
  return consumer
}

async function expectProblem(consumer: Consumer, reason: RegExp): Promise<void> {
  consumer
    .records()
    .next()
    .catch(() => {})
  await cluster.waitFor(() => errors.some((message) => reason.test(message)))
  const { isReady, problems } = consumer.health()
  expect(isReady).toBe(false)
  const [problem] = problems.filter((each) => reason.test(each.reason))
  expect(problem.durationMs).toBeGreaterThanOrEqual(200)
  expect(Math.abs(Date.now() - problem.durationMs - problem.since)).toBeLessThan(1000)
  expect(warnings.some((message) => reason.test(message))).toBe(true)
  // Reported once, not at each look.
  const times = errors.filter((message) => reason.test(message)).length
  await consumer.beginningOffsets([], {}).catch(() => {})
  expect(times).toBeLessThanOrEqual(2)
  const json = JSON.stringify(consumer.health())
  expect(JSON.parse(json)).toMatchObject({ isReady: false })
}

describe('a problem is in health(), reaches onError, and is logged', () => {
  it('a misspelt topic of a group', async () => {
    const consumer = reader({ groupId: 'g', topics: ['orderz'], allowAutoCreateTopics: false })
    await expectProblem(consumer, /"?orderz"?.*(does not exist|UNKNOWN_TOPIC_OR_PARTITION)/)
    expect(consumer.health().problems.some(({ topic }) => topic === 'orderz')).toBe(true)
  })

  it('a misspelt topic, and a partition that does not exist, by hand', async () => {
    const consumer = reader({ allowAutoCreateTopics: false })
    consumer.assign([{ topic: 'orderz', partition: 0, offset: 0n }])
    await expectProblem(consumer, /orderz/)
    const other = reader()
    other.assign([{ topic: 't', partition: 7, offset: 0n }])
    await expectProblem(other, /partition 7/)
  })

  it('an advertised address that cannot be reached', async () => {
    cluster.intercept(metadata, async ({ next }) => {
      const answer = await next()
      for (const broker of answer.brokers) broker.port = 1
      return answer
    })
    const consumer = reader()
    consumer.assign([{ ...t0, offset: 0n }])
    await expectProblem(consumer, /127\.0\.0\.1:1/)
  })

  it('a broker without a version in common', async () => {
    cluster.intercept(apiVersions, async ({ next }) => {
      const answer = await next()
      for (const api of answer.apiKeys) {
        if (api.apiKey === 1 || api.apiKey === 3)
          Object.assign(api, { minVersion: 90, maxVersion: 99 })
      }
      return answer
    })
    const consumer = reader()
    consumer.assign([{ ...t0, offset: 0n }])
    const reading = consumer.records().next()
    await Promise.race([
      reading.catch((error: Error) => void errors.push(error.message)),
      cluster.waitFor(() => errors.length > 0),
    ])
    expect(errors.join()).toMatch(/version/)
    expect(consumer.health().isReady).toBe(false)
  })

  it('a Fetch request that gets no response', async () => {
    cluster.intercept(fetch, () => noAnswer)
    const consumer = reader()
    consumer.assign([{ ...t0, offset: 0n }])
    await expectProblem(consumer, /Node 1 has not responded to Fetch for \d+ ms/)
  })

  it.each([
    ['JoinGroup', joinGroup],
    ['SyncGroup', syncGroup],
  ] as const)('a %s request that gets no response', async (name, api) => {
    cluster.intercept(api as typeof joinGroup, () => noAnswer)
    const consumer = reader({ groupId: 'g', topics: ['t'] })
    await expectProblem(consumer, new RegExp(`group "g": no response to ${name} yet`))
    expect(consumer.health().state).toBe('joining')
  })

  it.each([22, 27])('a group that rebalances at each heartbeat: code %i', async (errorCode) => {
    cluster.intercept(heartbeat, async ({ next }) => ({ ...(await next()), errorCode }))
    const consumer = reader({ groupId: 'g', topics: ['t'] })
    const reading = consumer.records().next()
    await cluster.waitFor(() => errors.some((message) => /rebalances again and/.test(message)))
    expect(consumer.health().problems[0].reason).toMatch(/each of the last \d+ memberships/)
    expect(warnings.some((message) => /rebalances again and/.test(message))).toBe(true)
    reading.catch(() => {})
  })

  it('heartbeats that fail; a stable member stays ready while records flow', async () => {
    await fill(cluster, 't', 0, 5)
    const consumer = reader({ groupId: 'g', topics: ['t'] })
    const records = consumer.records()
    await records.next()
    cluster.intercept(heartbeat, async ({ next }) => ({ ...(await next()), errorCode: 7 }))
    await cluster.waitFor(() =>
      errors.some((message) => /Heartbeat.*REQUEST_TIMED_OUT/.test(message)),
    )
    expect(consumer.health()).toMatchObject({ isReady: true, state: 'stable' })
    expect(consumer.health().problems[0].reason).toMatch(/Heartbeat/)
  })
})

describe('reports', () => {
  const problem = (partition: number, durationMs: number) => ({
    reason: `partition ${partition}`,
    since: 0,
    durationMs,
    error: null,
    nodeId: null,
    topic: 't',
    partition,
  })

  it('are made of what lasts, once a minute', () => {
    const reports = new ProblemReports(5000)
    expect(reports.due([problem(0, 4999)], 1000)).toEqual([])
    expect(reports.due([problem(0, 5000)], 2000).map(String)).toEqual([
      'KafkaError: partition 0 (for 5 s)',
    ])
    expect(reports.due([problem(0, 8000)], 5000)).toEqual([])
    expect(reports.due([problem(0, 65_000)], 62_000)).toHaveLength(1)
    // It was gone meanwhile: what comes again is new.
    expect(reports.due([], 63_000)).toEqual([])
    expect(reports.due([problem(0, 6000)], 64_000)).toHaveLength(1)
  })

  it('of many at once are one', () => {
    const reports = new ProblemReports(5000)
    const many = Array.from({ length: 1000 }, (_, partition) => problem(partition, 6000))
    const errors = reports.due(many, 1000)
    expect(errors).toHaveLength(11)
    expect(errors[10].message).toMatch(/990 more problems.*partition 10.*health\(\)/)
    expect(reports.due(many, 2000)).toEqual([])
  })
})
