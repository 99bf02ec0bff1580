// Credentials that the brokers refuse: at the start the caller learns of it at once, in mid-life a member
// keeps trying, as an operator may have set them a moment too early.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { AuthenticationError } from '../../../src/errors.ts'
import { saslAuthenticate } from '../../../src/protocol/messages/sasl-authenticate.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill } from '../harness.ts'

const sasl = {
  mechanism: 'PLAIN',
  username: 'ann',
  password: 'secret',
  allowUnencrypted: true,
} as const

let cluster: TestCluster
const open: Consumer[] = []
let isRefusing = false
let refusals = 0
beforeEach(async () => {
  isRefusing = false
  refusals = 0
  cluster = await TestCluster.start({
    topics: { t: 1 },
    sasl: { mechanisms: ['PLAIN'], users: { ann: 'secret' } },
    properties: { groupMinSessionTimeoutMs: 100, groupConsumerHeartbeatIntervalMs: 20 },
  })
  cluster.intercept(saslAuthenticate, async ({ next }) => {
    const answer = await next()
    if (!isRefusing) return answer
    refusals++
    return { ...answer, errorCode: 58, errorMessage: 'not now', authBytes: Buffer.alloc(0) }
  })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close({ timeoutMs: 500 })))
  await cluster.close()
})

function member(options: ConsumerOptions = {}): Consumer {
  const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'], ...options }, { sasl })
  open.push(consumer)
  return consumer
}

const protocols: Record<string, ConsumerOptions> = {
  classic: { sessionTimeoutMs: 300 },
  consumer: { groupProtocol: 'consumer', heartbeatIntervalMs: undefined },
}

describe.each(Object.entries(protocols))(
  'with the %s protocol, refused credentials',
  (_, options) => {
    it('in mid-life are no end: the member reads on when they are accepted', async () => {
      await fill(cluster, 't', 0, 3)
      const consumer = member(options)
      const got = new Set<bigint>()
      let failure: unknown = null
      const running = consumer
        .run({ eachRecord: ({ offset }) => void got.add(offset) })
        .catch((error: unknown) => {
          failure = error
        })
      await cluster.waitFor(() => got.size === 3)
      isRefusing = true
      cluster.disconnectAll()
      // Longer than the session: the membership is lost, too.
      await cluster.waitFor(() => refusals > 5)
      await new Promise((resolve) => setTimeout(resolve, 500))
      expect(consumer.health().problems.length).toBeGreaterThan(0)
      isRefusing = false
      await fill(cluster, 't', 0, 3)
      await cluster.waitFor(() => got.size === 6 || failure !== null)
      expect(failure).toBeNull()
      await consumer.close()
      await running
    })

    it('that last reach the caller, and a later loop tries again', async () => {
      await fill(cluster, 't', 0, 1)
      const consumer = member({ ...options, defaultApiTimeoutMs: 300 })
      const records = consumer.records()
      await records.next()
      isRefusing = true
      cluster.disconnectAll()
      await expect(records.next()).rejects.toThrow(AuthenticationError)
      isRefusing = false
      await fill(cluster, 't', 0, 1)
      const again = consumer.records()
      let record = await again.next()
      // What was in hand when the membership was lost comes again.
      if (record.value?.offset === 0n) record = await again.next()
      expect(record.value).toBeDefined()
    })

    it('at the start reach the caller at once, and a later loop tries again', async () => {
      await fill(cluster, 't', 0, 1)
      isRefusing = true
      const consumer = member(options)
      const start = performance.now()
      await expect(consumer.records().next()).rejects.toThrow(AuthenticationError)
      expect(performance.now() - start).toBeLessThan(5000)
      expect(consumer.health().state).not.toBe('failed')
      isRefusing = false
      let value: unknown
      for (let attempt = 0; attempt < 3 && value === undefined; attempt++) {
        // A second refusal may be on its way still.
        value = await consumer
          .records()
          .next()
          .then(
            (result) => result.value,
            () => undefined,
          )
      }
      expect(value).toBeDefined()
    })
  },
)
