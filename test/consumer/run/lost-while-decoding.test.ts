// A handler that failed is called again once its record is deserialized again: unless the partition was lost meanwhile.

import { expect, onTestFinished, test } from 'vitest'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, latch } from '../harness.ts'

test('the partition is lost while the record is deserialized for another attempt', async () => {
  const cluster = await TestCluster.start({
    topics: { t: 1 },
    properties: { groupMinSessionTimeoutMs: 100 },
  })
  onTestFinished(() => cluster.close())
  await fill(cluster, 't', 0, 1)
  const decoding = latch()
  let decodings = 0
  let isLost = false
  const consumer = consumerOf(cluster, {
    groupId: 'g',
    topics: ['t'],
    heartbeatIntervalMs: 10,
    sessionTimeoutMs: 500,
    valueDeserializer: {
      deserialize: async (bytes) => {
        if (++decodings === 2) await decoding.promise
        return bytes
      },
    },
    onLost: () => {
      isLost = true
    },
  })
  onTestFinished(() => consumer.close())
  const end = new AbortController()
  const lostAtBegin: boolean[] = []
  const run = consumer.run({
    signal: end.signal,
    retry: { retries: 3, retryBackoffMs: 1 },
    eachRecord: (_, { signal }) => {
      lostAtBegin.push(signal.aborted)
      if (lostAtBegin.length === 1) throw new Error('planned')
      if (!signal.aborted) end.abort()
    },
  })
  await cluster.waitFor(() => decodings === 2)
  const remove = cluster.intercept(heartbeat, async ({ next }) => ({
    ...(await next()),
    errorCode: errorCodes.UNKNOWN_MEMBER_ID,
  }))
  await cluster.waitFor(() => isLost)
  remove()
  decoding.open()
  await run
  expect(lostAtBegin).toEqual([false, false])
})
