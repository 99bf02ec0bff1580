// Every error code that Kafka has, once in every place where a share group may get one: the consumer does
// what docs/internals/share-consumer.md says, and no record is lost.

import { expect, test, vi } from 'vitest'
import { heartbeatAction } from '../../src/consumer/group/heartbeat-error-table.ts'
import { AcknowledgementError } from '../../src/errors.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { shareAcknowledge } from '../../src/protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../../src/protocol/messages/share-fetch.ts'
import { shareGroupHeartbeat } from '../../src/protocol/messages/share-group-heartbeat.ts'
import type { ShareConsumer } from '../../src/share-consumer/share-consumer.ts'
import {
  sharePartitionAction,
  shareSessionAction,
} from '../../src/share-consumer/share-error-table.ts'
import { fill } from '../consumer/harness.ts'
import { seen, shareConsumerOf, startShareCluster } from './harness.ts'

const codes = Object.entries(errorCodes).filter(([name]) => name !== 'NONE')
/** A code of a broker newer than this client. */
const all: [string, number][] = [...codes, ['A_NEW_CODE', 999]]

async function limit(name: string): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
  throw new Error(`${name} has not ended`)
}

/** Sixteen at a time. Every failure names its code. */
async function forEachCode(run: (name: string, errorCode: number) => Promise<void>): Promise<void> {
  const left = [...all]
  const failures: string[] = []
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      try {
        await Promise.race([run(...next), limit(next[0])])
      } catch (error) {
        failures.push(`${next[0]}: ${String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  expect(failures).toEqual([])
}

/** Reads until `count` different records were seen; gives the errors on the way. */
async function readAll(consumer: ShareConsumer, count: number): Promise<Error[]> {
  const errors: Error[] = []
  const offsets = new Set<bigint>()
  while (offsets.size < count && errors.length < 3) {
    try {
      const loop = consumer.records()
      for await (const { offset } of loop) {
        offsets.add(offset)
        if (offsets.size < count) continue
        loop.markDone()
        break
      }
    } catch (error) {
      errors.push(error as Error)
    }
  }
  return errors
}

async function expectOutcome(
  action: string,
  consumer: ShareConsumer,
  errors: readonly Error[],
  name: string,
): Promise<void> {
  if (action === 'fatal') {
    expect(errors).toHaveLength(3)
    expect(consumer.health().state).toBe('failed')
    expect(errors[0].message).toContain(name)
    return
  }
  expect(errors.map(({ message }) => message)).toHaveLength(action === 'report' ? 1 : 0)
  if (action === 'report') expect(errors[0].message).toContain(name)
  // Acknowledgements that were lost with a session are told of once.
  await consumer.commit().catch((error) => expect(error).toBeInstanceOf(AcknowledgementError))
  await consumer.commit()
  await vi.waitFor(() => expect(consumer.health().state).toBe('stable'), { timeout: 20_000 })
}

test('ShareGroupHeartbeat, to join and as a member', async () => {
  await forEachCode(async (name, errorCode) => {
    const cluster = await startShareCluster(shortLocks)
    await fill(cluster, 't', 0, 3)
    let isNext = true
    let beatsAfter = 0
    cluster.intercept(shareGroupHeartbeat, async (call) => {
      const response = await call.next()
      beatsAfter++
      if (!isNext) return response
      isNext = false
      beatsAfter = 0
      return { ...response, errorCode, errorMessage: null, assignment: null }
    })
    const consumer = shareConsumerOf(cluster)
    const row = heartbeatAction(errorCode, false)
    const action = row === 'unsupported' ? 'fatal' : row
    const first = await readAll(consumer, 3)
    await expectOutcome(action, consumer, first, errorCode === 999 ? '999' : name)
    if (action === 'fatal') return
    isNext = true
    const hasPassed = (): void => expect(!isNext && beatsAfter > 1).toBe(true)
    await vi.waitFor(hasPassed, { timeout: 20_000 })
    await fill(cluster, 't', 0, 1)
    const later = await readAll(consumer, 1)
    expect(later.length).toBe(action === 'report' ? 1 : 0)
  })
}, 300_000)

test('the head of a ShareFetch response, to open a session and in it', async () => {
  await forEachCode(async (name, errorCode) => {
    const cluster = await startShareCluster(shortLocks)
    await fill(cluster, 't', 0, 3)
    const hit = new Set<boolean>()
    cluster.intercept(shareFetch, (call) => {
      const isFirst = call.request.shareSessionEpoch === 0
      if (hit.has(isFirst)) return call.next()
      hit.add(isFirst)
      return { ...empty, errorCode }
    })
    const consumer = shareConsumerOf(cluster)
    const action = shareSessionAction(errorCode)
    const errors = await readAll(consumer, 3)
    if (action === 'report') {
      // Each of the two is reported, if the second was met.
      expect(errors.length).toBeGreaterThan(0)
      return
    }
    await expectOutcome(action, consumer, errors, errorCode === 999 ? '999' : name)
  })
}, 300_000)

test('a partition of a ShareFetch response', async () => {
  await forEachCode(async (name, errorCode) => {
    const cluster = await startShareCluster(shortLocks)
    await fill(cluster, 't', 0, 3)
    let isFirst = true
    cluster.intercept(shareFetch, (call) => {
      if (!isFirst) return call.next()
      isFirst = false
      const [{ topicId, partitions }] = call.request.topics
      const failed = partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode,
        errorMessage: null,
        acknowledgeErrorCode: 0,
        acknowledgeErrorMessage: null,
        currentLeader: { leaderId: -1, leaderEpoch: -1 },
        records: Buffer.alloc(0),
        acquiredRecords: [],
      }))
      // The broker has the session that the consumer believes in.
      void call.next()
      return { ...empty, responses: [{ topicId, partitions: failed }] }
    })
    const consumer = shareConsumerOf(cluster, {}, {})
    const errors: Error[] = []
    cluster.forgetProducerState('t', 0)
    errors.push(...(await readAll(consumer, 3)))
    await expectOutcome(
      sharePartitionAction(errorCode),
      consumer,
      errors,
      errorCode === 999 ? '999' : name,
    )
  })
}, 300_000)

test('acknowledgements, in ShareFetch and in ShareAcknowledge', async () => {
  await forEachCode(async (name, errorCode) => {
    const cluster = await startShareCluster()
    await fill(cluster, 't', 0, 2)
    const stops = [
      cluster.intercept(shareFetch, async (call) => {
        const hasAcks = call.request.topics.some(({ partitions }) =>
          partitions.some(({ acknowledgementBatches }) => acknowledgementBatches.length > 0),
        )
        if (!hasAcks) return call.next()
        const response = await call.next()
        const responses = response.responses.map(({ topicId, partitions }) => ({
          topicId,
          partitions: partitions.map((each) => ({ ...each, acknowledgeErrorCode: errorCode })),
        }))
        return { ...response, responses }
      }),
      cluster.intercept(shareAcknowledge, async (call) => {
        const response = await call.next()
        const responses = response.responses.map(({ topicId, partitions }) => ({
          topicId,
          partitions: partitions.map((each) => ({ ...each, errorCode })),
        }))
        return { ...response, responses }
      }),
    ]
    const outcomes: string[] = []
    const consumer = shareConsumerOf(cluster, {
      onAcknowledged: ({ offsets, error }) => outcomes.push(`${offsets.join()} ${error?.message}`),
    })
    const loop = consumer.records()
    const texts: string[] = []
    for (let i = 0; i < 2; i++) {
      const { value } = await loop.next()
      if (value !== undefined) texts.push(seen(value))
    }
    expect(texts).toEqual(['t-0:0@1', 't-0:1@1'])
    loop.markDone()
    // ShareAcknowledge.
    const text = errorCode === 999 ? '999' : name
    await expect(consumer.commit()).rejects.toThrow(text)
    expect(outcomes).toHaveLength(1)
    expect(outcomes[0]).toMatch(/^0,1 The acknowledgement of t-0/)
    expect(outcomes[0]).toContain(text)
    // ShareFetch.
    await fill(cluster, 't', 0, 2)
    await loop.next()
    await loop.next()
    const pending = loop.next()
    await vi.waitFor(() => expect(outcomes.length).toBeGreaterThan(1), { timeout: 20_000 })
    expect(outcomes[1]).toContain(text)
    for (const stop of stops) stop()
    await fill(cluster, 't', 0, 1)
    await pending
    expect(consumer.health().failedAcknowledgements).toBeGreaterThan(2)
    expect(consumer.health().state).toBe('stable')
  })
}, 300_000)

const shortLocks = { properties: { groupShareRecordLockDurationMs: 500 } }

const empty = {
  throttleTimeMs: 0,
  errorCode: 0,
  errorMessage: null,
  acquisitionLockTimeoutMs: 1000,
  responses: [],
  nodeEndpoints: [],
}
