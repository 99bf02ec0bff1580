// Every error code there is, and one that is not, in every response that positions and records are found
// with, once and three times. The tables in fetch-error-table.ts and offset-error-table.ts say what follows;
// what they mean for a caller is written down here once more.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeName, errorCodes } from '../../../src/protocol/error-codes.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { listOffsets } from '../../../src/protocol/messages/list-offsets.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/messages/offset-for-leader-epoch.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, take } from '../harness.ts'

const codes = [...Object.values(errorCodes).filter((code) => code !== 0), 9999]
const t0 = { topic: 't', partition: 0 }
const RECORDS = 5

/** The codes that the caller's pulls get, as often as they come. After all others the consumer reads on. */
const reported = {
  'Fetch of a partition': [2, 29],
  'Fetch as a whole': [],
  'ListOffsets by policy': [29],
  'ListOffsets by time': [29],
  OffsetForLeaderEpoch: [29, 31],
  'OffsetFetch of a partition': [29],
} as const satisfies Record<string, readonly number[]>

type Place = keyof typeof reported

let cluster: TestCluster
/** What to inject for a client: where, the code, and how often still. */
const injections = new Map<string, { place: Place; code: number; left: number }>()

function inject(clientId: string | null, place: Place): number | null {
  const injection = injections.get(clientId ?? '')
  if (injection?.place !== place || injection.left === 0) return null
  injection.left--
  return injection.code
}

beforeAll(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 }, record: false })
  await fill(cluster, 't', 0, RECORDS)
  cluster.intercept(fetch, async ({ clientId, next }) => {
    const whole = inject(clientId, 'Fetch as a whole')
    const response = await next()
    if (whole !== null) return { ...response, errorCode: whole, responses: [] }
    for (const { partitions } of response.responses) {
      for (const each of partitions) {
        const errorCode = inject(clientId, 'Fetch of a partition')
        if (errorCode !== null) Object.assign(each, { errorCode, records: null })
      }
    }
    return response
  })
  cluster.intercept(listOffsets, async ({ clientId, request, next }) => {
    const isByTime = request.topics[0].partitions[0].timestamp >= 0n
    const code = inject(clientId, isByTime ? 'ListOffsets by time' : 'ListOffsets by policy')
    const response = await next()
    if (code !== null) {
      Object.assign(response.topics[0].partitions[0], { errorCode: code, offset: -1n })
    }
    return response
  })
  cluster.intercept(offsetForLeaderEpoch, async ({ clientId, next }) => {
    const code = inject(clientId, 'OffsetForLeaderEpoch')
    const response = await next()
    if (code !== null) {
      Object.assign(response.topics[0].partitions[0], { errorCode: code, endOffset: -1n })
    }
    return response
  })
  cluster.intercept(offsetFetch, async ({ clientId, next }) => {
    const code = inject(clientId, 'OffsetFetch of a partition')
    const response = await next()
    if (code === null) return response
    for (const { topics } of response.groups) {
      for (const { partitions } of topics) for (const each of partitions) each.errorCode = code
    }
    return response
  })
})
afterAll(() => cluster.close())

let clients = 0

/** What came of it: how many errors the caller got, and whether everything was read in the end. */
async function live(place: Place, code: number, times: number): Promise<string> {
  const clientId = `client-${clients++}`
  const consumer = consumerOf(
    cluster,
    {
      groupId: clientId,
      enableAutoCommit: false,
      fetchMaxWaitMs: 5,
      autoOffsetReset: place === 'ListOffsets by time' ? { timestamp: 1 } : 'earliest',
    },
    { clientId, retryBackoffMs: 1, retryBackoffMaxMs: 2 },
  )
  let errors = 0
  const read = new Set<string>()
  try {
    consumer.assign([t0])
    if (!place.startsWith('ListOffsets')) {
      await consumer.commit([{ ...t0, offset: 0n, leaderEpoch: 0 }])
    }
    injections.set(clientId, { place, code, left: times })
    const deadline = performance.now() + 8000
    const isUsed = (): boolean => injections.get(clientId)?.left === 0
    while (read.size < RECORDS || !isUsed()) {
      if (performance.now() > deadline) return `silent after ${errors} errors`
      try {
        for await (const record of consumer.records({ signal: AbortSignal.timeout(9000) })) {
          read.add(String(record.offset))
          if (read.size === RECORDS && isUsed()) break
        }
      } catch (error) {
        if (!String(error).includes(codeName(code))) return `an error without its code: ${error}`
        errors++
      }
    }
    if (consumer.health().state !== 'assigned') return `ended: ${consumer.health().error}`
    return `${errors} errors`
  } finally {
    await consumer.close()
  }
}

describe('every code is what the tables say it is', () => {
  for (const [place, codesOfCaller] of Object.entries(reported) as [Place, readonly number[]][]) {
    it(`in ${place}`, async () => {
      const cases = codes.flatMap((code) =>
        // A log that has no timestamps to search is read from its end: reset.test.ts.
        (code === 43 && place === 'ListOffsets by time' ? [1] : [1, 3]).map((times) => ({
          code,
          times,
        })),
      )
      const wrong: Record<string, string> = {}
      const work = async (): Promise<void> => {
        for (let next = cases.pop(); next !== undefined; next = cases.pop()) {
          const { code, times } = next
          const outcome = await live(place, code, times)
          const expected = `${codesOfCaller.includes(code) ? times : 0} errors`
          if (outcome !== expected) wrong[`${codeName(code)} [${code}] x ${times}`] = outcome
        }
      }
      await Promise.all(Array.from({ length: 12 }, work))
      expect(wrong).toEqual({})
    }, 120_000)
  }
})

it('a consumer that is told of a missing permission reads when it is given', async () => {
  const clientId = 'late'
  const consumer = consumerOf(cluster, {}, { clientId })
  injections.set(clientId, { place: 'Fetch of a partition', code: 29, left: 2 })
  consumer.assign([{ ...t0, offset: 0n }])
  await expect(take(consumer, 1)).rejects.toThrow(/TOPIC_AUTHORIZATION_FAILED/)
  await expect(take(consumer, 1)).rejects.toThrow(/TOPIC_AUTHORIZATION_FAILED/)
  expect(await take(consumer, 1)).toEqual(['t-0:0'])
  await consumer.close()
})
